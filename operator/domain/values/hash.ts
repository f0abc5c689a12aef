import { createHash } from "node:crypto";

/**
 * JSON with sorted keys, without undefined: the same content is the same text, whatever order it was built in. Sorted
 * first and written natively: every object of every group is hashed at each look, and a sorting replacer costs five times
 * as much.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const object = value as Record<string, unknown>;
  const copy: Record<string, unknown> = Object.create(null); // a key "__proto__" of a user's is a key like any other
  for (const key of Object.keys(object).sort()) copy[key] = sorted(object[key]);
  return copy;
}

/** The first hex digits of a SHA-256: short enough for names and labels, long enough that two contents never meet. */
export function hashOf(value: unknown, digits = 16): string {
  const text = typeof value === "string" ? value : canonicalJson(value);
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
