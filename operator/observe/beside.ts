import { storeKey } from "../api/names.ts";
import type { SnapshotFacts } from "../domain/facts-outside.ts";
import type { SnapshotStore } from "../storage/store.ts";
import type { StoreTurns } from "./store-turns.ts";

/** What lies in the store beside the three pairs of a group. */
export type Beside = Pick<SnapshotFacts, "generations">;

type Turns = ReturnType<StoreTurns["enter"]>;

/** Looks when it is the turn of this store. Rejects when `signal` aborts before; of a store that refuses nothing is known. */
export async function readBeside(
  turns: Turns,
  store: () => SnapshotStore,
  shortID: string,
  urgent: () => boolean,
  signal: AbortSignal,
): Promise<Beside> {
  const turnEnds = await turns.take(signal, urgent);
  try {
    return await look(store(), shortID, signal);
  } finally {
    turnEnds();
  }
}

async function look(store: SnapshotStore, shortID: string, signal: AbortSignal): Promise<Beside> {
  const generations = await kept(store, shortID, signal).catch(() => undefined);
  return generations === undefined ? {} : { generations };
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
