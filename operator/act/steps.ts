import { ANNOTATION, FIELD_MANAGER, LABEL } from "../api/names.ts";
import { differences } from "../domain/diff.ts";
import type { Facts, KubeObject } from "../domain/facts.ts";
import type { Adopt, Step } from "../domain/plan.ts";
import { unionReplacements } from "../domain/union.ts";
import type { Applied, KubeClient } from "../kube/client.ts";
import { isKubeError } from "../kube/errors.ts";
import { deployments, type ObjectMeta, pods, type Resource, resourceOf } from "../kube/resources.ts";
import { CREATE_MANAGER, takeOverCreated } from "./field-owner.ts";
import { belowFloor, configStillUsed } from "./live-read.ts";

export type WriteClient = Pick<
  KubeClient,
  "get" | "list" | "create" | "apply" | "updateScale" | "mergePatch" | "jsonPatch" | "delete" | "replaceStatus"
>;

/**
 * How a step ended, for logs and metrics. `refused`: the cluster or the store said no, and the same again would be no.
 * `overridden`: written, and the cluster changed something of it as it came in. `blocked`: not tried, because something that it needs was refused.
 */
export type StepResult =
  | "done"
  | "alreadyDone"
  | "overridden"
  | "abandoned"
  | "conflict"
  | "stranger"
  | "refused"
  | "blocked"
  | "failed";

export interface StepDeps {
  client: WriteClient;
  /** A write came back: the cache must catch up with it before the next decision. */
  wrote: (resource: Resource, object: { metadata: ObjectMeta }) => void;
  /** Where the cluster changed what we wrote, as it came in; no paths where it did not. */
  overridden: (meant: KubeObject, uid: string, paths: readonly string[]) => void;
  deleted: (resource: Resource, name: string, uid: string) => void;
  /** A live object sits on a name that we need. Returns whether it is a stranger's. */
  meet: (live: KubeObject) => boolean;
  /** Asks the cluster whether it would take a pod of this template. Its words when it would not. */
  dryRun: (template: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<string | undefined>;
  copySnapshot: (step: Extract<Step, { do: "copySnapshot" }>, signal: AbortSignal) => Promise<StepResult>;
}

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
    case "markPod":
      return await markPod(step, facts, deps, signal);
    case "delete":
      return await remove(step, facts, deps, signal);
    case "copySnapshot":
      return await deps.copySnapshot(step, signal);
    case "restoreTemplate":
      return await restoreTemplate(step, facts, deps, signal);
    case "pause":
      return await pause(step, facts, deps, signal);
    default:
      return step satisfies never;
  }
}

async function apply(object: KubeObject, facts: Facts, deps: StepDeps, signal: AbortSignal): Promise<StepResult> {
  const live = facts.children.byName.get(idOf(object));
  // Not in the cache is not "not there": a POST finds out without overwriting anybody's object.
  if (!live?.metadata.uid) return await create(object, facts, deps, signal);
  const refused = isNewTemplate(object, live) && (await deps.dryRun(templateOf(object), signal));
  if (refused) return "refused";
  try {
    return await applyOver(object, live.metadata.uid, deps, signal);
  } catch (error) {
    if (!isKubeError(error, "Invalid") || !(await replaceUnions(object, live, deps, signal))) throw error;
    return await applyOver(object, live.metadata.uid, deps, signal);
  }
}

/** A hand edit that set another member of a union stands in the way of every apply; that part is replaced first. */
async function replaceUnions(
  object: KubeObject,
  live: KubeObject,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const operations = unionReplacements(object, live);
  const { name, namespace, resourceVersion } = live.metadata;
  if (operations.length === 0 || resourceVersion === undefined) return false;
  const seen = { name, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
  await deps.client.jsonPatch(resourceOf(object), seen, operations, { fieldManager: FIELD_MANAGER, signal });
  return true;
}

async function applyOver(object: KubeObject, uid: string, deps: StepDeps, signal: AbortSignal): Promise<StepResult> {
  const resource = resourceOf(object);
  await takeOverCreated(deps.client, resource, object, uid, signal);
  // The uid is a precondition: an object that was deleted and made anew by somebody else is not ours to write.
  const meant = { ...object, metadata: { ...object.metadata, uid } } as unknown as Applied;
  const made = await deps.client.apply(resource, meant, { fieldManager: FIELD_MANAGER, force: true, signal });
  return written(object, resource, made, deps);
}

async function create(object: KubeObject, facts: Facts, deps: StepDeps, signal: AbortSignal): Promise<StepResult> {
  const resource = resourceOf(object);
  try {
    // A word that is misspelt in the podTemplate must be said now: each apply that follows would fail on it.
    const options = { fieldManager: CREATE_MANAGER, strict: true, signal };
    const made = await deps.client.create(resource, object as never, options);
    return written(object, resource, made, deps);
  } catch (error) {
    if (!isKubeError(error, "AlreadyExists")) throw error;
  }
  const live = await liveOf(object, facts, deps, signal);
  if (!live) return "conflict"; // gone again
  return deps.meet(live) ? "stranger" : "alreadyDone"; // whether it may be taken over is for the next loop to decide
}

/** Takes over what its owner gave to this group; looked at once more, as what it takes may be what serves. */
async function adopt(
  object: KubeObject,
  { live: floor }: Adopt,
  facts: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
  const live = await liveOf(object, facts, deps, signal);
  if (!live) return await create(object, facts, deps, signal);
  if (!deps.meet(live)) return "alreadyDone";
  if (live.metadata.annotations?.[ANNOTATION.adopt] !== facts.group.name) return "stranger";
  if (floor && (await belowFloor(deps.client, facts.group, floor, signal))) return "abandoned";
  return await applyOver(withoutReplicas(object), live.metadata.uid ?? "", deps, signal);
}

/** A throw-away pod is never written again, so nobody asks what the cluster changed in it. */
function written(object: KubeObject, resource: Resource, made: { metadata: ObjectMeta }, deps: StepDeps): StepResult {
  deps.wrote(resource, made);
  if (object.kind === "Pod") return "done";
  const live = { ...made, apiVersion: object.apiVersion, kind: object.kind } as unknown as KubeObject;
  const paths = differences(object, live);
  deps.overridden(object, made.metadata.uid ?? "", paths);
  return paths.length === 0 ? "done" : "overridden";
}

async function liveOf(
  object: KubeObject,
  { group }: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const found = await deps.client.get(resourceOf(object), group.namespace, object.metadata.name, { signal });
  return found && ({ ...found, apiVersion: object.apiVersion, kind: object.kind } as unknown as KubeObject);
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
  const { name, uid, resourceVersion } = step;
  return await gone(deps, pods, name, uid, () =>
    deps.client.delete(pods, facts.group.namespace, name, { uid, resourceVersion, signal }),
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
  const options = { fieldManager: CREATE_MANAGER, signal };
  deps.wrote(deployments, await deps.client.jsonPatch(deployments, seen, [template, ...annotations], options));
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

export const idOf = (object: KubeObject): string => `${object.kind}/${object.metadata.name}`;

type Loose = Record<string, unknown>;

const templateOf = (object: KubeObject): Loose => ((object["spec"] as Loose | undefined)?.["template"] as Loose) ?? {};

/** A change of the traffic pods' template, which the ReplicaSet controller alone would meet the cluster's refusal of. */
function isNewTemplate(object: KubeObject, live: KubeObject): boolean {
  if (object.kind !== "Deployment" || object.metadata.labels?.[LABEL.role] !== "traffic") return false;
  const hash = ({ metadata }: KubeObject) => metadata.annotations?.[ANNOTATION.templateHash];
  return hash(object) !== hash(live);
}

function withoutReplicas(object: KubeObject): KubeObject {
  if (object.kind !== "Deployment") return object;
  const { replicas: _, ...spec } = object["spec"] as Loose;
  return { ...object, spec };
}

/** A ReplicaSet's template carries its own hash, which a Deployment's must not. */
function withoutTemplateHash(template: Readonly<Loose>): Loose {
  const metadata = (template["metadata"] ?? {}) as Loose;
  const { "pod-template-hash": _, ...labels } = (metadata["labels"] ?? {}) as Record<string, string>;
  return { ...template, metadata: { ...metadata, labels } };
}
