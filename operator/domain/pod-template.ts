import { isObject, type JsonObject } from "./json.ts";

/**
 * A user's podTemplate over ours: objects merge, lists whose items have a name merge by it, other lists replace, null
 * removes. Mounts have the name of their volume, which several share, so they merge by mountPath, as in Kubernetes.
 * What is new in a list comes after what was there, so `choose` stays the first init container.
 */
export function mergeTemplate(base: JsonObject, override: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(override)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergeValue(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function mergeValue(base: unknown, override: unknown): unknown {
  if (isObject(override)) return mergeTemplate(isObject(base) ? base : {}, override);
  if (!Array.isArray(override)) return override;
  const key = mergeKey(override);
  if (key === undefined || (Array.isArray(base) && base.length > 0 && mergeKey(base) !== key)) {
    return override.map((item) => mergeValue(undefined, item));
  }
  return mergeList(Array.isArray(base) ? base : [], override, key);
}

function mergeList(base: readonly JsonObject[], override: readonly JsonObject[], key: string): JsonObject[] {
  const merged = new Map(base.map((item) => [item[key], item]));
  for (const item of override) merged.set(item[key], mergeTemplate(merged.get(item[key]) ?? {}, item));
  return [...merged.values()];
}

/** What tells the items of a list apart; undefined: the list is one value, replaced as a whole. */
function mergeKey(list: readonly unknown[]): "mountPath" | "name" | undefined {
  if (list.length === 0) return undefined;
  const all = (key: string) => list.every((item) => isObject(item) && typeof item[key] === "string");
  if (all("mountPath")) return "mountPath";
  return all("name") ? "name" : undefined;
}
