/**
 * `node hack/stories.ts COMMIT=REPORT...`: keeps what `hack/test --full` showed, as docs/stories.md: each end-to-end
 * story, how it ended, and the commit it was last run at. REPORT is results/e2e-full.json, or the JSON report of a part
 * that was run again; of the same story the last one counts, and what a part left out keeps what it had.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { surroundings } from "../test/bench/report.ts";
import { REPOSITORY } from "../test/lab/process.ts";

interface Report {
  startTime: number;
  testResults: { name: string; assertionResults: { fullName: string; status: string; duration?: number }[] }[];
}
export interface Story {
  file: string;
  story: string;
  outcome: string;
  seconds: number;
  /** Commit, and day. */
  seen: string;
}

/** Of each story what was seen last, in the order of files. */
export function storiesOf(runs: readonly { commit: string; report: Report }[]): Story[] {
  const stories = new Map<string, Story>();
  for (const { commit, report } of runs) {
    const seen = `${commit}, ${new Date(report.startTime).toISOString().slice(0, 10)}`;
    for (const { name, assertionResults } of report.testResults) {
      const file = basename(name);
      for (const [index, { fullName: story, status, duration = 0 }] of assertionResults.entries()) {
        if (status !== "passed" && status !== "failed") continue;
        // Two stories of one table may have one title; a report lists all of its file, also those that it left out.
        stories.set(`${file} ${index} ${story}`, {
          file,
          story,
          outcome: status,
          seconds: Math.round(duration / 1000),
          seen,
        });
      }
    }
  }
  return [...stories.values()].sort((a, b) => a.file.localeCompare(b.file));
}

export function pageOf(stories: readonly Story[], machine: string): string {
  const count = (outcome: string) => stories.filter((story) => story.outcome === outcome).length;
  const rows = stories.map(
    ({ file, story, outcome, seconds, seen }) =>
      `| ${file.replace(".test.ts", "")} | ${story.replaceAll("|", "\\|")} | ${outcome} | ${seconds} | ${seen} |`,
  );
  return [
    "# The end-to-end stories",
    "What `./hack/test --full` runs on a real kubelet with containers, most of it under live traffic, and what was seen of it",
    `(${machine}). Written by \`hack/stories.ts\` from the reports of the runs; the files are in \`test/e2e/\` and \`test/lab/\`.`,
    "",
    `${stories.length} stories: ${count("passed")} passed, ${count("failed")} failed.`,
    "",
    "| file | story | outcome | seconds | seen at |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

if (import.meta.main) {
  const runs = process.argv.slice(2).map((argument) => {
    const [commit = "", path = ""] = argument.split("=");
    return { commit, report: JSON.parse(readFileSync(path, "utf8")) as Report };
  });
  if (runs.length === 0) {
    console.error("usage: node hack/stories.ts COMMIT=REPORT...");
    process.exit(64);
  }
  writeFileSync(join(REPOSITORY, "docs/stories.md"), pageOf(storiesOf(runs), surroundings().machine));
}
