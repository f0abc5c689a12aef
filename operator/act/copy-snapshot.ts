import { storeKey } from "../api/names.ts";
import type { Step } from "../domain/plan.ts";
import type { SnapshotStore } from "../storage/store.ts";
import type { StepResult } from "./steps.ts";

type Copy = Extract<Step, { do: "copySnapshot" }>;

/** Digest of a pair, as the decision saw it; undefined for one that cannot be used. */
export type DigestOf = (resource: Uint8Array, config: Uint8Array) => string | undefined;

/**
 * Copies a pair under another key of the same group. The bytes are inspected once more just before they are written:
 * what was decided on may have been overwritten since. Rejects with StorageError.
 */
export async function copySnapshot(
  store: SnapshotStore,
  shortID: string,
  { from, to, digest }: Copy,
  digestOf: DigestOf,
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
