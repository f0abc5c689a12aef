import { ANNOTATION, childName } from "../../api/names.ts";
import { START_KEY } from "../desired/config-maps.ts";
import { isBlind } from "../evidence/staleness.ts";
import type { KubeObject } from "../facts/cluster.ts";
import { currentFacts } from "../facts/current.ts";
import type { Facts } from "../facts/facts.ts";
import type { Plan, Step } from "../plan.ts";
import { servesNobody } from "../pods.ts";
import { isProven } from "../snapshot/proof.ts";
import { liveStart } from "../snapshot/published.ts";
import { mayPutBack, nothingServes } from "../templates/live.ts";
import { type JsonObject, objectAt, textAt } from "../values/json.ts";
import { followedTheLost, forgetsTheLacking, givesToTheLacking } from "./content.ts";

/**
 * The laws, as checks on one plan. They know as little as possible of how the plan came about. The operator checks each
 * plan before it acts and refuses one that breaks a law: a wrong flip is worse than none.
 */
export function brokenInvariants(seen: Facts, plan: Plan): string[] {
  const facts = currentFacts(seen);
  const { instead = [], steps } = plan;
  const kept: Plan = { ...plan, steps: [...steps.filter((step) => !isTrafficApply(step)), ...instead] };
  const ways = instead.length > 0 ? [plan, kept] : [plan];
  return LAWS.filter(([, holds]) => !ways.every((way) => holds(facts, way))).map(([law]) => law);
}

type Law = readonly [string, (facts: Facts, plan: Plan) => boolean];

const disruptive = (step: Step): boolean =>
  step.do === "deletePod" ||
  (step.do === "scale" && step.to < step.from) ||
  step.do === "restoreTemplate" ||
  isTrafficApply(step);
const isTrafficApply = (step: Step): boolean =>
  step.do === "apply" &&
  step.object.kind === "Deployment" &&
  step.object.metadata.labels?.["holdfast.dev/role"] === "traffic";
/** Does the step act on pods that exist, or lead to it? What is left does not: helper pods, copies, what pods are told. */
export const touchesPods = (step: Step): boolean =>
  disruptive(step) || step.do === "scale" || step.do === "markPod" || step.do === "pause";
const ordered = (plan: Plan): boolean =>
  ["OrderedFallback", "OrderedNormal", "InitialMode", "ModeAdopted", "OrderExpired"].includes(
    plan.status.modeReason ?? "",
  );

const LAWS: readonly Law[] = [
  [
    "a mode that moves is recorded, and nothing else is done in that loop",
    (facts, plan) =>
      plan.status.mode === facts.group.status.mode ? !plan.recordsMode : plan.recordsMode && plan.steps.length === 0,
  ],
  [
    "the epoch grows by one with each move, and only then",
    (facts, plan) => (plan.status.epoch ?? 0) === (facts.group.status.epoch ?? 0) + (plan.recordsMode ? 1 : 0),
  ],
  [
    "unknown never moves the mode",
    (_facts, plan) =>
      !plan.recordsMode ||
      ordered(plan) ||
      plan.status.modeReason === "FallbackReached" ||
      plan.status.modeReason === "NormalReached" ||
      plan.status.controlPlane?.verdict !== "Unknown",
  ],
  [
    "into fallback only with a proof for what stands under the verified key",
    (facts, plan) => {
      if (!plan.recordsMode || plan.status.mode !== "ToFallback") return true;
      const { verified } = facts.snapshot;
      return (
        verified.seen === "found" &&
        (facts.group.status.snapshot?.proofs ?? []).some((proof) => proof.digest === verified.digest)
      );
    },
  ],
  [
    "back only onto a control plane that answers reads",
    (facts, plan) =>
      !plan.recordsMode || plan.status.mode !== "ToNormal" || facts.controlPlane.operator.view === "readsOk",
  ],
  [
    "pods that start are told the recorded mode alone, and proofs that are recorded",
    ({ group: { name, status }, children }, plan) =>
      plan.steps.every((step) => {
        const text = step.do === "apply" && step.object.metadata.name === childName.start(name) && startOf(step.object);
        if (!text) return true;
        // A group that lost its status has recorded nothing: then what is told already may be told on.
        const live = status.snapshot?.proofs === undefined ? liveStart(children, name).proofs : {};
        const before = Object.entries(live).map(([key, { digest }]) => `${key} ${digest}`);
        const recorded = [...before, ...(status.snapshot?.proofs ?? []).map(({ key, digest }) => `${key} ${digest}`)];
        const told = Object.entries(objectAt(text, "proofs")).map(
          ([key, proof]) => `${key} ${textAt(proof, "digest")}`,
        );
        return text["mode"] === (status.mode ?? "Normal") && told.every((proof) => recorded.includes(proof));
      }),
  ],
  [
    "only what was proven becomes the verified pair",
    (facts, plan) =>
      plan.steps.every((step) => {
        if (step.do !== "copySnapshot" || step.to !== "verified") return true;
        return (
          (step.from === "candidate" || step.from === "generation") &&
          (facts.group.status.snapshot?.proofs ?? []).some((proof) => proof.digest === step.digest)
        );
      }),
  ],
  [
    "replicas are lowered only with a floor that is read live, and while one ReplicaSet alone has pods",
    (facts, plan) =>
      plan.steps.every((step) => {
        if (step.do !== "scale" || step.to >= step.from) return true;
        const sets = facts.children.traffic?.replicaSets.filter((set) => set.replicas > 0) ?? [];
        return step.live !== undefined && sets.length <= 1;
      }),
  ],
  [
    "without the control plane and without a proof no pod that is ready is given up",
    (facts, plan) => {
      const ready = plan.status.conditions?.find(({ type }) => type === "FallbackReady")?.status === "True";
      const broken = facts.pods.filter((pod) => !pod.ready && !pod.deleting).length;
      return (
        ready ||
        plan.status.controlPlane?.verdict === "Reachable" ||
        plan.steps.every((step) => step.do !== "scale" || step.from - step.to <= broken)
      );
    },
  ],
  [
    "a Service of somebody else is taken over only with pods behind it, which are read live",
    (_facts, plan) =>
      plan.steps.every(
        (step) =>
          (step.do !== "apply" && step.do !== "create") ||
          !step.adopt ||
          step.object.kind !== "Service" ||
          (step.adopt.live?.minServingAfter ?? 0) > 0,
      ),
  ],
  [
    "a pod that is ready is never deleted directly, unless it answers nobody",
    (facts, plan) =>
      plan.steps.every(
        (step) =>
          step.do !== "deletePod" ||
          facts.pods.some(
            (pod) =>
              pod.uid === step.uid &&
              (!pod.ready || (servesNobody(pod) && plan.status.controlPlane?.verdict === "Unreachable")),
          ),
      ),
  ],
  [
    "no two directions at once: at most one disruptive step",
    (_facts, plan) => {
      const kinds = new Set(plan.steps.filter((step) => disruptive(step)).map((step) => step.do));
      const directions = new Set(
        plan.steps.flatMap((step) => (step.do === "scale" ? [Math.sign(step.to - step.from)] : [])),
      );
      return kinds.size <= 1 && directions.size <= 1;
    },
  ],
  [
    "an apply never carries the replicas of the traffic Deployment",
    (_facts, plan) => plan.steps.every((step) => !isTrafficApply(step) || !("replicas" in (specOf(step) ?? {}))),
  ],
  [
    "suspended or held by a person: only status and events are written",
    (_facts, plan) => {
      const held = plan.status.conditions?.find((condition) => condition.type === "Held")?.reason;
      const inert = ["Suspended", "HoldOrdered", "OverrideInvalid"].includes(held ?? "");
      return !inert || (plan.steps.length === 0 && !plan.recordsMode);
    },
  ],
  [
    "on caches that may be out of date only status and events are written",
    (facts, plan) => !isBlind(facts) || (!plan.recordsMode && plan.steps.length === 0),
  ],
  [
    "another template only where the control plane answers, pods of it are proven, or nothing serves",
    (facts, plan) =>
      plan.status.controlPlane?.verdict === "Reachable" ||
      plan.steps.every((step) => !isTrafficApply(step) || isProven(facts, keyOf(step)) || nothingServes(facts)),
  ],
  [
    "a template is put back only while no pod of the newest one serves",
    (facts, plan) =>
      plan.steps.every((step) => step.do !== "restoreTemplate" || mayPutBack(facts) || followedTheLost(facts, plan)),
  ],
  [
    "no pod that serves is given to a control plane that is recorded to lack what is expected",
    (facts, plan) => !givesToTheLacking(facts, plan),
  ],
  [
    "that a control plane lacks what is expected is not forgotten unseen",
    (facts, plan) => !forgetsTheLacking(facts, plan),
  ],
  [
    "the traffic Deployment is never deleted",
    (facts, plan) =>
      plan.steps.every(
        (step) =>
          step.do !== "delete" || step.kind !== "Deployment" || step.name !== childName.traffic(facts.group.name),
      ),
  ],
];

const startOf = (object: KubeObject): JsonObject | undefined => {
  const text = textAt(object, "data", START_KEY);
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
};

const keyOf = (step: Step): string =>
  textAt(specOf(step), "template", "metadata", "annotations", ANNOTATION.proofKey) ?? "";

const specOf = (step: Step): Record<string, unknown> | undefined =>
  step.do === "apply" ? (step.object["spec"] as Record<string, unknown> | undefined) : undefined;
