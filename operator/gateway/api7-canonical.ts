import { createHash } from "node:crypto";
import type { JsonObject, JsonValue } from "./api7-render-merge.ts";

/** A gateway's own objects are under 20 deep; this keeps recursion far from the stack's end. */
export const MAX_DEPTH = 200;

/** Whether a parsed value is nested deeper than `MAX_DEPTH`. */
export function tooDeep(value: JsonValue, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth >= MAX_DEPTH) return true;
  // By key: ten thousand routes are looked at while probes wait for the same thread, and lists of values cost.
  const children = value as Readonly<Record<string, JsonValue>>;
  for (const key in children) {
    const child = children[key];
    if (typeof child === "object" && tooDeep(child, depth + 1)) return true;
  }
  return false;
}

/** `sha256:<hex>` over the items sorted by kind and id, their keys sorted, and the configuration object. */
export function canonicalDigest(kinds: ReadonlyMap<string, JsonObject[]>, config: JsonObject): string {
  const hash = createHash("sha256");
  for (const kind of [...kinds.keys()].sort()) {
    // Whole texts sort as ids do where ids differ, and stay in order where they do not.
    const items = (kinds.get(kind) ?? []).map(canonicalText).sort();
    // An absent kind and an empty one are the same thing to a gateway.
    if (items.length > 0) hash.update(`${JSON.stringify(kind)}\n${items.join("\n")}\n`);
  }
  return `sha256:${hash.update(canonicalText(config)).digest("hex")}`;
}

const canonicalText = (value: JsonValue): string => JSON.stringify(sorted(value));

/** The same value with its keys in order. (Keys that look like list positions come first, always: no matter here.) */
function sorted(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const copy: JsonObject = {};
  for (const key of Object.keys(value).sort()) {
    const child = sorted(value[key] ?? null);
    // Assigned, this one key would vanish, and with it a difference between two snapshots.
    if (key === "__proto__") Object.defineProperty(copy, key, { value: child, enumerable: true });
    else copy[key] = child;
  }
  return copy;
}
