/**
 * What the start choice costs a pod: wall time of the whole process and its memory, also at a quarter of a core, beside
 * a Node.js process that does nothing.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildChoose, groupPod, inGroups, type Pod, startJson, startPod } from "../choose-run.ts";
import { controlPlane, makeCertificates, nobody, Stubs } from "../gateway/api7/control-plane-stub.ts";
import type { Result, Row } from "./report.ts";

const RUNS = Number(process.env["HOLDFAST_BENCH_RUNS"] ?? 20);
const CORES = 0.25;
const PERIOD_US = 100_000;

interface Numbers {
  wallMs: { p50: number; max: number };
  /** Peak of resident memory, pages of the Node.js binary included, which all processes of a node share. */
  residentMiB?: number;
  /** Peak of what a container's memory limit counts, with that binary in the page cache already. */
  chargedMiB?: number;
}

async function measure(
  { stubs, bundle }: Program,
  given: Pod,
  limits: Group | undefined,
  memory: Group | undefined,
): Promise<Numbers> {
  const seen = [];
  const groups = [limits, memory].flatMap((group) => (group === undefined ? [] : [group.procs]));
  for (let run = 0; run < RUNS; run += 1) {
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
  for (let run = 0; run < RUNS; run += 1) {
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

interface Program {
  stubs: Stubs;
  /** Path of the bundle, as the image has it. */
  bundle: string;
}

export async function choose(): Promise<Result> {
  await using stubs = new Stubs();
  const made = makeCertificates(stubs);
  const program = { stubs, bundle: buildChoose(stubs) };
  const pod = (endpoint: string, mode: string): Pod =>
    groupPod(made, endpoint, { files: { "start/start.json": startJson(mode) } });
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
  const rows: Row[] = [];
  try {
    for (const [cores, limits] of [
      ["whole core", undefined],
      [`${CORES} core`, share],
    ] as const) {
      if (cores !== "whole core" && limits === undefined) continue; // no control group can be made here
      const idle = await idleNode(limits);
      for (const [what, given] of cases) {
        rows.push(...rowsOf(`${cores}: ${what}`, await measure(program, given, limits, memory), idle));
      }
    }
  } finally {
    share?.remove();
    memory?.remove();
  }
  return {
    title: "Start choice",
    how: `${RUNS} runs of the image's bundle as a process of its own, before each gateway's start: wall time from spawn to exit. Reference: a Node.js process that does nothing. Charged memory is what a container's limit counts, the binary being in the page cache already; where no control group can be made it is left out.`,
    rows,
  };
}

function rowsOf(what: string, { wallMs, residentMiB, chargedMiB }: Numbers, idle: Numbers): Row[] {
  const beside = (value: number) => ({ reference: { what: "a Node.js process that does nothing", value } });
  return [
    { what: `${what}, p50`, value: wallMs.p50, unit: "ms", ...beside(idle.wallMs.p50) },
    { what: `${what}, slowest`, value: wallMs.max, unit: "ms", ...beside(idle.wallMs.max) },
    ...(residentMiB === undefined ? [] : [{ what: `${what}, resident at most`, value: residentMiB, unit: "MiB" }]),
    ...(chargedMiB === undefined ? [] : [{ what: `${what}, charged at most`, value: chargedMiB, unit: "MiB" }]),
  ];
}
