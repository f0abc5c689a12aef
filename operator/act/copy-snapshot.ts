import { storeKey } from "../api/names.ts";
import type { Step } from "../domain/plan.ts";
import { type Clock, deadline } from "../kube/clock.ts";
import { type SnapshotStore, StorageError } from "../storage/store.ts";
import type { StepResult } from "./steps.ts";

type Copy = Extract<Step, { do: "copySnapshot" }>;

/** Digest of a pair, as the decision saw it; undefined for one that cannot be used. */
export type DigestOf = (resource: Uint8Array, config: Uint8Array) => string | undefined;

export interface CopyDeps {
  store: SnapshotStore;
  shortID: string;
  digestOf: DigestOf;
  clock: Clock;
}

/**
 * The loop waits for a copy, and evidence with a gap in it counts anew: below the shortest gap there is
 * (domain/evidence.ts), or a store that trickles would keep a group from ever moving.
 */
export const COPY_LIMIT_MS = 8_000;

/**
 * Copies a pair under another key of the same group. The bytes are inspected once more just before they are written:
 * what was decided on may have been overwritten since. Rejects with StorageError.
 */
export async function copySnapshot(deps: CopyDeps, step: Copy, signal: AbortSignal): Promise<StepResult> {
  const limit = deadline(deps.clock, COPY_LIMIT_MS, signal);
  try {
    return await copy(deps, step, limit.signal);
  } catch (error) {
    if (!limit.expired()) throw error;
    const told = `Cannot copy the snapshot from ${step.from} to ${step.to} within ${COPY_LIMIT_MS / 1000} s: the store is too slow; will be tried again`;
    throw new StorageError("Timeout", told, { cause: error });
  } finally {
    limit.release();
  }
}

async function copy(
  { store, shortID, digestOf }: CopyDeps,
  { from, to, digest }: Copy,
  signal: AbortSignal,
): Promise<StepResult> {
  const source = storeKey[from](shortID);
  const resource = await store.read("resource", source, {}, signal);
  const config = await store.read("config", source, {}, signal);
  if (resource.state !== "found" || config.state !== "found") return "conflict";
  if (digestOf(resource.body, config.body) !== digest) return "conflict";
  const target = storeKey[to](shortID);
  await store.write("resource", target, resource.body, {}, signal);
  await store.write("config", target, config.body, {}, signal);
  return "done";
}
