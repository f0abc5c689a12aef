// What a control plane can hold, as the operator counts and reads it.
import type { PairFact } from "../../operator/domain/facts/outside.ts";
import type { Content } from "./state.ts";
import { NOW_MS } from "./times.ts";

const each = (count: number) => ({ routes: count, upstreams: count, services: count });
const COUNTS: Record<Content, Record<string, number>> = {
  full: each(10),
  more: { ...each(10), routes: 11 },
  less: each(7),
  half: each(5),
  tenth: each(1),
  empty: each(0),
  foreign: each(10),
};
const DIGESTS = Object.fromEntries(
  Object.keys(COUNTS).map((content) => [content, `sha256:${Buffer.from(content.padEnd(32, ".")).toString("hex")}`]),
) as Record<Content, string>;

export const countsOf = (content: Content): Record<string, number> => COUNTS[content];
export const digestOf = (content: Content): string => DIGESTS[content];
export const contentOf = (digest: string | undefined): Content | undefined =>
  (Object.keys(DIGESTS) as Content[]).find((content) => DIGESTS[content] === digest);

export const pairOf = (content: Content, ageS: number): PairFact => ({
  seen: "found",
  digest: digestOf(content),
  counts: countsOf(content),
  gatewayGroup: content === "foreign" ? "theirs" : "mine",
  problems: [],
  warnings: [],
  ageMs: ageS * 1000,
  lastModifiedMs: NOW_MS - ageS * 1000,
});
