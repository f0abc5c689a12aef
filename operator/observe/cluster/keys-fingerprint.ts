import { createHash, scryptSync } from "node:crypto";

/**
 * Tells whether keys of a store changed: secret controllers write a Secret each hour without changing what is in it. It
 * stands in annotations and in status, so it is slow to make, and salted: to guess a weak key by it is no faster than to
 * ask the store itself.
 */
export function keysFingerprint(salt: string, keys: object): string {
  const text = JSON.stringify([salt, Object.entries(keys).sort()]);
  const id = createHash("sha256").update(text).digest("base64url");
  const known = made.get(id);
  if (known !== undefined) return known;
  const fingerprint = `k1-${scryptSync(text, salt, 10, COST).toString("hex")}`;
  made.set(id, fingerprint);
  const [oldest] = made.keys();
  if (made.size > MADE_MAX && oldest !== undefined) made.delete(oldest);
  return fingerprint;
}

/** About 10 ms, once per Secret and change of its keys: every loop of every group looks at them. */
const COST = { N: 4096, r: 8, p: 1 };
const made = new Map<string, string>();
const MADE_MAX = 4_000;
