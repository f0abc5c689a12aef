/**
 * Real servers for tests: started on free loopback ports, stopped by their own pid, and ended by the kernel when the
 * test process dies, so that a crashed run leaves nothing behind.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const REPOSITORY = resolve(import.meta.dirname, "../..");

const STOP_GRACE_MS = 5_000;
const LOG_TAIL_CHARS = 3_000;

const folders = new Map<string, string>();

/**
 * Path of one program of the lab, e.g. `program("etcd")` or `program("kube", "kube-apiserver")`. Builds what is
 * missing (`hack/binaries` says on stderr what it does): run `hack/setup` before tests that count time.
 */
export function program(tool: string, executable = tool): string {
  let folder = folders.get(tool);
  if (folder === undefined) {
    folder = execFileSync(join(REPOSITORY, "hack/binaries"), [tool], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }).trim();
    folders.set(tool, folder);
  }
  return join(folder, executable);
}

/** Within a lab it is the lab's own, which goes with it. */
export const temporary = (): string => process.env["HOLDFAST_LAB_TMP"] ?? tmpdir();

/** A folder of its own under the system's temporary folder; `remove()` takes it away, and so does the process's end. */
export function temporaryFolder(label: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(temporary(), `holdfast-${label}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once("exit", remove);
  return {
    path,
    remove: () => {
      process.off("exit", remove);
      remove();
    },
  };
}

/** Asks again until `ask` answers true. Rejects with `what` and the last error after `limitMs`. */
export async function until(
  what: string,
  ask: () => Promise<boolean> | boolean,
  limitMs: number,
  pauseMs = 50,
): Promise<void> {
  const end = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await ask()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(pauseMs);
  }
  const why = last instanceof Error ? `: ${last.message}` : "";
  throw new Error(`${what}: not so after ${limitMs / 1000} s${why}`, { cause: last });
}

export interface Server {
  readonly name: string;
  /** Of the process that runs now; -1 when it never started. */
  readonly pid: number;
  /** File with all that the process wrote. */
  readonly logPath: string;
  /** Undefined while it runs, else a sentence with the end of its log. */
  ended(): string | undefined;
  /** SIGSTOP: connections open and nothing answers, as on a machine that hangs. */
  freeze(): void;
  resume(): void;
  /** SIGTERM, SIGKILL after 5 s. Resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL: no goodbye. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** The same command again, on the same port and data, after stop() or kill(). Resolves when it is ready. */
  start(): Promise<void>;
}

export interface ServerOptions {
  /** Working folder, and the folder of the log. */
  folder: string;
  env?: Record<string, string>;
  /** True once it serves; an error counts as "not yet". */
  ready: () => Promise<boolean> | boolean;
  readyLimitMs: number;
}

function gone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

const FREEZE_LIMIT_MS = 2_000;

/** The signal is only on its way when kill() returns: a thread that runs meanwhile would still answer. */
function freeze(child: ChildProcess): void {
  child.kill("SIGSTOP");
  if (process.platform !== "linux" || child.pid === undefined) return;
  const threads = `/proc/${child.pid}/task`;
  const stopped = () =>
    readdirSync(threads).every((thread) => {
      const stat = readFileSync(`${threads}/${thread}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
    });
  const tick = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; waitedMs < FREEZE_LIMIT_MS && !stopped(); waitedMs += 1) Atomics.wait(tick, 0, 0, 1);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || gone(child)) return;
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  child.kill("SIGCONT"); // a frozen process would never see the signal
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}

/** Starts a server that ends with this process, and waits until it is ready. Its output goes to `<folder>/<name>.log`. */
export async function startServer(name: string, command: string[], options: ServerOptions): Promise<Server> {
  const logPath = join(options.folder, `${name}.log`);
  // The kernel sends the signal when the parent dies, however it died. Other systems than Linux have no such thing.
  const [file = "", ...args] = process.platform === "linux" ? ["setpriv", "--pdeathsig", "KILL", ...command] : command;
  const logTail = () => `the end of its log:\n${readFileSync(logPath, "utf8").slice(-LOG_TAIL_CHARS)}`;
  let child: ChildProcess;
  let failure: Error | undefined;

  const ended = (): string | undefined => {
    if (failure) return `${name} did not start: ${failure.message}`;
    return gone(child) ? `${name} ended with ${child.exitCode ?? child.signalCode}; ${logTail()}` : undefined;
  };
  const start = async (): Promise<void> => {
    const log = openSync(logPath, "a");
    child = spawn(file, args, {
      cwd: options.folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: options.folder, ...options.env },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    child.once("error", (error) => {
      failure = error;
    });
    const limit = `${name} is not ready after ${options.readyLimitMs / 1000} s`;
    await until(limit, async () => ended() !== undefined || (await options.ready()), options.readyLimitMs).catch(
      async (error: unknown) => {
        await end(child, "SIGKILL");
        throw new Error(`${limit}; ${logTail()}`, { cause: error });
      },
    );
    const why = ended();
    if (why !== undefined) throw new Error(why);
  };
  await start();
  return {
    name,
    get pid() {
      return child.pid ?? -1;
    },
    logPath,
    ended,
    freeze: () => freeze(child),
    resume: () => void child.kill("SIGCONT"),
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
    start,
  };
}
