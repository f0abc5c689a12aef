import { isDeepStrictEqual } from "node:util";
import { childName, LABEL } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Step } from "../plan.ts";

/** The step with what it rests on, what others rest on, and whether others go on where it met a change: for who carries it out. */
export function withNeeds(facts: Facts, step: Step): Step {
  const needs = needsOf(step, facts);
  const gives = givesOf(step, facts);
  return {
    ...step,
    ...(needs.length > 0 ? { needs } : {}),
    ...(gives.length > 0 ? { gives } : {}),
    ...(isOptional(step) ? { optional: true } : {}),
  };
}

/** Moving pods is one thing: what follows a step of it rests on that step. */
const MOTION = "motion";

/** Pods need the configuration and the identity that they name; none is restarted before the mode is published to it. */
function needsOf(step: Step, { group }: Facts): string[] {
  const start = `ConfigMap/${childName.start(group.name)}`;
  if (isMotion(step)) return [start, MOTION];
  if (step.do === "restoreTemplate") return [start];
  if (step.do !== "apply" && step.do !== "create") return [];
  const { kind } = step.object;
  return kind === "Deployment" || kind === "Pod" ? namedBy(step.object) : [];
}

/** An object that is there already, with the same data, is not missing when the step fails. */
function givesOf(step: Step, { children }: Facts): string[] {
  if (isMotion(step)) return [MOTION];
  if (step.do !== "apply" && step.do !== "create") return [];
  const id = `${step.object.kind}/${step.object.metadata.name}`;
  const live = children.byName.get(id);
  return live && isDeepStrictEqual(live["data"], step.object["data"]) ? [] : [id];
}

function isOptional(step: Step): boolean {
  switch (step.do) {
    case "copySnapshot":
    case "claimStore":
    case "removeGeneration":
    case "delete":
    case "relabel":
      return true;
    case "apply":
    case "create":
      return !["ConfigMap", "ServiceAccount", "Deployment"].includes(step.object.kind) || isExporter(step.object);
    default:
      return false;
  }
}

const isExporter = ({ metadata }: KubeObject): boolean => metadata.labels?.[LABEL.role] === "backup";
const isMotion = (step: Step): boolean => step.do === "scale" || step.do === "deletePod" || step.do === "markPod";

interface PodSpec {
  serviceAccountName?: string;
  volumes?: readonly { configMap?: { name?: string } }[];
}

function namedBy(object: KubeObject): string[] {
  const spec = object["spec"] as (PodSpec & { template?: { spec?: PodSpec } }) | undefined;
  const pod = object.kind === "Pod" ? spec : spec?.template?.spec;
  const configs = (pod?.volumes ?? []).flatMap(({ configMap }) => configMap?.name ?? []);
  return [...configs.map((name) => `ConfigMap/${name}`), `ServiceAccount/${pod?.serviceAccountName}`];
}
