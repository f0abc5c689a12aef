import type { Facts } from "../facts/facts.ts";
import { short } from "../values/digest.ts";
import { type Found, found, usable } from "./pairs.ts";
import type { Pipeline } from "./pipeline-state.ts";
import { type Doubt, doubtOf } from "./quarantine.ts";

/**
 * What was proven, which copies of it are kept, and what stands under the key that pods read. Two objects cannot be
 * replaced at one instant, and others may write there, too: whatever happens, a copy brings the pair on record back.
 */

type Recorded = Pipeline["status"];

export function hasGeneration({ snapshot }: Facts, digest: string | undefined): boolean {
  return digest !== undefined && (snapshot.generations ?? []).some((one) => one.digest === short(digest));
}

/**
 * Not the pair on record, nor one that Holdfast put there and has not recorded yet. The same pair under the candidate's
 * key, too, is no other writer's: Holdfast alone writes there, or a person who puts an older pair back.
 */
export function isReplaced(facts: Facts, recorded: Recorded): boolean {
  const { verified, candidate } = facts.snapshot;
  if (recorded.digest === undefined || verified.seen === "unknown") return false;
  const pair = usable(verified);
  if (pair && pair.digest === usable(candidate)?.digest) return false;
  return pair?.digest !== recorded.digest && !(pair && isProven(recorded, pair) && !doubtOf(facts, recorded, pair));
}

const isProven = ({ proofs = [] }: Recorded, pair: Found): boolean =>
  proofs.some((proof) => proof.digest === pair.digest);

/** Where the pair on record can be had from, once it is replaced. */
function copyAtHand(facts: Facts, { digest }: Recorded): "candidate" | "generation" | undefined {
  // By what is recorded already, not by what this loop is about to record.
  const { proofs = [] } = facts.group.status.snapshot ?? {};
  if (digest === undefined || !proofs.some((proof) => proof.digest === digest)) return undefined;
  if (usable(facts.snapshot.candidate)?.digest === digest) return "candidate";
  return hasGeneration(facts, digest) ? "generation" : undefined;
}

/** Another pair stands there, and within moments the one on record does: what is published of that one stays. */
export function isBeingRestored(facts: Facts): boolean {
  const recorded = facts.group.status.snapshot ?? {};
  const fails = facts.copying?.problem !== undefined;
  const another = usable(facts.snapshot.verified) !== undefined && isReplaced(facts, recorded);
  return another && !fails && copyAtHand(facts, recorded) !== undefined;
}

/** What another writer put under the verified key is no better than an export: why it is not even tried. */
export function doubtOfVerified(facts: Facts, recorded: Recorded): Doubt | undefined {
  const verified = found(facts.snapshot.verified);
  return verified && isReplaced(facts, recorded) ? doubtOf(facts, recorded, verified) : undefined;
}

export function restore(facts: Facts, pipeline: Pipeline): void {
  const { digest } = pipeline.status;
  if (digest === undefined || !isReplaced(facts, pipeline.status)) return;
  const from = copyAtHand(facts, pipeline.status);
  if (from === undefined) return;
  const why = `what stands under the key "${facts.group.spec.shortID}" is not the verified pair`;
  pipeline.steps.push({ do: "copySnapshot", from, to: "verified", digest, why });
}

/** The pair on record may be replaced only once a copy of it is kept. */
export const isKept = (facts: Facts, { digest }: Recorded): boolean =>
  digest === undefined || usable(facts.snapshot.verified)?.digest !== digest || hasGeneration(facts, digest);

/** Makes the copy that is missing, and then removes the oldest that are too many: a store that refuses is not asked at rest. */
export function keepGeneration(facts: Facts, pipeline: Pipeline): void {
  const { generations } = facts.snapshot;
  const { digest } = pipeline.status;
  // Without a listing a copy that was made is never seen, and would be made again and again.
  if (generations === undefined || facts.snapshot.listingFails) return;
  if (facts.storage.seen !== "present" || digest === undefined) return;
  if (usable(facts.snapshot.verified)?.digest !== digest || hasGeneration(facts, digest)) return;
  const { keep } = facts.storage.spec;
  pipeline.steps.push({ do: "copySnapshot", from: "verified", to: "generation", digest, why: "a copy is kept" });
  for (const old of generations.slice(keep - 1).slice(-REMOVED_AT_ONCE))
    pipeline.steps.push({ do: "removeGeneration", digest: old.digest, why: `${keep} copies are kept` });
}

const REMOVED_AT_ONCE = 5;
/** So long it is told that somebody else writes there: each exporter writes again within this. */
const TOLD_MS = 3_600_000;
/** And so seldom it is recorded anew. */
const RECORDED_EVERY_MS = 600_000;

/** Somebody else writes under the verified key. A copy of ours that was cut off looks the same, and is told as such. */
export function recordReplaced(facts: Facts, status: Recorded): void {
  const verified = found(facts.snapshot.verified);
  const sinceMs =
    status.replaced === undefined ? Number.POSITIVE_INFINITY : facts.nowMs - Date.parse(status.replaced.at);
  if (verified && isReplaced(facts, status) && facts.copying === undefined) {
    if (sinceMs >= RECORDED_EVERY_MS)
      status.replaced = { digest: verified.digest, at: new Date(facts.nowMs).toISOString() };
  } else if (sinceMs >= TOLD_MS) delete status.replaced;
}
