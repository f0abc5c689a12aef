import { canaryPod, rehearsalPod, witnessPod } from "./desired/helpers.ts";
import { PLACES_NEEDED } from "./evidence.ts";
import type { Facts } from "./facts.ts";
import type { ModeStep } from "./mode.ts";
import type { Pipeline } from "./pipeline-state.ts";
import type { Step } from "./plan.ts";
import { short } from "./proof.ts";
import type { Situation } from "./situation.ts";

/** Short-lived pods beside those that serve: rehearsals, canaries, witnesses; begun when asked for, removed when over. */

export function helperSteps(situation: Situation, step: ModeStep, pipeline: Pipeline): Step[] {
  const { facts, desired } = situation;
  const steps: Step[] = [];
  const suffix = String(Math.floor(facts.nowMs / 1000).toString(36));
  const reader = facts.secrets.reader;
  if (pipeline.rehearse && reader.seen === "present") {
    const { digest, objectKey, counts } = pipeline.rehearse;
    const object = rehearsalPod(facts, desired, {
      digest,
      objectKey,
      suffix,
      expectedCounts: counts,
      readerSecretVersion: reader.resourceVersion,
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

const WITNESS_EVERY_MS = 60_000;
const CANARY_RETRY_MS = 60_000;

/** Witness pods ask from where gateways run: only while Holdfast sees nothing and too few gateways can be asked. */
function witnessSteps({ facts, evidence, desired }: Situation, suffix: string): Step[] {
  const w = evidence.witnesses;
  const serving = w.connected + w.disconnected + w.silent;
  if (w.operator !== "down" && w.operator !== "readTimeout") return [];
  if (w.connected > 0 || (w.operator === "down" && (serving === 0 || w.silent === 0))) return [];
  // One that is on its way out keeps nobody: on a node that died it would stand there for ever.
  const witnesses = facts.helpers.filter((pod) => pod.role === "witness" && !pod.deleting);
  if (witnesses.some((pod) => pod.result.state === "running" || facts.nowMs - pod.createdMs < WITNESS_EVERY_MS))
    return [];
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
  if (pod.role === "witness") return ageMs > 2 * WITNESS_EVERY_MS;
  const wanted = situation.mode === "Fallback" || situation.mode === "ToFallback";
  const failed = pod.result.state === "failed" && ageMs > CANARY_RETRY_MS;
  // A canary that loaded speaks of now, not of an hour ago.
  const old = ageMs > 10 * CANARY_RETRY_MS;
  return (
    !wanted || failed || old || (step.waiting?.reason !== undefined && situation.evidence.verdict.word !== "Reachable")
  );
}
