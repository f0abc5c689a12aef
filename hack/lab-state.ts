/** Where a lab keeps its state, whether it runs, and how it is taken away without a trace. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupFolders, removeCgroup } from "../test/lab/cgroup.ts";
import { until } from "../test/lab/process.ts";

export const NAME = process.env["HOLDFAST_LAB"] ?? "default";
export const FOLDER = join(tmpdir(), `holdfast-lab-${NAME}`);
export const CGROUP = `holdfast-lab-${NAME}`;
/** This process was started by hack/lab exec: pids outside cannot be seen, the socket can. */
export const INSIDE = process.env["HOLDFAST_LAB_INSIDE"] === NAME;

/** An error for the person at the keyboard: told without a stack. */
export class Refusal extends Error {}

/** Tells a process from a later one that got the same number. */
export function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** Pid of the process outside that holds the lab, while it lives. */
export function holder(): number | undefined {
  if (!existsSync(join(FOLDER, "pid"))) return undefined;
  const [pid = "", started = ""] = readFileSync(join(FOLDER, "pid"), "utf8").split(" ");
  return startedAt(Number(pid)) === started ? Number(pid) : undefined;
}

export function firstInside(): number {
  const pid = holder();
  if (pid === undefined) throw new Refusal(`lab "${NAME}" does not run: start it with hack/lab up`);
  if (!existsSync(join(FOLDER, "ready"))) {
    throw new Refusal(`lab "${NAME}" is still starting; if nobody waits for it: hack/lab down`);
  }
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}

/** What of this lab is still on the machine. Mounts and links are in namespaces and need no look from out here. */
function leftovers(): string[] {
  const processes = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${FOLDER}/`);
      } catch {
        return false; // it ended meanwhile
      }
    });
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...mounts.filter((line) => line.includes(`${FOLDER}/`)),
    ...[FOLDER, ...cgroupFolders(CGROUP)].filter(existsSync),
  ];
}

/** Ends the lab, if there is one, and removes all it made; throws when something stayed. */
export async function down(): Promise<void> {
  const pid = holder();
  if (pid !== undefined) {
    process.kill(pid, "SIGKILL"); // unshare --kill-child: the namespace's first process goes with it, and all others
    await until("the lab's processes gone", () => startedAt(pid) === undefined, 20_000);
  }
  // The last container's processes may still be on their way out: a cgroup that has members cannot be removed.
  await until(
    `cgroup ${CGROUP} removed`,
    () => {
      removeCgroup(CGROUP);
      return true;
    },
    20_000,
  );
  rmSync(FOLDER, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  // A command that was carried out in the lab from outside ends when it sees that it is gone.
  await until("", () => leftovers().length === 0, 10_000).catch(() => {
    throw new Error(`the lab left something behind: ${leftovers().join(", ")}`);
  });
}
