import type { PodFact, ReplicaSetFact, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { isReady, isServing } from "../pods.ts";

// Whose pods serve: asked when a change of the pod template is planned, and again of the finished plan.

/** ReplicaSets that have pods, the newest template first. */
export const withPods = ({ replicaSets }: Pick<WorkloadFact, "replicaSets">): ReplicaSetFact[] =>
  replicaSets.filter((set) => set.replicas > 0).sort((a, b) => b.revision - a.revision);

/** Does a pod of this template serve? One that lost its content with the control plane does here: it takes requests. */
export const hasServing = ({ pods }: Pick<Facts, "pods">, { templateHash }: ReplicaSetFact): boolean =>
  pods.some((pod) => pod.templateHash === templateHash && isServing({ ...pod, lacking: false }));

/** It runs and is not Ready for the moment: it may serve again, from a memory that no other pod can have. */
const keepsMemory = ({ start, trouble, deleting, neverRan }: PodFact): boolean =>
  !deleting && start?.choice === "normal" && trouble === undefined && neverRan !== true;

const mayServe = (pod: PodFact): boolean => isReady(pod) || keepsMemory(pod);

/** None of its pods serves, nor might one do so again without a new start. */
export const keepsNothing = ({ pods }: Pick<Facts, "pods">, { templateHash }: ReplicaSetFact): boolean =>
  !pods.some((pod) => pod.templateHash === templateHash && mayServe(pod));

/** Pods of it that start find a proof, and none that lives follows the control plane. */
export const startsFromSnapshot = (
  { pods }: Pick<Facts, "pods">,
  { templateHash, proofKey }: ReplicaSetFact,
  proven: ReadonlySet<string>,
): boolean =>
  proofKey !== undefined &&
  proven.has(proofKey) &&
  !pods.some((pod) => pod.templateHash === templateHash && !pod.deleting && pod.start?.choice === "normal");

/** Nobody is harmed by another template: no pod takes requests, nor might one do so again without a new start. */
export const nothingServes = ({ pods }: Pick<Facts, "pods">): boolean => !pods.some(mayServe);

/**
 * A template may be put back while no pod of the newest one serves: what is taken away by that serves nobody, and what
 * serves is of the template that is put back. No proof is asked for: this starts no pod that would not start anyway.
 */
export function mayPutBack(facts: Pick<Facts, "pods" | "children">): boolean {
  const [newest] = withPods(facts.children.traffic ?? { replicaSets: [] });
  return newest !== undefined && !hasServing(facts, newest);
}
