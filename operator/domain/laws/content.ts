import type { Content } from "../../api/gateway-group-status.ts";
import { ANNOTATION, childName, LABEL } from "../../api/names.ts";
import { recordedContent } from "../evidence/expectation.ts";
import type { KubeObject, PodFact } from "../facts/cluster.ts";
import { currentFacts } from "../facts/current.ts";
import type { Facts } from "../facts/facts.ts";
import { returnApproved } from "../mode/approvals.ts";
import type { Plan, Step } from "../plan.ts";
import { isReady } from "../pods.ts";
import { liveStart } from "../snapshot/published.ts";
import { nothingServes, startsFromSnapshot, withPods } from "../templates/live.ts";
import { textAt } from "../values/json.ts";

/**
 * Would this plan give a pod that serves to a control plane that is recorded as Regressed or Foreign, and that nobody took
 * for good? By a return, by a template whose pods are not known to start from the snapshot, or by giving up a pod of the
 * snapshot while one stays that follows.
 */
export function givesToTheLacking(facts: Facts, plan: Plan): boolean {
  // What was recorded may be known to be over by now: then this plan records that.
  const after = plan.status.controlPlane?.content;
  if (!lacks(recordedContent(facts)) || !lacks(after)) return false;
  if (plan.recordsMode && plan.status.mode === "ToNormal") return true;
  const proven = new Set(publishedBy(facts, plan));
  return plan.steps.some((step) => isGift(step, facts, plan, proven));
}

/** Is it forgotten that the control plane lacks what is expected, though nobody counted, exported or approved? */
export function forgetsTheLacking(facts: Facts, plan: Plan): boolean {
  const before = recordedContent(facts);
  const after = plan.status.controlPlane?.content;
  if (!lacks(before) || lacks(after)) return false;
  // An approval answers what was recorded, and is itself recorded.
  if (after?.state === before?.state && after?.accepted !== undefined && returnApproved(facts)) return false;
  const { controlPlane, snapshot, group } = facts;
  const counted = controlPlane.operator.view === "readsOk" && controlPlane.counts !== undefined;
  const exported = before?.state === "Foreign" && snapshot.raw.seen === "found";
  const nothingExpected = snapshot.verified.seen === "absent" && group.status.snapshot?.counts === undefined;
  return !counted && !exported && !nothingExpected;
}

const lacks = (content: Content | undefined): boolean =>
  content !== undefined && content.state !== "Uncounted" && content.accepted === undefined;

/** What pods find that start once this plan is carried out. */
function publishedBy(facts: Facts, plan: Plan): string[] {
  const { kind, name } = { kind: "ConfigMap", name: childName.start(facts.group.name) };
  const told = plan.steps.flatMap((step) =>
    step.do === "apply" && step.object.kind === kind && step.object.metadata.name === name ? [step.object] : [],
  );
  const byName = told[0] === undefined ? facts.children.byName : new Map([[`${kind}/${name}`, told[0]]]);
  return Object.keys(liveStart({ byName }, facts.group.name).proofs);
}

function isGift(step: Step, facts: Facts, plan: Plan, proven: ReadonlySet<string>): boolean {
  const { pods } = currentFacts(facts);
  if (step.do === "pause") return !step.paused && !rollsWithout(facts, plan, proven);
  if (step.do === "scale") return step.to < step.from && givesUpTheSnapshot(pods, step.from - step.to);
  if (step.do !== "apply" || !isTraffic(step.object) || !pods.some(isReady)) return false;
  return !proven.has(textAt(step.object, "spec", "template", "metadata", "annotations", ANNOTATION.proofKey) ?? "");
}

/** Does a roll that goes on give nothing to it: no pod serves, or those that come are of the snapshot? */
function rollsWithout(facts: Facts, plan: Plan, proven: ReadonlySet<string>): boolean {
  const [newest] = withPods(facts.children.traffic ?? { replicaSets: [] });
  if (nothingServes(facts)) return true;
  if (newest?.proofKey === undefined || !proven.has(newest.proofKey)) return false;
  return startsFromSnapshot(facts, newest, proven) || isLostInFallback(plan);
}

const isLostInFallback = ({ status: { mode, controlPlane } }: Plan): boolean =>
  controlPlane?.verdict === "Unreachable" && (mode === "ToFallback" || mode === "Fallback");

/**
 * Did all pods of the newest template that are Ready follow a control plane that lost much, and is gone? Then they may go
 * for pods of another template that is proven: a roll takes none of them before one of those is Ready.
 */
export function followedTheLost(facts: Facts, plan: Plan): boolean {
  if (!lacks(recordedContent(facts)) || !isLostInFallback(plan)) return false;
  const [newest] = withPods(facts.children.traffic ?? { replicaSets: [] });
  const ready = facts.pods.filter((pod) => pod.templateHash === newest?.templateHash && isReady(pod));
  return ready.every((pod) => pod.start?.choice === "normal" && pod.check !== "pass");
}

const isTraffic = ({ kind, metadata }: KubeObject): boolean =>
  kind === "Deployment" && metadata.labels?.[LABEL.role] === "traffic";

/** As the ReplicaSet controller chooses: what is not ready first, then the lower deletion cost, then the younger. */
function givesUpTheSnapshot(pods: readonly PodFact[], many: number): boolean {
  const rank = (pod: PodFact) => [Number(isReady(pod)), Number(pod.deletionCost ?? 0), -pod.createdMs] as const;
  const order = pods.filter((pod) => !pod.deleting).sort((a, b) => compare(rank(a), rank(b)));
  const ready = (from: "normal" | "fallback") => (pod: PodFact) => isReady(pod) && pod.start?.choice === from;
  return order.slice(0, many).some(ready("fallback")) && order.slice(many).some(ready("normal"));
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
  return 0;
}
