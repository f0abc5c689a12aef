import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "../log.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { pause } from "./sync.ts";

const VERSION_TIMEOUT_MS = 3_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
const START_HEARTBEATS = 3;

/** Why a normal gateway or an exporter does not start. The process ends with it. */
export class StartError extends Error {}

/**
 * Asks every etcd host for /version. Vendor: one that answers will do. Open source: more than half must answer.
 * So a gateway that starts in an outage dies and loops.
 */
export async function requireEtcd(
  client: EtcdClient,
  retries: number,
  flavour: "vendor" | "opensource",
): Promise<void> {
  const answers = await Promise.all(client.hosts.map((host) => answersWithin(client, host, retries)));
  const up = answers.filter(Boolean).length;
  if (flavour === "vendor" ? up === 0 : up * 2 <= client.hosts.length)
    throw new StartError("all etcd nodes are unavailable");
}

async function answersWithin(client: EtcdClient, host: string, retries: number): Promise<boolean> {
  for (let attempt = 0; attempt <= retries; attempt += 1) {
    if (
      await client.version(host, VERSION_TIMEOUT_MS).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}

export interface Heartbeat {
  readonly instanceId: string;
  readonly hostname: string;
  readonly version: string;
  readonly cores: number;
  readonly runningMode: "standard" | "backup";
}

/** Reports to the first host: up to three times at the start (all refused: the gateway dies), then every ten seconds. */
export class HeartbeatLoop {
  /** What the control plane last answered in `config`: what an exporter writes as its config object. */
  config: unknown;
  private readonly options: { client: EtcdClient; report: Heartbeat; intervalMs: number; log: Log };

  constructor(options: HeartbeatLoop["options"]) {
    this.options = options;
  }

  async first(): Promise<void> {
    let why = "";
    for (let attempt = 0; attempt < START_HEARTBEATS; attempt += 1) {
      try {
        return await this.send();
      } catch (error) {
        why = (error as Error).message;
      }
    }
    throw new StartError(`heartbeat refused ${START_HEARTBEATS} times: ${why}`);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.options.intervalMs, signal);
      if (signal.aborted) return;
      await this.send().catch((error: Error) => this.options.log.warn("heartbeat failed", { error: error.message }));
    }
  }

  private async send(): Promise<void> {
    const { instanceId, hostname, version, cores, runningMode } = this.options.report;
    const report = { instance_id: instanceId, hostname, version, cores, running_mode: runningMode };
    const answer = (await this.options.client.heartbeat(report, HEARTBEAT_TIMEOUT_MS)) as { config?: unknown };
    this.config = answer.config ?? this.config;
  }
}

/** The id of this instance: conf/apisix.uid, mounted from the pod's UID; written when there is none. */
export function instanceId(path: string): string {
  try {
    const id = readFileSync(path, "utf8").trim();
    if (id !== "") return id;
  } catch {
    // Absent: this start makes a new one, and is counted as another instance.
  }
  const id = randomUUID();
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, id);
  } catch {
    // A read-only conf/: the id lives as long as the process.
  }
  return id;
}
