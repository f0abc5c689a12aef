// Runs the start choice as the kubelet would: the bundle that ships, as a process, on real files.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Certificates, Stubs } from "./gateway/api7/control-plane-stub.ts";

export const NORMAL = "role: normal\n";
export const FALLBACK = `role: fallback\naccess_key: "$${"{{"}HOLDFAST_STORE_ACCESS_KEY}}"\n`;
const TEMPLATE = "7c9f";

export interface Pod {
  /** Files under /holdfast, by path; a missing one is an absent reference. */
  files: Record<string, string>;
  env: Record<string, string>;
  args?: string[];
  /** A module loaded before: to make the program fail in ways of its own. */
  preload?: string;
  /** Files that a process writes its id into before it becomes the program: control groups. */
  groups?: string[];
}

export interface Ended {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** The termination message, parsed; undefined when there is none. */
  message: Record<string, unknown> | undefined;
  /** The configuration that the gateway would start with. */
  config: string | undefined;
  /** Who may read it, as of a file: 644. */
  configMode: string | undefined;
  output: string;
  tookMs: number;
}

/** Bundles it as the image does. */
export function buildChoose(stubs: Stubs): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-choose-"));
  stubs.closeLater(() => rmSync(folder, { recursive: true }));
  const build = join(import.meta.dirname, "../hack/build.ts");
  execFileSync(process.execPath, [build, folder, "choose.mjs"], { stdio: "pipe" });
  return join(folder, "choose.mjs");
}

export interface Running {
  root: string;
  pid: number;
  ended: Promise<Ended>;
}

export function startPod(stubs: Stubs, bundle: string, pod: Pod): Running {
  const root = mkdtempSync(join(tmpdir(), "holdfast-pod-"));
  stubs.closeLater(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "conf"));
  for (const [path, text] of Object.entries(pod.files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const log = join(root, "termination-log");
  const env = { HOLDFAST_ROOT: root, HOLDFAST_TERMINATION_LOG: log, HOLDFAST_TEMPLATE_HASH: TEMPLATE, ...pod.env };
  const preload =
    pod.preload === undefined ? [] : ["--import", `data:text/javascript,${encodeURIComponent(pod.preload)}`];
  const startedAt = performance.now();
  const [command, ...args] = inGroups(pod.groups ?? [], [process.execPath, ...preload, bundle, ...(pod.args ?? [])]);
  const child = spawn(command ?? "", args, { env, stdio: ["ignore", "pipe", "pipe"] });
  stubs.closeLater(() => child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (exitCode, signal) => {
      const read = (path: string) =>
        statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, "utf8") : undefined;
      const message = read(log);
      const config = join(root, "conf/config.yaml");
      const configMode = statSync(config, { throwIfNoEntry: false })?.mode.toString(8).slice(-3);
      const tookMs = Math.round(performance.now() - startedAt);
      const parsed = message === undefined ? undefined : JSON.parse(message);
      resolve({ exitCode, signal, message: parsed, config: read(config), configMode, output, tookMs });
    });
  });
  return { root, pid: child.pid ?? 0, ended };
}

/** The command within control groups from its first instruction on, so that all it does is counted. */
export function inGroups(groups: string[], command: string[]): string[] {
  if (groups.length === 0) return command;
  const join = groups.map((_, index) => `echo $$ > "$${index + 1}"`).join("; ");
  return ["/bin/sh", "-c", `${join}; shift ${groups.length}; exec "$@"`, "sh", ...groups, ...command];
}

export function startJson(mode: string, template: string = TEMPLATE): string {
  const proofs = { [template]: { digest: "sha256:1", verifiedAt: "2026-11-21T00:00:00Z" } };
  return JSON.stringify({ mode, epoch: 3, proofs });
}

/** A storage key that must be seen in the configuration alone. */
export const KEY = "planted-storage-key-4711";
export const FILLED = `role: fallback\naccess_key: "${KEY}"\n`;

export interface Change {
  files?: Record<string, string | undefined>;
  env?: Record<string, string | undefined>;
}

/** A pod of a group in Normal with everything at hand. `undefined` takes a file or a variable away. */
export function groupPod(made: Certificates, endpoint: string, change: Change = {}): Pod {
  const files = {
    "store/accessKeyId": KEY,
    "normal/config.yaml": NORMAL,
    "fallback/config.yaml": FALLBACK,
    "start/start.json": startJson("Normal"),
    "cp-cert/tls.crt": made.client.cert,
    "cp-cert/tls.key": made.client.key,
    "cp-cert/ca.crt": made.ca,
    ...change.files,
  };
  const env = { HOLDFAST_CP_ENDPOINT: endpoint, ...change.env };
  return { files: present(files), env: present(env) };
}

const present = (all: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
