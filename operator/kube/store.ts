import type { Clock } from "./clock.ts";
import type { KubeObject } from "./resources.ts";
import { isOlder } from "./versions.ts";

/** A cached object: its identity, and of its content only what the projection kept, frozen. */
export interface Entry<P> {
  /** "namespace/name", or "name" for cluster-scoped kinds. */
  readonly key: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** It has a deletionTimestamp. */
  readonly deleting: boolean;
  readonly value: P;
}

export type Indexer<P> = (entry: Entry<P>) => readonly string[];
export type Indexers<P> = Record<string, Indexer<P>>;

/** Level only: that something about the key changed, and what was and is cached of it. */
export type ChangeHandler<P> = (key: string, before: Entry<P> | undefined, after: Entry<P> | undefined) => void;

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

// An expectation is normally met within milliseconds. One that is not yet met after this is a watch that does not tell,
// or one that cannot be met (the object left our selector, versions that do not compare): a list answers both.
const OVERDUE_MS = 10_000;
/** So long decisions wait for the cache. From then on its watch counts as blind, which is decided on and told. */
export const BEHIND_MAX_MS = 110_000;

interface Expectation {
  /** Our last write. */
  atMs: number;
  /** The first write that has not been seen since: a cache that missed it does not get younger by another. */
  sinceMs: number;
  /** The version of our own last write, or the uid that we deleted. */
  version?: string;
  goneUid?: string;
}

/** What list and watch have seen of one kind, with indices, and what we wrote ourselves and have not seen yet (N18). */
export class Store<P> {
  readonly #entries = new Map<string, Entry<P>>();
  readonly #indexers: [string, Indexer<P>][];
  readonly #indices = new Map<string, Map<string, Set<string>>>();
  readonly #expectations = new Map<string, Expectation>();
  readonly #project: (object: KubeObject) => P;
  readonly #clock: Clock;
  readonly #onOverdue: (key: string) => void;

  /** `onOverdue`: our own write of the key is not shown in time; asked for a list, as often as anybody looks. */
  constructor(
    project: (object: KubeObject) => P,
    indexers: Indexers<P>,
    clock: Clock,
    onOverdue: (key: string) => void = () => undefined,
  ) {
    this.#onOverdue = onOverdue;
    this.#project = project;
    this.#indexers = Object.entries(indexers);
    for (const [name] of this.#indexers) this.#indices.set(name, new Map());
    this.#clock = clock;
  }

  get(key: string): Entry<P> | undefined {
    return this.#entries.get(key);
  }

  /** In no particular order. */
  values(): IterableIterator<Entry<P>> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All entries that the index filed under `value`. Throws for an index that was not declared. */
  byIndex(index: string, value: string): Entry<P>[] {
    const found = this.#indices.get(index);
    if (!found) throw new Error(`Cannot look up index "${index}": it was not declared`);
    const keys = found.get(value) ?? [];
    return [...keys].map((key) => this.#entries.get(key)).filter((entry) => entry !== undefined);
  }

  /** The entry of a raw object, not yet stored. Throws what the projection throws. */
  entryOf(object: KubeObject): Entry<P> {
    const { name, namespace, uid, resourceVersion, deletionTimestamp } = object.metadata;
    if (!name || !uid || !resourceVersion) throw new Error("an object without name, uid or resourceVersion");
    const value = deepFreeze(this.#project(object));
    const key = keyOf(namespace, name);
    return Object.freeze({
      key,
      namespace,
      name,
      uid,
      resourceVersion,
      deleting: deletionTimestamp !== undefined,
      value,
    });
  }

  /** Stores it; returns what it replaced. */
  put(entry: Entry<P>): Entry<P> | undefined {
    const before = this.#entries.get(entry.key);
    if (before) this.#unindex(before);
    this.#entries.set(entry.key, entry);
    for (const [name, indexer] of this.#indexers) {
      const index = this.#indices.get(name);
      for (const value of indexer(entry)) {
        const keys = index?.get(value);
        if (keys) keys.add(entry.key);
        else index?.set(value, new Set([entry.key]));
      }
    }
    this.#settle(entry.key, entry);
    return before;
  }

  /** `version`: of the deletion. A later write of ours (the object created anew) stays expected. */
  remove(key: string, version: string): Entry<P> | undefined {
    const expected = this.#expectations.get(key);
    if (expected && (expected.version === undefined || !isOlder(version, expected.version)))
      this.#expectations.delete(key);
    const before = this.#entries.get(key);
    if (!before) return undefined;
    this.#unindex(before);
    this.#entries.delete(key);
    return before;
  }

  /** Remembers our own write: until the cache has caught up with it, `isBehind(key)`. */
  expect(key: string, resourceVersion: string): void {
    const entry = this.#entries.get(key);
    if (entry && !isOlder(entry.resourceVersion, resourceVersion)) return;
    this.#wait(key, { version: resourceVersion });
  }

  /** Remembers our own delete: until that very object is gone or marked as deleted, `isBehind(key)`. */
  expectGone(key: string, uid: string): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.uid !== uid || entry.deleting) return;
    this.#wait(key, { goneUid: uid });
  }

  /** True while the cache does not show our own last write of the key: deciding on it would decide twice. */
  isBehind(key: string): boolean {
    const expected = this.#expectations.get(key);
    return expected !== undefined && this.#waitedMs(key, expected) < BEHIND_MAX_MS;
  }

  /** How long the oldest of our own writes to these keys has not been shown; 0 when all are. */
  unseenForMs(covers: (key: string) => boolean): number {
    let oldestMs = 0;
    for (const [key, expected] of this.#expectations) {
      if (covers(key)) oldestMs = Math.max(oldestMs, this.#waitedMs(key, expected));
    }
    return oldestMs;
  }

  /**
   * The watch of these keys has seen everything up to `version`, whatever it was about. `listedMs`: when the list that
   * says so was begun; what was written before is in it, or is not there to be seen.
   */
  advanced(version: string, covers: (key: string) => boolean, listedMs = Number.NEGATIVE_INFINITY): void {
    for (const [key, expected] of this.#expectations) {
      if (!covers(key)) continue;
      if (expected.atMs <= listedMs) this.#expectations.delete(key);
      if (expected.version !== undefined && !isOlder(version, expected.version)) this.#expectations.delete(key);
      const entry = this.#entries.get(key);
      if (expected.goneUid !== undefined && (entry?.uid !== expected.goneUid || entry.deleting)) {
        this.#expectations.delete(key);
      }
    }
  }

  #wait(key: string, what: Pick<Expectation, "version" | "goneUid">): void {
    const atMs = this.#clock.monotonicMs();
    this.#expectations.set(key, { atMs, sinceMs: this.#expectations.get(key)?.sinceMs ?? atMs, ...what });
  }

  #waitedMs(key: string, { sinceMs }: Expectation): number {
    const waitedMs = this.#clock.monotonicMs() - sinceMs;
    if (waitedMs >= OVERDUE_MS) this.#onOverdue(key);
    return waitedMs;
  }

  #settle(key: string, entry: Entry<P>): void {
    const expected = this.#expectations.get(key);
    if (!expected) return;
    const seen = expected.version !== undefined && !isOlder(entry.resourceVersion, expected.version);
    const gone = expected.goneUid !== undefined && (entry.uid !== expected.goneUid || entry.deleting);
    if (seen || gone) this.#expectations.delete(key);
  }

  #unindex(entry: Entry<P>): void {
    for (const [name, indexer] of this.#indexers) {
      const index = this.#indices.get(name);
      for (const value of indexer(entry)) {
        const keys = index?.get(value);
        keys?.delete(entry.key);
        if (keys?.size === 0) index?.delete(value); // else the map would grow with every value that ever was
      }
    }
  }
}

/** Objects in a cache are shared by all readers: a change by one of them must fail at once, not corrupt the others. */
function deepFreeze<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
