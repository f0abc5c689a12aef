import type { PairFact } from "../facts/outside.ts";

export type Found = Extract<PairFact, { seen: "found" }>;
export const found = (pair: PairFact): Found | undefined => (pair.seen === "found" ? pair : undefined);
/** Found, and nothing in it that keeps a gateway from loading it. */
export const usable = (pair: PairFact): Found | undefined =>
  pair.seen === "found" && pair.problems.length === 0 ? pair : undefined;
