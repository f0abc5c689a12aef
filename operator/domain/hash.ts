import { createHash } from "node:crypto";

/** JSON with sorted keys, without undefined: the same content is the same text, whatever order it was built in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** The first hex digits of a SHA-256: short enough for names and labels, long enough that two contents never meet. */
export function hashOf(value: unknown, digits = 16): string {
  const text = typeof value === "string" ? value : canonicalJson(value);
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
