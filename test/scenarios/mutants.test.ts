/** Each mutant still takes away what it says, and the runner asks the cheap tests first and names who notices. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTANTS } from "../mutants/mutants.ts";
import { killerOf, shareOf, suitesOf } from "../mutants/suites.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");
const told = ({ file, removes }: (typeof MUTANTS)[number]) => `${file}: ${removes}`;

test("there are enough mutants, and each one's text stands exactly once in its file", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
  const times = ({ file, find }: (typeof MUTANTS)[number]) => read(`operator/domain/${file}`).split(find).length - 1;
  expect(MUTANTS.filter((mutant) => times(mutant) !== 1).map(told)).toEqual([]);
});

test("the test that is said to notice is there", () => {
  const named = MUTANTS.filter(({ shownBy }) => shownBy !== undefined);
  expect(named.length).toBeGreaterThan(10);
  const isGone = ({ shownBy }: (typeof MUTANTS)[number]) =>
    shownBy && !read(shownBy.file).includes(`"${shownBy.title}"`);
  expect(named.filter(isGone).map(told)).toEqual([]);
});

test("first the test that is said to notice, then those of the file, then all others once", () => {
  const shownBy = { file: "test/domain/mode/return.test.ts", title: "back: %s" };
  const suites = suitesOf({ file: "motion/candidates.ts", shownBy });
  expect(suites[0]).toEqual([shownBy.file]);
  expect(suites[1]).toContain("test/domain/motion/motion-back.test.ts");
  expect(suites[1]?.every((file) => file.startsWith("test/domain/motion/"))).toBe(true);
  expect(suites.at(-1)).toEqual(["test/scenarios/laws.test.ts"]);
  const all = suites.flat();
  expect(new Set(all).size).toBe(all.length);
  expect(all).toContain("test/scenarios/stories-outage.test.ts");
  const withoutTests = suitesOf({ file: "pods.ts" });
  expect(withoutTests[0]).toContain("test/domain/mode/return.test.ts");
});

test("shares are disjoint and make up the whole", () => {
  const all = Array.from({ length: 23 }, (_, index) => index);
  const shares = [1, 2, 3, 4].map((part) => shareOf(all, `${part}/4`));
  expect(shares.flat().sort((a, b) => a - b)).toEqual(all);
  expect(shares[0]).toEqual([0, 4, 8, 12, 16, 20]);
});

test.for(["", "3", "0/4", "5/4", "1/0", "a/b", "-1/4"])("no share: %j", (part) => {
  expect(() => shareOf([1], part)).toThrow("--part");
});

const passed = { status: "passed", fullName: "p" };
const failed = { status: "failed", fullName: "f\n g" };
const at = (name: string, assertionResults: (typeof passed)[], message = "") => ({
  name: `/somewhere/test/domain/${name}.test.ts`,
  message,
  assertionResults,
});
test.for([
  ["the first that fails", [at("a", [passed]), at("b", [passed, failed])], 'test/domain/b.test.ts: "f g"'],
  ["a file that cannot be loaded", [at("a", [], "no x")], "test/domain/a.test.ts: cannot be loaded: no x"],
  ["nobody", [at("a", [passed])], undefined],
] as const)("who notices: %s", ([, testResults, killer]) => {
  expect(killerOf({ testResults: [...testResults] })).toBe(killer);
});
