import type { Log } from "../log.ts";
import type { EtcdClient, KeyValue } from "./etcd-client.ts";
import { emptyObjects, type Kind, type Objects, splitKey, validItem } from "./objects.ts";

export interface SyncOptions {
  readonly client: EtcdClient;
  readonly prefix: string;
  /** Vendor: 1, 2, 4 .. 64 s. Open source: a constant 3 s. */
  readonly flavour: "vendor" | "opensource";
  readonly log: Log;
  readonly onChange: (objects: Objects) => void;
  /** Drops all when the control plane is lost, and reads it again afterwards: no real gateway does. */
  readonly forgets?: boolean;
}

/**
 * One process's copy of the configuration, kept current by a watch. When the control plane is lost it keeps what it has,
 * for ever, and tries again; it never reads the whole range a second time unless the watch says it must (compacted).
 */
export class ConfigSync {
  objects: Objects = emptyObjects();
  /** True once this process has had a configuration: what the open-source /status/ready means. */
  loaded = false;
  private revision = 0;
  private readonly options: SyncOptions;
  private readonly stopped = new AbortController();

  constructor(options: SyncOptions) {
    this.options = options;
  }

  /** Takes over what another process has read: a worker that is forked by a master with a configuration. */
  adopt(objects: Objects, revision: number): void {
    this.objects = objects;
    this.revision = revision;
    this.loaded = true;
    this.options.onChange(objects);
  }

  get currentRevision(): number {
    return this.revision;
  }

  /** The one full read. Rejects when the control plane does not answer. */
  async load(): Promise<void> {
    const { revision, kvs } = await this.options.client.range();
    this.adopt(toObjects(this.options.prefix, kvs), revision);
  }

  /** Follows for ever; resolves after stop(). */
  async follow(): Promise<void> {
    const { client, flavour, log } = this.options;
    let failures = 0;
    while (!this.stopped.signal.aborted) {
      try {
        if (!this.loaded) await this.load();
        await client.watch(
          this.revision + 1,
          (message) => {
            failures = 0;
            this.apply(message.events.map(({ type, kv }) => ({ deleted: type === "DELETE", kv })));
            if (message.compacted) this.loaded = false;
          },
          this.stopped.signal,
        );
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        if (this.options.forgets === true) this.forget();
        const waitMs = flavour === "vendor" ? Math.min(64, 2 ** failures) * 1_000 : 3_000;
        failures += 1;
        log.warn("failed to read etcd", { error: (error as Error).message, retryMs: waitMs });
        await pause(waitMs, this.stopped.signal);
      }
    }
  }

  private forget(): void {
    this.loaded = false;
    this.options.onChange(emptyObjects());
  }

  stop(): void {
    this.stopped.abort();
  }

  private apply(changes: readonly { deleted: boolean; kv: KeyValue }[]): void {
    if (changes.length === 0) return;
    const touched = new Set<Kind>();
    for (const { deleted, kv } of changes) {
      this.revision = Math.max(this.revision, kv.modRevision);
      const place = splitKey(this.options.prefix, kv.key);
      if (place === undefined) continue;
      if (!touched.has(place.kind)) {
        touched.add(place.kind);
        this.objects = { ...this.objects, [place.kind]: new Map(this.objects[place.kind]) };
      }
      const value = deleted ? undefined : parseValue(place.kind, place.id, kv.value);
      if (value === undefined) this.objects[place.kind].delete(place.id);
      else this.objects[place.kind].set(place.id, { value, modifiedIndex: kv.modRevision });
    }
    this.options.onChange(this.objects);
  }
}

/** As an exporter reads it: what a gateway would not accept is exported all the same. */
export const toExport = (prefix: string, kvs: readonly KeyValue[]): Objects => objectsOf(prefix, kvs, parseAny);

export const toObjects = (prefix: string, kvs: readonly KeyValue[]): Objects => objectsOf(prefix, kvs, parseValue);

function objectsOf(prefix: string, kvs: readonly KeyValue[], parse: typeof parseValue): Objects {
  const objects = emptyObjects();
  for (const kv of kvs) {
    const place = splitKey(prefix, kv.key);
    const value = place && parse(place.kind, place.id, kv.value);
    if (place && value) objects[place.kind].set(place.id, { value, modifiedIndex: kv.modRevision });
  }
  return objects;
}

function parseValue(kind: Kind, id: string, text: string): Record<string, unknown> | undefined {
  const value = parseAny(kind, id, text);
  return validItem(kind, value) ? value : undefined;
}

function parseAny(_kind: Kind, id: string, text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value, id } : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves early, without an error, when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
