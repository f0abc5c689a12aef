// What the start choice costs a pod: `node test/bench/choose.ts [runs]`. Wall time of the whole process and its memory,
// also at a quarter of a core, beside a Node.js process that does nothing. Writes
// test/bench/results/choose.json.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { buildChoose, groupPod, inGroups, type Pod, startJson, startPod } from "../choose-run.ts";
import { controlPlane, makeCertificates, nobody, Stubs } from "../gateway/control-plane-stub.ts";

const runs = Number(process.argv[2] ?? 20);
const CORES = 0.25;
const PERIOD_US = 100_000;

interface Numbers {
  wallMs: { p50: number; max: number };
  /** Peak of resident memory, pages of the Node.js binary included, which all processes of a node share. */
  residentMiB?: number;
  /** Peak of what a container's memory limit counts, with that binary in the page cache already. */
  chargedMiB?: number;
}

await using stubs = new Stubs();
const made = makeCertificates(stubs);
const bundle = buildChoose(stubs);

const pod = (endpoint: string, mode: string): Pod =>
  groupPod(made, endpoint, { files: { "start/start.json": startJson(mode) } });

async function measure(given: Pod, limits: Group | undefined, memory: Group | undefined): Promise<Numbers> {
  const seen = [];
  const groups = [limits, memory].flatMap((group) => (group === undefined ? [] : [group.procs]));
  for (let run = 0; run < runs; run += 1) {
    const { tookMs, message, exitCode } = await startPod(stubs, bundle, { ...given, groups }).ended;
    if (exitCode !== 0 || message === undefined) throw new Error(`choose ended with ${exitCode} and no message`);
    seen.push({ wallMs: tookMs, residentMiB: Number(message["peakKiB"]) / 1024, chargedMiB: memory?.takePeakMiB?.() });
  }
  const charged = seen.flatMap((one) => one.chargedMiB ?? []);
  return {
    wallMs: spread(seen.map((one) => one.wallMs)),
    residentMiB: Math.ceil(Math.max(...seen.map((one) => one.residentMiB))),
    ...(charged.length === 0 ? {} : { chargedMiB: Math.ceil(Math.max(...charged)) }),
  };
}

/** A Node.js process that does nothing: what no program could go below. */
async function idleNode(limits: Group | undefined): Promise<Numbers> {
  const walls = [];
  const [command, ...args] = inGroups(limits ? [limits.procs] : [], [process.execPath, "-e", "0"]);
  for (let run = 0; run < runs; run += 1) {
    const startedAt = performance.now();
    const child = spawn(command ?? "", args, { stdio: "ignore" });
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
  /** A process that writes its id here belongs to it. */
  procs: string;
  /** Most memory charged to it since the last call. */
  takePeakMiB?: () => number;
  remove(): void;
}

/** A control group (version 1 where it is mounted, else 2) with these settings; undefined where none can be made. */
function group(
  controller: string,
  version1: Record<string, string>,
  version2: Record<string, string>,
): Group | undefined {
  const old = existsSync(`/sys/fs/cgroup/${controller}`);
  const folder = join("/sys/fs/cgroup", old ? controller : "", `holdfast-bench-${controller}-${process.pid}`);
  try {
    mkdirSync(folder);
    for (const [file, value] of Object.entries(old ? version1 : version2)) writeFileSync(join(folder, file), value);
    return { procs: join(folder, "cgroup.procs"), remove: () => rmdirSync(folder) };
  } catch {
    if (existsSync(folder)) rmdirSync(folder);
    return undefined;
  }
}

function memoryGroup(): Group | undefined {
  const made = group("memory", {}, {});
  if (made === undefined) return undefined;
  const files = ["memory.max_usage_in_bytes", "memory.peak"].map((file) => join(dirname(made.procs), file));
  const peak = files.find((file) => existsSync(file));
  if (peak === undefined) return made;
  const takePeakMiB = () => {
    const bytes = Number(readFileSync(peak, "utf8"));
    writeFileSync(peak, "0");
    return bytes / 1024 / 1024;
  };
  return { ...made, takePeakMiB };
}

const { endpoint } = await controlPlane(stubs, made);
const cases: [string, Pod][] = [
  ["recorded fallback, no probe", pod(endpoint, "Fallback")],
  ["control plane up", pod(endpoint, "Normal")],
  ["control plane down", pod(await nobody(), "Normal")],
];
const quotaUs = String(CORES * PERIOD_US);
const share = group(
  "cpu",
  { "cpu.cfs_period_us": String(PERIOD_US), "cpu.cfs_quota_us": quotaUs },
  { "cpu.max": `${quotaUs} ${PERIOD_US}` },
);
const memory = memoryGroup();
const results: Record<string, Record<string, Numbers>> = {};
for (const [name, limits] of [
  ["whole core", undefined],
  [`${CORES} core`, share],
] as const) {
  if (name !== "whole core" && limits === undefined) {
    console.log(`${name}: not measured, no control group can be made here`);
    continue;
  }
  const numbers: Record<string, Numbers> = { "node that does nothing": await idleNode(limits) };
  for (const [what, given] of cases) numbers[what] = await measure(given, limits, memory);
  results[name] = numbers;
}
share?.remove();
memory?.remove();

const folder = join(import.meta.dirname, "results");
mkdirSync(folder, { recursive: true });
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`;
writeFileSync(join(folder, "choose.json"), `${JSON.stringify({ machine, runs, results }, undefined, 2)}\n`);
for (const [name, numbers] of Object.entries(results)) {
  for (const [what, { wallMs, residentMiB, chargedMiB }] of Object.entries(numbers)) {
    const resident = residentMiB === undefined ? "" : `, resident at most ${residentMiB} MiB`;
    const charged = chargedMiB === undefined ? "" : `, charged at most ${chargedMiB} MiB`;
    console.log(`${name}: ${what}: ${wallMs.p50} ms (at most ${wallMs.max})${resident}${charged}`);
  }
}
