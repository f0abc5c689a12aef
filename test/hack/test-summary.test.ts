import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { summarize } from "../../hack/test-summary.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "summary-"));
  const report = (name: string, passed: number, failed: number, skipped: number, success = failed === 0) => {
    const counts = { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped, numTodoTests: 0 };
    writeFileSync(join(folder, name), JSON.stringify({ ...counts, success }));
  };
  report("green", 40, 0, 2);
  report("red", 7, 3, 0);
  report("unloadable", 5, 0, 0, false);
  report("empty", 0, 0, 0);
  writeFileSync(join(folder, "cut"), '{"numPassedTests": 4');
});
afterAll(() => rmSync(folder, { recursive: true }));

test.for<[string, string[], string, boolean]>([
  ["all green", ["check passed 9", "unit passed 3 green"], "41 passed, 0 failed, 2 skipped", true],
  ["one step failed", ["check failed 9", "unit passed 3 green"], "40 passed, 1 failed, 2 skipped", false],
  ["a tier with failures", ["unit passed 3 green", "cluster failed 3 red"], "47 passed, 3 failed, 2 skipped", false],
  ["a file that does not load is one failure", ["unit failed 3 unloadable"], "5 passed, 1 failed, 0 skipped", false],
  ["the runner's own failure without a failed test", ["unit failed 3 green"], "40 passed, 1 failed, 2 skipped", false],
  ["no report at all", ["unit failed 3 missing"], "0 passed, 1 failed, 0 skipped", false],
  ["half a report", ["unit failed 3 cut"], "0 passed, 1 failed, 0 skipped", false],
  ["no test ran", ["check passed 9", "unit passed 3 empty"], "1 passed, 0 failed, 0 skipped", false],
  ["nothing ran", [], "0 passed, 0 failed, 0 skipped", false],
])("%s", ([, steps, closing, green]) => {
  const lines = steps.map((step) =>
    step.replace(/^(\S+ \S+ \S+) (\S+)$/, (_, head, file) => `${head} ${join(folder, file)}`),
  );
  const summary = summarize(lines.join("\n"));
  expect(summary.text.split("\n").at(-1)).toBe(closing);
  expect(summary.green).toBe(green);
});
