import { ANNOTATION, FIELD_MANAGER, LABEL } from "../api/names.ts";
import type { KubeObject } from "../domain/facts/cluster.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { differences } from "../domain/objects/diff.ts";
import { unionReplacements } from "../domain/objects/union.ts";
import type { Adopt } from "../domain/plan.ts";
import type { Applied } from "../kube/client.ts";
import { isKubeError } from "../kube/errors.ts";
import { type ObjectMeta, type Resource, resourceOf } from "../kube/resources.ts";
import { CREATE_MANAGER, takeOverCreated } from "./field-owner.ts";
import { belowFloor } from "./live-read.ts";
import { idOf, type StepDeps, type StepResult } from "./step-deps.ts";

type Loose = Record<string, unknown>;

/** Writes an object of ours, or makes it. */
export async function apply(
  object: KubeObject,
  facts: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
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

export async function create(
  object: KubeObject,
  facts: Facts,
  deps: StepDeps,
  signal: AbortSignal,
): Promise<StepResult> {
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
export async function adopt(
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
