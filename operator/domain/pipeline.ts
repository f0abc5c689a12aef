import type { GatewayGroupStatus, Mode, Proof } from "../api/gateway-group-status.ts";
import { ANNOTATION } from "../api/names.ts";
import type { Facts, HelperPodFact, PairFact } from "./facts.ts";
import type { PlannedEvent, Step } from "./plan.ts";
import { proofFor, short } from "./proof.ts";
import { shrunkenKinds } from "./shrink.ts";
import { snapshotAccepted } from "./words.ts";

/** raw -> candidate -> rehearsal -> verified: what is recorded of it, and what is the next thing to do. */
export interface Pipeline {
  status: NonNullable<GatewayGroupStatus["snapshot"]>;
  steps: Step[];
  events: PlannedEvent[];
  quarantine?: { reason: "SnapshotShrunken" | "SnapshotInvalid"; message: string; digest: string };
  /** A rehearsal to start now. The caller makes the pod. */
  rehearse?: { digest: string; objectKey: "candidate" | "verified"; counts: Readonly<Record<string, number>> };
  /** The annotation rehearse-at that was carried out. */
  rehearsedAt?: string;
}

type Found = Extract<PairFact, { seen: "found" }>;
const found = (pair: PairFact): Found | undefined => (pair.seen === "found" ? pair : undefined);
const usable = (pair: PairFact): Found | undefined =>
  pair.seen === "found" && pair.problems.length === 0 ? pair : undefined;

const MAX_PROOFS = 8;
const CLOCK_SLACK_MS = 300_000;
/** A failed rehearsal of the same thing is tried again after this at the earliest, ms. */
const RETRY_FAILED_MS = 30_000;
/** Longer than a rehearsal pod's own deadline (desired/helpers.ts), ms. */
const REHEARSAL_LIMIT_MS = 240_000;

/** @param settled see `needsNoCopy` */
export function pipelineOf(facts: Facts, proofKey: string, mode: Mode, settled: boolean): Pipeline {
  const pipeline: Pipeline = { status: { ...facts.group.status.snapshot }, steps: [], events: [] };
  recordRehearsals(facts, pipeline);
  // What another control plane's group exports is not ours to prove. What was proven before stays: its digest tells it.
  if (facts.peers.keyConflict?.foreign === true) return pipeline;
  const quarantine = quarantineOf(facts, pipeline.status);
  if (quarantine) pipeline.quarantine = quarantine;
  recordVerified(facts, pipeline);
  delete pipeline.status.quarantined;
  if (quarantine) pipeline.status.quarantined = quarantine.digest;
  const candidate = usable(facts.snapshot.candidate);
  if (candidate) pipeline.status.candidate = candidate.digest;
  else if (facts.snapshot.candidate.seen === "absent") delete pipeline.status.candidate;

  // One that is being deleted counts no more: on a node that died it would stand there for ever.
  const running = facts.helpers.some((pod) => pod.role === "rehearsal" && !pod.deleting);
  if (running) return pipeline;
  if (!settled) promote(facts, proofKey, mode, pipeline);
  if (pipeline.steps.length === 0) nextRehearsal(facts, proofKey, mode, settled, pipeline);
  // A store that did not take a copy is left alone for a while: each try costs the loop seconds.
  if (facts.copying?.paused) pipeline.steps = pipeline.steps.filter((step) => step.do !== "copySnapshot");
  return pipeline;
}

/**
 * In an outage the pair that is proven for what runs stays, and one that cannot be seen is not known to be worse: no
 * copy could make fallback readier, and a slow store would keep the loop from moving the group.
 */
export function needsNoCopy(facts: Facts, runningKey: string): boolean {
  const { verified } = facts.snapshot;
  if (verified.seen === "unknown") return true;
  return verified.seen === "found" && proofFor(facts, runningKey, verified) !== undefined;
}

/** The outcome is recorded first; the pod goes in a later loop, when the record is seen in status. */
function recordRehearsals(facts: Facts, pipeline: Pipeline): void {
  for (const helper of facts.helpers.filter((one) => one.role === "rehearsal" && !one.deleting)) {
    const pod = endedInTime(helper, facts.nowMs);
    if (pod.result.state !== "loaded" && pod.result.state !== "failed") continue;
    const last = pipeline.status.lastRehearsal;
    const at = last === undefined ? 0 : Date.parse(last.at);
    // A time that lies ahead is of a clock that was set back since: it says nothing about this pod.
    const recorded = at >= pod.createdMs && at <= Math.max(facts.nowMs, pod.createdMs) + CLOCK_SLACK_MS;
    if (recorded) {
      pipeline.steps.push({
        do: "delete",
        apiVersion: "v1",
        kind: "Pod",
        name: pod.name,
        uid: pod.uid,
        why: "rehearsal recorded",
      });
      continue;
    }
    recordOutcome(facts, pod, pipeline);
  }
}

/** The kubelet's deadline ends a pod that runs; one that never found a node has no kubelet. */
function endedInTime(pod: HelperPodFact, nowMs: number): HelperPodFact {
  if (pod.result.state !== "running" || nowMs - pod.createdMs <= REHEARSAL_LIMIT_MS) return pod;
  const message = `it did not end within ${REHEARSAL_LIMIT_MS / 1000} s: is there room for one more gateway pod?`;
  return { ...pod, result: { state: "failed", message } };
}

function recordOutcome(facts: Facts, pod: HelperPodFact, pipeline: Pipeline): void {
  // Never before the pod was made, though our clock may be behind: what is recorded must be seen to be recorded.
  const at = new Date(Math.max(facts.nowMs, pod.createdMs)).toISOString();
  const digest = pod.digest ?? "";
  const key = pod.proofKey ?? "";
  if (pod.result.state === "failed") {
    pipeline.status.lastRehearsal = { digest, key, result: "Failed", message: pod.result.message.slice(0, 1000), at };
    pipeline.events.push(
      event(
        "Warning",
        "RehearsalFailed",
        "Rehearse",
        `Snapshot ${short(digest)} did not load: ${pod.result.message.slice(0, 300)}`,
      ),
    );
    return;
  }
  const proof: Proof = { key, digest, image: pod.image ?? "", at };
  if (pod.readerSecretVersion !== undefined) proof.readerSecretVersion = pod.readerSecretVersion;
  const others = (pipeline.status.proofs ?? []).filter((other) => other.key !== key || other.digest !== digest);
  pipeline.status.proofs = [proof, ...others].slice(0, MAX_PROOFS);
  pipeline.status.lastRehearsal = { digest, key, result: "Loaded", at };
}

/** Not trusted: unusable, or much of a kind vanished against the verified pair and nobody said that it is meant. */
function quarantineOf(facts: Facts, status: Pipeline["status"]): Pipeline["quarantine"] {
  const raw = found(facts.snapshot.raw);
  if (!raw) return facts.snapshot.raw.seen === "unknown" ? asBefore(facts, status) : undefined;
  if (raw.problems.length > 0)
    return {
      reason: "SnapshotInvalid",
      digest: raw.digest,
      message: `The newest export cannot be used: ${raw.problems.join(", ")}; the verified snapshot stays`,
    };
  if (raw.digest === status.digest || snapshotAccepted(facts, raw.digest)) return undefined;
  const before = status.counts ?? found(facts.snapshot.verified)?.counts;
  if (!before) return undefined;
  const shrunken = shrunkenKinds(before, raw.counts, facts.group.spec.fallback.snapshot.maxShrinkPercent);
  if (shrunken.length === 0) return undefined;
  const lost = shrunken.map((kind) => `${kind.kind} ${kind.before} -> ${kind.after}`).join(", ");
  return {
    reason: "SnapshotShrunken",
    digest: raw.digest,
    message: `The newest export lost much: ${lost}; the verified snapshot stays. If it is meant: annotate ${ANNOTATION.acceptSnapshot}=${short(raw.digest)}`,
  };
}

/** A store that cannot be read just now neither trusts nor doubts anything anew. */
function asBefore(facts: Facts, { quarantined }: Pipeline["status"]): Pipeline["quarantine"] {
  const told = facts.group.status.conditions?.find((condition) => condition.type === "SnapshotQuarantined");
  if (quarantined === undefined || told === undefined) return undefined;
  const reason = told.reason === "SnapshotInvalid" ? "SnapshotInvalid" : "SnapshotShrunken";
  return { reason, message: told.message, digest: quarantined };
}

/** What stands under the verified key is the verified pair once its digest was proven; never because it stands there. */
function recordVerified(facts: Facts, pipeline: Pipeline): void {
  const verified = usable(facts.snapshot.verified);
  if (!verified || verified.digest === pipeline.status.digest) return;
  if (!pipeline.status.proofs?.some((proof) => proof.digest === verified.digest)) return;
  pipeline.status.digest = verified.digest;
  pipeline.status.counts = { ...verified.counts };
  pipeline.status.verifiedAt = new Date(facts.nowMs).toISOString();
  pipeline.events.push(
    event("Normal", "SnapshotVerified", "Verify", `Snapshot ${short(verified.digest)} is the verified pair now`),
  );
}

/** Only a candidate that was loaded is copied, and only in normal mode: a group in fallback keeps what it serves from. */
function promote(facts: Facts, proofKey: string, mode: Mode, pipeline: Pipeline): void {
  const candidate = usable(facts.snapshot.candidate);
  const { verified } = facts.snapshot;
  if (!candidate || verified.seen === "unknown") return;
  // A pair that cannot be used is written again, also with the same content.
  if (usable(verified)?.digest === candidate.digest) return;
  if (mode !== "Normal" && verified.seen === "found" && verified.digest === pipeline.status.digest) return;
  if (!facts.group.status.snapshot?.proofs?.some((proof) => proof.digest === candidate.digest)) return;
  // Proven for another template alone, it must not take the place of a pair that is proven for this one.
  const provenNow = (pair: Found) => proofFor(facts, proofKey, pair) !== undefined;
  if (verified.seen === "found" && provenNow(verified) && !provenNow(candidate)) return;
  if (pipeline.quarantine?.digest === candidate.digest || isShrunken(facts, pipeline.status, candidate)) return;
  pipeline.steps.push({
    do: "copySnapshot",
    from: "candidate",
    to: "verified",
    digest: candidate.digest,
    why: "a gateway loaded it",
  });
}

/** Looked at once more where it counts: whatever came under the candidate's key, a good pair is not lost to it. */
function isShrunken(facts: Facts, { counts }: Pipeline["status"], candidate: Found): boolean {
  if (counts === undefined || snapshotAccepted(facts, candidate.digest)) return false;
  return shrunkenKinds(counts, candidate.counts, facts.group.spec.fallback.snapshot.maxShrinkPercent).length > 0;
}

function nextRehearsal(facts: Facts, proofKey: string, mode: Mode, settled: boolean, pipeline: Pipeline): void {
  if (facts.secrets.reader.seen !== "present" || facts.rendered.reader === undefined) return;
  const raw = pipeline.quarantine || settled ? undefined : usable(facts.snapshot.raw);
  const candidate = usable(facts.snapshot.candidate);
  const verified = usable(facts.snapshot.verified);
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
    pipeline.rehearse = { digest: target.digest, objectKey: "verified", counts: target.counts };
    return;
  }
  if (candidate?.digest === target.digest) {
    pipeline.rehearse = { digest: target.digest, objectKey: "candidate", counts: target.counts };
    return;
  }
  delete pipeline.rehearsedAt;
  pipeline.steps.push(toCandidate(target, "a new export is to be proven"));
}

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

/** Changed snapshots wait for the minimum interval; a group that has no proof at all does not. */
function isDue(facts: Facts, proofKey: string, digest: string, verified: Found | undefined): boolean {
  const last = facts.group.status.snapshot?.lastRehearsal;
  if (!last) return true;
  const sinceMs = facts.nowMs - Date.parse(last.at);
  const intervalMs = facts.group.spec.fallback.rehearsal.minIntervalSeconds * 1000;
  // Where neither of two pairs loads they take turns, with the pause once per turn.
  const sameFailed = failedLast(facts, proofKey, digest) || failedLast(facts, proofKey, verified?.digest);
  if (sameFailed) return sinceMs >= Math.max(RETRY_FAILED_MS, Math.min(intervalMs, 300_000));
  const safe = verified !== undefined && proofFor(facts, proofKey, verified) !== undefined;
  return !safe || sinceMs >= intervalMs || snapshotAccepted(facts, digest);
}

function event(
  type: "Normal" | "Warning",
  reason: "RehearsalFailed" | "SnapshotVerified",
  action: string,
  message: string,
): PlannedEvent {
  return { type, reason, action, message, alsoOnDeployment: false };
}
