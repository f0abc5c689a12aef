import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { LogLevel } from "./log.ts";

/** Everything that the process is told from outside. This file alone reads flags and environment. */
export interface Options {
  /** Namespaces whose GatewayGroups are kept. */
  namespaces: readonly string[];
  leaseNamespace: string;
  leaseName: string;
  /** Address of /livez, /readyz, /metrics; undefined: all. */
  host: string | undefined;
  port: number;
  logLevel: LogLevel;
  /** Loops under way at a time. */
  workers: number;
  /** undefined: the ServiceAccount of this pod. */
  kubeconfig: string | undefined;
  /** Image with the start choice, by digest in production: Holdfast's own. */
  chooseImage: string;
  /** Name of this process in events: the pod's. */
  instance: string;
  /** For tests that cannot wait for the default 15 s; the rule between the times is kept. */
  leaseSeconds: number;
}

/** A mistake of whoever starts the process: told in one line, without a stack. */
export class UsageError extends Error {}

const FLAGS = {
  namespaces: { env: "HOLDFAST_NAMESPACES", what: "comma list of namespaces to keep; default: the pod's own" },
  "lease-namespace": { env: "HOLDFAST_LEASE_NAMESPACE", what: "namespace of the Lease; default: the pod's own" },
  "lease-name": {
    env: "HOLDFAST_LEASE_NAME",
    what: "name of the Lease; default: holdfast, the one that the Role allows",
  },
  "lease-seconds": {
    env: "HOLDFAST_LEASE_SECONDS",
    what: "how long a leader that vanished is waited for; default: 15",
  },
  host: { env: "HOLDFAST_HOST", what: "address of /livez, /readyz and /metrics; default: all" },
  port: { env: "HOLDFAST_PORT", what: "its port; default: 8080; 0: any free one" },
  "log-level": { env: "HOLDFAST_LOG_LEVEL", what: "debug, info, warn or error; default: info" },
  workers: { env: "HOLDFAST_WORKERS", what: "loops under way at a time; default: 8" },
  kubeconfig: { env: "HOLDFAST_KUBECONFIG", what: "kubeconfig file; default: the pod's ServiceAccount" },
  "choose-image": {
    env: "HOLDFAST_CHOOSE_IMAGE",
    what: "image with the start choice: Holdfast's own, best by digest (required)",
  },
} as const;
type Flag = keyof typeof FLAGS;

const OWN_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const label = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
const Checked = z.object({
  namespaces: z.array(label).min(1),
  "lease-namespace": label,
  "lease-name": z.string().regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/),
  "lease-seconds": whole(3, 300),
  port: whole(0, 65535),
  "log-level": z.enum(["debug", "info", "warn", "error"]),
  workers: whole(1, 64),
  "choose-image": z.string().min(1),
});

/** @throws UsageError that names the flag, its variable and what is wrong */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Options {
  const flags = parseFlags(args);
  const value = (flag: Flag): string | undefined => flags[flag] ?? (env[FLAGS[flag].env] || undefined);
  const own = ownNamespace();
  const namespaces = value("namespaces") ?? own ?? "";
  const checked = Checked.safeParse({
    namespaces: [...new Set(namespaces.split(",").map((name) => name.trim()))].filter((name) => name !== ""),
    "lease-namespace": value("lease-namespace") ?? own,
    "lease-name": value("lease-name") ?? "holdfast",
    "lease-seconds": value("lease-seconds") ?? 15,
    port: value("port") ?? 8080,
    "log-level": value("log-level") ?? "info",
    workers: value("workers") ?? 8,
    "choose-image": value("choose-image"),
  });
  if (!checked.success) throw new UsageError(checked.error.issues.map(explain).join("; "));
  const { data } = checked;
  return {
    namespaces: data.namespaces,
    leaseNamespace: data["lease-namespace"],
    leaseName: data["lease-name"],
    leaseSeconds: data["lease-seconds"],
    host: value("host"),
    port: data.port,
    logLevel: data["log-level"],
    workers: data.workers,
    kubeconfig: value("kubeconfig"),
    chooseImage: data["choose-image"],
    instance: env["POD_NAME"] || hostname(),
  };
}

export function helpText(): string {
  const lines = Object.entries(FLAGS).map(([flag, { env, what }]) =>
    [`  --${flag}`.padEnd(22), what, ` (${env})`].join(""),
  );
  return [
    "Holdfast keeps API7 Enterprise gateways serving when their control plane is gone.",
    "",
    "  holdfast run [flags]    the operator",
    "  holdfast choose         the start choice of a gateway pod (an init container; not for people)",
    "  holdfast --version",
    "",
    ...lines,
    "",
  ].join("\n");
}

function parseFlags(args: readonly string[]): Partial<Record<Flag, string>> {
  const options = Object.fromEntries(Object.keys(FLAGS).map((flag) => [flag, { type: "string" as const }]));
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Partial<Record<Flag, string>>;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function explain(issue: { path: readonly PropertyKey[]; message: string }): string {
  const flag = String(issue.path[0]) as Flag;
  return `--${flag} (${FLAGS[flag].env}): ${issue.message}; ${FLAGS[flag].what}`;
}

function ownNamespace(): string | undefined {
  try {
    return readFileSync(OWN_NAMESPACE_FILE, "utf8").trim() || undefined;
  } catch {
    return undefined; // not in a pod
  }
}
