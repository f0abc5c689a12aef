import type { PodFact } from "../domain/facts/cluster.ts";
import type { Facts, GroupFacts, Rendered } from "../domain/facts/facts.ts";
import type { Wants } from "../domain/plan.ts";
import { keyOf } from "../kinds.ts";
import { type Clock, deadline } from "../kube/clock.ts";
import type { Pod } from "../kube/resources.ts";
import { type Caches, ofGroup } from "./cluster/caches.ts";
import { readClientCertificate } from "./cluster/certificate.ts";
import { readChildren, roleOf } from "./cluster/children.ts";
import type { ClusterIds } from "./cluster/cluster-id.ts";
import { isUnreadable, readGroup } from "./cluster/group.ts";
import type { PeerIndex } from "./cluster/group-index.ts";
import type { Neighbours } from "./cluster/neighbours.ts";
import type { Overrides } from "./cluster/overrides.ts";
import { ownerOf } from "./cluster/owner.ts";
import type { Refusals } from "./cluster/refusals.ts";
import type { Content, ContentReader } from "./cluster/secrets.ts";
import type { Strangers } from "./cluster/strangers.ts";
import { isHelper, readHelper } from "./cluster/throwaway-pods.ts";
import { wantControlPlane } from "./control-plane/probe-wish.ts";
import type { ProberPool } from "./control-plane/prober.ts";
import type { PodProber } from "./gateways/pod-prober.ts";
import { readPod } from "./gateways/pods.ts";
import { readRendered } from "./gateways/render.ts";
import { type Copies, copyingOf } from "./store/copies.ts";
import { nothingKnown, problemOfAll, type SnapshotReader } from "./store/snapshot.ts";
import { type StorageReader, type StorageSeen, unknownStorage } from "./store/storage.ts";
import { within } from "./within.ts";

export interface Readers {
  clock: Clock;
  caches: Caches;
  contents: ContentReader;
  storages: StorageReader;
  snapshots: SnapshotReader;
  probers: ProberPool;
  podProber: PodProber;
  peers: PeerIndex;
  strangers: Strangers;
  neighbours: Pick<Neighbours, "isReady" | "of">;
  refusals: Refusals;
  overrides: Overrides;
  copies: Copies;
  clusters: Pick<ClusterIds, "of">;
  /** What the cluster said to a dry-run of a traffic pod, if it refused. */
  podRefusal: (group: GroupFacts, signal: AbortSignal) => Promise<string | undefined>;
  /** Of the watches over this namespace the one that was told nothing for the longest. */
  oldestWatch: (namespace: string) => Facts["watches"];
  /** The API server's wall clock; undefined before it has answered once. */
  serverNowMs: () => number | undefined;
  operator: Facts["operator"];
}

export type Observed =
  | { seen: "gone" }
  /** Accepted by the API server and not readable here: nothing is touched. */
  | { seen: "unreadable"; why: string }
  /** First answers are under way: deciding now would decide on "unknown" where a moment later more is known. */
  | { seen: "pending"; recheckAfterMs: number }
  | { seen: "facts"; facts: Facts };

const FIRST_ANSWERS_MS = 250;
const PODS_SELDOM_MS = 60_000;
const SECRET_MAX_AGE_MS = 60_000;

/** What no reader has answered by then is not known in this loop: far below the loop's own limit of 60 s. */
const READ_LIMIT_MS = 15_000;

/**
 * All readers of one group, at one instant, under one limit: what cannot be read in time is a fact. Rejects only with the reason of
 * `signal`: readers that the end of the process or of the loop cut short say nothing of the world, and nothing is written on it.
 */
export async function observe(
  readers: Readers,
  groupKey: string,
  wants: Wants,
  signal: AbortSignal,
): Promise<Observed> {
  const object = readers.caches.groups.get(groupKey)?.value;
  if (!object) return { seen: "gone" };
  const group = readGroup(object);
  if (isUnreadable(group)) return { seen: "unreadable", why: group.unreadable };
  const limit = deadline(readers.clock, READ_LIMIT_MS, signal);
  try {
    const observed = await observeWithin(readers, groupKey, group, wants, limit.signal);
    signal.throwIfAborted();
    return observed;
  } finally {
    limit.release();
  }
}

async function observeWithin(
  readers: Readers,
  groupKey: string,
  group: GroupFacts,
  wants: Wants,
  signal: AbortSignal,
): Promise<Observed> {
  const { namespace, name, spec } = group;
  const { storageRef } = spec.fallback;
  const [storage, client, strangers, podRefusal] = await Promise.all([
    within(signal, readers.storages.read(namespace, storageRef.name), (why) => unknownStorage(storageRef.name, why)),
    within(
      signal,
      readers.contents.secret(namespace, spec.controlPlane.clientCertificateRef.name, SECRET_MAX_AGE_MS),
      (why): Content => ({ seen: "unknown", why }),
    ),
    // What was met and cannot be looked at again is there still.
    within(signal, readers.strangers.of(namespace, name, groupKey, signal), () => readers.strangers.met(groupKey)),
    within(signal, readers.podRefusal(group, signal), () => undefined),
  ]);
  wish(readers, groupKey, group, storage, client, wants);
  const controlPlane = readers.probers.facts(groupKey);
  const snapshot = await snapshotOf(readers, groupKey, group, storage, signal);
  const isNew = !readers.neighbours.isReady(namespace);
  if (!controlPlane || !snapshot || storage.access === "pending" || isNew) {
    return { seen: "pending", recheckAfterMs: FIRST_ANSWERS_MS };
  }
  const nowMs = readers.clock.wallMs();
  const serverNowMs = readers.serverNowMs();
  const copying = copyingOf(readers, groupKey);
  const rendered = readRendered(spec, storage.facts.seen === "present" ? storage.facts.spec : undefined);
  const refused = readers.refusals.of(groupKey);
  const overridden = readers.overrides.of(groupKey);
  const met = { strangers, refused, overridden, ...(podRefusal ? { podRefusal } : {}) };
  const all = ofGroup(readers.caches.pods, groupKey);
  const pods = all.filter((pod) => roleOf(pod) === "traffic").map((pod) => podFact(readers, pod, rendered));
  askPods(readers, groupKey, group, all, pods, wants);
  if (readers.podProber.isFirstLook(groupKey)) return { seen: "pending", recheckAfterMs: FIRST_ANSWERS_MS };
  return {
    seen: "facts",
    facts: {
      nowMs,
      ...(serverNowMs === undefined ? {} : { serverNowMs }),
      monoMs: readers.clock.monotonicMs(),
      watches: readers.oldestWatch(namespace),
      group,
      rendered,
      storage: storage.facts,
      secrets: {
        client: readClientCertificate(spec.controlPlane.clientCertificateRef.name, client, serverNowMs ?? nowMs),
        writer: storage.secrets.writer,
        reader: storage.secrets.reader,
      },
      children: readChildren(readers.caches, groupKey, name, met),
      pods,
      helpers: all.filter(isHelper).map(readHelper),
      controlPlane,
      snapshot,
      ...(copying ? { copying } : {}),
      neighbours: readers.neighbours.of(group, all),
      peers: readers.peers.of(group, readers.probers.census(groupKey)),
      operator: readers.operator,
    },
  };
}

/** Tells the background readers what this group wants of them from now on. */
function wish(
  readers: Readers,
  groupKey: string,
  { spec, status }: GroupFacts,
  storage: StorageSeen,
  client: Content,
  wants: Wants,
): void {
  wantControlPlane(readers.probers, groupKey, spec.controlPlane, client, wants.controlPlaneCounts);
  if (storage.store && storage.location !== undefined && storage.facts.seen === "present") {
    readers.snapshots.want(groupKey, {
      store: storage.store,
      location: storage.location,
      shortID: spec.shortID,
      rawIntervalMs: spec.backup.exportIntervalSeconds * 1000,
      isAnothers: status.fallbackReady === "StoreOwnedByAnother",
      validationIntervalMs: storage.facts.spec.validationIntervalSeconds * 1000,
    });
  } else readers.snapshots.unwant(groupKey);
}

async function snapshotOf(
  readers: Readers,
  groupKey: string,
  group: GroupFacts,
  storage: StorageSeen,
  signal: AbortSignal,
): Promise<Facts["snapshot"] | undefined> {
  if (storage.store) {
    const facts = readers.snapshots.facts(groupKey);
    const reading = ownerOf(readers.clusters, group, readers.snapshots.mark(groupKey));
    const owner = await within(
      signal,
      reading,
      (why) => ({ is: "unknown", reason: "StoreOwnerUnknown", why }) as const,
    );
    return facts && { ...facts, owner };
  }
  const { facts } = storage;
  if (facts.seen === "absent") return nothingKnown("StorageNotFound", `FallbackStorage "${facts.name}" does not exist`);
  if (facts.seen === "unknown") return nothingKnown("StorageUnavailable", facts.why);
  if (facts.fault) return problemOfAll(facts.fault);
  return nothingKnown("StorageUnavailable", "there are no keys to read the store with");
}

function podFact(readers: Readers, pod: Pod, rendered: Rendered): PodFact {
  const { workers, profile } = rendered;
  return readPod(pod, { answers: readers.podProber, workersEnv: profile.env.workers, workers });
}

function askPods(
  readers: Readers,
  groupKey: string,
  { spec }: GroupFacts,
  pods: readonly Pod[],
  facts: readonly PodFact[],
  wants: Wants,
): void {
  const ipOf = new Map(pods.map((pod) => [pod.metadata.uid, pod.status?.podIP]));
  const check = spec.traffic.check;
  readers.podProber.want(groupKey, {
    pods: facts.flatMap(({ uid, ready, deleting, start }) => {
      const ip = ipOf.get(uid);
      return ready && !deleting && ip ? [{ uid, ip, votes: start?.choice === "normal" }] : [];
    }),
    check: check && { path: check.path, expectStatus: check.expectStatus, ...(check.host ? { host: check.host } : {}) },
    intervalMs: wants.podsOften ? spec.controlPlane.probeIntervalSeconds * 1000 : PODS_SELDOM_MS,
  });
}

export const groupKeyOf = ({ namespace, name }: GroupFacts): string => keyOf(namespace, name);
