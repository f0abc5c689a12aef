import type { PodFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { isReady } from "../pods.ts";
import type { GroupMemory } from "./memory.ts";

/** Pods are asked once a minute at rest: three questions without an answer. */
const UNASKED_AFTER_MS = 200_000;

export interface UnaskedCheck {
  memory: Pick<GroupMemory, "uncheckedSinceMs">;
  problem?: Problem;
}

/**
 * A successor counts once it is known to pass `spec.traffic.check`. Where nobody can ask the pods (mutual TLS of a mesh, a
 * NetworkPolicy), a move would wait without an end: better known at rest than in an outage.
 */
export function uncheckedOf(facts: Facts, { uncheckedSinceMs }: GroupMemory): UnaskedCheck {
  const { check } = facts.group.spec.traffic;
  const unasked = facts.pods.filter((pod) => isReady(pod) && pod.check === "unknown");
  if (check === undefined || unasked.length === 0) return { memory: {} };
  const sinceMs = uncheckedSinceMs ?? facts.monoMs;
  // A pod that has just come was not asked yet: it says nothing of the others.
  const old = unasked.filter((pod) => facts.nowMs - pod.createdMs >= UNASKED_AFTER_MS);
  if (old.length === 0 || facts.monoMs - sinceMs < UNASKED_AFTER_MS) return { memory: { uncheckedSinceMs: sinceMs } };
  return { memory: { uncheckedSinceMs: sinceMs }, problem: problemOf(facts, old, check.path) };
}

function problemOf({ rendered: { profile } }: Facts, pods: readonly PodFact[], path: string): Problem {
  const { http } = profile.ports;
  const sorted = pods.map(({ name }) => name).sort();
  const names = sorted.length > 5 ? `${sorted.slice(0, 5).join(", ")} and others` : sorted.join(", ");
  return {
    reason: "CheckUnanswered",
    field: "spec.traffic.check",
    message: `Holdfast gets no answer to ${path} on port ${http} of pods ${names}. Any move of pods would wait for it without an end. Let Holdfast connect to port ${http} (NetworkPolicy; in a mesh that enforces mutual TLS, permit plain HTTP on that port), or remove the check`,
  };
}
