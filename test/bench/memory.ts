/** What the operator holds at rest, beside a Node.js process that does nothing. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bed, NODE_OPTIONS } from "./bed.ts";
import type { Result } from "./report.ts";
import { memoryOf } from "./stats.ts";

const SETTLE_MS = Number(process.env["HOLDFAST_BENCH_SETTLE_SECONDS"] ?? 60) * 1000;

export async function memory(bed: Bed): Promise<Result> {
  await sleep(Math.max(0, bed.quietSinceMs() + SETTLE_MS - Date.now()));
  const groups = bed.names.length;
  const idle = await idleNode();
  const { rssMiB, anonymousMiB, peakMiB } = memoryOf(bed.operator.pid);
  const metrics = await bed.metrics();
  const heap = Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(metrics)?.[1]) / 2 ** 20;
  const beside = (value: number) => ({ reference: { what: "a Node.js process that does nothing", value } });
  const wanted = groups === 1 ? { wanted: "under 128 MiB" } : { wanted: "stated (128 MiB with 1,000)" };
  return {
    title: "Memory",
    how: `RSS of the operator's process, at rest for at least ${SETTLE_MS / 1000} s after all groups were created, served and proven; nothing asked it to collect garbage. It runs with the chart's NODE_OPTIONS (${NODE_OPTIONS}). Anonymous: without the pages of the Node.js binary, which all processes of a node share. Two traffic pods and one backup pod per group, no kubelet.`,
    rows: [
      { what: "RSS", groups, value: rssMiB, unit: "MiB", ...beside(idle.rssMiB), ...wanted },
      { what: "of it anonymous", groups, value: anonymousMiB, unit: "MiB", ...beside(idle.anonymousMiB) },
      { what: "peak RSS since its start", groups, value: peakMiB, unit: "MiB" },
      { what: "JavaScript heap in use", groups, value: heap, unit: "MiB" },
    ],
  };
}

async function idleNode() {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await sleep(2_000);
  const memory = memoryOf(child.pid ?? -1);
  child.kill("SIGKILL");
  return memory;
}
