import { startsInVain } from "../choice.ts";
import { isLacking, mayFollow } from "../evidence/expectation.ts";
import type { PodFact } from "../facts/cluster.ts";
import { cannotStart, choseSnapshot, isNotUp, isReady, isServing, servesNobody } from "../pods.ts";
import { cannotRun } from "./failure.ts";
import type { MotionInput } from "./input.ts";

/** Which pods a motion is about: those that cannot start, those that leave, those that remain to be replaced. */

/**
 * Harms nobody: such a pod serves nothing, and a container that restarts in place keeps its configuration. Without the
 * control plane a normal pod chooses anew when a proof waits for it; with it, one that cannot read the store does.
 */
export function stuckPods({ facts, evidence, expectation, publishedKeys, mode }: MotionInput): PodFact[] {
  const proven = (pod: PodFact) => pod.proofKey !== undefined && publishedKeys.has(pod.proofKey);
  const renewed = (pod: PodFact) => proven(pod) && lacksKeys(pod, facts.nowMs) && isProvenSince(pod, facts);
  if (evidence.verdict.word === "Reachable") {
    // In fallback a new pod would choose the snapshot again, and so would one beside a control plane that lacks much.
    if (mode === "ToFallback" || mode === "Fallback") return facts.pods.filter(renewed);
    const asBefore = (pod: PodFact) => isLacking(expectation) && proven(pod) && !renewed(pod);
    return facts.pods.filter((pod) => cannotStart(pod, "fallback", facts.nowMs) && !asBefore(pod));
  }
  return facts.pods.filter((pod) => (cannotStart(pod, "normal", facts.nowMs) && proven(pod)) || renewed(pod));
}

/**
 * Ready, and of no use to anybody: the only worker died while the control plane was gone. A successor is not waited for, as
 * each request that reaches it fails; one that serves in part is replaced as any other that serves badly.
 */
export function deadPods(input: MotionInput): PodFact[] {
  const { verdict, witnesses } = input.evidence;
  // In doubt the control plane may be there, and the worker loads by itself within a second.
  if (verdict.word !== "Unreachable" || witnesses.late > 0) return [];
  return input.facts.pods.filter((pod) => isReady(pod) && servesNobody(pod) && mayMove(pod, input));
}

/** It chose the snapshot and does not come up with the storage keys that it found at its start, if it found any. */
const lacksKeys = (pod: PodFact, nowMs: number): boolean =>
  cannotStart(pod, "fallback", nowMs) || (isNotUp(pod) && startsInVain(pod.start ?? NOTHING_CHOSEN));
const NOTHING_CHOSEN = { choice: "normal", absent: [] } as const;

/** A gateway of the same template has loaded the snapshot since this pod was made: one like it would come up now. */
const isProvenSince = (pod: PodFact, { group }: MotionInput["facts"]): boolean =>
  (group.status.snapshot?.proofs ?? []).some(({ key, at }) => key === pod.proofKey && Date.parse(at) > pod.createdMs);

/** Pods from the other source, ready or not: the mode is not reached while there are any. */
export function remainingOf({ facts, mode, motionDue }: MotionInput): number {
  const other = mode === "ToNormal" ? "fallback" : "normal";
  if (mode !== "ToNormal" && !motionDue) return 0;
  return facts.pods.filter(
    // A pod that has not started, and will, may still have been told of fallback. One that cannot keeps nobody.
    (pod) => !pod.deleting && (pod.start ? pod.start.choice === other : mode === "ToNormal" && mayStillStart(pod)),
  ).length;
}

const mayStillStart = (pod: PodFact): boolean => pod.scheduled && pod.trouble === undefined;

/** Pods that take requests and whose source of configuration is not the wanted one. */
export function leaversOf(input: MotionInput): PodFact[] {
  const { facts, mode, evidence, expectation } = input;
  const ready = facts.pods.filter(isReady);
  // A normal pod with an empty worker answers part of its requests with 404 until the control plane is back.
  const broken = ready.filter((pod) => !isServing(pod) && evidence.verdict.word !== "Reachable" && mayMove(pod, input));
  switch (mode) {
    case "ToNormal":
      // While the control plane holds too little, or that is not known, no pod of the snapshot is given up: unless a
      // person has said so.
      if (!mayFollow(expectation)) return [];
      return evidence.verdict.word === "Reachable" ? ready.filter((pod) => pod.start?.choice === "fallback") : [];
    case "ToFallback":
    case "Fallback":
      return input.motionDue ? ready.filter((pod) => mayMove(pod, input)) : broken;
    case "Normal":
      return backToNormal(input) ? ready.filter((pod) => pod.start?.choice === "fallback") : broken;
    default:
      return mode satisfies never;
  }
}

/**
 * Pods that came up from the snapshot in an outage too short to be recorded, or in a place that was cut off, go back
 * once everybody has had the control plane for the return's time, no start has missed it meanwhile, and it holds what is
 * expected.
 */
function backToNormal({ facts, evidence, expectation }: MotionInput): boolean {
  if (!mayFollow(expectation)) return false;
  const dwellMs = facts.group.spec.fallback.recovery.afterSeconds * 1000;
  if (evidence.verdict.reason !== "ControlPlaneAnswers" || evidence.heldMs < dwellMs) return false;
  const missed = (pod: PodFact) => choseSnapshot(pod) || pod.start?.controlPlaneAnswered === false;
  return !facts.pods.some((pod) => missed(pod) && facts.nowMs - (pod.start?.finishedMs ?? 0) < dwellMs);
}

/**
 * A move that does not know just now whether to go on keeps its surge: without leavers nobody is marked, and the cluster
 * would as soon take the successors. How many pods above the wanted number that is; those that cannot run are no successors.
 */
export function keptHalfWay(input: MotionInput, limit: number): number {
  if (!isHalfWay(input)) return 0;
  const { pods, nowMs } = input.facts;
  return Math.max(0, limit - pods.filter((pod) => cannotRun(pod, nowMs)).length);
}

/** A return may have lost sight of the control plane, or of what it holds; a move to the snapshot may not be sure of the loss. */
function isHalfWay(input: MotionInput): boolean {
  if (input.mode === "ToNormal") return input.evidence.verdict.word !== "Reachable" || isUncounted(input);
  return input.motionWaits && input.facts.pods.some((pod) => isReady(pod) && mayMove(pod, input));
}

/** It follows the control plane, and one like it would start from the snapshot. */
const mayMove = ({ start, proofKey }: PodFact, { publishedKeys }: Pick<MotionInput, "publishedKeys">): boolean =>
  start?.choice === "normal" && proofKey !== undefined && publishedKeys.has(proofKey);

const isUncounted = ({ expectation }: MotionInput): boolean => expectation.is === "unknown" && !expectation.approved;
