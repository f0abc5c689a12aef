import { FIELD_MANAGER } from "../../api/names.ts";
import { MARK } from "../desired/common.ts";
import type { KubeObject } from "../facts/cluster.ts";
import { isObject } from "../values/json.ts";

/** One entry of managedFields, and a tree of fields in it. */
export interface FieldsEntry {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: object;
  [key: string]: unknown;
}
export type Fields = Record<string, unknown>;

/**
 * Somebody made the object from a copy of what Holdfast wrote (a restore from a backup, `kubectl apply` of an export),
 * and owns its fields. An apply takes away only what it owns: what the spec drops later would stay for ever. So what the
 * object is meant to hold becomes the apply's, and of a Deployment the whole pod spec. The number of pods, labels and
 * annotations that Holdfast does not write, and what the cluster filled in stay with their owner.
 */
export function takenFromCopies(entries: readonly FieldsEntry[], object: KubeObject): FieldsEntry[] | undefined {
  const copied = entries.filter(isCopy);
  if (copied.length === 0) return undefined;
  let taken: Fields = {};
  const others = entries.flatMap((entry): FieldsEntry[] => {
    if (!isCopy(entry)) return [entry];
    const { ours, theirs } = split((entry.fieldsV1 ?? {}) as Fields, object, "", object.kind);
    taken = union(taken, ours);
    return Object.keys(theirs).length === 0 ? [] : [{ ...entry, fieldsV1: theirs }];
  });
  const isApplied = (e: FieldsEntry) => e.manager === FIELD_MANAGER && e.operation === "Apply" && !e.subresource;
  const applied = others.find(isApplied);
  const fieldsV1 = applied ? union((applied.fieldsV1 ?? {}) as Fields, taken) : taken;
  const ours = { ...copied[0], ...applied, manager: FIELD_MANAGER, operation: "Apply", fieldsV1 };
  return [ours, ...others.filter((entry) => entry !== applied)];
}

/** Holdfast's mark is on what it writes; who else owns it wrote a copy. */
function isCopy({ manager = "", subresource, fieldsV1 }: FieldsEntry): boolean {
  if (manager.startsWith(FIELD_MANAGER) || subresource) return false;
  const metadata = ((fieldsV1 ?? {}) as Fields)["f:metadata"];
  const annotations = isObject(metadata) ? metadata["f:annotations"] : undefined;
  return isObject(annotations) && Object.hasOwn(annotations, `f:${MARK.appliedHash}`);
}

const POD_SPEC = "/f:spec/f:template/f:spec";

/** Parts a tree of owned fields by what the object names. `value` is what the object has at this place. */
function split(fields: Fields, value: unknown, path: string, kind: string): { ours: Fields; theirs: Fields } {
  const ours: Fields = {};
  const theirs: Fields = {};
  for (const [key, below] of Object.entries(fields)) {
    const at = `${path}/${key}`;
    const child = childAt(value, key);
    const isLeaf = !isObject(below) || Object.keys(below).length === 0;
    if (kind === "Deployment" && at === POD_SPEC) ours[key] = below;
    else if (child === undefined) theirs[key] = below;
    else if (isLeaf) ours[key] = below;
    else {
      const parts = split(below, child, at, kind);
      if (Object.keys(parts.ours).length > 0) ours[key] = parts.ours;
      if (Object.keys(parts.theirs).length > 0) theirs[key] = parts.theirs;
    }
  }
  return { ours, theirs };
}

/** `f:name`: a field; `k:{..}`: an item of a list, by its keys; `v:..`: an item of a set; `.`: the thing itself. */
function childAt(value: unknown, key: string): unknown {
  if (key === ".") return value;
  if (key.startsWith("f:")) return isObject(value) ? value[key.slice(2)] : undefined;
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const wanted: unknown = JSON.parse(key.slice(2));
  if (!isObject(wanted)) return items.find((item) => item === wanted);
  const keys = Object.entries(wanted);
  // A key that is left out is the API server's default, as the protocol of a port is.
  return items
    .filter(isObject)
    .find(
      (item) => keys.some(([k, v]) => item[k] === v) && keys.every(([k, v]) => item[k] === undefined || item[k] === v),
    );
}

export function union(a: Fields, b: Fields): Fields {
  const merged: Fields = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const known = merged[key];
    merged[key] = typeof known === "object" && known !== null ? union(known as Fields, value as Fields) : value;
  }
  return merged;
}
