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
  readonly #reflectors: Reflector<P>[];

  constructor(options: InformerOptions<T, P>) {
    const { namespaces, project, indexers = {}, clock } = options;
    const listSoon = (key: string) => {
      for (const reflector of this.#reflectors) if (reflector.covers(key.split("/")[0] ?? "")) reflector.listSoon();
    };
    this.store = new Store<P>((object) => project(object as T), indexers, clock, listSoon);
    const scopes = namespaces ?? [undefined];
    this.#reflectors = scopes.map((namespace) => new Reflector<P>({ ...options, store: this.store, namespace }));
  }

  /** Returns when `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }

  /** Every watch has taken in its first list. */
  synced(): boolean {
    return this.#reflectors.every((reflector) => reflector.health().synced);
  }

  /** The longest time that one of the watches has had no sign of the server; infinite before the first. */
  staleForMs(): number {
    return Math.max(0, ...this.health().map((watch) => watch.staleForMs));
  }

  /** Of all its watches, or of those that keep this namespace. */
  health(namespace?: string): ReflectorHealth[] {
    const meant = this.#reflectors.filter((reflector) => namespace === undefined || reflector.covers(namespace));
    return meant.map((reflector) => reflector.health());
  }
}
