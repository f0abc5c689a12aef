import { ANNOTATION } from "../../api/names.ts";
import type { Desired } from "../desired/index.ts";
import { isLacking, mayGoOnFollowing } from "../evidence/expectation.ts";
import type { KubeObject, WorkloadFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { describeDiff, needsApply } from "../objects/diff.ts";
import type { Step } from "../plan.ts";
import { isReady } from "../pods.ts";
import { causeOf, isAsMeant, isCopy } from "../status/cause.ts";
import type { TemplateInput, TemplatePlan } from "./input.ts";
import { nothingServes, withPods } from "./live.ts";
import { rollThatWaits, unpause } from "./roll.ts";

export const ASKED_FOR = "; restart-at asks for it now";

export function templatePlan(input: TemplateInput): TemplatePlan {
  const { facts, desired } = input;
  const live = facts.children.traffic;
  // What cannot be rendered or is refused changes nothing: what runs stays. A roll that is under way is no part of that.
  const isKept = desired.keep === "Unrendered" || desired.keep === "Refused";
  if (!live) return isKept ? { steps: [] } : creation(input);
  const caught = rollThatWaits(input, live);
  if (caught) return caught;
  if (isKept) return { steps: unpause(input, live) };
  const object = facts.children.byName.get(`Deployment/${live.name}`);
  const sameInputs = live.annotations[ANNOTATION.inputsHash] === desired.inputsHash;
  const sameTemplate = live.annotations[ANNOTATION.templateHash] === desired.templateHash;
  const asked = facts.group.annotations[ANNOTATION.restartAt];
  const askedNow = asked !== undefined && asked !== facts.group.status.restartedAt;
  // The word is used up also where nothing waits: forgotten, it would hurry a change of another day.
  const used = askedNow ? { restartedAt: asked } : {};
  const { overridden = [], copies } = facts.children;
  // What the cluster changes in what we write is tried again now and then, and never told as a change that waits.
  const known = mayRoll(input) ? overridden : overridden.map((one) => ({ ...one, again: false }));
  if (
    sameInputs &&
    sameTemplate &&
    !needsApply(desired.traffic, object, { overridden: known, ...(copies && { copies }) })
  )
    return { steps: unpause(input, live), ...used };
  // Outside normal times a new template may roll only when asked for, and only when pods of it are known to start.
  const forced = askedNow && facts.children.podRefusal === undefined && !input.observing && mayBeForced(input);
  const byItself = mayRoll(input) && (!sameInputs || sameTemplate || isStuck(facts, live));
  if (forced || byItself) {
    const step = application(facts, desired, object, byItself ? "" : ASKED_FOR);
    return { steps: [askedNow ? { ...step, carries: "restartedAt" } : step], ...used };
  }
  return {
    steps: unpause(input, live),
    pending: pendingReason(sameInputs && !sameTemplate, askedNow, lacksText(input)),
  };
}

function creation({ facts, desired, wanted }: TemplateInput): TemplatePlan {
  const taken = facts.children.strangers.some(
    (stranger) =>
      stranger.kind === "Deployment" && stranger.name === desired.traffic.metadata.name && !stranger.adoptable,
  );
  if (taken) return { steps: [] };
  const spec = { ...(desired.traffic["spec"] as Record<string, unknown>), replicas: wanted };
  return {
    steps: [{ do: "create", object: { ...desired.traffic, spec }, why: "the traffic pods of this group" }],
  };
}

/** Pods of the newest template do not come up, in a roll or with nothing else there: another one restarts nothing that serves. */
function isStuck(facts: Facts, live: WorkloadFact): boolean {
  const [newest, ...older] = withPods(live);
  const fresh = facts.pods.filter((pod) => pod.templateHash === newest?.templateHash);
  const isAlone = older.length === 0 && !nothingServes(facts);
  return !isAlone && !fresh.some(isReady) && fresh.some((pod) => pod.trouble !== undefined);
}

/**
 * A roll starts new pods: only while the control plane answers them and holds what is expected, as Ready is a port. Where
 * nothing serves there is nobody to protect, whatever is lost and in whatever mode; but pods that would come up from the
 * snapshot by themselves are left to it until the same is known of the template that takes their place.
 */
function mayRoll(input: TemplateInput): boolean {
  const { facts, desired, mode, verdict, observing, publishedKeys, running, expectation } = input;
  if (observing || facts.children.podRefusal !== undefined) return false;
  if (mode === "Normal" && verdict === "Reachable" && mayGoOnFollowing(expectation)) return true;
  return nothingServes(facts) && (publishedKeys.has(desired.proofKey) || !publishedKeys.has(running.key));
}

/** From the snapshot, or from a control plane that may be followed; beside one that lacks much, pods choose the snapshot. */
function mayBeForced({ publishedKeys, wishReady, desired, verdict, expectation }: TemplateInput): boolean {
  if (verdict !== "Reachable" || isLacking(expectation)) return wishReady && publishedKeys.has(desired.proofKey);
  return mayGoOnFollowing(expectation);
}

function application(facts: Facts, desired: Desired, object: KubeObject | undefined, asked: string): Step {
  const why = `${causeOf(desired.traffic, object, isCopy(facts, desired.traffic))}${asked}`;
  const step: Step = { do: "apply", object: desired.traffic, why };
  // Of a copy that holds what is meant nothing is taken back.
  if (!isAsMeant(desired.traffic, object) || describeDiff(desired.traffic, object) === undefined) return step;
  const message = `Deployment ${desired.traffic.metadata.name}: ${why}`;
  const told = { type: "Warning", reason: "HandEditReverted", alsoOnDeployment: true } as const;
  return { ...step, events: [{ ...told, action: "Apply", message }] };
}

/** `also`: what is waited for beside the mode and the verdict. */
export function pendingReason(
  rendersDifferently: boolean,
  askedNow: boolean,
  also = "",
): NonNullable<TemplatePlan["pending"]> {
  const how = askedNow
    ? "restart-at is set: it is carried out once the new template is proven by a rehearsal, or the control plane answers"
    : `To do it now: annotate ${ANNOTATION.restartAt} with the present time`;
  return rendersDifferently
    ? {
        reason: "RendersDifferently",
        message: `This version of Holdfast renders another pod template from the same spec; what runs is kept. ${how}`,
      }
    : {
        reason: "ChangeWaits",
        message: `A change of the pod template waits until the group is in normal mode and the control plane answers${also}. ${how}`,
      };
}

/** What keeps a change from pods although the control plane answers. */
function lacksText({ expectation, verdict }: TemplateInput): string {
  if (verdict !== "Reachable" || mayGoOnFollowing(expectation)) return "";
  return isLacking(expectation) ? ` and holds what is expected. ${expectation.text}` : " and its objects are counted";
}
