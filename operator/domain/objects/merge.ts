import { isObject, type JsonObject } from "../values/json.ts";

/**
 * A user's podTemplate over ours: objects merge, lists whose items have a name merge by it, other lists replace, null
 * removes. Mounts have the name of their volume, which several share, so they merge by mountPath, as in Kubernetes.
 * What is new in a list comes after what was there, so `choose` stays the first init container.
 */
export function mergeTemplate(base: JsonObject, override: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [field, value] of Object.entries(override)) {
    if (value === null) merged.delete(field);
    else merged.set(field, mergeValue(merged.get(field), value, field));
  }
  return Object.fromEntries(merged);
}

function mergeValue(base: unknown, override: unknown, field: string): unknown {
  if (isObject(override)) return mergeTemplate(isObject(base) ? base : {}, override);
  if (!Array.isArray(override)) return override;
  const key = field === "volumeMounts" ? "mountPath" : "name";
  const items = Array.isArray(base) ? base : [];
  if (override.length > 0 && isKeyed(override, key) && isKeyed(items, key)) return mergeList(items, override, key);
  return override.map((item) => mergeValue(undefined, item, field));
}

function mergeList(base: readonly JsonObject[], override: readonly JsonObject[], key: string): JsonObject[] {
  const merged = new Map(base.map((item) => [item[key], item]));
  for (const item of override) merged.set(item[key], mergeTemplate(merged.get(item[key]) ?? {}, item));
  return [...merged.values()];
}

/** An override that names nothing is no addition: `[]` empties the list. */
function isKeyed(list: readonly unknown[], key: string): list is readonly JsonObject[] {
  return list.every((item) => isObject(item) && typeof item[key] === "string");
}
