// What the start choice costs a pod: `node test/bench/choose.ts [runs]`. Wall time of the whole process and its peak of
// resident memory, each also at a quarter of a core, beside a Node.js process that does nothing. Writes
// test/bench/results/choose.json.
import { spawn } from "node:child_process";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { buildChoose, groupPod, type Pod, startJson, startPod } from "../choose-run.ts";
import { controlPlane, makeCertificates, nobody, Stubs } from "../gateway/control-plane-stub.ts";

const runs = Number(process.argv[2] ?? 20);
const CORES = 0.25;

interface Numbers {
  wallMs: { p50: number; max: number };
  peakMiB?: number;
}

await using stubs = new Stubs();
const made = makeCertificates(stubs);
const bundle = buildChoose(stubs);

const pod = (endpoint: string, mode: string): Pod =>
  groupPod(made, endpoint, { files: { "start/start.json": startJson(mode) } });

async function once(given: Pod, group: Group | undefined): Promise<{ wallMs: number; peakKiB: number }> {
  const running = startPod(stubs, bundle, given);
  group?.add(running.pid);
  const { tookMs, message, exitCode } = await running.ended;
  if (exitCode !== 0 || message === undefined) throw new Error(`choose ended with ${exitCode} and no message`);
  return { wallMs: tookMs, peakKiB: Number(message["peakKiB"]) };
}

async function measure(given: Pod, group: Group | undefined): Promise<Numbers> {
  const seen = [];
  for (let run = 0; run < runs; run += 1) seen.push(await once(given, group));
  const peakKiB = Math.max(...seen.map((one) => one.peakKiB));
  return { wallMs: spread(seen.map((one) => one.wallMs)), peakMiB: Math.round((peakKiB / 1024) * 10) / 10 };
}

/** A Node.js process that does nothing: what no program could go below. */
async function idleNode(group: Group | undefined): Promise<Numbers> {
  const walls = [];
  for (let run = 0; run < runs; run += 1) {
    const startedAt = performance.now();
    const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
    group?.add(child.pid ?? 0);
    await new Promise((resolve) => child.once("close", resolve));
    walls.push(Math.round(performance.now() - startedAt));
  }
  return { wallMs: spread(walls) };
}

function spread(values: number[]): { p50: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

interface Group {
  add(pid: number): void;
  remove(): void;
}

/** A control group with a share of a core, of version 1 or 2; undefined where none can be made. */
function limitedGroup(cores: number): Group | undefined {
  const periodUs = 100_000;
  const quota = String(cores * periodUs);
  const kinds = [
    { folder: "/sys/fs/cgroup/cpu", limits: { "cpu.cfs_period_us": String(periodUs), "cpu.cfs_quota_us": quota } },
    { folder: "/sys/fs/cgroup", limits: { "cpu.max": `${quota} ${periodUs}` } },
  ];
  for (const { folder, limits } of kinds) {
    const group = join(folder, `holdfast-bench-${process.pid}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      for (const [file, value] of Object.entries(limits)) writeFileSync(join(group, file), value);
      const add = (pid: number) => writeFileSync(join(group, "cgroup.procs"), String(pid));
      return { add, remove: () => rmdirSync(group) };
    } catch {
      rmdirSync(group);
    }
  }
  return undefined;
}

const { endpoint } = await controlPlane(stubs, made);
const cases: [string, Pod][] = [
  ["recorded fallback, no probe", pod(endpoint, "Fallback")],
  ["control plane up", pod(endpoint, "Normal")],
  ["control plane down", pod(await nobody(), "Normal")],
];
const group = limitedGroup(CORES);
const results: Record<string, Record<string, Numbers>> = {};
for (const [share, limited] of [
  ["whole core", undefined],
  [`${CORES} core`, group],
] as const) {
  if (share !== "whole core" && limited === undefined) {
    console.log(`${share}: not measured, no control group can be made here`);
    continue;
  }
  const numbers: Record<string, Numbers> = { "node that does nothing": await idleNode(limited) };
  for (const [name, given] of cases) numbers[name] = await measure(given, limited);
  results[share] = numbers;
}
group?.remove();

const folder = join(import.meta.dirname, "results");
mkdirSync(folder, { recursive: true });
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`;
writeFileSync(join(folder, "choose.json"), `${JSON.stringify({ machine, runs, results }, undefined, 2)}\n`);
for (const [share, numbers] of Object.entries(results)) {
  for (const [name, { wallMs, peakMiB }] of Object.entries(numbers)) {
    const memory = peakMiB === undefined ? "" : `, peak ${peakMiB} MiB`;
    console.log(`${share}: ${name}: ${wallMs.p50} ms (at most ${wallMs.max})${memory}`);
  }
}
