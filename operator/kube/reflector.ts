import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Log } from "../log.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, deadline, fullJitterMs, sleep } from "./clock.ts";
import { isKubeError, KubeError, type KubeFault } from "./errors.ts";
import type { KubeObject, Resource } from "./resources.ts";
import { Scope } from "./scope.ts";
import type { ChangeHandler, Entry, Store } from "./store.ts";
import { watchLines } from "./watch-lines.ts";

export interface ReflectorTimes {
  pageSize: number;
  backoffBaseMs: number;
  backoffCapMs: number;
  /**
   * Bookmarks come about once a minute: so long without any byte, the watch is opened anew. Well below the age at which
   * a cache counts as blind (domain/evidence/staleness.ts): a kind so quiet that it gets no bookmarks must never get there.
   */
  silenceMs: number;
  /** A true list, +-20 %: it repairs whatever a watch missed (pitfall N17). */
  relistEveryMs: number;
  /** How long a list older than what was seen is refused before it is taken as a restored etcd. */
  refuseOldListMs: number;
  /** How long the server is asked to keep a watch open: a time from here to twice that. */
  watchMinSeconds: number;
}

export const REFLECTOR_TIMES: ReflectorTimes = {
  pageSize: 500,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  silenceMs: 70_000,
  relistEveryMs: 600_000,
  refuseOldListMs: 60_000,
  watchMinSeconds: 240,
};

export interface ReflectorOptions<P> {
  client: KubeClient;
  resource: Resource;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  store: Store<P>;
  onChange: ChangeHandler<P>;
  clock: Clock;
  log: Log;
  times?: Partial<ReflectorTimes>;
}

export interface ReflectorHealth {
  /** "Pod" or "Pod in edge". */
  name: string;
  /** The first list has been taken in completely. */
  synced: boolean;
  /** The last attempt was answered with Forbidden. */
  refused: boolean;
  /** How old the cache may be: since the server last told it anything, or an unseen write of our own; at first infinite. */
  staleForMs: number;
  lastError: string | undefined;
}

// The cache may have missed something: only a new list helps. After all other faults the watch goes on where it was.
const LIST_AFTER: readonly KubeFault[] = ["Gone", "Undecodable"];
const LIVED_MS = 5_000; // a watch that lasted so long was a working one: the back-off starts anew
const LIST_AGAIN_MS = 60_000; // a list that failed, or was asked for, waits so long; the watch meanwhile goes on

/** Keeps one scope of a store like the server's, for ever: list, watch, and again after any end (pitfall N4). */
export class Reflector<P> {
  readonly #o: ReflectorOptions<P>;
  readonly #times: ReflectorTimes;
  readonly #name: string;
  readonly #scope: Scope<P>;
  readonly #query: { namespace?: string; labelSelector?: string; fieldSelector?: string };
  #listDueMs = 0;
  #listAskedMs = Number.NEGATIVE_INFINITY;
  #listNow = new AbortController();
  #synced = false;
  #refused = false;
  #activityMs = Number.NEGATIVE_INFINITY;
  #watchLastedMs = 0;
  #lastError: string | undefined;

  constructor(options: ReflectorOptions<P>) {
    const { resource, namespace, labelSelector, fieldSelector, times } = options;
    this.#o = options;
    this.#times = { ...REFLECTOR_TIMES, ...times };
    this.#name = namespace === undefined ? resource.kind : `${resource.kind} in ${namespace}`;
    this.#scope = new Scope({ ...options, namespace, name: this.#name, refuseOldListMs: this.#times.refuseOldListMs });
    this.#query = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  health(): ReflectorHealth {
    const staleForMs = Math.max(this.#o.clock.monotonicMs() - this.#activityMs, this.#scope.unseenForMs());
    return {
      name: this.#name,
      synced: this.#synced,
      refused: this.#refused,
      staleForMs,
      lastError: this.#lastError,
    };
  }

  /** Does it keep the objects of this namespace? */
  covers(namespace: string): boolean {
    return this.#o.namespace === undefined || this.#o.namespace === namespace;
  }

  /** A true list without waiting for its time: the watch seems not to tell. Once a minute at the most. */
  listSoon(): void {
    const nowMs = this.#o.clock.monotonicMs();
    if (nowMs - this.#listAskedMs < LIST_AGAIN_MS) return;
    this.#listAskedMs = nowMs;
    this.#listDueMs = nowMs;
    this.#listNow.abort();
  }

  /** Returns when `signal` aborts, and never rejects. Not to be called twice at a time. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o;
    const { backoffBaseMs, backoffCapMs } = this.#times;
    let attempt = 0;
    while (!signal.aborted) {
      const retryAfterMs = await this.#round(signal);
      if (this.#watchLastedMs >= LIVED_MS) attempt = 0;
      await sleep(clock, Math.max(retryAfterMs, fullJitterMs(clock, attempt, backoffBaseMs, backoffCapMs)), signal);
      attempt += 1;
    }
  }

  /** A list if one is due, then a watch until it ends. Returns how long the server asks us to stay away. */
  async #round(signal: AbortSignal): Promise<number> {
    const { clock, log } = this.#o;
    this.#watchLastedMs = 0;
    try {
      if (this.#scope.position === undefined || clock.monotonicMs() >= this.#listDueMs) await this.#list(signal);
      await this.#watch(this.#scope.position ?? "", signal);
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      if (isKubeError(error, ...LIST_AFTER) || isTooLargeVersion(error)) this.#scope.forget();
      this.#refused = isKubeError(error, "Forbidden");
      this.#lastError = error instanceof Error ? error.message : String(error);
      log.warn("watch interrupted", { watch: this.#name, listNext: this.#scope.position === undefined, error });
      return isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
    }
  }

  /** Reads all pages, then takes them in at once. A list that breaks off changes nothing. */
  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, clock } = this.#o;
    const entries = new Map<string, Entry<P>>();
    const beganMs = clock.monotonicMs();
    this.#listDueMs = beganMs + LIST_AGAIN_MS;
    let next: { continue?: string } = {};
    for (;;) {
      // No resourceVersion: a quorum read. resourceVersion=0 may be answered from a cache that lags (N26).
      const query = { ...this.#query, ...next, limit: this.#times.pageSize, signal };
      const page = await client.list<KubeObject>(resource, query);
      for (const item of page.items) {
        const entry = this.#scope.entryOf(item);
        entries.set(entry.key, entry);
      }
      await nextTurn(); // a large list must not keep lease renewals waiting
      signal.throwIfAborted();
      if (page.continue === undefined) {
        this.#scope.replace(entries, page.resourceVersion, beganMs);
        break;
      }
      next = { continue: page.continue };
    }
    this.#listDueMs = clock.monotonicMs() + this.#times.relistEveryMs * (0.8 + 0.4 * clock.random());
    // As old as its first page, and only now: a list that breaks off each time tells the cache nothing.
    this.#activityMs = Math.max(this.#activityMs, beganMs);
    this.#synced = true;
    this.#refused = false;
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, resource, clock } = this.#o;
    const { silenceMs, watchMinSeconds } = this.#times;
    const timeoutSeconds = Math.round(watchMinSeconds * (1 + clock.random()));
    const silence = new AbortController();
    this.#listNow = new AbortController();
    const listNow = this.#listNow.signal;
    const life = deadline(clock, Math.max(0, this.#listDueMs - clock.monotonicMs()), signal, silence.signal, listNow);
    const startMs = clock.monotonicMs();
    const activeBeforeMs = this.#activityMs;
    let told = false;
    let body: Readable | undefined;
    try {
      body = await client.watch(resource, { ...this.#query, resourceVersion, timeoutSeconds, signal: life.signal });
      this.#activityMs = clock.monotonicMs();
      this.#lastError = undefined;
      this.#refused = false;
      for await (const line of watchLines(body, { clock, silenceMs, onSilence: () => silence.abort() })) {
        if (signal.aborted) return;
        this.#scope.event(line);
        this.#activityMs = clock.monotonicMs();
        told = true;
      }
    } catch (error) {
      if (life.expired() || listNow.aborted) return; // it is time for a list
      // Opened and at once broken, again and again, it would look alive and tell nothing.
      if (!told && clock.monotonicMs() - startMs < LIVED_MS) this.#activityMs = activeBeforeMs;
      if (!silence.signal.aborted) throw error;
      throw new KubeError("Timeout", `Cannot follow ${this.#name}: nothing came for ${silenceMs} ms`, { cause: error });
    } finally {
      if (body) this.#watchLastedMs = clock.monotonicMs() - startMs;
      life.release();
      body?.destroy();
    }
  }
}

/** 504 with this cause: the server is behind the version that we ask from, and may stay so. */
function isTooLargeVersion(error: unknown): boolean {
  if (!isKubeError(error)) return false;
  const causes = error.status?.details?.causes ?? [];
  const named = causes.some((cause) => cause.reason === "ResourceVersionTooLarge");
  return named || /too large resource version/i.test(error.message);
}
