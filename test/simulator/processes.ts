import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const START_TIMEOUT_MS = 30_000;

export interface LogLine {
  readonly level: string;
  readonly name: string;
  readonly message: string;
  readonly [field: string]: unknown;
}
/** A process of the simulator on loopback. */
export interface SimProcess {
  readonly child: ChildProcess;
  /** As told in its log line "started"; `http` of a gateway is a list. */
  readonly ports: Readonly<Record<string, number | readonly number[]>>;
  readonly log: readonly LogLine[];
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}
export interface GatewayProcess extends SimProcess {
  readonly prefix: string;
  /** `http://127.0.0.1:<port>` of the listener, and of each endpoint that is on. */
  readonly url: Readonly<Record<"http" | "https" | "status" | "control" | "prometheus", string>>;
}
export interface GatewayStart {
  /** config.yaml, as an object or as the text that a renderer wrote. */
  readonly config: object | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further files below the gateway's home, by path, such as `conf/apisix.json`. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts a command of the simulator and waits until it says "started". Rejects with its log when it ends before. */
export async function startProcess(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SimProcess> {
  const begun = begin(argv, env);
  const first = await Promise.race([begun.started, begun.exited.then((code) => ({ ended: code }))]);
  if ("ended" in first) {
    throw new Error(
      `"${argv.join(" ")}" ended with ${first.ended} at its start: ${JSON.stringify(begun.log.slice(-3))}`,
    );
  }
  return { ...begun, ports: first["ports"] as SimProcess["ports"] };
}

/** A gateway with a home of its own in a temporary folder (removed when it ends) and free ports. */
export async function startGateway(start: GatewayStart): Promise<GatewayProcess> {
  const { prefix, env } = home(start);
  const running = await startProcess(["gateway"], env);
  void running.exited.then(() => rmSync(prefix, { recursive: true, force: true }));
  const url = (name: string): string => `http://127.0.0.1:${[running.ports[name] ?? 0].flat()[0]}`;
  return {
    ...running,
    prefix,
    url: {
      http: url("http"),
      https: url("https").replace("http:", "https:"),
      status: url("status"),
      control: url("control"),
      prometheus: url("prometheus"),
    },
  };
}

/** Runs a gateway that is expected to end by itself. */
export async function runGatewayToItsEnd(
  start: GatewayStart,
): Promise<{ code: number | string; log: readonly LogLine[] }> {
  const { prefix, env } = home(start);
  const begun = begin(["gateway"], env);
  const timer = setTimeout(() => begun.child.kill("SIGKILL"), START_TIMEOUT_MS);
  const code = await begun.exited;
  clearTimeout(timer);
  rmSync(prefix, { recursive: true, force: true });
  return { code, log: begun.log };
}

function home(start: GatewayStart): { prefix: string; env: Record<string, string> } {
  const prefix = mkdtempSync(join(tmpdir(), "gateway-"));
  const files = {
    "conf/config.yaml": typeof start.config === "string" ? start.config : stringify(start.config),
    ...start.files,
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(prefix, path, ".."), { recursive: true });
    writeFileSync(join(prefix, path), content);
  }
  return { prefix, env: { SIM_PREFIX: prefix, SIM_FREE_PORTS: "1", ...start.env } };
}

/** Starts a command without waiting for anything; a line of its output that is not JSON is passed over. */
export function begin(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const log: LogLine[] = [];
  const started = Promise.withResolvers<LogLine>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const parsed = JSON.parse(line) as LogLine;
    log.push(parsed);
    if (parsed.message === "started") started.resolve(parsed);
  });
  const exited = new Promise<number | string>((resolve) => {
    // "close", not "exit": by then the last line of its log has been read.
    child.on("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  const stop = (signal: NodeJS.Signals = "SIGTERM"): Promise<number | string> => {
    child.kill(signal);
    return exited;
  };
  return { child, log, started: started.promise, exited, stop };
}
