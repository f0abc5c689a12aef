import { isDeepStrictEqual } from "node:util";
import type { KubeClient } from "./kube/client.ts";
import type { Clock } from "./kube/clock.ts";
import { Informer } from "./kube/informer.ts";
import type { KubeObject, Pod } from "./kube/resources.ts";
import type { ChangeHandler } from "./kube/store.ts";
import type { Log } from "./log.ts";
import { BY_STORAGE, CACHED, type CacheSpec, type Caches, groupKeyOf } from "./observe/cluster/caches.ts";
import type { PeerIndex } from "./observe/cluster/group-index.ts";
import { NEIGHBOURS, type Neighbour, type NeighbourStores } from "./observe/cluster/neighbour-caches.ts";
import { Neighbours } from "./observe/cluster/neighbours.ts";

export interface WatchDeps {
  client: KubeClient;
  clock: Clock;
  log: Log;
  options: { namespaces: readonly string[] };
}

export type AnyHandler = ChangeHandler<KubeObject>;
export type Informers = Record<keyof Caches, Informer<KubeObject, KubeObject>>;
const NAMES = Object.keys(CACHED) as (keyof Caches)[];

export function makeInformers({ client, clock, log, options }: WatchDeps, handler: (name: keyof Caches) => AnyHandler) {
  const make = (name: keyof Caches) => {
    const spec: CacheSpec = CACHED[name];
    const onChange: AnyHandler = (key, before, after) => handler(name)(key, before, after);
    return new Informer<KubeObject, KubeObject>({
      ...spec,
      client,
      namespaces: options.namespaces,
      onChange,
      clock,
      log,
    });
  };
  return Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Informers;
}

/** The stores hold what their projections keep, which is of the kind that the informer watches. */
export const storesOf = (informers: Informers): Caches =>
  Object.fromEntries(NAMES.map((name) => [name, informers[name].store])) as unknown as Caches;

/** The watch over this namespace that was told nothing for the longest; decisions are as old as the oldest of them. */
export function oldestWatch(informers: Informers, namespace: string): { oldest: string; staleForMs: number } {
  const watches = NAMES.flatMap((name) => informers[name].health(namespace));
  const found = { oldest: "", staleForMs: 0 };
  for (const { name, staleForMs } of watches) {
    if (staleForMs > found.staleForMs) Object.assign(found, { oldest: name, staleForMs });
  }
  return found;
}

export type NeighbourInformers = Record<keyof NeighbourStores, Informer<KubeObject, Neighbour>>;
const NEIGHBOUR_NAMES = Object.keys(NEIGHBOURS) as (keyof NeighbourStores)[];

/**
 * Other people's objects, by name and selector alone. They are no condition for deciding: a right to read them that is
 * missing must not keep the operator from its groups. `moved`: whom it selects has changed in this namespace.
 */
export function makeNeighbourInformers({ client, clock, log, options }: WatchDeps, moved: (namespace: string) => void) {
  const make = (name: keyof NeighbourStores) =>
    new Informer<KubeObject, Neighbour>({
      ...NEIGHBOURS[name],
      client,
      namespaces: options.namespaces,
      // A status that moves, a pod that is counted: most events say nothing about the selector.
      onChange: (_key, before, after) => {
        if (!isDeepStrictEqual(before?.value, after?.value)) moved((after ?? before)?.namespace ?? "");
      },
      clock,
      log,
    });
  return Object.fromEntries(NEIGHBOUR_NAMES.map((name) => [name, make(name)])) as NeighbourInformers;
}

export function neighboursOf(informers: NeighbourInformers): Neighbours {
  const stores = Object.fromEntries(NEIGHBOUR_NAMES.map((name) => [name, informers[name].store]));
  return new Neighbours(stores as NeighbourStores, (namespace) =>
    NEIGHBOUR_NAMES.flatMap((name) =>
      informers[name].health(namespace).map((watch) => ({ ...watch, kind: NEIGHBOURS[name].resource.kind })),
    ),
  );
}

/** Handlers enqueue keys and do nothing else: what happened does not matter, what is does. */
export function changeHandlers(
  caches: Caches,
  peers: PeerIndex,
  wakeGroup: (key: string) => void,
  wakeStorage: (key: string) => void,
  askPod: (uid: string) => void,
): Record<keyof Caches, AnyHandler> {
  const group: AnyHandler = (key, _before, after) => {
    for (const other of peers.update(key, after?.value)) wakeGroup(other);
    wakeGroup(key);
  };
  const storage: AnyHandler = (key, before, after) => {
    const meant = (entry: typeof after) => entry && `${entry.uid} ${entry.value.metadata.generation}`;
    if (meant(before) === meant(after)) return; // only its status moved, which is our own doing
    for (const { key: groupKey, value } of caches.groups.byIndex(BY_STORAGE, key)) peers.update(groupKey, value);
    wakeStorage(key);
  };
  const child: AnyHandler = (_key, before, after) => {
    const keys = [before, after].map((entry) => entry && groupKeyOf(entry.value));
    for (const key of new Set(keys)) if (key !== undefined) wakeGroup(key);
  };
  // What a gateway said of its control plane before its readiness turned may not hold.
  const pod: ChangeHandler<Pod> = (key, before, after) => {
    if (before && after && before.uid === after.uid && isReady(before.value) !== isReady(after.value))
      askPod(after.uid);
    child(key, before, after);
  };
  const all = Object.fromEntries(NAMES.map((name) => [name, child])) as Record<keyof Caches, AnyHandler>;
  return { ...all, groups: group, storages: storage, pods: pod as AnyHandler };
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
