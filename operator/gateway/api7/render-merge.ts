export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Objects merge, lists and scalars replace, null removes. Neither argument is changed. */
export function mergeOverrides(base: JsonObject, overrides: JsonObject): JsonObject {
  // A Map, not assignment: a key named __proto__ must stay a key.
  const merged = new Map<string, JsonValue>(Object.entries(base));
  for (const [key, value] of Object.entries(overrides)) {
    const before = merged.get(key);
    if (value === null) merged.delete(key);
    else if (isObject(value)) merged.set(key, mergeOverrides(isObject(before) ? before : {}, value));
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
