import type { Problem } from "./problem.ts";

/** What Holdfast's own prober last saw, already boiled down to a row of the verdict table. */
export type OperatorView =
  | { view: "readsOk" }
  | { view: "serverError"; detail: string }
  | { view: "readTimeout"; detail: string }
  | { view: "down"; detail: string }
  /** The network refused: our own, or that of a Service behind which nobody is left. */
  | { view: "noRoute"; detail: string }
  | { view: "misconfigured"; detail: string }
  | { view: "unknown"; detail: string };

export interface ControlPlaneFacts {
  operator: OperatorView;
  /** Objects per kind on the control plane, when it answered reads and was asked; for ControlPlaneRegressed. */
  counts?: Readonly<Record<string, number>>;
  /** Whether its own read found any object at all, with each probe that was answered; absent where it was not. */
  contentSeen?: "none" | "some";
}
export type VerdictWord = "Reachable" | "Unreachable" | "Unknown";

/** Something in a snapshot that a person should know of; the pair may be proven all the same. */
export interface SnapshotWarningFact {
  reason: string;
  kind: string;
  id?: string;
  path?: string;
  message: string;
}

export type PairFact =
  | { seen: "absent" }
  | {
      seen: "unknown";
      reason: string;
      why: string;
      /** What this process read there last. */
      before?: { digest: string; lastModifiedMs: number };
    }
  | {
      seen: "found";
      digest: string;
      counts: Readonly<Record<string, number>>;
      /** The gateway group that it names, where it does. */
      gatewayGroup?: string;
      /** Of what answers requests in it: hashes, sorted; the smallest of them stand for all where it is not whole. */
      sketch?: { hashes: readonly number[]; whole: boolean };
      /** Which items it holds, for the rehearsal, which names those that are missing; from the gateway boundary. */
      items?: string;
      /** Closed words from the gateway boundary: NotJson, Empty, ... A pair with problems is never promoted. */
      problems: readonly string[];
      /** The worst first, bounded by the gateway boundary. */
      warnings: readonly SnapshotWarningFact[];
      /** Store's clock minus LastModified at the time of reading, ms. */
      ageMs: number;
      lastModifiedMs: number;
    };

/** A group, and the uid of its namespace, which no other cluster has. */
export interface Owner {
  cluster: string;
  namespace: string;
  name: string;
}

export type OwnerFact =
  /** Of this cluster, since then: groups of one cluster are told apart by PeerFacts. */
  | { is: "ours"; sinceMs: number; etag: string }
  | { is: "nobody"; us: Owner }
  | { is: "another"; owner: Owner; etag: string; us?: Owner }
  | { is: "unknown"; reason: string; why: string };

export interface SnapshotFacts {
  raw: PairFact;
  candidate: PairFact;
  verified: PairFact;
  /** Copies of verified pairs that are kept, newest first, by the first 12 characters of the digest; left out: not known. */
  generations?: readonly { digest: string; lastModifiedMs: number }[];
  /** They could not be listed just now: `generations` is of before. */
  listingFails?: true;
  /** Whose keys these are. */
  owner?: OwnerFact;
}

export interface CopyingFact {
  /** The next try is not due yet, or the copies of other groups come first. */
  paused: boolean;
  /** What stands in the way, once it is more than a single failure. */
  problem?: Problem;
}

/** Groups beside this one. */
export interface PeerFacts {
  /** Distinct control planes that this process probes, and how many of them were lost at the same time as this one. */
  controlPlanes: number;
  controlPlanesLost: number;
  /** Groups on the same control plane that have pods to move, can, and come before this one. */
  moving: number;
  /** All groups on the same control plane, this one included. */
  sharing: number;
  /** Groups of an earlier wave that are not done, and can go on. */
  earlierWavesOpen: number;
  /**
   * Another, older group ("namespace/name") with the same object key in the same store. Foreign: of another control plane,
   * so that what it exports is not ours.
   */
  keyConflict?: { group: string; foreign: boolean };
}
