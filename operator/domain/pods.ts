import type { PodFact } from "./facts-cluster.ts";

/** Ready and loaded: the pod's Ready condition, its known start choice, and the check of one route when there is one. */
export function isServing(pod: PodFact): boolean {
  return pod.ready && !pod.deleting && pod.start !== undefined && pod.check !== "fail" && !pod.emptyWorker;
}

/** Takes requests from the Service, well or badly: what the cluster counts. */
export const isReady = (pod: PodFact): boolean => pod.ready && !pod.deleting;

export const servesFrom = (pod: PodFact, choice: "normal" | "fallback"): boolean =>
  isServing(pod) && pod.start?.choice === choice;

/**
 * Cannot start from the configuration it chose: not Ready, it came back more than once, and it does not run at this
 * moment: one that runs and lost its Ready may serve again, from a memory that nobody else has. A container that restarts
 * in place keeps its configuration, so only a new pod can choose again.
 */
export const cannotStart = (pod: PodFact, choice: "normal" | "fallback"): boolean =>
  !pod.deleting && !pod.ready && pod.start?.choice === choice && pod.restarts >= 2 && pod.trouble !== undefined;

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
