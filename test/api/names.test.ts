import { describe, expect, test } from "vitest";
import { FallbackStorageSpec, STORAGE_ROLES, secretNameOf } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec, NAME_RULES } from "../../operator/api/gateway-group.ts";
import { ANNOTATION, childName, GROUP, LABEL, storeKey } from "../../operator/api/names.ts";
import { ONLY_WHILE_TRUE, REASONS } from "../../operator/api/reasons.ts";
import { MODE } from "../../operator/api/reasons-mode.ts";
import { SERVING } from "../../operator/api/reasons-serving.ts";
import { SIGHT } from "../../operator/api/reasons-sight.ts";

const LONGEST = "a".repeat(40);
const HASH = "0123456789ab";

describe("names of child objects", () => {
  const names = Object.entries(childName).map(([what, make]) => [what, make(LONGEST, HASH)] as const);

  test.each(names)("%s of the longest group name is a DNS label", (_, name) => {
    expect(name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
  });

  test("objects of one kind do not share a name", () => {
    const perKind = [
      ["traffic", "backup"],
      ["start", "normalConfig", "readerConfig", "exporterConfig"],
      ["trafficAccount", "backupAccount"],
      ["rehearsal", "canary", "witness"],
    ] as const;
    for (const kinds of perKind) {
      const all = kinds.map((kind) => childName[kind](LONGEST, HASH));
      expect(new Set(all).size).toBe(all.length);
    }
  });

  test("the rule on metadata.name allows what was tried here", () => {
    expect(NAME_RULES.map(({ rule }) => rule).join()).toContain(`<= ${LONGEST.length}`);
  });
});

test("labels and annotations of ours are valid keys under our group", () => {
  for (const key of [...Object.values(LABEL), ...Object.values(ANNOTATION)]) {
    expect(key).toMatch(/^[a-z0-9.-]+\/[a-z0-9-]{1,63}$/);
    if (!key.startsWith(`${GROUP}/`)) expect(key).toMatch(/kubernetes\.io\//);
  }
});

test("the three pairs of a group have three keys, and none is a short id that another group may have", () => {
  const others = [storeKey.raw("7f3a91"), storeKey.candidate("7f3a91")];
  expect(new Set([...others, storeKey.verified("7f3a91")]).size).toBe(3);
  const rule = GatewayGroupSpec.shape.shortID.meta()?.["x-kubernetes-validations"] as { rule: string }[];
  const refused = [...JSON.stringify(rule).matchAll(/endsWith\('([^']+)'\)/g)].map(([, end]) => end!);
  for (const key of others)
    expect(
      refused.some((end) => key.endsWith(end)),
      key,
    ).toBe(true);
});

describe("which Secret a role reads", () => {
  const key = (name: string) => ({ credentials: { secretRef: { name } } });
  const spec = (more: object) =>
    FallbackStorageSpec.parse({
      type: "S3",
      s3: { region: "eu-west-1", resourceBucket: "one", configBucket: "two" },
      ...more,
    });

  test.for([
    ["one for all", key("all"), ["all", "all", "all"]],
    ["each its own", { writer: key("w"), reader: key("r"), operator: key("o") }, ["w", "r", "o"]],
    ["its own before the one for all", { ...key("all"), reader: key("r") }, ["all", "r", "all"]],
  ] as const)("%s", ([, more, expected]) => {
    expect(STORAGE_ROLES.map((role) => secretNameOf(spec(more), role))).toEqual(expected);
  });
});

test("reasons are CamelCase words that fit into an event, with a sentence for meaning and for what to do", () => {
  for (const [word, { meaning, todo }] of Object.entries(REASONS)) {
    expect(word).toMatch(/^([A-Z][a-z]+)+$/);
    expect(word.length, "status.fallbackReady holds 32").toBeLessThanOrEqual(32);
    expect(meaning).toMatch(/^[A-Z\w].+[.?]$/);
    expect(todo).toMatch(/^\S.+\.$|^holdfast\.dev\/.+\.$/);
  }
  expect(ONLY_WHILE_TRUE).not.toContain("Ready");
});

test("no word stands in two tables of reasons, where the later would hide the earlier", () => {
  const words = [SERVING, SIGHT, MODE].flatMap((table) => Object.keys(table));
  expect(words).toEqual(Object.keys(REASONS));
});
