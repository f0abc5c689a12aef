/**
 * `npm run bench [-- name...]`: measures and writes bench/results/<name>.json and docs/benchmarks.md. Not a test: no
 * number is asserted. HOLDFAST_BENCH_GROUPS says how many groups the beds have, one after the other ("200,1").
 */
import { type Bed, startBed } from "./bed.ts";
import { choose } from "./choose.ts";
import { creation } from "./creation.ts";
import { decide } from "./decide.ts";
import { edits } from "./edits.ts";
import { memory } from "./memory.ts";
import { load, type Result, surroundings, writePage, writeResult } from "./report.ts";
import { rest } from "./rest.ts";
import { restart } from "./restart.ts";
import { verdict } from "./verdict.ts";

const SIZES = (process.env["HOLDFAST_BENCH_GROUPS"] ?? "200,1").split(",").map(Number);

/** In this order on one bed: the last one leaves it in fallback. */
const ON_A_BED: Record<string, (bed: Bed) => Promise<Result>> = { rest, memory, restart, edits, verdict };
const ALONE: Record<string, () => Promise<Result>> = { decide, choose };

const known = [...Object.keys(ALONE), "creation", ...Object.keys(ON_A_BED)];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`unknown benchmark: ${unknown.join(", ")}; known: ${known.join(", ")}`);
  process.exit(64);
}
const wanted = new Set(asked.length > 0 ? asked : known);

// An end by signal is an end all the same: what removes temporary folders hangs on "exit", servers die with this process.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const about = surroundings();
const began = performance.now();
const tell = (text: string) =>
  console.log(`[${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s] ${text}`);

/** Written at once: what comes later may fail, and this was measured. */
function keep(name: string, result: Result, loadBefore: number): void {
  const rows = result.rows.map((row) => ({ ...row, load: loadBefore }));
  writeResult(name, { ...result, rows }, { date: new Date().toISOString().slice(0, 10), ...about });
  writePage();
}

async function onBed(size: number): Promise<void> {
  const chosen = Object.entries(ON_A_BED).filter(([name]) => wanted.has(name));
  const creates = size > 1 && wanted.has("creation");
  if (chosen.length === 0 && !creates) return;
  tell(`${size} group(s): the cluster starts`);
  const before = load();
  const bed = await startBed(size);
  try {
    const created = await creation(bed, creates);
    if (creates) keep("creation", created, before);
    if (chosen.length === 0) return;
    tell(`${size} group(s): made; now their pods serve and their snapshots are proven`);
    await bed.bringToRest();
    for (const [name, run] of chosen) {
      tell(`${size} group(s): ${name}`);
      const loadBefore = load();
      keep(name, await run(bed), loadBefore);
    }
  } finally {
    await bed.stop();
  }
}

for (const [name, run] of Object.entries(ALONE)) {
  if (!wanted.has(name)) continue;
  const before = load();
  keep(name, await run(), before);
}
for (const size of SIZES) await onBed(size);
