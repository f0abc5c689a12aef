import type { Mode } from "../../api/gateway-group-status.ts";
import { ANNOTATION } from "../../api/names.ts";
import type { Facts } from "../facts/facts.ts";
import { snapshotAccepted, withoutAccepted } from "../mode/approvals.ts";
import type { Step } from "../plan.ts";
import { doubtOfVerified } from "./generations.ts";
import { type Found, usable } from "./pairs.ts";
import type { Pipeline } from "./pipeline-state.ts";
import { proofFor } from "./proof.ts";

/** A failed rehearsal of the same thing is tried again after this at the earliest, ms. */
const RETRY_FAILED_MS = 30_000;
const RETRY_FAILED_MAX_MS = 300_000;

/** What a gateway is to load next, or what has to be copied before it can. */
export function nextRehearsal(facts: Facts, proofKey: string, mode: Mode, settled: boolean, pipeline: Pipeline): void {
  if (facts.secrets.reader.seen !== "present" || facts.rendered.reader === undefined) return;
  const raw = pipeline.quarantine || settled ? undefined : usable(facts.snapshot.raw);
  const candidate = usable(facts.snapshot.candidate);
  // What another writer put there is no better than an export.
  const verified = doubtOfVerified(facts, pipeline.status) ? undefined : usable(facts.snapshot.verified);
  const asked = facts.group.annotations[ANNOTATION.rehearseAt];
  const askedNow = asked !== undefined && asked !== facts.group.status.rehearsedAt;
  const target =
    mode === "Normal" && raw && raw.digest !== verified?.digest
      ? newest(facts, proofKey, raw, verified)
      : (verified ?? raw);
  if (!target) return;
  const proven = proofFor(facts, proofKey, target) !== undefined;
  // Content that was proven before comes back, after a change that was undone or a store that lost it: it needs no
  // rehearsal, and still has to get to where pods read.
  if (proven && !askedNow && target === raw && candidate?.digest !== target.digest)
    pipeline.steps.push(toCandidate(target, "an export that was proven before"));
  if (proven && !askedNow) return;
  if (!askedNow && !isDue(facts, proofKey, target.digest, verified)) return;
  if (asked !== undefined) pipeline.rehearsedAt = asked;
  if (target === verified && candidate?.digest !== target.digest) {
    pipeline.rehearse = { objectKey: "verified", ...wantedOf(target) };
    return;
  }
  if (candidate?.digest === target.digest) {
    pipeline.rehearse = { objectKey: "candidate", ...wantedOf(target) };
    return;
  }
  delete pipeline.rehearsedAt;
  pipeline.steps.push(toCandidate(target, "a new export is to be proven"));
}

const wantedOf = ({ digest, counts, items }: Found) => ({ digest, counts, ...(items === undefined ? {} : { items }) });

/** An export that does not load must not keep the verified pair from being proven for a new template. */
function newest(facts: Facts, proofKey: string, raw: Found, verified: Found | undefined): Found {
  const stuck = failedLast(facts, proofKey, raw.digest);
  return stuck && verified !== undefined && proofFor(facts, proofKey, verified) === undefined ? verified : raw;
}

function failedLast({ group }: Facts, proofKey: string, digest: string | undefined): boolean {
  const last = group.status.snapshot?.lastRehearsal;
  return last?.result === "Failed" && last.digest === digest && last.key === proofKey;
}

const toCandidate = ({ digest }: Found, why: string): Step => ({
  do: "copySnapshot",
  from: "raw",
  to: "candidate",
  digest,
  why,
});

const minIntervalMs = ({ group }: Facts): number => group.spec.fallback.rehearsal.minIntervalSeconds * 1000;

export const retryFailedMs = (facts: Facts): number =>
  Math.max(RETRY_FAILED_MS, Math.min(minIntervalMs(facts), RETRY_FAILED_MAX_MS));

/** Changed snapshots wait for the minimum interval; a group that has no proof at all does not. */
function isDue(facts: Facts, proofKey: string, digest: string, verified: Found | undefined): boolean {
  const last = facts.group.status.snapshot?.lastRehearsal;
  if (!last) return true;
  const sinceMs = facts.nowMs - Date.parse(last.at);
  // Where neither of two pairs loads they take turns, with the pause once per turn.
  const sameFailed = failedLast(facts, proofKey, digest) || failedLast(facts, proofKey, verified?.digest);
  // A person who accepted what is missing waits for this alone.
  if (sameFailed) return sinceMs >= (withoutAccepted(facts, digest) ? RETRY_FAILED_MS : retryFailedMs(facts));
  const safe = verified !== undefined && proofFor(facts, proofKey, verified) !== undefined;
  return !safe || sinceMs >= minIntervalMs(facts) || snapshotAccepted(facts, digest);
}
