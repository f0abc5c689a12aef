/** What a story does to the lab: cuts networks, stops components, signals processes. Each way back is a function. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HOST } from "../lab/network.ts";
import { REPOSITORY } from "../lab/process.ts";
import type { Json } from "./cluster.ts";
import { run } from "./run.ts";

/**
 * Nothing from these addresses (or subnets) reaches the port of the host any more, what is under way neither; `except`
 * still does. As with a firewall that drops: nobody is told. Returns the way back, which may be called twice.
 */
export function cutOff(from: readonly string[], port: number, except: readonly string[] = []): () => void {
  const rule = (source: string, target: string): string[] => {
    const name = `holdfast-cut-${port}`;
    const match = ["-s", source, "-d", HOST, "-p", "tcp", "--dport", `${port}`];
    return [...match, "-m", "comment", "--comment", name, "-j", target];
  };
  const rules = [...from.map((source) => rule(source, "DROP")), ...except.map((source) => rule(source, "ACCEPT"))];
  const made: string[][] = [];
  const iptables = (...args: string[]) => execFileSync("iptables", ["-w", "10", ...args], { stdio: "pipe" });
  const restore = (): void => {
    for (const args of made.splice(0)) iptables("-D", "INPUT", ...args);
  };
  try {
    // Each goes in front of those before it: what is excepted comes last and stands first.
    for (const args of rules) {
      iptables("-I", "INPUT", "1", ...args);
      made.push(args);
    }
  } catch (error) {
    restore();
    throw error;
  }
  return restore;
}

/** `hack/lab stop apiserver` and the like. */
export async function lab(verb: "stop" | "kill" | "start" | "freeze" | "resume", component: string): Promise<void> {
  await run(join(REPOSITORY, "hack/lab"), [verb, component]);
}

/** Ids of the processes of a pod whose command line has this text, as the lab sees them: a signal from there is obeyed. */
function processesOf(pod: Json, text: string): number[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return ""; // it ended meanwhile
    }
  };
  const uid: string = pod.metadata.uid;
  const marks = [uid, uid.replaceAll("-", "_")];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => marks.some((mark) => read(`/proc/${pid}/cgroup`).includes(mark)))
    .filter((pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").includes(text))
    .map(Number);
}

/** Sends the signal to the container's main process. */
export function signal(pod: Json, text: string, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  const pids = processesOf(pod, text);
  if (pids.length === 0) throw new Error(`pod ${pod.metadata.name} has no process with "${text}"`);
  for (const pid of pids) process.kill(pid, name);
}

/** One more name for an image that the nodes hold: what an upgrade to the same code looks like. */
export async function tagImage(name: string, as: string): Promise<void> {
  const nodes = readdirSync("/run").filter((entry) => /^lab-\d+$/.test(entry));
  for (const node of nodes) {
    const ctr = ["--address", `/run/${node}/containerd.sock`, "--namespace", "k8s.io", "images", "tag", "--force"];
    await run("ctr", [...ctr, name, as]);
  }
}
