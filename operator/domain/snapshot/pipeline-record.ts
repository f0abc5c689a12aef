import type { Proof } from "../../api/gateway-group-status.ts";
import type { HelperPodFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { short } from "../values/digest.ts";
import { type Pipeline, pipelineEvent } from "./pipeline-state.ts";
import { failureText, missingIn, tolerated } from "./without.ts";

const MAX_PROOFS = 8;
const CLOCK_SLACK_MS = 300_000;
/** Longer than a rehearsal pod's own deadline (desired/helpers.ts), ms. */
const REHEARSAL_LIMIT_MS = 240_000;

/** The outcome is recorded first; the pod goes in a later loop, when the record is seen in status. */
export function recordRehearsals(facts: Facts, pipeline: Pipeline): void {
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
  const { result } = pod;
  const without = result.state === "failed" ? tolerated(facts, pipeline.status, digest, key, result) : undefined;
  if (result.state === "failed" && without === undefined) {
    const message = failureText(facts, digest, result);
    const missing = missingIn(result)?.slice(0, 20);
    const listed = missing === undefined ? {} : { missing: [...missing] };
    pipeline.status.lastRehearsal = { digest, key, result: "Failed", message: message.slice(0, 1000), ...listed, at };
    const text = `Snapshot ${short(digest)} did not load: ${message.slice(0, 800)}`;
    pipeline.events.push(pipelineEvent("Warning", "RehearsalFailed", "Rehearse", text));
    return;
  }
  if (without?.by === "person") pipeline.acceptedWithout = digest;
  const proof: Proof = { key, digest, image: pod.image ?? "", at };
  if (without !== undefined) proof.without = [...without.names];
  if (pod.readerSecretVersion !== undefined) proof.readerSecretVersion = pod.readerSecretVersion;
  const others = (pipeline.status.proofs ?? []).filter((other) => other.key !== key || other.digest !== digest);
  pipeline.status.proofs = [proof, ...others].slice(0, MAX_PROOFS);
  pipeline.status.lastRehearsal = { digest, key, result: "Loaded", at };
}
