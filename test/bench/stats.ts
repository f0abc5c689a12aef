/** What a process used, as the kernel counts it, and the usual words for a list of measured values. */
import { readFileSync } from "node:fs";

/** Clock ticks of /proc/<pid>/stat per second: fixed on Linux, whatever the kernel was built with. */
const TICKS = 100;

/** User and system time of a process so far, in seconds, to 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export interface Memory {
  rssMiB: number;
  /** Part of it that belongs to this process alone: not the pages of the Node.js binary, which a node shares. */
  anonymousMiB: number;
  /** Most that it ever was since the process started. */
  peakMiB: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mib = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? Number.NaN) / 1024;
  return { rssMiB: mib("VmRSS"), anonymousMiB: mib("RssAnon"), peakMiB: mib("VmHWM") };
}

/** Nearest rank: of 50 values p99 is the greatest. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new Error("no value was measured");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] as number;
}

/** Runs `work` on all items, so many at a time. */
export async function inParallel<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<unknown>) {
  const queue = [...items];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
