import { z } from "zod";
import { storeKey } from "../../api/names.ts";
import type { Owner, SnapshotFacts } from "../../domain/facts/outside.ts";
import type { SnapshotStore } from "../../storage/store.ts";
import { storageProblem } from "./faults.ts";
import type { StoreTurns } from "./store-slots.ts";

/** Whose keys these are, as it stands in the store. */
export type Mark =
  | { seen: "nobody" }
  | { seen: "somebody"; owner: Owner; etag: string; lastModifiedMs: number }
  | { seen: "unknown"; reason: string; why: string };

/** What lies in the store beside the three pairs of a group. */
export type Beside = Pick<SnapshotFacts, "generations" | "listingFails"> & { mark: Mark };

type Turns = ReturnType<StoreTurns["enter"]>;

/** Looks when it is the turn of this store. Rejects when `signal` aborts before; of a store that refuses nothing is known. */
export async function readBeside(
  turns: Turns,
  store: () => SnapshotStore,
  shortID: string,
  urgent: () => boolean,
  before: Beside | undefined,
  signal: AbortSignal,
): Promise<Beside> {
  const turnEnds = await turns.take(signal, urgent);
  try {
    return await look(store(), shortID, before, signal);
  } finally {
    turnEnds();
  }
}

async function look(
  store: SnapshotStore,
  shortID: string,
  before: Beside | undefined,
  signal: AbortSignal,
): Promise<Beside> {
  const generations = await kept(store, shortID, signal).catch(() => undefined);
  const mark = await readMark(store, shortID, signal);
  if (generations !== undefined) return { mark, generations };
  // A listing that failed says of no copy that it is gone.
  return { mark, ...(before?.generations ? { generations: before.generations } : {}), listingFails: true };
}

const MARK_MAX_BYTES = 4_096;
const Written = z.object({ cluster: z.string(), namespace: z.string(), name: z.string() });

/** The mark as it stands in the store just now. Never rejects. */
export async function readMark(store: SnapshotStore, shortID: string, signal: AbortSignal): Promise<Mark> {
  const key = storeKey.owner(shortID);
  try {
    const found = await store.read("resource", key, { maxBytes: MARK_MAX_BYTES }, signal);
    if (found.state !== "found") return { seen: "nobody" };
    const read = Written.safeParse(parsed(found.body));
    if (!read.success)
      return { seen: "unknown", reason: "StorageMisconfigured", why: `the object "${key}" names no owner: remove it` };
    return { seen: "somebody", owner: read.data, etag: found.etag, lastModifiedMs: found.lastModified.getTime() };
  } catch (error) {
    const { reason, message } = storageProblem(error);
    return { seen: "unknown", reason, why: message };
  }
}

export const markOf = (owner: Owner): Uint8Array => Buffer.from(JSON.stringify(owner));

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** A copy counts when both of its halves are there. */
async function kept(store: SnapshotStore, shortID: string, signal: AbortSignal): Promise<Beside["generations"]> {
  const prefix = storeKey.generation(shortID, "");
  const [resources, configs] = await Promise.all([
    store.list("resource", prefix, signal),
    store.list("config", prefix, signal),
  ]);
  const whole = new Set(configs.map(({ key }) => key));
  return resources
    .filter(({ key }) => whole.has(key))
    .map(({ key, lastModified }) => ({ digest: key.slice(prefix.length), lastModifiedMs: lastModified.getTime() }))
    .sort((a, b) => b.lastModifiedMs - a.lastModifiedMs || a.digest.localeCompare(b.digest));
}
