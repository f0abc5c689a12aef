/** A field that nobody reads is ignored in silence, and a reason that nobody says is a promise: neither may exist. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { crds } from "../../operator/api/crd.ts";
import { ANNOTATION } from "../../operator/api/names.ts";
import { CONDITION_TYPES, REASONS } from "../../operator/api/reasons.ts";
import { fields } from "../../operator/api/structural.ts";

const ROOT = join(import.meta.dirname, "../../operator");
const TEST_ROOT = join(import.meta.dirname, "..");
const CODE = (readdirSync(ROOT, { recursive: true }) as string[])
  .filter((path) => path.endsWith(".ts") && !path.startsWith("api/"))
  .map((path) => readFileSync(join(ROOT, path), "utf8"))
  .join("\n");
const isNamed = (word: string) => new RegExp(`\\b${word}\\b`).test(CODE);

/** Reasons whose behaviour is still being built; docs/open-work.md lists it. None may be added. */
const NOT_YET = new Set<string>();

describe.each(crds().map((crd) => ({ kind: crd.spec.names.kind, root: crd.spec.versions[0].schema.openAPIV3Schema })))(
  "$kind",
  ({ root }) => {
    test.each(["spec", "status"])("every field of its %s is named outside of the schema", (part) => {
      const leaf = (path: string) => path.split(/[.[\]{}]+/).findLast((name) => name !== "")!;
      const paths = [...fields(root.properties![part]!, part)].map(({ path }) => path);
      expect(paths.length).toBeGreaterThan(5);
      expect(paths.filter((path) => !isNamed(leaf(path)))).toEqual([]);
    });
  },
);

test("every condition type is said somewhere", () => {
  expect(Object.keys(CONDITION_TYPES).filter((type) => !isNamed(type))).toEqual([]);
});

test("every reason is said somewhere", () => {
  expect(Object.keys(REASONS).filter((reason) => !isNamed(reason) && !NOT_YET.has(reason))).toEqual([]);
});

/**
 * Said by the code is not enough: a test must name it, so that a reason that nobody says any more, or another in its
 * place, is found out. As a whole word in a text; files of this folder and of test/docs go by the list itself.
 */
const TESTS = (readdirSync(TEST_ROOT, { recursive: true }) as string[])
  .filter((path) => path.endsWith(".test.ts") && !/^(api|docs)\//.test(path))
  .flatMap((path) => readFileSync(join(TEST_ROOT, path), "utf8").split("\n"))
  .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))
  .join("\n");

test("every reason is named by a test of what says it", () => {
  expect(TESTS.length).toBeGreaterThan(100_000);
  const named = (reason: string) => new RegExp(`["'\`/](\\w+ )?${reason}["'\`/]`).test(TESTS);
  expect(Object.keys(REASONS).filter((reason) => !named(reason))).toEqual([]);
});

test("every annotation is read or written somewhere", () => {
  expect(Object.keys(ANNOTATION).filter((key) => !isNamed(key))).toEqual([]);
});
