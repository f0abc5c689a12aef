import { ANNOTATION } from "../../api/names.ts";
import { isLacking, mayGoOnFollowing } from "../evidence/expectation.ts";
import type { ReplicaSetFact, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { howToReturn } from "../mode/approvals.ts";
import type { Step } from "../plan.ts";
import { isReady, isServing } from "../pods.ts";
import { RESTORED } from "../status/cause.ts";
import type { TemplateInput, TemplatePlan } from "./input.ts";
import { hasServing, keepsNothing, mayPutBack, nothingServes, startsFromSnapshot, withPods } from "./live.ts";

// A roll that is under way goes on by itself between two looks: each new pod that is Ready costs one that serves.

const inFallback = ({ mode }: Pick<TemplateInput, "mode">): boolean => mode === "ToFallback" || mode === "Fallback";

/**
 * The control plane was lost in the middle of a roll, or does not hold what is expected, or was not counted since it was
 * lost: pods of the new template would not start, or would follow it and be Ready with nothing to serve.
 */
export function rollThatWaits(input: TemplateInput, live: WorkloadFact): TemplatePlan | undefined {
  const { facts, observing, expectation, verdict } = input;
  if (observing || (!inFallback(input) && mayGoOnFollowing(expectation))) return undefined;
  const [newest, ...older] = withPods(live);
  const starts = ({ proofKey }: ReplicaSetFact) => proofKey !== undefined && input.publishedKeys.has(proofKey);
  // One that neither serves nor could start is no better than what takes its place.
  const before = older.find((set) => hasServing(facts, set)) ?? older.find(starts);
  if (!newest || !before || mayGoOnFromSnapshot(input, newest, older)) return undefined;
  const pending = { reason: "OutageDuringRoll", message: waitText(input) } as const;
  if (inFallback(input) && (live.paused ? keepsNothing(facts, newest) : mayPutBack(facts)))
    return { steps: [putBack(live, before, "no pod of the new template serves")], pending };
  // What is Ready goes only for pods of the template before, and those come from the snapshot.
  const proven = older.find(starts);
  if (inFallback(input) && verdict === "Unreachable" && isLacking(expectation) && proven && !serves(facts, newest))
    return {
      steps: [putBack(live, proven, "pods of the new template followed a control plane that lost much")],
      pending,
    };
  if (live.paused) return { steps: [], pending };
  const why = isLacking(expectation)
    ? "the control plane does not hold what is expected; the roll waits"
    : "pods of the template before serve; the roll waits";
  return { steps: [pause(live, true, why)], pending };
}

/**
 * Pods of the new template come up from the snapshot. In a recorded fallback all do that start; before it, and beside a
 * control plane that lacks what is expected, one that follows it counts for the roll as much as any other.
 */
function mayGoOnFromSnapshot(
  { facts, mode, verdict, publishedKeys, expectation }: TemplateInput,
  newest: ReplicaSetFact,
  older: readonly ReplicaSetFact[],
): boolean {
  if (newest.proofKey === undefined || !publishedKeys.has(newest.proofKey)) return false;
  const recorded = inFallback({ mode });
  // Put back once: the pods that leave are those that were new.
  if (recorded && facts.children.traffic?.annotations[ANNOTATION.inputsHash] === RESTORED) return true;
  if ((recorded && !isLacking(expectation)) || startsFromSnapshot(facts, newest, publishedKeys)) return true;
  if (!recorded || verdict !== "Unreachable") return false;
  const isBetter = serves(facts, newest) && !older.some((set) => serves(facts, set));
  // Where none before could be put back, and all that they followed is lost, the roll takes nothing from anybody; the new ones are
  // replaced next.
  const restorable = older.some(({ proofKey }) => proofKey !== undefined && publishedKeys.has(proofKey));
  return isBetter || (isLacking(expectation) && !restorable && older.every((set) => allFollowed(facts, set)));
}

const allFollowed = ({ pods }: Facts, { templateHash }: ReplicaSetFact): boolean =>
  pods
    .filter((pod) => pod.templateHash === templateHash && isReady(pod))
    .every((pod) => pod.start?.choice === "normal" && pod.check !== "pass");

/** With content, as far as is known. */
const serves = ({ pods }: Facts, { templateHash }: ReplicaSetFact): boolean =>
  pods.some((pod) => pod.templateHash === templateHash && isServing(pod));

function waitText(input: TemplateInput): string {
  const { expectation, verdict, facts } = input;
  if (isLacking(expectation))
    return `The roll goes on once the control plane holds what is expected. ${expectation.text}`;
  const allTheSame = verdict === "Reachable" ? `. To go on without a count: ${howToReturn(facts)}` : "";
  return inFallback(input)
    ? "The control plane was lost in the middle of a roll; the roll goes on in normal mode"
    : `The control plane was lost in the middle of a roll; the roll goes on once it answers and its objects are counted${allTheSame}`;
}

/** Unpaused in the same write: a roll that is paused would bring back no pod of the template before. */
function putBack(live: WorkloadFact, before: ReplicaSetFact, cause: string): Step {
  const why = `${cause}; the template that serves is put back`;
  return {
    do: "restoreTemplate",
    name: live.name,
    resourceVersion: live.resourceVersion,
    template: before.template,
    // Hashes that match nothing: the wanted template is applied again in normal mode.
    annotations: { [ANNOTATION.inputsHash]: RESTORED, [ANNOTATION.templateHash]: RESTORED },
    why,
    events: [{ type: "Warning", reason: "TemplateRestored", action: "Restore", message: why, alsoOnDeployment: true }],
  };
}

const pause = ({ name, resourceVersion }: WorkloadFact, paused: boolean, why: string): Step => ({
  do: "pause",
  name,
  resourceVersion,
  paused,
  why,
});

/** Asked only where no roll has to wait. */
export function unpause(input: TemplateInput, live: WorkloadFact): Step[] {
  const { facts, mode, verdict, observing, expectation } = input;
  if (observing || !live.paused) return [];
  // A Deployment that is paused makes no pod of another template.
  if (nothingServes(facts)) return [pause(live, false, "no pod serves; nothing is kept by waiting")];
  // Also half way back: while the roll waits no pod is moved, and the group would never get back to normal mode.
  const isBack = (mode === "Normal" || mode === "ToNormal") && verdict === "Reachable";
  const mayFollow = isBack && mayGoOnFollowing(expectation);
  const [newest, ...older] = withPods(live);
  if (newest && older.length > 0 && !mayFollow && mayGoOnFromSnapshot(input, newest, older))
    return [pause(live, false, "pods of the new template start from the snapshot; the roll goes on")];
  return mayFollow ? [pause(live, false, "the control plane is back; the roll goes on")] : [];
}
