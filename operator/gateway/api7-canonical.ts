import { createHash } from "node:crypto";
import { isObject, type JsonObject, type JsonValue } from "./api7-render-merge.ts";

/** A gateway's own objects are under 20 deep; this keeps the recursion below far from the stack's end. */
export const MAX_DEPTH = 200;

/** Whether a parsed value is nested deeper than `MAX_DEPTH`; itself without recursion. */
export function tooDeep(value: JsonValue): boolean {
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((v) => (typeof v === "object" && v !== null ? Object.values(v) : []));
  }
  return false;
}

/** `sha256:<hex>` over the items sorted by kind and id, their keys sorted, and the configuration object. */
export function canonicalDigest(kinds: ReadonlyMap<string, JsonObject[]>, config: JsonObject): string {
  const hash = createHash("sha256");
  for (const kind of [...kinds.keys()].sort()) {
    const items = (kinds.get(kind) ?? []).map(canonicalText).sort();
    // An absent kind and an empty one are the same thing to a gateway.
    if (items.length > 0) hash.update(`${JSON.stringify(kind)}\n${items.join("\n")}\n`);
  }
  return `sha256:${hash.update(canonicalText(config)).digest("hex")}`;
}

/** JSON text with sorted keys. Whole texts sort as ids do where ids differ, and stay in order where they do not. */
function canonicalText(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] ?? null)}`).join(",")}}`;
}
