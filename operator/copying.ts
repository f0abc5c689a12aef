import { COPY_LIMITS_MS, type CopyDeps, copySnapshot } from "./act/copy-snapshot.ts";
import type { StepResult } from "./act/step-deps.ts";
import { storeKey } from "./api/names.ts";
import type { Facts } from "./domain/facts/facts.ts";
import type { OwnerFact } from "./domain/facts/outside.ts";
import type { PairName, Step } from "./domain/plan.ts";
import type { Inspect } from "./gateway/api7/inspect.ts";
import { keyOf } from "./kinds.ts";
import { type Clock, deadline } from "./kube/clock.ts";
import type { WriteGate } from "./kube/write-gate.ts";
import { markOf, readMark } from "./observe/store/beside.ts";
import type { Copies } from "./observe/store/copies.ts";
import { type LargeTurns, SMALL_BYTES } from "./observe/store/large-slots.ts";
import type { SnapshotReader } from "./observe/store/snapshot.ts";
import type { StorePool } from "./observe/store/stores.ts";
import { type SnapshotStore, StorageError } from "./storage/store.ts";

export interface CopyParts {
  snapshots: Pick<SnapshotReader, "hold" | "again">;
  copies: Copies;
  large: LargeTurns;
  pool: Pick<StorePool, "openOf">;
  clock: Clock;
  gate: WriteGate;
  inspect: Inspect;
}

type Copy = Extract<Step, { do: "copySnapshot" }>;

/** A copy within the store when it is this group's turn; `postponed` when it is not. */
export async function copyInTurn(
  parts: CopyParts,
  groupKey: string,
  { group, snapshot }: Facts,
  step: Copy,
  signal: AbortSignal,
): Promise<StepResult> {
  const { snapshots, copies, clock, pool, gate, inspect } = parts;
  const open = pool.openOf(keyOf(group.namespace, group.spec.fallback.storageRef.name));
  if (!open) return "conflict"; // its keys went away since
  const { store, location } = open;
  if (!copies.turns.begin(groupKey, location)) return "postponed";
  const [target] = asked(step.to);
  snapshots.hold(groupKey, [target]);
  let half = false;
  const halfWritten = () => {
    half = true;
  };
  const rolledBack = () => {
    half = false;
  };
  const limitsMs = mayFlip(group) ? COPY_LIMITS_MS.inDoubt : COPY_LIMITS_MS.calm;
  const { shortID } = group.spec;
  const before = group.status.snapshot?.digest;
  const deps = {
    store,
    shortID,
    digestOf: digestBy(inspect),
    clock,
    gate,
    halfWritten,
    rolledBack,
    limitsMs,
    ...(before === undefined ? {} : { before }),
  };
  try {
    if (!(await isStillOurs(store, group.spec.shortID, snapshot?.owner, signal))) {
      snapshots.again(groupKey, ["beside"]);
      return "conflict";
    }
    const result = await copyOfAnySize(parts, location, deps, step, signal);
    if (result === "done") copies.made(groupKey);
    else if (result !== "postponed") copies.failed(groupKey, half);
    return result;
  } catch (error) {
    copies.failed(groupKey, half, error);
    throw error;
  } finally {
    copies.turns.ended(groupKey);
    // Also after a failure: half of a pair may have been written.
    snapshots.again(groupKey, [...asked(step.from), target]);
  }
}

/** Where what is known of a pair comes from. */
const asked = (pair: PairName) => [pair === "generation" ? "beside" : pair] as const;

const ONE_WRITE_MS = 5_000;

/** Writes the mark of the owner. Rejects with StorageError, or KubeError "GateClosed". */
export async function claimStore(
  { snapshots, copies, pool, clock, gate }: Omit<CopyParts, "large" | "inspect">,
  groupKey: string,
  { group }: Facts,
  { owner, over }: Extract<Step, { do: "claimStore" }>,
  signal: AbortSignal,
): Promise<StepResult> {
  const open = pool.openOf(keyOf(group.namespace, group.spec.fallback.storageRef.name));
  if (!open) return "conflict";
  const key = storeKey.owner(group.spec.shortID);
  const leading = deadline(clock, ONE_WRITE_MS, signal, gate.enter(`write "${key}"`));
  try {
    const condition = over === undefined ? ({ ifNoneMatch: "*" } as const) : { ifMatch: over };
    await open.store.write("resource", key, markOf(owner), condition, leading.signal);
    return "done";
  } catch (error) {
    // Another one was first: who it is will be read.
    if (error instanceof StorageError && error.fault === "PreconditionFailed") return "conflict";
    copies.failed(groupKey, false, error);
    throw error;
  } finally {
    leading.release();
    snapshots.again(groupKey, ["beside"]);
  }
}

/** Removes both halves of a kept copy. Rejects with StorageError, or KubeError "GateClosed". */
export async function removeGeneration(
  { snapshots, pool, clock, gate }: Pick<CopyParts, "snapshots" | "pool" | "clock" | "gate">,
  groupKey: string,
  { group }: Facts,
  { digest }: Extract<Step, { do: "removeGeneration" }>,
  signal: AbortSignal,
): Promise<StepResult> {
  const open = pool.openOf(keyOf(group.namespace, group.spec.fallback.storageRef.name));
  if (!open) return "conflict";
  const key = storeKey.generation(group.spec.shortID, digest);
  const leading = deadline(clock, ONE_WRITE_MS, signal, gate.enter(`remove "${key}"`));
  try {
    for (const which of ["resource", "config"] as const) await open.store.remove(which, key, leading.signal);
    return "done";
  } finally {
    leading.release();
    snapshots.again(groupKey, ["beside"]);
  }
}

/** Another cluster may have taken these keys over since: it would be its pair that is written over. */
async function isStillOurs(
  store: SnapshotStore,
  shortID: string,
  owner: OwnerFact | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (owner?.is !== "ours") return owner === undefined;
  const mark = await readMark(store, shortID, signal);
  return mark.seen === "somebody" && mark.etag === owner.etag;
}

/** Only then a gap in the evidence costs anything. A group without a proven pair cannot flip: this copy may bring it one. */
function mayFlip({ status }: Facts["group"]): boolean {
  const ready = status.conditions?.find(({ type }) => type === "FallbackReady");
  return status.controlPlane?.verdict !== "Reachable" && ready?.status === "True";
}

/**
 * Large pairs are in memory one at a time over the whole process. What waited for that in vain is not slow, and has half of
 * its time left where it did not.
 */
async function copyOfAnySize(
  { large, clock }: CopyParts,
  location: string,
  deps: CopyDeps,
  step: Copy,
  signal: AbortSignal,
): Promise<StepResult> {
  const startMs = clock.monotonicMs();
  try {
    return await copySnapshot({ ...deps, maxBytes: SMALL_BYTES }, step, signal);
  } catch (error) {
    if (!(error instanceof StorageError && error.fault === "TooLarge")) throw error;
  }
  const leftMs = () => deps.limitsMs.untilHalf - (clock.monotonicMs() - startMs);
  const limit = deadline(clock, leftMs() / 2, signal);
  let turnEnds: () => void;
  try {
    turnEnds = await large.take(location, limit.signal, () => true);
  } catch (error) {
    if (limit.expired()) return "postponed";
    throw error;
  } finally {
    limit.release();
  }
  try {
    // Both tries and the wait between them are one wait of the loop.
    return await copySnapshot({ ...deps, limitsMs: { ...deps.limitsMs, untilHalf: leftMs() } }, step, signal);
  } finally {
    turnEnds();
  }
}

const digestBy =
  (inspect: Inspect) =>
  async (resource: Uint8Array, config: Uint8Array): Promise<string | undefined> => {
    const { problems, digest } = await inspect(resource, config);
    return problems.length === 0 ? digest : undefined;
  };
