import type { ActDeps } from "./act/act.ts";
import { EventRecorder } from "./act/events.ts";
import { thaw } from "./act/thaw.ts";
import { claimStore, copyInTurn, removeGeneration } from "./copying.ts";
import type { Facts } from "./domain/facts/facts.ts";
import { brokenInvariants } from "./domain/laws/invariants.ts";
import { Troubles } from "./failure-log.ts";
import { GATEWAY_PORTS } from "./gateway/api7/facts.ts";
import { type Inspect, Inspector } from "./gateway/api7/inspect.ts";
import { probeGatewayStatus } from "./gateway/api7/probe-gateway.ts";
import { keyOf } from "./kinds.ts";
import type { KubeClient } from "./kube/client.ts";
import type { Clock } from "./kube/clock.ts";
import { Controller, type ControllerOptions } from "./kube/controller.ts";
import type { Informer } from "./kube/informer.ts";
import type { RuntimeMetrics } from "./kube/metrics.ts";
import type { KubeObject } from "./kube/resources.ts";
import type { WriteGate } from "./kube/write-gate.ts";
import type { Log } from "./log.ts";
import type { GroupMetrics } from "./metrics.ts";
import { onlyKept } from "./namespace-gate.ts";
import { BY_GROUP, BY_STORAGE, type Caches, groupKeyOf } from "./observe/cluster/caches.ts";
import { ClusterIds } from "./observe/cluster/cluster-id.ts";
import { PeerIndex } from "./observe/cluster/group-index.ts";
import type { Neighbour } from "./observe/cluster/neighbour-caches.ts";
import { Overrides } from "./observe/cluster/overrides.ts";
import { PodDryRun } from "./observe/cluster/pod-dry-run.ts";
import { Refusals } from "./observe/cluster/refusals.ts";
import { RoleKeys } from "./observe/cluster/role-keys.ts";
import { ContentReader } from "./observe/cluster/secrets.ts";
import { Strangers } from "./observe/cluster/strangers.ts";
import { LagMeter } from "./observe/control-plane/loop-lag.ts";
import { ProberPool } from "./observe/control-plane/prober.ts";
import { PodProber } from "./observe/gateways/pod-prober.ts";
import { requestRoute } from "./observe/gateways/route-check.ts";
import { observe, type Readers } from "./observe/observe.ts";
import { Copies } from "./observe/store/copies.ts";
import { LargeTurns } from "./observe/store/large-slots.ts";
import { SnapshotReader } from "./observe/store/snapshot.ts";
import { StorageReader } from "./observe/store/storage.ts";
import { StorePool } from "./observe/store/stores.ts";
import type { Options } from "./options.ts";
import { Written } from "./own-writes.ts";
import { groupReconciler } from "./reconcile.ts";
import type { TermSessions } from "./session.ts";
import { makeStore } from "./storage/factory.ts";
import { storageReconciler } from "./storage-reconcile.ts";
import {
  changeHandlers,
  type Informers,
  makeInformers,
  makeNeighbourInformers,
  type NeighbourInformers,
  neighboursOf,
  oldestWatch,
  storesOf,
} from "./watches.ts";

export interface OperatorDeps {
  /** Its writes pass the gate of the leader. */
  client: KubeClient;
  /** That gate, for writes to the store. */
  gate: WriteGate;
  clock: Clock;
  log: Log;
  options: Pick<Options, "namespaces" | "workers" | "chooseImage" | "instance">;
  version: string;
  metrics: GroupMetrics;
  sessions: TermSessions;
  runtime: RuntimeMetrics;
}

export interface Operator {
  informers: readonly Informer<KubeObject, KubeObject>[];
  /** Watches of other people's objects; nobody waits for them. */
  neighbours: readonly Informer<KubeObject, Neighbour>[];
  controllers: readonly Controller[];
  /** Leadership is there and the caches are full: everything that exists is looked at. */
  begin(): void;
  stopReaders(): void;
}

const POD_ANSWER_MS = 4_000;
const STATUS_PORTS = { statusPort: GATEWAY_PORTS.status, metricsPort: GATEWAY_PORTS.metrics };
const STORAGE_WORKERS = 2;

/** The composition root: makes every part and joins them. Starts nothing. */
export function operator(deps: OperatorDeps): Operator {
  const { client, clock, log, options, metrics, runtime, sessions } = deps;
  const informers = makeInformers(deps, (name) => handlers[name]);
  const caches = storesOf(informers);
  const others = makeNeighbourInformers(deps, (namespace) => {
    for (const { key, namespace: of } of caches.groups.values()) if (of === namespace) wakeGroup(key);
  });
  const { ofGroups, ofStorages } = sessions;
  const pool = new StorePool(makeStore, ofStorages);
  const dryRun = new PodDryRun(client, clock, ofGroups);
  const lag = new LagMeter(clock);
  const large = new LargeTurns();
  const { read: inspect } = new Inspector();
  const wakeGroup = (key: string) => groups.enqueue(key);
  const budgetsOf = (key: string) => caches.disruptionBudgets.byIndex(BY_GROUP, key).map((entry) => entry.value);
  const groupsOfStorage = (key: string) => caches.groups.byIndex(BY_STORAGE, key).map((entry) => entry.key);
  const wakeStorage = (key: string) => {
    storages.enqueue(key);
    groupsOfStorage(key).forEach(wakeGroup);
  };
  const readers = makeReaders(deps, {
    informers,
    others,
    caches,
    pool,
    lag,
    large,
    inspect,
    dryRun,
    wakeGroup,
    wakeStorage,
  });
  const events = new EventRecorder({ client, clock, log, instance: options.instance });
  const written = new Written(caches, ofGroups);
  const troubles = new Troubles(clock, log, ofGroups);

  const actDeps = (key: string, facts: Facts): ActDeps => ({
    client,
    events,
    log: log.child({ group: key }),
    wrote: (resource, object) => written.wrote(key, resource, object.metadata),
    overridden: (meant, uid, paths) => readers.overrides.met(key, meant, uid, paths),
    deleted: (resource, name, uid) => written.deleted(key, resource, keyOf(facts.group.namespace, name), uid),
    meet: (live) => readers.strangers.meet(key, facts.group.name, live),
    dryRun: (template, signal) => dryRun.ask(facts.group, template, signal),
    copySnapshot: (step, signal) =>
      copyInTurn({ ...readers, large, pool, gate: deps.gate, inspect }, key, facts, step, signal),
    claimStore: (step, signal) => claimStore({ ...readers, pool, gate: deps.gate }, key, facts, step, signal),
    removeGeneration: (step, signal) =>
      removeGeneration({ ...readers, pool, gate: deps.gate }, key, facts, step, signal),
    counted: (step, result) => metrics.step(step, result),
    troubled: (step, error) => {
      troubles.met(key, step, error);
      readers.refusals.met(key, step, error);
    },
  });
  const controller = (options: ControllerOptions) =>
    new Controller({ ...options, reconcile: onlyKept(Object.values(informers), log, options.reconcile) });
  const groups = controller({
    name: "group",
    workers: options.workers,
    backoffCapMs: 15_000, // loops further apart than this tear holes into the evidence
    clock,
    log,
    observer: runtime,
    reconcile: groupReconciler({
      isBehind: (key) => written.isBehind(key),
      observe: (key, wants, signal) => observe(readers, key, wants, signal),
      actDeps,
      sessions: ofGroups,
      letGo: (key, signal) => thaw(key, budgetsOf(key), { client, log }, signal),
      decided: (key, facts, plan) => {
        metrics.group(key, facts, plan);
        if (plan.recordsMode) metrics.modeChanged(key, facts, plan);
      },
      brokenLaws: brokenInvariants,
      refused: (key, laws) => {
        log.error("plan refused: it would break a law; please report this", { group: key, laws });
        metrics.refused(key);
      },
      measured: (part, durationMs) => metrics.loop(part, durationMs),
      clock,
      log,
    }),
  });
  const storages = controller({
    name: "storage",
    workers: STORAGE_WORKERS,
    clock,
    log,
    observer: runtime,
    reconcile: storageReconciler({
      clock,
      client,
      storages: caches.storages,
      reader: readers.storages,
      sessions: ofStorages,
      log,
    }),
  });
  const handlers = changeHandlers(caches, readers.peers, wakeGroup, wakeStorage, (uid) =>
    readers.podProber.askNow(uid),
  );

  return {
    informers: Object.values(informers),
    neighbours: Object.values(others),
    controllers: [groups, storages],
    begin() {
      for (const { key } of caches.storages.values()) storages.enqueue(key);
      for (const { key } of caches.groups.values()) groups.enqueue(key);
      // Of a group that was deleted while nobody led, only what it left behind is seen.
      for (const { value } of caches.disruptionBudgets.values()) {
        const key = groupKeyOf(value);
        if (key !== undefined) groups.enqueue(key);
      }
    },
    stopReaders() {
      lag.stop();
      for (const reader of [readers.snapshots, readers.probers, readers.podProber, readers.storages]) reader.stop();
      pool.closeAll();
    },
  };
}

interface Joined {
  informers: Informers;
  others: NeighbourInformers;
  caches: Caches;
  pool: StorePool;
  lag: LagMeter;
  large: LargeTurns;
  inspect: Inspect;
  dryRun: PodDryRun;
  wakeGroup: (key: string) => void;
  wakeStorage: (key: string) => void;
}

function makeReaders(deps: OperatorDeps, joined: Joined): Readers {
  const { informers, others, caches, pool, lag, large, inspect, dryRun, wakeGroup, wakeStorage } = joined;
  const { client, clock, options, metrics, version, log } = deps;
  const { ofGroups, ofStorages } = deps.sessions;
  const onBug = (error: unknown) => log.error("a question could not be asked: a bug, please report it", { error });
  const contents = new ContentReader(client, clock);
  const roleKeys = new RoleKeys({ onBug, clock, sessions: ofStorages, make: makeStore, wake: wakeStorage });
  return {
    clock,
    caches,
    contents,
    storages: new StorageReader({
      onBug,
      clock,
      sessions: ofStorages,
      caches,
      contents,
      pool,
      roleKeys,
      wake: wakeStorage,
    }),
    snapshots: new SnapshotReader({ onBug, clock, sessions: ofGroups, large, inspect, wake: wakeGroup }),
    probers: new ProberPool({
      onBug,
      clock,
      sessions: ofGroups,
      lag,
      wake: (keys) => keys.forEach(wakeGroup),
      measured: (_endpoint, view, durationMs) => metrics.probed(view, durationMs),
    }),
    podProber: new PodProber({
      onBug,
      clock,
      sessions: ofGroups,
      lag,
      wake: wakeGroup,
      status: (ip, signal) => probeGatewayStatus(ip, STATUS_PORTS, POD_ANSWER_MS, signal),
      request: (ip, check, signal) => requestRoute(ip, GATEWAY_PORTS.http, check, signal),
    }),
    peers: new PeerIndex(caches.storages),
    strangers: new Strangers(client, clock, ofGroups),
    neighbours: neighboursOf(others),
    refusals: new Refusals(clock, ofGroups),
    overrides: new Overrides(clock, ofGroups),
    clusters: new ClusterIds(client, clock),
    copies: new Copies({ clock, sessions: ofGroups, workers: options.workers, wake: wakeGroup }),
    podRefusal: (group, signal) => dryRun.standing(group, signal),
    oldestWatch: (namespace) => oldestWatch(informers, namespace),
    serverNowMs: () => client.serverNowMs(),
    operator: { chooseImage: options.chooseImage, version },
  };
}
