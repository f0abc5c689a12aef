import { createHash } from "node:crypto";
import type { JsonObject, JsonValue } from "./render-merge.ts";

/** A gateway's own objects are under 20 deep; this keeps recursion far from the stack's end. */
export const MAX_DEPTH = 200;

/** `sha256:<hex>` over the items sorted by kind and text, and the configuration object: canonical texts all of them. */
export function canonicalDigest(kinds: ReadonlyMap<string, readonly { text: string }[]>, config: string): string {
  const hash = createHash("sha256");
  for (const kind of [...kinds.keys()].sort()) {
    // Whole texts sort as ids do where ids differ, and stay in order where they do not.
    const texts = (kinds.get(kind) ?? []).map(({ text }) => text).sort();
    // An absent kind and an empty one are the same thing to a gateway.
    if (texts.length > 0) hash.update(`${JSON.stringify(kind)}\n`);
    for (const text of texts) hash.update(`${text}\n`);
  }
  return `sha256:${hash.update(config).digest("hex")}`;
}

/** The same content, the same text: keys in order, no blanks. */
export const canonicalText = (value: JsonValue): string => JSON.stringify(sorted(value));

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
