import { ANNOTATION } from "../api/names.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { Step } from "../domain/plan.ts";
import { isKubeError } from "../kube/errors.ts";
import { deployments, pods, type Resource, resourceOf } from "../kube/resources.ts";
import { CREATE_MANAGER } from "./field-owner.ts";
import { belowFloor, configStillUsed } from "./live-read.ts";
import type { StepDeps, StepResult } from "./step-deps.ts";
import { adopt, apply, create } from "./write-object.ts";

/** Field manager of what moves: replicas, marks, pause. Never in an apply, so that an apply never takes them back. */
const MOTION_MANAGER = "holdfast-motion";

/** Carries out one step. Rejects with KubeError or StorageError; every precondition that came with it is sent along. */
export async function carryOut(step: Step, facts: Facts, deps: StepDeps, signal: AbortSignal): Promise<StepResult> {
  switch (step.do) {
    case "apply":
      if (step.adopt) return await adopt(step.object, step.adopt, facts, deps, signal);
      return await apply(step.object, facts, deps, signal);
    case "create":
      if (step.adopt) return await adopt(step.object, step.adopt, facts, deps, signal);
      return await create(step.object, facts, deps, signal);
    case "scale":
      return await scale(step, facts, deps, signal);
    case "deletePod":
      return await deletePod(step, facts, deps, signal);
    case "relabel":
      return await relabel(step, facts, deps, signal);
    case "markPod":
      return await markPod(step, facts, deps, signal);
    case "delete":
      return await remove(step, facts, deps, signal);
    case "copySnapshot":
      return await deps.copySnapshot(step, signal);
    case "claimStore":
      return await deps.claimStore(step, signal);
    case "removeGeneration":
      return await deps.removeGeneration(step, signal);
    case "restoreTemplate":
      return await restoreTemplate(step, facts, deps, signal);
    case "pause":
      return await pause(step, facts, deps, signal);
    default:
      return step satisfies never;
  }
}

async function scale(
  step: Extract<Step, { do: "scale" }>,
  facts: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  if (step.live && (await belowFloor(deps.client, facts.group, step.live, signal))) return "abandoned";
  const seen = { namespace: facts.group.namespace, name: step.name, resourceVersion: step.resourceVersion };
  const options = { fieldManager: MOTION_MANAGER, signal };
  deps.wrote(deployments, await deps.client.updateScale(deployments, seen, step.to, options));
  return "done";
}

async function deletePod(
  step: Extract<Step, { do: "deletePod" }>,
  facts: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  if (step.live && (await belowFloor(deps.client, facts.group, step.live, signal))) return "abandoned";
  const { name, uid, resourceVersion, graceSeconds } = step;
  const grace = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
  return await gone(deps, pods, name, uid, () =>
    deps.client.delete(pods, facts.group.namespace, name, { uid, resourceVersion, ...grace, signal }),
  );
}

async function markPod(
  step: Extract<Step, { do: "markPod" }>,
  { group }: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  const { name, uid, resourceVersion, cost } = step;
  const patch = { metadata: { annotations: { [ANNOTATION.podDeletionCost]: cost } } };
  const seen = { namespace: group.namespace, name, uid, resourceVersion };
  deps.wrote(pods, await deps.client.mergePatch(pods, seen, patch, { fieldManager: MOTION_MANAGER, signal }));
  return "done";
}

/** As what a POST made: the next apply owns these fields, and so can take them away again. */
async function relabel(
  { name, uid, resourceVersion, labels, annotations, ...kind }: Extract<Step, { do: "relabel" }>,
  { group }: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  const resource = resourceOf(kind);
  const seen = { namespace: group.namespace, name, uid, resourceVersion };
  const options = { fieldManager: CREATE_MANAGER, signal };
  const made = await deps.client.mergePatch(resource, seen, { metadata: { labels, annotations } }, options);
  deps.wrote(resource, made);
  const { labels: have = {} } = made.metadata;
  const paths = Object.keys(labels).filter((key) => have[key] !== labels[key]);
  if (paths.length === 0) return "done";
  const meant = { ...kind, metadata: { name, labels, annotations } };
  deps.overridden(
    meant,
    uid,
    paths.map((key) => `metadata.labels["${key}"]`),
  );
  return "overridden";
}

async function remove(
  step: Extract<Step, { do: "delete" }>,
  { group }: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  const { name, uid, kind } = step;
  // A pod that mounts it may have come after the facts: a ConfigMap that is missing keeps it from ever starting again.
  if (kind === "ConfigMap" && (await configStillUsed(deps.client, group, name, signal))) return "abandoned";
  const resource = resourceOf(step);
  return await gone(deps, resource, name, uid, () =>
    deps.client.delete(resource, group.namespace, name, { uid, propagationPolicy: "Background", signal }),
  );
}

async function restoreTemplate(
  step: Extract<Step, { do: "restoreTemplate" }>,
  { group }: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  const seen = { namespace: group.namespace, name: step.name, resourceVersion: step.resourceVersion };
  const annotations = Object.entries(step.annotations).map(([key, value]) => ({
    op: "add" as const,
    path: `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    value,
  }));
  const template = { op: "replace" as const, path: "/spec/template", value: withoutTemplateHash(step.template) };
  const goesOn = { op: "add" as const, path: "/spec/paused", value: false };
  const options = { fieldManager: CREATE_MANAGER, signal };
  deps.wrote(deployments, await deps.client.jsonPatch(deployments, seen, [template, goesOn, ...annotations], options));
  return "done";
}

async function pause(
  step: Extract<Step, { do: "pause" }>,
  { group }: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  const seen = { namespace: group.namespace, name: step.name, resourceVersion: step.resourceVersion };
  const patch = { spec: { paused: step.paused } };
  const options = { fieldManager: MOTION_MANAGER, signal };
  deps.wrote(deployments, await deps.client.mergePatch(deployments, seen, patch, options));
  return "done";
}

async function gone(
  deps: StepDeps,
  resource: Resource,
  name: string,
  uid: string,
  call: () => Promise<void>,
): Promise<StepResult> {
  try {
    await call();
  } catch (error) {
    if (isKubeError(error, "NotFound")) return "alreadyDone";
    throw error;
  }
  deps.deleted(resource, name, uid);
  return "done";
}

type Loose = Record<string, unknown>;

/** A ReplicaSet's template carries its own hash, which a Deployment's must not. */
function withoutTemplateHash(template: Readonly<Loose>): Loose {
  const metadata = (template["metadata"] ?? {}) as Loose;
  const { "pod-template-hash": _, ...labels } = (metadata["labels"] ?? {}) as Record<string, string>;
  return { ...template, metadata: { ...metadata, labels } };
}
