/** Links lead somewhere, paths that are named exist, and the YAML of the README is what the schemas accept. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const markdown = (folder: string) =>
  readdirSync(join(ROOT, folder)).flatMap((name) => (name.endsWith(".md") ? [join(folder, name)] : []));
const PAGES = [...markdown("."), ...markdown("docs"), ...markdown("docs/adr")];

/** As GitHub makes them from headings. */
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
const anchorsOf = (text: string) =>
  new Set([
    ...[...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading!)),
    ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!),
  ]);

describe.each(PAGES)("%s", (page) => {
  test("its links lead somewhere", () => {
    const text = read(page).replaceAll(/```[\s\S]*?```/g, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const file = path ? join(dirname(page), path) : page;
      expect(existsSync(join(ROOT, file)), `${target} in ${page}`).toBe(true);
      if (anchor) expect(anchorsOf(read(file)), `${target} in ${page}`).toContain(anchor);
    }
  });

  test("the files of this repository that it names exist", () => {
    const named = read(page).matchAll(/`((?:operator|test|hack|docs|crds|charts|install)\/[\w./-]+)`/g);
    for (const [, path] of named) expect(existsSync(join(ROOT, path!)), `${path} in ${page}`).toBe(true);
  });
});

test("the house in docs/architecture.md is the house", () => {
  const [, plan] = /## The house\n```text\noperator\/\n([\s\S]*?)```/.exec(read("docs/architecture.md"))!;
  const told = [...plan!.matchAll(/^ {2}(\S+(?: \S+\.ts)*) /gm)].flatMap(([, names]) => names!.split(" "));
  const there = readdirSync(join(ROOT, "operator"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${entry.name}/`);
  expect(told.filter((name) => name.endsWith("/")).toSorted()).toEqual(there.toSorted());
  for (const name of told) expect(existsSync(join(ROOT, "operator", name)), name).toBe(true);
});

test("the YAML of the README is valid, and complete", () => {
  const schemas = { GatewayGroup: GatewayGroupSpec, FallbackStorage: FallbackStorageSpec } as const;
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(read("README.md"))!;
  const objects = parseAllDocuments(yaml!).map((document) => document.toJS());
  expect(objects.map(({ kind }) => kind)).toEqual(["FallbackStorage", "GatewayGroup"]);
  for (const { kind, spec } of objects) expect(schemas[kind as keyof typeof schemas].parse(spec)).toBeDefined();
});
