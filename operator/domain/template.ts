import type { Mode } from "../api/gateway-group-status.ts";
import { ANNOTATION } from "../api/names.ts";
import type { Reason } from "../api/reasons.ts";
import { causeOf, isAsMeant, RESTORED } from "./cause.ts";
import type { Desired } from "./desired/index.ts";
import { needsApply } from "./diff.ts";
import { type Expectation, isLacking, mayGoOnFollowing } from "./expectation.ts";
import type { Facts } from "./facts.ts";
import type { KubeObject, ReplicaSetFact, WorkloadFact } from "./facts-cluster.ts";
import type { VerdictWord } from "./facts-outside.ts";
import type { Step } from "./plan.ts";
import { isReady } from "./pods.ts";
import { hasServing, mayPutBack, nothingServes, withPods } from "./templates.ts";

/** What becomes of the traffic Deployment's template: made, kept, changed, put back or waiting. Never its replicas. */
export interface TemplatePlan {
  steps: Step[];
  pending?: { reason: Extract<Reason, "ChangeWaits" | "RendersDifferently" | "OutageDuringRoll">; message: string };
  /** The restart-at annotation that this carries out. */
  restartedAt?: string;
}

export interface TemplateInput {
  facts: Facts;
  desired: Desired;
  mode: Mode;
  verdict: VerdictWord;
  wanted: number;
  publishedKeys: ReadonlySet<string>;
  wishReady: boolean;
  /** What pods are made from now. */
  running: { key: string };
  expectation: Expectation;
  /** modePolicy Observe: nothing that exists is changed. */
  observing: boolean;
}

export const ASKED_FOR = "; restart-at asks for it now";

export function templatePlan(input: TemplateInput): TemplatePlan {
  const { facts, desired } = input;
  const live = facts.children.traffic;
  // What cannot be rendered or is refused changes nothing: what runs stays.
  if (desired.keep === "Unrendered" || desired.keep === "Refused") return { steps: [] };
  if (!live) return creation(input);
  const caught = outageDuringRoll(input, live);
  if (caught) return caught;
  const object = facts.children.byName.get(`Deployment/${live.name}`);
  const sameInputs = live.annotations[ANNOTATION.inputsHash] === desired.inputsHash;
  const sameTemplate = live.annotations[ANNOTATION.templateHash] === desired.templateHash;
  const asked = facts.group.annotations[ANNOTATION.restartAt];
  const askedNow = asked !== undefined && asked !== facts.group.status.restartedAt;
  // The word is used up also where nothing waits: forgotten, it would hurry a change of another day.
  const used = askedNow ? { restartedAt: asked } : {};
  const { overridden = [] } = facts.children;
  // What the cluster changes in what we write is tried again now and then, and never told as a change that waits.
  const known = mayRoll(input) ? overridden : overridden.map((one) => ({ ...one, again: false }));
  if (sameInputs && sameTemplate && !needsApply(desired.traffic, object, known))
    return { steps: unpause(input, live), ...used };
  // Outside normal times a new template may roll only when asked for, and only when pods of it are known to start.
  const forced = askedNow && facts.children.podRefusal === undefined && !input.observing && mayBeForced(input);
  const byItself = mayRoll(input) && (!sameInputs || sameTemplate || isStuck(facts, live));
  if (forced || byItself) {
    const step = application(desired, object, byItself ? "" : ASKED_FOR);
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

function application(desired: Desired, object: KubeObject | undefined, asked: string): Step {
  const why = `${causeOf(desired.traffic, object)}${asked}`;
  const step: Step = { do: "apply", object: desired.traffic, why };
  if (!isAsMeant(desired.traffic, object)) return step;
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

/** The outage came in the middle of a roll, and pods of the new template are not known to start without the control plane. */
function outageDuringRoll(input: TemplateInput, live: WorkloadFact): TemplatePlan | undefined {
  if (input.observing || (input.mode !== "ToFallback" && input.mode !== "Fallback")) return undefined;
  const [newest, ...older] = withPods(live);
  const starts = ({ proofKey }: ReplicaSetFact) => proofKey !== undefined && input.publishedKeys.has(proofKey);
  // One that neither serves nor could start is no better than what takes its place.
  const before = older.find((set) => hasServing(input.facts, set)) ?? older.find(starts);
  if (!newest || !before || starts(newest)) return undefined;
  const pending = {
    reason: "OutageDuringRoll",
    message: "The control plane was lost in the middle of a roll; the roll goes on in normal mode",
  } as const;
  if (live.paused) return { steps: [], pending };
  if (!mayPutBack(input.facts))
    return {
      steps: [
        {
          do: "pause",
          name: live.name,
          resourceVersion: live.resourceVersion,
          paused: true,
          why: "both templates serve; the roll waits",
        },
      ],
      pending,
    };
  const why = "no pod of the new template serves; the template that serves is put back";
  const step: Step = {
    do: "restoreTemplate",
    name: live.name,
    resourceVersion: live.resourceVersion,
    template: before.template,
    // Hashes that match nothing: the wanted template is applied again in normal mode.
    annotations: { [ANNOTATION.inputsHash]: RESTORED, [ANNOTATION.templateHash]: RESTORED },
    why,
    events: [{ type: "Warning", reason: "TemplateRestored", action: "Restore", message: why, alsoOnDeployment: true }],
  };
  return { steps: [step], pending };
}

function unpause({ mode, verdict, observing, expectation }: TemplateInput, live: WorkloadFact): Step[] {
  // Also half way back: while the roll waits no pod is moved, and the group would never get back to normal mode.
  if (observing || !live.paused || (mode !== "Normal" && mode !== "ToNormal") || verdict !== "Reachable") return [];
  if (!mayGoOnFollowing(expectation)) return [];
  return [
    {
      do: "pause",
      name: live.name,
      resourceVersion: live.resourceVersion,
      paused: false,
      why: "the control plane is back; the roll goes on",
    },
  ];
}
