import { storeKey } from "../api/names.ts";
import type { PairName, Step } from "../domain/plan.ts";
import { type Clock, deadline } from "../kube/clock.ts";
import type { WriteGate } from "../kube/write-gate.ts";
import {
  type HeadResult,
  type SnapshotStore,
  StorageError,
  type Which,
  type WriteCondition,
} from "../storage/store.ts";
import type { StepResult } from "./step-deps.ts";

type Copy = Extract<Step, { do: "copySnapshot" }>;

/** Digest of a pair, as the decision saw it; undefined for one that cannot be used. */
export type DigestOf = (resource: Uint8Array, config: Uint8Array) => Promise<string | undefined>;

export interface CopyDeps {
  store: SnapshotStore;
  shortID: string;
  digestOf: DigestOf;
  clock: Clock;
  /** Of the leader: each of the two writes passes it. */
  gate: WriteGate;
  /** The first of the two objects is being written: until the second one is, the target may be no pair. */
  halfWritten: () => void;
  /** The second one was refused, and the target is the former pair again. */
  rolledBack: () => void;
  /** Digest of the verified pair on record, a copy of which is kept. */
  before?: string;
  /** Larger objects are TooLarge; left out: what a store accepts at most. */
  maxBytes?: number;
  /** One of COPY_LIMITS_MS. */
  limitsMs: { untilHalf: number; secondHalf: number };
}

/**
 * The loop waits for a copy, and evidence with a gap in it counts anew. In doubt both limits together are below the shortest
 * gap there is (domain/evidence/evidence.ts), or a store that trickles would keep a group from ever moving. While the control plane
 * answers there is time for a large snapshot; below the minute that a loop may take.
 */
export const COPY_LIMITS_MS = {
  inDoubt: { untilHalf: 7_000, secondHalf: 3_000 },
  calm: { untilHalf: 40_000, secondHalf: 10_000 },
};

/**
 * Copies a pair under another key of the same group. The bytes are inspected once more just before they are written:
 * what was decided on may have been overwritten since. Rejects with StorageError, or KubeError "GateClosed".
 */
export async function copySnapshot(deps: CopyDeps, step: Copy, signal: AbortSignal): Promise<StepResult> {
  const target = keyOfPair(step.to, deps.shortID, step.digest);
  try {
    const found = await within(deps, step, deps.limitsMs.untilHalf, signal, (limit) =>
      firstHalf(deps, step, target, limit),
    );
    if (!found) return "conflict";
    const { body, seen, isEqual, written } = found;
    if (isEqual) return "done";
    // A time of its own: half a pair is worse than either.
    await within(deps, step, deps.limitsMs.secondHalf, signal, async (limit) => {
      try {
        await write(deps, "config", target, body, seen, limit);
      } catch (error) {
        if (written !== undefined && isDefinite(error)) await rollBack(deps, step, target, written, limit);
        throw error;
      }
    });
    return "done";
  } catch (error) {
    // Somebody else wrote in between: nothing was overwritten, and the next loop looks again.
    if (error instanceof StorageError && error.fault === "PreconditionFailed") return "conflict";
    throw error;
  }
}

const keyOfPair = (pair: PairName, shortID: string, digest: string): string =>
  pair === "generation" ? storeKey.generation(shortID, digest) : storeKey[pair](shortID);

/** All but the last write, which it returns; undefined when the source is no longer what was decided on. */
async function firstHalf(
  deps: CopyDeps,
  { from, digest }: Copy,
  target: string,
  signal: AbortSignal,
): Promise<{ body: Uint8Array; seen: HeadResult; isEqual: boolean; written: string | undefined } | undefined> {
  const { store, shortID, digestOf, maxBytes } = deps;
  const options = maxBytes === undefined ? {} : { maxBytes };
  // The target is looked at before the source: a process that stands still at any point from here on, and wakes when
  // another one leads, finds a target that it has not seen, and writes nothing over it.
  const seenResource = await store.head("resource", target, signal);
  const seen = await store.head("config", target, signal);
  const source = keyOfPair(from, shortID, digest);
  const resource = await store.read("resource", source, options, signal);
  const config = await store.read("config", source, options, signal);
  if (resource.state !== "found" || config.state !== "found") return undefined;
  if ((await digestOf(resource.body, config.body)) !== digest) return undefined;
  signal.throwIfAborted(); // the inspection does not look: nothing was sent until here, and nothing will be
  // A half that stands there already is not written.
  const isEqual = await isThere(store, "config", target, config.body, seen, signal);
  if (await isThere(store, "resource", target, resource.body, seenResource, signal))
    return { body: config.body, seen, isEqual, written: undefined };
  // From here on nobody knows: also a write that was given up may have come through.
  deps.halfWritten();
  const written = await write(deps, "resource", target, resource.body, seenResource, signal);
  return { body: config.body, seen, isEqual, written };
}

/** Returns the ETag of what was written. */
async function write(
  { store, clock, gate, limitsMs }: CopyDeps,
  which: Which,
  target: string,
  body: Uint8Array,
  seen: HeadResult,
  signal: AbortSignal,
): Promise<string> {
  const leading = deadline(clock, limitsMs.untilHalf, signal, gate.enter(`write the ${which} of "${target}"`));
  try {
    const stillAsSeen: WriteCondition = seen.state === "found" ? { ifMatch: seen.etag } : { ifNoneMatch: "*" };
    return (await store.write(which, target, body, stillAsSeen, leading.signal)).etag;
  } finally {
    leading.release();
  }
}

async function isThere(
  store: SnapshotStore,
  which: Which,
  target: string,
  body: Uint8Array,
  seen: HeadResult,
  signal: AbortSignal,
): Promise<boolean> {
  if (seen.state !== "found" || seen.sizeBytes !== body.byteLength) return false;
  const there = await store.read(which, target, { maxBytes: body.byteLength }, signal);
  return there.state === "found" && there.etag === seen.etag && Buffer.compare(there.body, body) === 0;
}

/** The store said no: what it did not take it will not take later. */
const isDefinite = (error: unknown): boolean =>
  error instanceof StorageError &&
  ["AccessDenied", "WrongCredentials", "BucketMissing", "Throttled"].includes(error.fault);

/**
 * The second half was refused: the first one of the former pair is put back from its kept copy, if it is still ours that
 * stands there. Where that fails, too, the next loop finds half a pair and does the same.
 */
async function rollBack(
  deps: CopyDeps,
  { to }: Copy,
  target: string,
  written: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, shortID, before, maxBytes } = deps;
  if (to !== "verified" || before === undefined) return;
  try {
    const kept = storeKey.generation(shortID, before);
    const former = await store.read("resource", kept, maxBytes === undefined ? {} : { maxBytes }, signal);
    if (former.state !== "found") return;
    const gate = deps.gate.enter(`put the resource of "${target}" back`);
    const leading = deadline(deps.clock, deps.limitsMs.secondHalf, signal, gate);
    try {
      await store.write("resource", target, former.body, { ifMatch: written }, leading.signal);
    } finally {
      leading.release();
    }
    deps.rolledBack();
  } catch {
    // The refusal of the second half is what is told.
  }
}

async function within<T>(
  { clock }: CopyDeps,
  { from, to }: Copy,
  limitMs: number,
  signal: AbortSignal,
  run: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = deadline(clock, limitMs, signal);
  try {
    return await run(limit.signal);
  } catch (error) {
    if (!limit.expired()) throw error;
    const told = `Cannot copy the snapshot from ${from} to ${to} in time: the store is too slow; will be tried again`;
    throw new StorageError("Timeout", told, { cause: error });
  } finally {
    limit.release();
  }
}
