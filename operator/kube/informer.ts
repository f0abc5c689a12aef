import type { Log } from "../log.ts";
import type { KubeClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { Reflector, type ReflectorHealth, type ReflectorTimes } from "./reflector.ts";
import type { KubeObject, Resource } from "./resources.ts";
import { type ChangeHandler, type Indexers, Store } from "./store.ts";

export interface InformerOptions<T extends KubeObject, P> {
  client: KubeClient;
  resource: Resource<T>;
  /** One watch per namespace; absent: one watch for the whole cluster. */
  namespaces?: readonly string[] | undefined;
  labelSelector?: string;
  fieldSelector?: string;
  /** What is kept of an object: only the fields in use. Must not throw: one bad object would blind the watch. */
  project: (object: T) => P;
  indexers?: Indexers<P>;
  /** Enqueues keys and does nothing else. */
  onChange: ChangeHandler<P>;
  clock: Clock;
  log: Log;
  times?: Partial<ReflectorTimes>;
}

/** One cached kind: the store, and the watches that keep it like the server's. */
export class Informer<T extends KubeObject, P> {
  readonly store: Store<P>;
  readonly #reflectors: ReadonlyMap<string | undefined, Reflector<P>>;

  constructor(options: InformerOptions<T, P>) {
    const { namespaces, project, indexers = {}, clock } = options;
    const listSoon = (key: string) => {
      for (const reflector of this.#reflectors.values())
        if (reflector.covers(key.split("/")[0] ?? "")) reflector.listSoon();
    };
    this.store = new Store<P>((object) => project(object as T), indexers, clock, listSoon);
    const scopes = namespaces ?? [undefined];
    this.#reflectors = new Map(
      scopes.map((namespace) => [namespace, new Reflector<P>({ ...options, store: this.store, namespace })]),
    );
  }

  /** Returns when `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.run(signal)));
  }

  /**
   * Every watch has taken in its first list. One of several namespaces that refuses it (the namespace or the rights in
   * it are gone) is not waited for: the others need their operator. What lies in it must be left alone, see `keeps`.
   */
  synced(): boolean {
    const watches = this.health();
    return watches.some((watch) => watch.synced) && watches.every((watch) => watch.synced || watch.refused);
  }

  /** Has the first list of this namespace been taken in? Before that, nothing follows from what the store lacks. */
  keeps(namespace: string): boolean {
    const reflector = this.#reflectors.get(namespace) ?? this.#reflectors.get(undefined);
    return reflector?.health().synced ?? false;
  }

  /** The longest time that one of the watches has had no sign of the server; infinite before the first. */
  staleForMs(): number {
    return Math.max(0, ...this.health().map((watch) => watch.staleForMs));
  }

  /** Of all its watches, or of those that keep this namespace. */
  health(namespace?: string): ReflectorHealth[] {
    const all = [...this.#reflectors.values()];
    const meant = all.filter((reflector) => namespace === undefined || reflector.covers(namespace));
    return meant.map((reflector) => reflector.health());
  }
}
