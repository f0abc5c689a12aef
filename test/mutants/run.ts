/**
 * `npm run test:mutants [-- --part 3/10] [-- --resume] [-- --minutes 30] [-- part of a mutant's text]`
 * Takes away one guard of the decision core at a time, in a copy, and runs the tests that must notice. See docs/mutants.md.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { ALL_SUITES, killerOf, shareOf, suitesOf } from "./suites.ts";

const ROOT = join(import.meta.dirname, "../..");
const COPIED = ["operator", "test", "crds", "package.json", "tsconfig.json", "vitest.config.ts"];
const KEPT = join(ROOT, "results/mutants.jsonl");
/** One suite takes two minutes on a busy machine; a mutant may well loop for ever. */
const SUITE_LIMIT_MS = 600_000;
const UNMENDED = "the tests fail without any mutant: mend them first";

const { values, positionals } = parseArgs({
  options: { part: { type: "string", default: "1/1" }, resume: { type: "boolean" }, minutes: { type: "string" } },
  allowPositionals: true,
});
const named = MUTANTS.filter(({ file, removes }) => `${file} ${removes}`.includes(positionals.join(" ")));
const wanted = shareOf(named, values.part);
const endMs = values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.minutes) * 60_000;
if (Number.isNaN(endMs)) throw new Error(`--minutes ${values.minutes}: write a number`);

const misplaced = wanted.filter(({ file, find }) => sourceOf(file).split(find).length !== 2);
for (const { file, removes } of misplaced) console.log(`MISPLACED ${file}: ${removes}: \`find\` does not stand once`);
process.exitCode = misplaced.length > 0 ? 1 : run();

function sourceOf(file: string): string {
  return readFileSync(join(ROOT, "operator/domain", file), "utf8");
}

/** The exit code: 0 when each of them was run and is killed. */
function run(): number {
  const sources = digestOfSources();
  const before = values.resume ? kept(sources) : new Map<string, string>();
  const copy = mkdtempSync(join(tmpdir(), "holdfast-mutants-"));
  const count = { killed: 0, survived: 0 };
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    if (wanted.some((mutant) => !before.has(idOf(mutant)))) mustPass(copy);
    for (const mutant of wanted) {
      if (Date.now() >= endMs) break;
      const killer = before.get(idOf(mutant)) ?? killedBy(mutant, copy);
      count[killer === undefined ? "survived" : "killed"] += 1;
      const verdict = killer === undefined ? "SURVIVED" : "killed  ";
      console.log(
        `${verdict} ${mutant.file}: ${mutant.removes}${killer === undefined ? "" : `\n         by ${killer}`}`,
      );
      if (killer !== undefined && !before.has(idOf(mutant))) keep({ sources, id: idOf(mutant), killer });
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  const open = wanted.length - count.killed - count.survived;
  const rest = open > 0 ? `, ${open} not run: go on with --resume` : "";
  console.log(`${count.killed} of ${wanted.length} killed, ${count.survived} survived${rest}`);
  return count.killed === wanted.length ? 0 : 1;
}

function mustPass(copy: string): void {
  for (const suite of ALL_SUITES) {
    const killer = firstFailure(suite, copy);
    if (killer !== undefined) throw new Error(`${UNMENDED}: ${killer}`);
  }
}

function killedBy(mutant: Mutant, copy: string): string | undefined {
  const path = join(copy, "operator/domain", mutant.file);
  const before = readFileSync(path, "utf8");
  writeFileSync(
    path,
    before.replace(mutant.find, () => mutant.replace),
  );
  try {
    for (const suite of suitesOf(mutant)) {
      const killer = firstFailure(suite, copy);
      if (killer !== undefined) return killer;
    }
    return undefined;
  } finally {
    writeFileSync(path, before);
  }
}

/**
 * The decision is pure, so test files may share a process: that saves most of the time. Threads end with it, whatever a
 * mutant makes them do.
 */
function firstFailure(files: readonly string[], copy: string): string | undefined {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const { status, error, stderr } = spawnSync(
    process.execPath,
    [
      ...["node_modules/vitest/vitest.mjs", "run", "--project", "unit", "--pool", "threads"],
      ...["--no-isolate", "--bail", "1", "--reporter", "json", "--outputFile", report, ...files],
    ],
    {
      cwd: copy,
      env: { ...process.env, HOLDFAST_PROPERTY_RUNS: "12" },
      timeout: SUITE_LIMIT_MS,
      killSignal: "SIGKILL",
      encoding: "utf8",
    },
  );
  if (status === 0) return undefined;
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ETIMEDOUT")
    return `no end within ${SUITE_LIMIT_MS / 1_000} s: ${files.join(", ")}`;
  const killer = existsSync(report) ? killerOf(JSON.parse(readFileSync(report, "utf8"))) : undefined;
  // A runner that falls over kills nothing.
  if (killer === undefined) throw new Error(`vitest ended with ${status} and no test that failed: ${stderr}`);
  return killer;
}

function idOf({ file, find, replace }: Mutant): string {
  return JSON.stringify([file, find, replace]);
}

interface Kept {
  sources: string;
  id: string;
  killer: string;
}

/** Of an earlier run over the very same sources and tests. */
function kept(sources: string): Map<string, string> {
  if (!existsSync(KEPT)) return new Map();
  const lines = readFileSync(KEPT, "utf8").split("\n").filter(Boolean);
  const all = lines.map((line): Kept => JSON.parse(line));
  return new Map(all.filter((one) => one.sources === sources).map(({ id, killer }) => [id, killer]));
}
function keep(one: Kept): void {
  mkdirSync(join(ROOT, "results"), { recursive: true });
  appendFileSync(KEPT, `${JSON.stringify(one)}\n`);
}

function digestOfSources(): string {
  const hash = createHash("sha256");
  for (const folder of ["operator", "test/domain", "test/scenarios"])
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).sort())
      if (file.endsWith(".ts")) hash.update(file).update(readFileSync(join(ROOT, folder, file)));
  return hash.digest("hex").slice(0, 16);
}
