/**
 * Takes away one guard of the decision core at a time, in a copy, and runs the tests that must notice.
 * `node test/mutants/run.ts [part of a mutant's text]`; exit 1 when one survives.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MUTANTS, type Mutant } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../..");
const COPIED = ["operator", "test", "crds", "package.json", "tsconfig.json", "vitest.config.ts"];
/** Cheap first; the next is asked only about what those before let live. By what a file's name begins with. */
const GUARDS = ["verdict", "mode", "motion", "pipeline"].map((name) => `test/domain/${name}`);
const SUITES = [GUARDS, ["test/domain", "test/scenarios/stories"], ["test/scenarios/laws.test.ts"]];

const wanted = MUTANTS.filter((mutant) => `${mutant.file} ${mutant.removes}`.includes(process.argv[2] ?? ""));
const copy = mkdtempSync(join(tmpdir(), "holdfast-mutants-"));
const survivors: Mutant[] = [];
try {
  for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  if (noticed()) throw new Error("the tests fail without any mutant: mend them first");
  for (const mutant of wanted) {
    const killed = kills(mutant);
    if (!killed) survivors.push(mutant);
    console.log(`${killed ? "killed  " : "SURVIVED"} ${mutant.file}: ${mutant.removes}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${wanted.length - survivors.length} of ${wanted.length} killed`);
process.exitCode = survivors.length === 0 ? 0 : 1;

function kills({ file, find, replace }: Mutant): boolean {
  const path = join(copy, "operator/domain", file);
  const before = readFileSync(path, "utf8");
  writeFileSync(
    path,
    before.replace(find, () => replace),
  );
  try {
    return noticed();
  } finally {
    writeFileSync(path, before);
  }
}

function noticed(): boolean {
  return SUITES.some((files) => {
    const args = ["node_modules/vitest/vitest.mjs", "run", "--project", "unit", "--bail", "1", ...files];
    const env = { ...process.env, HOLDFAST_PROPERTY_RUNS: "12" };
    return spawnSync(process.execPath, args, { cwd: copy, env, stdio: "ignore" }).status !== 0;
  });
}
