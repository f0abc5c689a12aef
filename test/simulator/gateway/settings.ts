import { readFileSync } from "node:fs";
import { type Difference, readDifferences } from "./differences.ts";

/** What a test may ask of the simulated gateway, from the environment or, where a pod is told by a file, from JSON of
 *  the same names in the file that SIM_FAULT_FILE names (the file wins). None of it exists in the real gateway. */
export interface Settings {
  /** Which meaning /status/ready, retries, the start rule and a re-spawned worker have. SIM_FLAVOUR. */
  readonly flavour: "vendor" | "opensource";
  /** The gateway's own version: path-style S3 from 3.9.13, told in heartbeats. SIM_VERSION. */
  readonly version: string;
  /** Home, holding conf/ and logs/. SIM_PREFIX. */
  readonly prefix: string;
  /** The bare name of the object in both buckets. API7_GATEWAY_GROUP_SHORT_ID: a real variable of the gateway. */
  readonly shortId: string | undefined;
  /** How many routes a load drops silently, one by one from the end. SIM_LOAD_FEWER. */
  readonly loadFewer: number;
  /** The exporter writes to the key without its last `-suffix`. SIM_IGNORE_SHORT_ID_SUFFIX. */
  readonly ignoreShortIdSuffix: boolean;
  /** Waits before it begins to start. SIM_START_DELAY_MS. */
  readonly startDelayMs: number;
  /** Adds the header `Server-Pod: <HOSTNAME>` to every answer. SIM_EXPOSE_POD. */
  readonly exposePod: boolean;
  /** Every port of config.yaml becomes a free one; the log line "started" names them. SIM_FREE_PORTS, for loopback. */
  readonly freePorts: boolean;
  /** Seconds between heartbeats: 10 in the real one. SIM_HEARTBEAT_SECONDS. */
  readonly heartbeatMs: number;
  /** No prometheus listener. SIM_NO_PROMETHEUS. */
  readonly noPrometheus: boolean;
  /** As in open source over a store without APISIX's directory markers: each worker reads only once it listens, so the
   *  first requests get 404. SIM_LOAD_AFTER_LISTEN. */
  readonly loadAfterListen: boolean;
  /** How long the metric keeps its value while the control plane hangs: 25 s measured. SIM_METRIC_HANG_SECONDS. */
  readonly metricHangMs: number;
  /** Otherwise than is assumed, for trying out what notices it. SIM_DIFFERS. */
  readonly differs: readonly Difference[];
  /** Whom a reader asks each second, which a real one does not: an https URL. SIM_READER_ASKS. */
  readonly readerAsks: string | undefined;
  readonly hostname: string;
}

type Env = Readonly<Record<string, string | undefined>>;
const on = (value: string | undefined): boolean =>
  value !== undefined && value !== "" && value !== "0" && value !== "false";

export function readSettings(environment: Env): Settings {
  const env = { ...environment, ...faultFile(environment["SIM_FAULT_FILE"]) };
  return {
    flavour: env["SIM_FLAVOUR"] === "opensource" ? "opensource" : "vendor",
    version: env["SIM_VERSION"] ?? "3.9.14",
    prefix: env["SIM_PREFIX"] ?? "/usr/local/apisix",
    shortId: env["API7_GATEWAY_GROUP_SHORT_ID"] || undefined,
    loadFewer: Number(env["SIM_LOAD_FEWER"] ?? 0),
    ignoreShortIdSuffix: on(env["SIM_IGNORE_SHORT_ID_SUFFIX"]),
    startDelayMs: Number(env["SIM_START_DELAY_MS"] ?? 0),
    exposePod: on(env["SIM_EXPOSE_POD"]),
    freePorts: on(env["SIM_FREE_PORTS"]),
    heartbeatMs: Number(env["SIM_HEARTBEAT_SECONDS"] ?? 10) * 1_000,
    noPrometheus: on(env["SIM_NO_PROMETHEUS"]),
    loadAfterListen: on(env["SIM_LOAD_AFTER_LISTEN"]),
    metricHangMs: Number(env["SIM_METRIC_HANG_SECONDS"] ?? 25) * 1_000,
    differs: readDifferences(env["SIM_DIFFERS"]),
    readerAsks: env["SIM_READER_ASKS"],
    hostname: env["HOSTNAME"] ?? "gateway",
  };
}

/** A file that is absent asks for nothing: the pod may mount it optionally. */
function faultFile(path: string | undefined): Env {
  if (path === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Object.fromEntries(Object.entries(parsed as object).map(([key, value]) => [key, String(value)]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(`SIM_FAULT_FILE ${path} is not JSON`, { cause: error });
  }
}

/** Path-style addressing came with 3.9.13: an older gateway speaks virtual-host style whatever its config says. */
export function speaksPathStyle(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return major * 1_000_000 + minor * 1_000 + patch >= 3_009_013;
}

/** nginx passes only listed variables to its workers: an identity that is not listed does not reach the exporter. */
export function hideUnlistedIdentity(env: NodeJS.ProcessEnv, listed: readonly string[]): void {
  const names = new Set(listed.map((entry) => entry.split("=", 1)[0]));
  for (const name of Object.keys(env)) if (/^(AWS|AZURE)_/.test(name) && !names.has(name)) delete env[name];
}
