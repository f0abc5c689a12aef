/** Values at, inside and outside of every bound of a field, made from the CRD's own schema. */
import { isDeepStrictEqual } from "node:util";
import type { Structural } from "../../operator/api/structural.ts";

export interface Probe {
  sentence: string;
  value: unknown;
  accepted: boolean;
}

interface Texts {
  good: string[];
  bad: string[];
  /** A text of this length that matches. */
  long(chars: number): string;
}
const a = (chars: number) => "a".repeat(chars);
const url = (scheme: string) => (chars: number) => scheme + a(chars - scheme.length);

/** Every pattern of the schemas by its text: a new pattern without a row here fails the test. */
export const TEXTS: Readonly<Record<string, Texts>> = {
  "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": { good: ["a", "a-1"], bad: ["A", "-a", "a-", "a.b", "a b"], long: a },
  "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$": {
    good: ["a", "a.b-1.c"],
    bad: ["A", "-a", "a-", "a..b", "other/a", "a b"],
    long: a,
  },
  "^(100|[1-9]?[0-9])%$": { good: ["1%", "99%", "100%"], bad: ["101%", "010%", "25", "-1%", "%"], long: a },
  "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$": {
    good: ["7f3a91", "Edge_1-a"],
    bad: ["-a", "a_", "a/b", "a.b", "a b", "../a"],
    long: a,
  },
  "^\\d+\\.\\d+\\.\\d+([-.+].*)?$": {
    good: ["3.9.13", "3.9.13-ubuntu", "3.9.13.1"],
    bad: ["3.9", "v3.9.13", "latest"],
    long: url("3.9.1-"),
  },
  "^https://[^/\\s]+(/.*)?$": {
    good: ["https://dp:7943", "https://10.0.0.1", "https://[fd00::1]:7943"],
    bad: ["http://dp:7943", "dp:7943", "https://", "https:// dp"],
    long: url("https://"),
  },
  "^https?://[^/\\s]+(/.*)?$": {
    good: ["https://s3.acme.io", "http://minio:9000/", "http://azurite:10000/account"],
    bad: ["s3.acme.io", "s3://bucket", "https://", "https:// a"],
    long: url("https://"),
  },
  "^/[!-~]*$": { good: ["/", "/get?x=%20"], bad: ["get", "/a b", "/\u5065", "https://a/"], long: url("/") },
  "^[!-~]+$": { good: ["acme.io", "acme.io:8080", "[fd00::1]"], bad: ["", "a b", "a\r\nb", "\u5065.io"], long: a },
  "^[A-Za-z0-9._:-]+$": { good: ["dp.acme.io", "10.0.0.1"], bad: ["", "a b", "a/b", "\u5065.io"], long: a },
  "^[a-z0-9-]+$": { good: ["eu-west-1", "auto"], bad: ["EU", "eu west", "eu.west"], long: a },
  "^[a-z0-9][a-z0-9.-]*[a-z0-9]$": { good: ["abc", "a.b-c"], bad: ["Abc", "-bc", "ab-", "a_c", "a/b"], long: a },
  "^(\\d+(\\.\\d*)?|\\.\\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\\d+)?$": {
    good: ["2", "500m", "1.5Gi", ".5", "1e3"],
    bad: ["auto", "1 Gi", "1GB", "-1", "1,5", ""],
    long: (chars) => "1".repeat(chars),
  },
  "^[a-z0-9]{3,24}$": { good: ["abc", a(24)], bad: ["ab", a(25), "Abc", "a-c"], long: a },
};

const WRONG_TYPE: Readonly<Record<string, unknown>> = {
  string: 7,
  integer: "seven",
  boolean: "yes",
  object: "an object",
  array: "a list",
};

export function probes(schema: Structural): Probe[] {
  const out: Probe[] = [];
  const add = (sentence: string, value: unknown, accepted: boolean) => out.push({ sentence, value, accepted });
  if (schema.type) add("another type", WRONG_TYPE[schema.type], false);
  addNumbers(schema, add);
  addTexts(schema, add);
  for (const value of schema.enum ?? []) add("a word of the list", value, true);
  if (schema.enum) add("a word that is not in the list", "Nonsense", false);
  if (schema.minItems) add("too few items", [], false);
  if (schema.maxItems) add("too many items", Array(schema.maxItems + 1).fill({ name: "a" }), false);
  // A bound below a pattern's own shortest text is no bound: such values are left out rather than asserted twice.
  return out.filter((probe, i) => out.findIndex(({ value }) => isDeepStrictEqual(value, probe.value)) === i);
}

type Add = (sentence: string, value: unknown, accepted: boolean) => void;

function addNumbers({ minimum, maximum }: Structural, add: Add): void {
  if (minimum !== undefined) {
    add("the least", minimum, true);
    add("less than the least", minimum - 1, false);
  }
  if (maximum !== undefined) {
    add("the most", maximum, true);
    add("more than the most", maximum + 1, false);
  }
}

function addTexts({ pattern, minLength, maxLength }: Structural, add: Add): void {
  const texts = pattern === undefined ? { good: [], bad: [], long: a } : TEXTS[pattern];
  if (!texts) throw new Error(`pattern ${pattern} has no accepted and refused texts in crd-bounds.ts`);
  for (const text of texts.good) if (text.length >= (minLength ?? 0)) add("a good text", text, true);
  for (const text of texts.bad) add("a bad text", text, false);
  if (minLength) add("a text too short", a(minLength - 1), false);
  if (maxLength) {
    add("the longest text", texts.long(maxLength), true);
    add("a text too long", texts.long(maxLength + 1), false);
  }
}

/** Path like `traffic.service.ports[].port` or `limits{}` -> keys; lists by their first item, maps by their first key. */
export function keysOf(path: string): string[] {
  return path.replaceAll("[]", ".0").replaceAll("{}", ".*").split(".");
}

export function has(target: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  const child = childOf(target, key);
  return child !== undefined && has(child.value, rest);
}

export function set(target: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const child = childOf(target, key);
  if (!child) throw new Error(`no ${key} in ${JSON.stringify(target)}`);
  const changed = set(child.value, rest, value);
  if (Array.isArray(target)) return target.with(Number(child.key), changed);
  return { ...(target as object), [child.key]: changed };
}

function childOf(target: unknown, key: string): { key: string; value: unknown } | undefined {
  if (typeof target !== "object" || target === null) return undefined;
  const name = key === "*" ? Object.keys(target)[0] : key;
  const value = name === undefined ? undefined : (target as Record<string, unknown>)[name];
  return name === undefined || value === undefined ? undefined : { key: name, value };
}
