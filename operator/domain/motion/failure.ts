import type { GroupMemory } from "../evidence/memory.ts";
import type { PodFact, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { choseSnapshot } from "../pods.ts";
import type { Motion, MotionInput } from "./input.ts";

/** A surge that is not there after this is taken back, ms. */
const SURGE_PATIENCE_MS = 60_000;
/** A failed move is tried again after this, ms. */
export const MOVE_PAUSE_MS = 120_000;

/** A surge that cannot be had, or that came up from the wrong source: then the move stops, and nothing is shrunk. */
export function moveFailure(
  input: MotionInput,
  traffic: WorkloadFact,
  leavers: readonly PodFact[],
): GroupMemory["moveFailedWhy"] {
  const { facts, mode } = input;
  if (traffic.replicas <= input.wanted) return undefined;
  // Of this attempt alone: a pod that came up from the snapshot in the outage, or in an earlier attempt, says nothing.
  const sinceMs = Math.max(Date.parse(facts.group.status.modeSince ?? "") || 0, facts.nowMs - MOVE_PAUSE_MS);
  const fresh = (pod: PodFact) => pod.createdMs > sinceMs;
  if (mode === "ToNormal" && leavers.some((pod) => fresh(pod) && choseSnapshot(pod))) return "CanaryFailed";
  // Of the surge alone: what was broken before it says nothing about it.
  const late = surgeOfNow(facts, traffic.replicas - input.wanted).some((pod) => cannotRun(pod, facts.nowMs));
  const missing = facts.pods.filter((pod) => !pod.deleting).length < traffic.replicas;
  return late || (missing && isRefusedForLong(traffic, facts.nowMs)) ? "SurgeImpossible" : undefined;
}

/** A webhook that was away for a moment, or a quota that is raised at once, needs no move to be given up. */
const isRefusedForLong = ({ failure, failureSinceMs = 0 }: WorkloadFact, nowMs: number): boolean =>
  failure !== undefined && nowMs - failureSinceMs > SURGE_PATIENCE_MS;

/** Not ready for long, and the kubelet or the scheduler says why: it does not merely start slowly. */
export const cannotRun = (pod: PodFact, nowMs: number): boolean =>
  !pod.deleting &&
  !pod.ready &&
  nowMs - pod.createdMs > SURGE_PATIENCE_MS &&
  !(pod.scheduled && pod.trouble === undefined);

/** The newest pods, as many as there are above the wanted number: what the present move brought. */
function surgeOfNow(facts: Facts, surplus: number): PodFact[] {
  const alive = facts.pods.filter((pod) => !pod.deleting);
  return alive.sort((a, b) => b.createdMs - a.createdMs).slice(0, Math.max(0, surplus));
}

/** What is told while a move that failed waits for its next try. */
export function paused(why: "SurgeImpossible" | "CanaryFailed"): NonNullable<Motion["problem"]> {
  const message =
    why === "SurgeImpossible"
      ? "The pods that the move needs cannot be had; the surge was taken back, nothing that serves was touched, and the move is tried again"
      : "A pod that was to come from the control plane came up from the snapshot; the move waits";
  return { reason: why, message };
}
