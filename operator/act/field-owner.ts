import { FIELD_MANAGER } from "../api/names.ts";
import type { KubeObject } from "../domain/facts/cluster.ts";
import { type Fields, type FieldsEntry, takenFromCopies, union } from "../domain/objects/restored-copy.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Resource } from "../kube/resources.ts";

/** Field manager of what is created by POST: cheaper than an apply, and it never writes over a stranger's object. */
export const CREATE_MANAGER = "holdfast-create";

/**
 * An apply takes away the fields that it owned and no longer names. What a POST made belongs to another manager and
 * would stay for ever, so before the first apply the ownership is rewritten as if it had been an apply; all but the
 * replicas of a Deployment, which an apply must never own: dropping them would reset them to 1.
 */
export async function takeOverCreated(
  client: Pick<KubeClient, "get" | "jsonPatch">,
  resource: Resource,
  object: KubeObject,
  uid: string,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = object.metadata;
  const live = await client.get(resource, namespace, name, { signal });
  const before = live?.metadata.managedFields as FieldsEntry[] | undefined;
  const made = before && appliedInstead(before);
  const after = before && (takenFromCopies(made ?? before, object) ?? made);
  const resourceVersion = live?.metadata.resourceVersion;
  if (!after || resourceVersion === undefined || live?.metadata.uid !== uid) return;
  const seen = { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
  const operation = { op: "replace" as const, path: "/metadata/managedFields", value: after };
  await client.jsonPatch(resource, seen, [operation], { fieldManager: CREATE_MANAGER, signal });
}

/** The rewritten list; undefined when there is nothing to rewrite. */
export function appliedInstead(entries: readonly FieldsEntry[]): FieldsEntry[] | undefined {
  const created = entries.find((e) => e.manager === CREATE_MANAGER && e.operation === "Update" && !e.subresource);
  if (!created) return undefined;
  const { replicas, rest } = splitReplicas((created.fieldsV1 ?? {}) as Fields);
  if (Object.keys(rest).length === 0) return undefined;
  const applied = entries.find((e) => e.manager === FIELD_MANAGER && e.operation === "Apply" && !e.subresource);
  const others = entries.filter((entry) => entry !== created && entry !== applied);
  const fieldsV1 = applied ? union((applied.fieldsV1 ?? {}) as Fields, rest) : rest;
  const ours: FieldsEntry = { ...created, ...applied, manager: FIELD_MANAGER, operation: "Apply", fieldsV1 };
  return [ours, ...others, ...(replicas ? [{ ...created, fieldsV1: { "f:spec": { "f:replicas": {} } } }] : [])];
}

function splitReplicas(fields: Fields): { replicas: boolean; rest: Fields } {
  const spec = fields["f:spec"];
  if (typeof spec !== "object" || spec === null || !Object.hasOwn(spec, "f:replicas")) {
    return { replicas: false, rest: fields };
  }
  const { "f:replicas": _, ...others } = spec as Fields;
  const { "f:spec": __, ...rest } = fields;
  return { replicas: true, rest: Object.keys(others).length > 0 ? { ...rest, "f:spec": others } : rest };
}
