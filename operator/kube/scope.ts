import type { Log } from "../log.ts";
import type { Clock } from "./clock.ts";
import { errorFromStatus, KubeError, type Status } from "./errors.ts";
import type { KubeObject } from "./resources.ts";
import { type ChangeHandler, type Entry, keyOf, type Store } from "./store.ts";
import { isOlder } from "./versions.ts";

export interface ScopeOptions<P> {
  /** For errors and logs: "Pod in edge". */
  name: string;
  /** Absent: every key of the store. */
  namespace: string | undefined;
  store: Store<P>;
  onChange: ChangeHandler<P>;
  clock: Clock;
  log: Log;
  /** How long a list older than what was seen is refused before it is taken as a restored etcd. */
  refuseOldListMs: number;
}

/**
 * The part of a store that one watch keeps, and how far it has seen. What a server tells is taken in here or refused:
 * it never moves backwards, and it never mistakes an object for another of the same name.
 */
export class Scope<P> {
  readonly #o: ScopeOptions<P>;
  #position: string | undefined;
  #highest: string | undefined; // stays when the position is forgotten
  #refusingSinceMs: number | undefined;

  constructor(options: ScopeOptions<P>) {
    this.#o = options;
  }

  /** The version to watch from; undefined: a list is due. */
  get position(): string | undefined {
    return this.#position;
  }

  /** Something may have been missed: only a list helps. */
  forget(): void {
    this.#position = undefined;
  }

  /** @throws KubeError "Undecodable" when it is no object, or the projection failed on it */
  entryOf(object: KubeObject): Entry<P> {
    try {
      return this.#o.store.entryOf(object);
    } catch (cause) {
      throw this.#undecodable(`object ${object?.metadata?.namespace ?? ""}/${object?.metadata?.name ?? "?"}`, cause);
    }
  }

  /** How long the oldest of our own writes in here has not been shown. */
  unseenForMs(): number {
    return this.#o.store.unseenForMs((key) => this.#covers(key));
  }

  /**
   * Makes the scope equal to a complete list that was begun at `listedMs`.
   * @throws KubeError "Gone" when the list is older than what was seen
   */
  replace(entries: ReadonlyMap<string, Entry<P>>, version: string, listedMs: number): void {
    if (version === "") throw this.#undecodable("a list without a resourceVersion");
    this.#refuseOlder(version);
    for (const entry of entries.values()) this.#take(entry);
    for (const known of [...this.#o.store.values()]) {
      if (this.#covers(known.key) && !entries.has(known.key)) this.#drop(known.key, version);
    }
    this.#advance(version);
    this.#o.store.advanced(version, (key) => this.#covers(key), listedMs);
  }

  /** Takes in one line of a watch. @throws KubeError: "Gone" and "Undecodable" ask for a list, others to go on later */
  event(line: unknown): void {
    const { type, object } = (line ?? {}) as { type?: string; object?: KubeObject & Status };
    if (typeof object !== "object" || object === null) throw this.#undecodable("an event without an object");
    if (type === "ERROR") throw errorFromStatus(`follow ${this.#o.name}`, object);
    const version = object.metadata?.resourceVersion;
    if (version === undefined) throw this.#undecodable("an event without a resourceVersion");
    if (this.#position !== undefined && isOlder(version, this.#position)) {
      if (type === "BOOKMARK") return;
      // What we know is newer than what this server tells. A list, which is a quorum read, decides.
      throw new KubeError("Gone", `Cannot follow ${this.#o.name}: the server went back in time, to ${version}`);
    }
    if (type === "ADDED" || type === "MODIFIED") this.#take(this.entryOf(object));
    else if (type === "DELETED") this.#drop(keyOf(object.metadata.namespace, object.metadata.name), version);
    else if (type === "BOOKMARK") this.#o.store.advanced(version, (key) => this.#covers(key));
    else throw this.#undecodable(`an event of type "${String(type).slice(0, 40)}"`);
    this.#advance(version);
  }

  #take(entry: Entry<P>): void {
    const known = this.#o.store.get(entry.key);
    if (known?.uid === entry.uid && known.resourceVersion === entry.resourceVersion) return; // told twice
    const before = this.#o.store.put(entry);
    if (before && before.uid !== entry.uid) {
      // The same name with another uid is another object: its end must not be hidden in an update (N10).
      this.#tell(entry.key, before, undefined);
      this.#tell(entry.key, undefined, entry);
    } else this.#tell(entry.key, before, entry);
  }

  #drop(key: string, version: string): void {
    const before = this.#o.store.remove(key, version);
    if (before) this.#tell(key, before, undefined);
  }

  /** A handler that throws must not kill the watch (N7). */
  #tell(key: string, before: Entry<P> | undefined, after: Entry<P> | undefined): void {
    try {
      this.#o.onChange(key, before, after);
    } catch (error) {
      this.#o.log.error("change handler failed", { watch: this.#o.name, object: key, error });
    }
  }

  #advance(version: string): void {
    this.#position = version;
    this.#highest = version;
  }

  /** A cache that moves backwards decides on what is no longer so. But an etcd restored from a backup is back for good. */
  #refuseOlder(version: string): void {
    const { clock, log, name, refuseOldListMs } = this.#o;
    if (this.#highest === undefined || !isOlder(version, this.#highest)) {
      this.#refusingSinceMs = undefined;
      return;
    }
    this.#refusingSinceMs ??= clock.monotonicMs();
    const what = `the list, at ${version}, is older than ${this.#highest}, which was seen before`;
    if (clock.monotonicMs() - this.#refusingSinceMs < refuseOldListMs) {
      throw new KubeError("Gone", `Cannot list ${name}: ${what}`);
    }
    log.warn("list taken in although it goes back in time: was etcd restored?", { watch: name, what });
    this.#refusingSinceMs = undefined;
  }

  #covers(key: string): boolean {
    const { namespace } = this.#o;
    return namespace === undefined || key.startsWith(`${namespace}/`);
  }

  #undecodable(why: string, cause?: unknown): KubeError {
    return new KubeError("Undecodable", `Cannot follow ${this.#o.name}: ${why}`, { cause });
  }
}
