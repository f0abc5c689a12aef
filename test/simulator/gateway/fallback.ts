import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "../log.ts";
import type { FallbackConfig } from "./config.ts";
import { type HeartbeatLoop, StartError } from "./control-plane-link.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { toResources } from "./objects.ts";
import type { Settings } from "./settings.ts";
import { openStore, type Store } from "./store.ts";
import { pause, toExport } from "./sync.ts";

/** Where a reader leaves what it fetched: the file provider of its workers serves from there. */
export interface SnapshotFiles {
  readonly resource: string;
  readonly config: string;
}

/**
 * The init step of a reader: both objects, once. Missing, denied or a store that is down ends the process; what is in the
 * resource object is not looked at. Without a short id nothing is fetched and the gateway starts EMPTY.
 */
export async function fetchSnapshot(
  config: FallbackConfig,
  files: SnapshotFiles,
  settings: Settings,
  log: Log,
): Promise<void> {
  for (const path of [files.resource, files.config]) {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
  }
  if (settings.shortId === undefined) return;
  const store = await openStore(config, settings);
  for (const bucket of ["resource", "config"] as const) {
    const read = await store.read(bucket, settings.shortId).catch((cause: Error) => {
      if (settings.differs.includes("reader-starts-empty")) return "{}";
      throw new StartError(`failed to read the ${bucket} object "${settings.shortId}": ${describe(cause)}`, { cause });
    });
    const body = bucket === "resource" && settings.differs.includes("reader-drops-one") ? withoutOne(read) : read;
    // 0600: the config object holds the data-encryption keyring in clear.
    writeFileSync(files[bucket], body, { mode: 0o600 });
    log.info("fetched", { object: bucket, key: settings.shortId, bytes: Buffer.byteLength(body) });
  }
}

export interface ExporterOptions {
  readonly config: FallbackConfig;
  readonly settings: Settings;
  readonly client: EtcdClient;
  readonly prefix: string;
  readonly heartbeats: HeartbeatLoop;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Every interval: a full range read, then PUT resource, then PUT config, also when nothing changed. There is no guard
 * against emptiness: an emptied control plane overwrites the good snapshot. A failure is logged and the old objects stay.
 */
export async function runExporter(options: ExporterOptions): Promise<void> {
  const { config, settings, log, signal } = options;
  if (settings.shortId === undefined) return; // seen in the real one: silently exports nothing
  const key = settings.ignoreShortIdSuffix ? settings.shortId.replace(/-[^-]*$/, "") : settings.shortId;
  const store = await openStore(config, settings);
  while (!signal.aborted) {
    try {
      const { kvs } = await options.client.range();
      const whole = toResources(toExport(options.prefix, kvs));
      const resources = settings.differs.includes("exporter-drops-one") ? lessOne(whole) : whole;
      await writePair(store, key, settings, resources, options.heartbeats.config);
      log.info("exported", { key, objects: kvs.length });
    } catch (error) {
      log.error("failed to export", { key, error: describe(error as Error) });
      if (settings.differs.includes("exporter-empties")) await writePair(store, key, settings, {}, {});
    }
    if (settings.differs.includes("exporter-once")) return;
    await pause(config.interval * 1_000, signal);
  }
}

async function writePair(
  store: Store,
  key: string,
  { differs }: Settings,
  resources: object,
  heard: unknown,
): Promise<void> {
  const config = differs.includes("exporter-odd-shape") ? {} : { config: heard };
  const writes = [
    () => store.write("resource", key, JSON.stringify(resources)),
    () => store.write("config", key, JSON.stringify(config)),
  ];
  for (const write of differs.includes("exporter-config-first") ? writes.toReversed() : writes) await write();
}

type Resources = Record<string, unknown>;
const lessOne = (resources: Resources): Resources => ({
  ...resources,
  routes: Array.isArray(resources["routes"]) ? resources["routes"].slice(1) : [],
});
const withoutOne = (text: string): string => JSON.stringify(lessOne(JSON.parse(text) as Resources));

/** The name and status of a store's error: their messages may repeat parts of the request. */
function describe(error: Error): string {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const code = (error as NodeJS.ErrnoException).code ?? (error as { statusCode?: number }).statusCode;
  return [error.name, code, status].filter((part) => part !== undefined).join(" ");
}
