import type { ObjectMeta, Resource } from "./kube/resources.ts";
import { keyOf, type Store } from "./kube/store.ts";
import { CACHED, type Caches } from "./observe/cluster/caches.ts";
import type { Memory, Sessions } from "./session.ts";

type AnyStore = Pick<Store<never>, "expect" | "expectGone" | "isBehind">;

/** Which of our own writes to a group's objects the caches do not show yet (pitfall N18). */
export class Written {
  readonly #stores: ReadonlyMap<string, AnyStore>;
  readonly #open: Memory<Map<string, { store: AnyStore; key: string }>>;

  constructor(caches: Caches, sessions: Sessions) {
    this.#open = sessions.memory();
    this.#stores = new Map(
      (Object.keys(CACHED) as (keyof Caches)[]).map((name) => [CACHED[name].resource.kind, caches[name] as AnyStore]),
    );
  }

  wrote(groupKey: string, { kind }: Resource, { namespace, name, resourceVersion }: ObjectMeta): void {
    const store = this.#stores.get(kind);
    if (!store || resourceVersion === undefined) return; // a kind that no decision rests on
    const key = keyOf(namespace, name);
    store.expect(key, resourceVersion);
    this.#remember(groupKey, kind, store, key);
  }

  deleted(groupKey: string, { kind }: Resource, key: string, uid: string): void {
    const store = this.#stores.get(kind);
    if (!store) return;
    store.expectGone(key, uid);
    this.#remember(groupKey, kind, store, key);
  }

  isBehind(groupKey: string): boolean {
    const open = this.#open.get(groupKey);
    if (!open) return false;
    for (const [id, { store, key }] of open) if (!store.isBehind(key)) open.delete(id);
    if (open.size > 0) return true;
    this.#open.delete(groupKey);
    return false;
  }

  #remember(groupKey: string, kind: string, store: AnyStore, key: string): void {
    const open = this.#open.get(groupKey) ?? new Map<string, { store: AnyStore; key: string }>();
    open.set(`${kind} ${key}`, { store, key });
    this.#open.set(groupKey, open);
  }
}
