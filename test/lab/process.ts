/**
 * Real servers for tests: started on free loopback ports, stopped by their own pid, and ended by the kernel when the
 * test process dies, so that a crashed run leaves nothing behind.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const REPOSITORY = resolve(import.meta.dirname, "../..");

const STOP_GRACE_MS = 5_000;
const LOG_TAIL_BYTES = 3_000;

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

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

/** A folder of its own under the system's temporary folder; `remove()` takes it away. */
export function temporaryFolder(label: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `holdfast-${label}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Asks again until `ask` answers true. Rejects with `what` and the last error after `limitMs`. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await ask()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  const why = last instanceof Error ? `: ${last.message}` : "";
  throw new Error(`${what}: not so after ${limitMs / 1000} s${why}`, { cause: last });
}

export interface Server {
  readonly name: string;
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
}

export interface ServerOptions {
  /** Folder for the log. */
  folder: string;
  env?: Record<string, string>;
}

function logTail(path: string): string {
  return readFileSync(path, "utf8").slice(-LOG_TAIL_BYTES);
}

function gone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (gone(child)) return;
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  child.kill("SIGCONT"); // a frozen process would never see the signal
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}

/** Starts a process that ends with this one. Its output goes to `<folder>/<name>.log`. */
export function startProcess(name: string, command: string[], options: ServerOptions): Server {
  const logPath = join(options.folder, `${name}.log`);
  const log = openSync(logPath, "a");
  // The kernel sends the signal when the parent dies, however it died. Other systems than Linux have no such thing.
  const [file = "", ...args] = process.platform === "linux" ? ["setpriv", "--pdeathsig", "KILL", ...command] : command;
  const child = spawn(file, args, {
    cwd: options.folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: options.folder, ...options.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  return {
    name,
    pid: child.pid ?? -1,
    logPath,
    ended: () => {
      if (failure) return `${name} did not start: ${failure.message}`;
      if (!gone(child)) return undefined;
      return `${name} ended with ${child.exitCode ?? child.signalCode}; the end of its log:\n${logTail(logPath)}`;
    },
    freeze: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

/** Waits until `ask` is true; a server that ended meanwhile is told at once, with the end of its log. */
export async function ready(server: Server, ask: () => Promise<boolean>, limitMs: number): Promise<void> {
  await until(
    `${server.name} ready`,
    async () => {
      if (server.ended() !== undefined) return true;
      return ask();
    },
    limitMs,
  ).catch((error: unknown) => {
    throw new Error(
      `${server.name} is not ready after ${limitMs / 1000} s; its log ends:\n${logTail(server.logPath)}`,
      {
        cause: error,
      },
    );
  });
  const end = server.ended();
  if (end !== undefined) throw new Error(end);
}
