/**
 * Sums what hack/test ran: `node hack/test-summary.ts STEPS`. STEPS has one line per step: name, passed or failed,
 * seconds, and for a tier of tests the file of vitest's JSON reporter. Prints a table and, last, one line
 * `N passed, N failed, N skipped`. Exit code 1 when something failed or no test ran.
 */
import { existsSync, readFileSync } from "node:fs";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface VitestReport {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

/** A tier that ended badly counts at least one failure, also when no single test says so (a file that does not load). */
function countTier(outcome: string, report: VitestReport | undefined): Counts {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = report;
  const bad = outcome !== "passed" || !success;
  return {
    passed: numPassedTests,
    failed: bad ? Math.max(1, numFailedTests) : numFailedTests,
    skipped: numPendingTests + numTodoTests,
  };
}

function readReport(path: string): VitestReport | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  } catch {
    return undefined; // the runner was killed while it wrote
  }
}

/** The table, the closing line, and whether all is well. */
export function summarize(steps: string): { text: string; green: boolean } {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  let tests = 0;
  const rows = steps
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", outcome = "", seconds = "", path] = line.split(" ");
      const ok = outcome === "passed" ? 1 : 0;
      const counts =
        path === undefined ? { passed: ok, failed: 1 - ok, skipped: 0 } : countTier(outcome, readReport(path));
      if (path !== undefined) tests += counts.passed;
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
      const { passed, failed, skipped } = counts;
      return `${name.padEnd(12)} ${outcome.padEnd(7)} ${seconds.padStart(5)} s  ${passed} passed, ${failed} failed, ${skipped} skipped`;
    });
  const closing = `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`;
  return { text: [...rows, closing].join("\n"), green: total.failed === 0 && tests > 0 };
}

if (import.meta.main) {
  const path = process.argv[2] ?? "";
  const { text, green } = summarize(existsSync(path) ? readFileSync(path, "utf8") : "");
  console.log(text);
  process.exitCode = green ? 0 : 1;
}
