import type { Mode } from "../../api/gateway-group-status.ts";
import type { Facts } from "../facts/facts.ts";
import type { Step } from "../plan.ts";
import { short } from "../values/digest.ts";
import { recordAge } from "./age.ts";
import { isKept, isReplaced, keepGeneration, recordReplaced, restore } from "./generations.ts";
import { claim, isAnothersStore, isOurStore } from "./ownership.ts";
import { type Found, usable } from "./pairs.ts";
import { recordRehearsals } from "./pipeline-record.ts";
import { nextRehearsal } from "./pipeline-rehearse.ts";
import { type Pipeline, pipelineEvent } from "./pipeline-state.ts";
import { proofFor, withContentVersions } from "./proof.ts";
import { liveStart } from "./published.ts";
import { doubtOf, quarantineOf } from "./quarantine.ts";
import { baselineOf, baselineWithoutStatus, nextBaseline, shrunkenKinds } from "./shrink.ts";
import { warningsOf } from "./warnings.ts";

/** @param settled see `needsNoCopy` */
export function pipelineOf(facts: Facts, proofKey: string, mode: Mode, settled: boolean): Pipeline {
  const pipeline: Pipeline = { status: { ...facts.group.status.snapshot }, steps: [], events: [] };
  if (pipeline.status.proofs) pipeline.status.proofs = withContentVersions(pipeline.status.proofs, facts);
  recordRehearsals(facts, pipeline);
  // What another control plane's group exports is not ours to prove. What was proven before stays: its digest tells it.
  if (facts.peers.keyConflict?.foreign === true || isAnothersStore(facts)) return pipeline;
  const quarantine = quarantineOf(facts, pipeline.status);
  if (quarantine) pipeline.quarantine = quarantine;
  const before = pipeline.status.digest;
  const former = liveStart(facts.children, facts.group.name).expected ?? usable(facts.snapshot.verified)?.counts;
  const baseline = baselineWithoutStatus(pipeline.status, former, facts.nowMs);
  if (baseline !== undefined) pipeline.status.baseline = baseline;
  recordVerified(facts, pipeline);
  recordReplaced(facts, pipeline.status);
  delete pipeline.status.quarantined;
  if (quarantine) pipeline.status.quarantined = quarantine.digest;
  const warnings = warningsOf(facts, pipeline.status.warnings);
  if (warnings) pipeline.status.warnings = warnings;
  else delete pipeline.status.warnings;
  recordAge(facts, pipeline.status, before);
  const candidate = usable(facts.snapshot.candidate);
  if (candidate) pipeline.status.candidate = candidate.digest;
  else if (facts.snapshot.candidate.seen === "absent") delete pipeline.status.candidate;

  restore(facts, pipeline);
  if (!settled) keepGeneration(facts, pipeline);
  const copies = pipeline.steps.some((step) => step.do === "copySnapshot");
  // One that is being deleted counts no more: on a node that died it would stand there for ever.
  const running = facts.helpers.some((pod) => pod.role === "rehearsal" && !pod.deleting);
  if (!running && !copies) {
    if (!settled) promote(facts, proofKey, mode, pipeline);
    if (pipeline.steps.length === 0) nextRehearsal(facts, proofKey, mode, settled, pipeline);
  }
  // Before the mark is there nothing else is written, nor while nobody can say whose it is.
  if (!isOurStore(facts)) pipeline.steps = [...pipeline.steps.filter((step) => !isStoreStep(step)), ...claim(facts)];
  // A store that did not take a copy is left alone for a while: each try costs the loop seconds.
  if (facts.copying?.paused) pipeline.steps = pipeline.steps.filter((step) => !isStoreStep(step));
  return pipeline;
}

const isStoreStep = ({ do: what }: Step): boolean =>
  what === "copySnapshot" || what === "removeGeneration" || what === "claimStore";

/**
 * In an outage the pair that is proven for what runs stays, and one that cannot be seen is not known to be worse: no
 * copy could make fallback readier, and a slow store would keep the loop from moving the group.
 */
export function needsNoCopy(facts: Facts, runningKey: string): boolean {
  const { verified } = facts.snapshot;
  if (verified.seen === "unknown") return true;
  return verified.seen === "found" && proofFor(facts, runningKey, verified) !== undefined;
}

/** What stands under the verified key is the verified pair once its digest was proven; never because it stands there. */
function recordVerified(facts: Facts, pipeline: Pipeline): void {
  const verified = usable(facts.snapshot.verified);
  if (!verified || verified.digest === pipeline.status.digest) return;
  if (isReplaced(facts, pipeline.status)) return;
  if (!pipeline.status.proofs?.some((proof) => proof.digest === verified.digest)) return;
  recordBaseline(facts, pipeline.status, verified);
  pipeline.status.digest = verified.digest;
  pipeline.status.counts = { ...verified.counts };
  pipeline.status.verifiedAt = new Date(facts.nowMs).toISOString();
  pipeline.events.push(
    pipelineEvent(
      "Normal",
      "SnapshotVerified",
      "Verify",
      `Snapshot ${short(verified.digest)} is the verified pair now`,
    ),
  );
}

/** A pair that is verified although it lost too much was accepted by a person: what came before it is no measure any more. */
function recordBaseline({ group, nowMs }: Facts, status: Pipeline["status"], verified: Found): void {
  const before = baselineOf(status, nowMs) ?? {};
  const accepted = shrunkenKinds(before, verified.counts, group.spec.fallback.snapshot.maxShrinkPercent).length > 0;
  const baseline = accepted ? [] : nextBaseline(status, verified.counts, nowMs);
  if (baseline.length > 0) status.baseline = baseline;
  else delete status.baseline;
}

/** Only a candidate that was loaded is copied, and only in normal mode: a group in fallback keeps what it serves from. */
function promote(facts: Facts, proofKey: string, mode: Mode, pipeline: Pipeline): void {
  const candidate = usable(facts.snapshot.candidate);
  const { verified } = facts.snapshot;
  if (!candidate || verified.seen === "unknown") return;
  // A pair that cannot be used is written again, also with the same content.
  if (usable(verified)?.digest === candidate.digest) return;
  if (!isKept(facts, pipeline.status)) return;
  if (mode !== "Normal" && verified.seen === "found" && verified.digest === pipeline.status.digest) return;
  if (!facts.group.status.snapshot?.proofs?.some((proof) => proof.digest === candidate.digest)) return;
  // Proven for another template alone, it must not take the place of a pair that is proven for this one.
  const provenNow = (pair: Found) => proofFor(facts, proofKey, pair) !== undefined;
  if (verified.seen === "found" && provenNow(verified) && !provenNow(candidate)) return;
  // Looked at once more where it counts: whatever came under the candidate's key, a good pair is not lost to it.
  if (pipeline.quarantine?.digest === candidate.digest || doubtOf(facts, pipeline.status, candidate)) return;
  pipeline.steps.push({
    do: "copySnapshot",
    from: "candidate",
    to: "verified",
    digest: candidate.digest,
    why: "a gateway loaded it",
  });
}
