import { contentVersion } from "../desired/references.ts";
import { canaryPod, rehearsalPod, witnessPod } from "../desired/throwaway-pods.ts";
import { PLACES_NEEDED, placeFreshMs } from "../evidence/evidence.ts";
import type { Facts } from "../facts/facts.ts";
import type { ModeStep } from "../mode/input.ts";
import type { Step } from "../plan.ts";
import type { Situation } from "../situation.ts";
import type { Pipeline } from "../snapshot/pipeline-state.ts";
import { short } from "../values/digest.ts";

/** Short-lived pods beside those that serve: rehearsals, canaries, witnesses; begun when asked for, removed when over. */

export function helperSteps(situation: Situation, step: ModeStep, pipeline: Pipeline): Step[] {
  const { facts, desired } = situation;
  const steps: Step[] = [];
  const suffix = String(Math.floor(facts.nowMs / 1000).toString(36));
  const reader = facts.secrets.reader;
  if (pipeline.rehearse && reader.seen === "present") {
    const { digest, objectKey, counts, items } = pipeline.rehearse;
    const object = rehearsalPod(facts, desired, {
      digest,
      objectKey,
      suffix,
      expectedCounts: counts,
      ...(items === undefined ? {} : { expectedItems: items }),
      readerSecretVersion: contentVersion(reader),
      ...(situation.rehearse.template === undefined ? {} : { template: situation.rehearse.template }),
    });
    const asked = pipeline.rehearsedAt === undefined ? {} : ({ carries: "rehearsedAt" } as const);
    if (object) steps.push({ do: "create", object, why: `prove that snapshot ${short(digest)} loads`, ...asked });
  }
  const canaries = facts.helpers.filter((pod) => pod.role === "canary" && !pod.deleting);
  if (step.wantsCanary && canaries.length === 0) {
    const { template } = situation.running;
    const options = { suffix, expectedCounts: facts.controlPlane.counts ?? {} };
    const object = canaryPod(facts, desired, template === undefined ? options : { ...options, template });
    if (object) steps.push({ do: "create", object, why: "try the control plane before the return" });
  }
  steps.push(...witnessSteps(situation, suffix));
  for (const pod of facts.helpers) {
    if (pod.deleting || !isOver(situation, step, pod)) continue;
    steps.push({
      do: "delete",
      apiVersion: "v1",
      kind: "Pod",
      name: pod.name,
      uid: pod.uid,
      why: `${pod.role} pod is done`,
    });
  }
  return steps;
}

/** A witness pod that no node takes is given up after this, ms. */
const WITNESS_LIMIT_MS = 120_000;
/** Between two rounds: at least, while nothing hangs on them, and where what they say is believed for long. */
const ROUNDS_MIN_MS = 10_000;
const ROUNDS_MS = 60_000;
const ROUNDS_SELDOM_MS = 150_000;
const CANARY_RETRY_MS = 60_000;

/**
 * Until a verdict has lasted long enough to move a group, a round at half of that time, so that two must agree; then seldom.
 */
function roundsEveryMs({ facts, evidence }: Situation): number {
  const { view } = facts.controlPlane.operator;
  const dwellMs = facts.group.spec.fallback.outageAfterSeconds * 1000 * evidence.verdict.dwellFactor;
  if (view !== "readsOk" && evidence.heldMs < dwellMs) return Math.min(ROUNDS_MS, Math.max(ROUNDS_MIN_MS, dwellMs / 2));
  return placeFreshMs(facts) > 2 * ROUNDS_MS ? ROUNDS_SELDOM_MS : ROUNDS_MS;
}

/** Witness pods ask from where gateways run: only while what they say can decide, confirm or contradict. */
function witnessSteps(situation: Situation, suffix: string): Step[] {
  const { facts, evidence, desired } = situation;
  if (evidence.verdict.places === undefined) return [];
  // One that is on its way out keeps nobody: on a node that died it would stand there for ever.
  const witnesses = facts.helpers.filter((pod) => pod.role === "witness" && !pod.deleting);
  const { unansweredSinceMs, disputedSinceMs } = evidence.memory;
  const sinceMs = unansweredSinceMs ?? disputedSinceMs ?? 0;
  const everyMs = roundsEveryMs(situation);
  const isEnough = (pod: (typeof witnesses)[number]) => {
    const ageMs = facts.nowMs - pod.createdMs;
    // One of an earlier trouble says nothing of this one, and keeps a new round waiting only for a moment.
    const ofThis = pod.createdMs >= sinceMs - 1_000;
    return pod.result.state === "running" || ageMs < (ofThis ? everyMs : ROUNDS_MIN_MS);
  };
  if (witnesses.some(isEnough)) return [];
  // As many as must agree, and at the same time: each keeps away from the other's node.
  return Array.from({ length: PLACES_NEEDED }, (_, index) => ({
    do: "create",
    object: witnessPod(facts, desired, { suffix: `${suffix}-${index + 1}` }),
    why: "ask the control plane from where gateways run",
  }));
}

function isOver(situation: Situation, step: ModeStep, pod: Facts["helpers"][number]): boolean {
  const ageMs = situation.facts.nowMs - pod.createdMs;
  if (pod.role === "rehearsal") return false; // the pipeline ends it, when its outcome is recorded
  // One that runs ends by its deadline; one that no node takes would wait for ever.
  if (pod.role === "witness")
    return ageMs > (pod.result.state === "answered" ? placeFreshMs(situation.facts) : WITNESS_LIMIT_MS);
  const wanted = situation.mode === "Fallback" || situation.mode === "ToFallback";
  const failed = pod.result.state === "failed" && ageMs > CANARY_RETRY_MS;
  // A canary that loaded speaks of now, not of an hour ago.
  const old = ageMs > 10 * CANARY_RETRY_MS;
  return (
    !wanted || failed || old || (step.waiting?.reason !== undefined && situation.evidence.verdict.word !== "Reachable")
  );
}
