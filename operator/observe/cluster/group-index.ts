import { ANNOTATION } from "../../api/names.ts";
import { controlPlaneAt } from "../../domain/evidence/endpoint.ts";
import type { GroupFacts } from "../../domain/facts/facts.ts";
import type { PeerFacts } from "../../domain/facts/outside.ts";
import { type CustomObject, keyOf } from "../../kinds.ts";
import type { Census } from "../control-plane/correlated-loss.ts";
import { locationOf } from "../store/stores.ts";
import type { Caches } from "./caches.ts";
import { isUnreadable, readGroup, readStorage } from "./group.ts";

/** What other groups need to know of one. */
interface Peer {
  key: string;
  endpoint: string;
  /** Place and key of its snapshot; undefined while its storage is not known. */
  object: string | undefined;
  exports: boolean;
  createdAt: string;
  wave: number;
  moving: boolean;
  /** Its move cannot go on, and says why: it keeps nobody else's turn, neither in its wave nor in a later one. */
  held: boolean;
}

/** Groups by control plane and by object in the store. Kept by the watch, so that a loop looks up and never searches. */
export class PeerIndex {
  readonly #storages: Caches["storages"];
  readonly #peers = new Map<string, Peer>();
  readonly #byEndpoint = new Map<string, Set<string>>();
  readonly #byObject = new Map<string, Set<string>>();

  constructor(storages: Caches["storages"]) {
    this.#storages = storages;
  }

  /**
   * Called for each change of a group. Returns the groups that share its object and must look again. Those that share
   * the control plane are not woken: a thousand of them would wake each other a million times in one outage, and a
   * group that waits for its wave looks again within its probe interval anyway.
   */
  update(key: string, object: CustomObject | undefined): readonly string[] {
    const before = this.#peers.get(key);
    const group = object && readGroup(object);
    const after =
      group && !isUnreadable(group) && !group.deleting && object
        ? this.#peerOf(key, group, object.metadata.creationTimestamp ?? "")
        : undefined;
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const touched = new Set<string>();
    if (before?.object !== after?.object || before?.exports !== after?.exports)
      for (const peer of [before, after]) for (const other of this.#around(peer)) touched.add(other);
    if (before) this.#remove(before);
    if (after) this.#add(after);
    touched.delete(key);
    return [...touched];
  }

  of(group: GroupFacts, census: Census): PeerFacts {
    const key = keyOf(group.namespace, group.name);
    const own = this.#peers.get(key);
    const sharing = this.#members(this.#byEndpoint, controlPlaneAt(group.spec.controlPlane.endpoint));
    const wave = waveOf(group);
    const keyConflict = own && this.#conflictOf(own);
    return {
      controlPlanes: census.probed,
      controlPlanesLost: census.lost,
      moving: sharing.filter((peer) => peer.moving && !peer.held && isAhead(peer, { key, wave })).length,
      sharing: Math.max(1, sharing.length),
      earlierWavesOpen: sharing.filter((peer) => peer.moving && !peer.held && peer.wave < wave).length,
      ...(keyConflict === undefined ? {} : { keyConflict }),
    };
  }

  /** Two groups may read one object only when they share the control plane and but one of them exports. */
  #conflictOf(own: Peer): PeerFacts["keyConflict"] {
    if (own.object === undefined) return undefined;
    const older = this.#members(this.#byObject, own.object)
      .filter((peer) => peer.key !== own.key && isOlder(peer, own))
      .filter((peer) => peer.endpoint !== own.endpoint || (peer.exports && own.exports))
      .sort((a, b) => (isOlder(a, b) ? -1 : 1));
    const worst = older.find((peer) => peer.endpoint !== own.endpoint) ?? older[0];
    return worst && { group: worst.key, foreign: worst.endpoint !== own.endpoint };
  }

  #peerOf(key: string, group: GroupFacts, createdAt: string): Peer {
    const { spec, namespace, status } = group;
    const found = this.#storages.get(keyOf(namespace, spec.fallback.storageRef.name))?.value;
    const storage = found && readStorage(found);
    return {
      key,
      endpoint: controlPlaneAt(spec.controlPlane.endpoint),
      object: storage && !isUnreadable(storage) ? `${locationOf(storage.spec)} ${spec.shortID}` : undefined,
      exports: spec.backup.enabled,
      createdAt,
      wave: waveOf(group),
      moving:
        status.mode === "ToFallback" ||
        status.mode === "ToNormal" ||
        (status.conditions ?? []).some((c) => c.type === "Reconciling" && c.reason === "MovingPods"),
      held: (status.conditions ?? []).some((c) => c.type === "Held"),
    };
  }

  #around(peer: Peer | undefined): string[] {
    return peer?.object === undefined ? [] : [...(this.#byObject.get(peer.object) ?? [])];
  }

  #members(index: Map<string, Set<string>>, value: string): Peer[] {
    return [...(index.get(value) ?? [])].map((key) => this.#peers.get(key)).filter((peer) => peer !== undefined);
  }

  #add(peer: Peer): void {
    this.#peers.set(peer.key, peer);
    add(this.#byEndpoint, peer.endpoint, peer.key);
    if (peer.object !== undefined) add(this.#byObject, peer.object, peer.key);
  }

  #remove(peer: Peer): void {
    this.#peers.delete(peer.key);
    remove(this.#byEndpoint, peer.endpoint, peer.key);
    if (peer.object !== undefined) remove(this.#byObject, peer.object, peer.key);
  }
}

/** Groups without a wave, or with one that is no number, move first. */
function waveOf({ annotations }: GroupFacts): number {
  const wave = Number(annotations[ANNOTATION.wave] ?? 0);
  return Number.isFinite(wave) ? wave : 0;
}

/** One order for all groups: if each waited for any other that has not done yet, all would wait for ever. */
const isAhead = (peer: Pick<Peer, "key" | "wave">, own: Pick<Peer, "key" | "wave">): boolean =>
  peer.wave === own.wave ? peer.key < own.key : peer.wave < own.wave;

const isOlder = (a: Peer, b: Peer): boolean =>
  a.createdAt === b.createdAt ? a.key < b.key : a.createdAt < b.createdAt;

function add(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys) keys.add(key);
  else index.set(value, new Set([key]));
}

function remove(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(value);
}
