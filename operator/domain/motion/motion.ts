import { isLacking } from "../evidence/expectation.ts";
import type { GroupMemory } from "../evidence/memory.ts";
import type { PodFact, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Step } from "../plan.ts";
import { isReady, isServing, servesFrom, surgeOf } from "../pods.ts";
import { withPods } from "../templates/live.ts";
import { deadPods, keptHalfWay, leaversOf, remainingOf, stuckPods } from "./candidates.ts";
import { cannotRun, MOVE_PAUSE_MS, moveFailure, paused } from "./failure.ts";
import type { Motion, MotionInput } from "./input.ts";
import { takenBack } from "./taken-back.ts";

/** The lowest that there is: these pods go first, whatever costs a person has set. */
const LEAVING_COST = "-2147483648";

export function motionOf(input: MotionInput): Motion {
  const { facts, memory } = input;
  const stuck = stuckPods(input);
  const leavers = leaversOf(input);
  const motion: Motion = {
    leavers: leavers.length,
    remaining: remainingOf(input),
    stuck: stuck.length,
    steps: [],
    memory: keep(memory),
  };
  const traffic = facts.children.traffic;
  if (!traffic) return motion;
  const limit = surgeOf(facts.group.spec.fallback.rollout.maxSurge, input.wanted);
  const useless = [...stuck.map(deletion), ...deadPods(input).map(deletionNow)];
  motion.steps.push(...useless.slice(0, limit));
  if (motion.steps.length > 0) return motion;
  if (leavers.length === 0) settle(input, traffic, limit, motion);
  else move(input, traffic, leavers, limit, motion);
  return motion;
}

function keep(memory: GroupMemory): Motion["memory"] {
  return memory.moveFailedMs === undefined || memory.moveFailedWhy === undefined
    ? {}
    : { moveFailedMs: memory.moveFailedMs, moveFailedWhy: memory.moveFailedWhy };
}

function deletion(pod: PodFact): Step {
  const why = `it cannot start from its ${pod.start?.choice ?? "unknown"} configuration; a new pod chooses again`;
  return { do: "deletePod", name: pod.name, uid: pod.uid, resourceVersion: pod.resourceVersion, why };
}

/** Its drain would only lengthen what fails: connections that are kept to it end at once, and clients make new ones. */
const DEAD_GRACE_SECONDS = 1;

function deletionNow(pod: PodFact): Step {
  const why =
    "its only worker lost its configuration while the control plane is away; a new pod starts from the snapshot";
  const { name, uid, resourceVersion } = pod;
  return { do: "deletePod", name, uid, resourceVersion, graceSeconds: DEAD_GRACE_SECONDS, why };
}

/** Nothing to replace: bring the number of pods to what is wanted, and a surge on top of it where a move is half way. */
function settle(input: MotionInput, traffic: WorkloadFact, limit: number, motion: Motion): void {
  const { wanted, frozen } = input;
  motion.steps.push(...firstInRoll(input, traffic));
  if (motion.steps.length > 0) return;
  if (traffic.replicas < wanted) {
    if (input.raiseWaits) return;
    motion.steps.push(takenBack(traffic, scale(traffic, wanted, "the wanted number of pods")));
    return;
  }
  const to = Math.min(traffic.replicas, wanted + keptHalfWay(input, limit));
  if (traffic.replicas === to) return;
  const surplus = input.facts.pods.filter((pod) => !pod.deleting && !isReady(pod)).length;
  if (frozen && surplus < traffic.replicas - to) {
    motion.waits = {
      reason: "ScaleDownWaits",
      message: `Scaling down from ${traffic.replicas} to ${to} waits until the control plane answers or fallback is ready: pods that serve could not be started again`,
    };
    return;
  }
  const emptied = followsTheEmptied(input, traffic.replicas - to - surplus);
  if (emptied.length > 0) retire(input, traffic, emptied, motion);
  else shrink(input, traffic, [], to, "the wanted number of pods", motion);
  motion.steps = motion.steps.map((step) => takenBack(traffic, step));
}

/**
 * Of more pods than are wanted, those to give up first. Beside a control plane that lost what it held, a pod that follows
 * it serves nothing, and the cluster would as soon take one that started from the snapshot. Those that are not ready go
 * before all others anyway.
 */
function followsTheEmptied({ facts, expectation, wanted }: MotionInput, many: number): PodFact[] {
  if (!isLacking(expectation)) return [];
  const ready = facts.pods.filter(isReady);
  if (!ready.some((pod) => servesFrom(pod, "fallback"))) return [];
  const following = ready.filter((pod) => pod.start?.choice === "normal").sort((a, b) => b.createdMs - a.createdMs);
  // By all that is seen one that follows may serve: it goes only while as many as are wanted serve without it.
  let spare = ready.filter(isServing).length - wanted;
  const leaving = following.filter((pod) => !isServing(pod) || spare-- > 0);
  return leaving.slice(0, Math.max(0, many));
}

/**
 * A roll that goes on beside a control plane that lost what it held, as its pods start from the snapshot: of the former
 * templates' pods it is to take those first that follow it, and not one that was made anew meanwhile and has content.
 */
function firstInRoll({ facts, expectation }: MotionInput, traffic: WorkloadFact): Step[] {
  const [newest, ...older] = withPods(traffic);
  if (!isLacking(expectation) || newest === undefined || older.length === 0) return [];
  const follows = ({ start, check, templateHash }: PodFact) =>
    start?.choice === "normal" && check !== "pass" && templateHash !== newest.templateHash;
  const unmarked = facts.pods.filter((pod) => isReady(pod) && follows(pod) && pod.deletionCost !== LEAVING_COST);
  return unmarked.map((pod) => mark(pod, LEAVING_COST, "it follows a control plane that lost what it held"));
}

function move(input: MotionInput, traffic: WorkloadFact, leavers: PodFact[], limit: number, motion: Motion): void {
  const { facts, wanted, memory } = input;
  if (input.frozen || !input.waveOpen || input.replicasHeld !== undefined) return;
  if (memory.moveFailedMs !== undefined && facts.monoMs - memory.moveFailedMs < MOVE_PAUSE_MS) {
    motion.problem = paused(memory.moveFailedWhy ?? "SurgeImpossible");
    if (traffic.replicas > wanted) takeBack(input, traffic, leavers, memory.moveFailedWhy, motion);
    return;
  }
  motion.memory = {};
  const failure = moveFailure(input, traffic, leavers);
  if (failure) {
    motion.memory = { moveFailedMs: facts.monoMs, moveFailedWhy: failure };
    motion.problem = paused(failure);
    takeBack(input, traffic, leavers, failure, motion);
    return;
  }
  const { neighbours } = input;
  const other = traffic.replicas <= wanted && neighbours.find(({ stops }) => stops === "moves");
  if (other) {
    motion.problem = { reason: other.reason, message: other.message };
    return;
  }
  const leaving = mayLeave(input, traffic, leavers);
  if (leaving.length > 0) retire(input, traffic, leaving, motion);
  else if (traffic.replicas <= wanted && !isShrinking(facts, traffic))
    motion.steps.push(scale(traffic, wanted + Math.min(limit, leavers.length), "successors before anything leaves"));
}

/** Replicas were lowered, and who leaves is still there: a surge now would keep it, or make a pod for a moment. */
function isShrinking({ pods }: Facts, traffic: WorkloadFact): boolean {
  if (!traffic.observed) return true;
  const oneTemplate = traffic.replicaSets.filter((set) => set.replicas > 0).length <= 1;
  return oneTemplate && pods.filter((pod) => !pod.deleting).length > traffic.replicas;
}

/** Of the leavers as many as there are pods above the wanted number, and only while as many as wanted serve without them. */
function mayLeave({ facts, wanted }: MotionInput, traffic: WorkloadFact, leavers: readonly PodFact[]): PodFact[] {
  const surplus = traffic.replicas - wanted;
  if (surplus <= 0) return [];
  const brokenFirst = [...leavers].sort((a, b) => Number(isServing(a)) - Number(isServing(b)));
  const others = facts.pods.filter((pod) => !pod.deleting && !leavers.includes(pod));
  // Of a successor it must be known that it loaded; what serves already needs no new proof of that.
  const unchecked = facts.group.spec.traffic.check === undefined;
  const loaded = (pod: PodFact) => isServing(pod) && (unchecked || pod.check === "pass");
  const successorsServe = others.length >= surplus && others.every(loaded);
  // A pod that cannot run serves nobody with or without this move, and must not hold it up for ever.
  const floor = wanted - facts.pods.filter((pod) => cannotRun(pod, facts.nowMs)).length;
  const leaving: PodFact[] = [];
  let serving = leavers.filter(isServing).length + others.filter(loaded).length;
  let ready = facts.pods.filter(isReady).length;
  for (const pod of brokenFirst.slice(0, surplus)) {
    // A pod that serves badly leaves when its successor serves, however many others still serve badly.
    const may = isServing(pod) ? serving - 1 >= floor : successorsServe && ready - 1 >= wanted;
    if (!may) break;
    if (isServing(pod)) serving -= 1;
    ready -= 1;
    leaving.push(pod);
  }
  return leaving;
}

/** First the marks; when they are seen on the pods, the replicas are lowered. */
function retire(input: MotionInput, traffic: WorkloadFact, leaving: PodFact[], motion: Motion): void {
  const marked = input.facts.pods.filter((pod) => !pod.deleting && pod.deletionCost === LEAVING_COST);
  // A move that turned round leaves marks behind: with them the wrong pods would go.
  const stale = marked.filter((pod) => !leaving.includes(pod));
  for (const pod of stale) motion.steps.push(mark(pod, "0", "stays after all"));
  const markedLeaving = leaving.filter((pod) => marked.includes(pod));
  if (markedLeaving.length < leaving.length) {
    for (const pod of leaving) if (!marked.includes(pod)) motion.steps.push(mark(pod, LEAVING_COST, "leaves next"));
    return;
  }
  if (stale.length === 0)
    shrink(input, traffic, leaving, traffic.replicas - leaving.length, "enough serve without those that leave", motion);
}

/** Lowers the replicas, with the floor that is read live just before; only while one ReplicaSet alone has pods. */
function shrink(
  input: MotionInput,
  traffic: WorkloadFact,
  leaving: PodFact[],
  to: number,
  why: string,
  motion: Motion,
): void {
  if (!traffic.observed || traffic.replicaSets.filter((set) => set.replicas > 0).length > 1) return;
  const staying = input.facts.pods.filter((pod) => isServing(pod) && !leaving.includes(pod));
  const minServingAfter = Math.min(to, staying.length);
  motion.steps.push(scale(traffic, to, why, { minServingAfter, staying: staying.map((pod) => pod.uid) }));
}

const mark = (pod: PodFact, cost: string, why: string): Step => ({
  do: "markPod",
  name: pod.name,
  uid: pod.uid,
  resourceVersion: pod.resourceVersion,
  cost,
  why,
});

function scale(
  traffic: WorkloadFact,
  to: number,
  why: string,
  live?: { minServingAfter: number; staying: readonly string[] },
): Step {
  const step = {
    do: "scale",
    name: traffic.name,
    from: traffic.replicas,
    to,
    resourceVersion: traffic.resourceVersion,
    why,
  } as const;
  return live ? { ...step, live } : step;
}

function takeBack(
  input: MotionInput,
  traffic: WorkloadFact,
  leavers: readonly PodFact[],
  why: GroupMemory["moveFailedWhy"],
  motion: Motion,
): void {
  // Pods that are not ready are chosen first by the ReplicaSet controller; those that came up wrongly must be marked.
  const newest = [...leavers].sort((a, b) => b.createdMs - a.createdMs).slice(0, traffic.replicas - input.wanted);
  if (why === "CanaryFailed") retire(input, traffic, newest, motion);
  else shrink(input, traffic, [], input.wanted, "the surge cannot be had", motion);
}
