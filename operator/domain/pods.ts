import type { PodFact } from "./facts/cluster.ts";

/**
 * Ready and loaded: the pod's Ready condition, its known start choice, the check of one route when there is one, and a
 * configuration that is not known to have been taken away from it.
 */
export function isServing(pod: PodFact): boolean {
  return (
    pod.ready && !pod.deleting && pod.start !== undefined && pod.check !== "fail" && !pod.emptyWorker && !pod.lacking
  );
}

/**
 * Answers nobody: its only worker has no configuration, as it says itself, and a real request shows it. The one without the
 * other is not enough: what its status port says has another meaning in another build, and an upstream may fail the route.
 * One that says that it has its control plane loads by itself.
 */
export const servesNobody = ({ cores, emptyWorker, check, vote }: PodFact): boolean =>
  cores === 1 && emptyWorker && check === "fail" && vote !== "connected";

/** Takes requests from the Service, well or badly: what the cluster counts. */
export const isReady = (pod: PodFact): boolean => pod.ready && !pod.deleting;

export const servesFrom = (pod: PodFact, choice: "normal" | "fallback"): boolean =>
  isServing(pod) && pod.start?.choice === choice;

/** A pod that is to be gone by now, and is not: its kubelet is not there to end it. */
const LOST_AFTER_MS = 60_000;

/** Does it still exist as more than an object? What is over, or was deleted on a node that is lost, is counted nowhere. */
export const isAlive = ({ over, ready, goneByMs }: PodFact, nowMs: number): boolean =>
  over !== true && (ready || goneByMs === undefined || nowMs - goneByMs <= LOST_AFTER_MS);

/** A pod whose gateway never ran is given so long before it counts as one that cannot start. */
const FIRST_START_MS = 60_000;

/**
 * Cannot start from the configuration it chose: not Ready, it came back more than once, and it does not run at this
 * moment: one that runs and lost its Ready may serve again, from a memory that nobody else has. A container that restarts
 * in place keeps its configuration, so only a new pod can choose again. One whose gateway never ran holds no memory at all.
 */
export function cannotStart(pod: PodFact, choice: "normal" | "fallback", nowMs: number): boolean {
  if (!isNotUp(pod) || pod.start?.choice !== choice) return false;
  return pod.restarts >= 2 || (pod.neverRan === true && nowMs - pod.createdMs > FIRST_START_MS);
}

/** Not Ready, and the kubelet says why. */
export const isNotUp = (pod: PodFact): boolean => !pod.deleting && !pod.ready && pod.trouble !== undefined;

/**
 * It chose the snapshot by itself: it met no control plane, or could not tell (a name or a route that came late). One like
 * it would do the same. Who was told of a recorded fallback shows nothing of the kind.
 */
export const choseSnapshot = ({ start }: PodFact): boolean =>
  start?.choice === "fallback" && start.reason !== "RecordedFallback";

/** How many pods more than `replicas` a move may run; at least one. */
export function surgeOf(maxSurge: number | string, replicas: number): number {
  const wanted =
    typeof maxSurge === "number" ? maxSurge : Math.ceil((replicas * Number(maxSurge.replace("%", ""))) / 100);
  return Math.max(1, wanted);
}
