import type { SecretFact } from "../../domain/facts/facts.ts";
import { keyOf } from "../../kinds.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Clock } from "../../kube/clock.ts";
import { isKubeError } from "../../kube/errors.ts";
import { configMaps, type KubeObject, type Resource, secrets } from "../../kube/resources.ts";

/** What a Secret or ConfigMap says; its values never get into facts, they only build stores and probers. */
export type Content =
  | { seen: "present"; resourceVersion: string; data: Readonly<Record<string, string>> }
  | { seen: "absent" }
  | { seen: "unknown"; why: string };

type WithData = KubeObject & { data?: Record<string, string> };

// The API server may stumble for a moment; a Secret that was read minutes ago is still the best that is known of it.
const TRUST_LAST_MS = 5 * 60_000;
/** Somebody may be about to create what is missing, and waits for it to be noticed. */
const MISSING_MAX_AGE_MS = 10_000;
const READ_TIMEOUT_MS = 5_000;
const SWEEP_ABOVE = 1_000;

interface Read {
  content: Content;
  /** When the API server last said this, however often it was asked in vain since. */
  goodMs: number;
}
interface Cached extends Read {
  askedMs: number;
  usedMs: number;
}

/**
 * Secrets by `get` alone (no list, no watch: least privilege, and memory does not grow with other people's Secrets),
 * read again when older than asked for. Groups that share one share the read.
 */
export class ContentReader {
  readonly #client: Pick<KubeClient, "get">;
  readonly #clock: Clock;
  readonly #cache = new Map<string, Cached>();
  readonly #reading = new Map<string, Promise<Read>>();

  constructor(client: Pick<KubeClient, "get">, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  secret(namespace: string, name: string, maxAgeMs: number): Promise<Content> {
    return this.#read(secrets, namespace, name, maxAgeMs, decodeBase64);
  }

  configMap(namespace: string, name: string, maxAgeMs: number): Promise<Content> {
    return this.#read(configMaps, namespace, name, maxAgeMs, (data) => data);
  }

  async #read(
    resource: Resource,
    namespace: string,
    name: string,
    maxAgeMs: number,
    decode: (data: Record<string, string>) => Record<string, string>,
  ): Promise<Content> {
    const key = `${resource.kind} ${keyOf(namespace, name)}`;
    const nowMs = this.#clock.monotonicMs();
    const known = this.#cache.get(key);
    const goodForMs = known?.content.seen === "present" ? maxAgeMs : Math.min(maxAgeMs, MISSING_MAX_AGE_MS);
    if (known && nowMs - known.askedMs < goodForMs) {
      known.usedMs = nowMs;
      return known.content;
    }
    const under = this.#reading.get(key);
    if (under) return (await under).content;
    const reading = this.#ask(resource, namespace, name, known, decode).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    const read = await reading;
    const atMs = this.#clock.monotonicMs();
    this.#cache.set(key, { ...read, askedMs: atMs, usedMs: atMs });
    this.#sweep(atMs);
    return read.content;
  }

  async #ask(
    resource: Resource,
    namespace: string,
    name: string,
    known: Cached | undefined,
    decode: (data: Record<string, string>) => Record<string, string>,
  ): Promise<Read> {
    try {
      const found = await this.#client.get<WithData>(resource as Resource<WithData>, namespace, name, {
        timeoutMs: READ_TIMEOUT_MS,
      });
      const goodMs = this.#clock.monotonicMs();
      if (!found) return { content: { seen: "absent" }, goodMs };
      const resourceVersion = found.metadata.resourceVersion ?? "";
      return { content: { seen: "present", resourceVersion, data: decode(found.data ?? {}) }, goodMs };
    } catch (error) {
      const passing = isKubeError(error, "Timeout", "Network", "Unavailable", "TooManyRequests", "Unauthorized");
      const goodMs = known?.goodMs ?? Number.NEGATIVE_INFINITY;
      const ageMs = this.#clock.monotonicMs() - goodMs;
      if (passing && known && known.content.seen !== "unknown" && ageMs < TRUST_LAST_MS) return known;
      const message = error instanceof Error ? error.message : String(error);
      const why = isKubeError(error) ? message : `Cannot read ${resource.kind}: ${message}`;
      return { content: { seen: "unknown", why }, goodMs };
    }
  }

  /** Contents of Secrets that nobody asks for any more must not stay in memory. */
  #sweep(nowMs: number): void {
    if (this.#cache.size <= SWEEP_ABOVE) return;
    for (const [key, { usedMs }] of this.#cache) if (nowMs - usedMs > 2 * TRUST_LAST_MS) this.#cache.delete(key);
  }
}

function decodeBase64(data: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );
}

/** The fact without the values. */
export function factOf(name: string, content: Content): SecretFact {
  if (content.seen === "absent") return { seen: "absent", name };
  if (content.seen === "unknown") return { seen: "unknown", name, why: content.why };
  const { resourceVersion, data } = content;
  return { seen: "present", name, resourceVersion, keys: Object.keys(data).sort() };
}
