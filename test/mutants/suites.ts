import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Mutant } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../..");
const testsIn = (folder: string): string[] =>
  globSync("**/*.test.ts", { cwd: join(ROOT, folder) })
    .map((file) => `${folder}/${file}`)
    .sort();

const DOMAIN = testsIn("test/domain");
const STORIES = testsIn("test/scenarios").filter((file) => /^(stories|clocks)/.test(basename(file)));
const LAWS = ["test/scenarios/laws.test.ts"];

/** What has to pass without any mutant. */
export const ALL_SUITES: readonly (readonly string[])[] = [DOMAIN, STORIES, LAWS];

/**
 * Cheap first; the next is asked only about what those before let live: the file that is said to notice, the tests of the
 * file that is changed, all of the decision, the stories, the laws.
 */
export function suitesOf({ file, shownBy }: Pick<Mutant, "file" | "shownBy">): string[][] {
  const room = dirname(file);
  const mirrors = DOMAIN.filter((test) =>
    isBelow(test, `test/domain/${room === "." ? basename(file, ".ts") : `${room}/`}`),
  );
  const named = shownBy === undefined ? [] : [shownBy.file];
  const asked = new Set<string>();
  return [named, mirrors, DOMAIN, STORIES, LAWS].flatMap((suite) => {
    const open = suite.filter((test) => !asked.has(test));
    for (const test of open) asked.add(test);
    return open.length === 0 ? [] : [open];
  });
}

const isBelow = (path: string, start: string): boolean => path.startsWith(start);

/** "3/10" is every tenth from the third on: what is slow lies side by side, and is dealt out. */
export function shareOf<T>(all: readonly T[], part: string): T[] {
  const [, at, of] = (/^(\d+)\/(\d+)$/.exec(part) ?? []).map(Number);
  if (at === undefined || of === undefined || at < 1 || at > of)
    throw new Error(`--part ${part}: write which of how many, as in 3/10`);
  return all.filter((_, index) => index % of === at - 1);
}

interface Report {
  testResults: { name: string; message?: string; assertionResults: { status: string; fullName: string }[] }[];
}

/** The first test that fails, or the file that cannot even be loaded; undefined where nothing failed. */
export function killerOf({ testResults }: Report): string | undefined {
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    if (failed) return `${testFile(name)}: "${oneLine(failed.fullName)}"`;
  }
  const unloaded = testResults.find(({ message, assertionResults }) => message && assertionResults.length === 0);
  return unloaded && `${testFile(unloaded.name)}: cannot be loaded: ${oneLine(unloaded.message ?? "")}`;
}
const testFile = (path: string): string => path.slice(path.lastIndexOf("/test/") + 1);
const oneLine = (text: string): string => text.trim().replace(/\s+/g, " ").slice(0, 200);
