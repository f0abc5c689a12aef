import type { FallbackStorageSpec } from "../api/fallback-storage.ts";
import type { GatewayGroupSpec } from "../api/gateway-group.ts";
import type { GatewayGroupStatus, Mode } from "../api/gateway-group-status.ts";

/**
 * What was seen, at one instant, of one GatewayGroup. Absent and unknown are values of their own:
 * a reader that failed yields a fact, never an exception and never a default.
 */
export interface Facts {
  /** Wall clock at the start of the loop, ms since 1970. For timestamps; durations come measured, on a monotonic clock. */
  nowMs: number;
  /** Monotonic clock at the same instant, ms; only differences mean something, and only within one process. */
  monoMs: number;
  /** Of the watches behind these facts the one that was told nothing for the longest: "Pod in edge". */
  watches: { oldest: string; staleForMs: number };
  group: GroupFacts;
  /** The group's spec after its storage and image were looked at; undefined where the spec cannot be rendered at all. */
  rendered: Rendered;
  storage: StorageFacts;
  secrets: { client: SecretFact; writer: SecretFact; reader: SecretFact };
  /** Live children by `Kind/name`, and strangers that sit on a name we need. From the cache. */
  children: Children;
  /** Traffic pods that exist, deleting ones included. */
  pods: readonly PodFact[];
  /** Rehearsal, canary and witness pods. */
  helpers: readonly HelperPodFact[];
  controlPlane: ControlPlaneFacts;
  snapshot: SnapshotFacts;
  /** Copies within the store that failed one after the other; absent: the last one was made. */
  copying?: CopyingFact;
  peers: PeerFacts;
  operator: { chooseImage: string; version: string };
}

export interface GroupFacts {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  annotations: Readonly<Record<string, string>>;
  spec: GatewayGroupSpec;
  status: GatewayGroupStatus;
  deleting: boolean;
  /** Manager of spec.traffic.replicas by managedFields: "scale" when it came through the scale subresource. */
  replicasSetBy: "scale" | "other";
}

/** Bad input found while the configuration was rendered: says which field, which value, what to do. */
export interface Problem {
  reason: string;
  field: string;
  message: string;
}

/** The three config.yaml texts and what the gateway product needs around them (from the gateway boundary). */
export interface Rendered {
  normal?: string;
  reader?: string;
  exporter?: string;
  workers: number;
  workersAssumed: boolean;
  gatewayVersion?: string;
  problems: readonly Problem[];
  warnings: readonly Problem[];
  profile: GatewayProfile;
}

/** What a pod of this gateway product looks like. Plain data from the gateway boundary; the domain knows no product. */
export interface GatewayProfile {
  configPath: string;
  /** Directory of configPath's volume-mounted siblings that the gateway writes; empty where the image's own are writable. */
  writablePaths: readonly string[];
  instanceIdPath: string;
  certificateDir: string;
  caPath: string;
  runAsUser: number;
  runAsGroup: number;
  ports: { http: number; https: number; status: number; metrics: number; control: number };
  env: { shortID: string; storeAccessKey: string; storeSecretKey: string; storeAccountKey: string; workers: string };
}

export type SecretFact =
  | {
      seen: "present";
      name: string;
      resourceVersion: string;
      /** Of what counts in it, where more than that may change; taken instead of resourceVersion to roll pods. */
      fingerprint?: string;
      keys: readonly string[];
      problem?: Problem;
      notAfterMs?: number;
    }
  | { seen: "absent"; name: string }
  | { seen: "unknown"; name: string; why: string };

export type StorageFacts =
  | {
      seen: "present";
      name: string;
      uid: string;
      spec: FallbackStorageSpec /** Store fault for Holdfast's own role. */;
      fault?: Problem;
    }
  | { seen: "absent"; name: string }
  | { seen: "unknown"; name: string; why: string };

export interface Children {
  traffic?: WorkloadFact;
  backup?: WorkloadFact;
  /** Every labelled child, `Kind/name` -> object as the API server holds it (no managedFields). */
  byName: ReadonlyMap<string, KubeObject>;
  /**
   * Objects that carry a name we need but not our label. `otherPods`: a Deployment whose selector is not the one of
   * ours; it can never be taken over.
   */
  strangers: readonly { kind: string; name: string; adoptable: boolean; otherPods?: boolean }[];
  /** Names of ConfigMaps that some pod or ReplicaSet of the group still refers to. */
  configsInUse: ReadonlySet<string>;
  /** What the cluster said to a dry-run of a traffic pod; undefined = accepted or not asked. */
  podRefusal?: string;
  /** Steps that the cluster refused when they were tried. */
  refused?: readonly Refusal[];
  /** Objects that the cluster changed while we wrote them. */
  overridden?: readonly Overridden[];
}

/** One step that the cluster refused, told with its words. */
export interface Refusal {
  /** What was tried: a step's `do`. */
  does: string;
  kind: string;
  name: string;
  /** Of a throw-away pod, which has another name each time. */
  role?: string;
  message: string;
}

/** What came back from our own write was not what we wrote: a webhook or policy of the cluster changes these fields. */
export interface Overridden {
  kind: string;
  name: string;
  uid: string;
  /** Of the object as it was meant; one that is meant otherwise is written anew. */
  appliedHash: string | undefined;
  paths: readonly string[];
  /** So long ago that it may be tried once more. */
  again: boolean;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    creationTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: readonly unknown[];
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

export interface WorkloadFact {
  name: string;
  uid: string;
  resourceVersion: string;
  /** Wanted pods, spec.replicas. */
  replicas: number;
  /** True when status.observedGeneration has caught up with metadata.generation. */
  observed: boolean;
  annotations: Readonly<Record<string, string>>;
  paused: boolean;
  replicaSets: readonly ReplicaSetFact[];
  /** Message of ReplicaFailure, when the cluster refuses pods. */
  failure?: string;
  /** A pod of it that does not come up: its name, container and what the kubelet says. */
  trouble?: string;
}

export interface ReplicaSetFact {
  name: string;
  uid: string;
  templateHash: string;
  revision: number;
  replicas: number;
  proofKey?: string;
  /** Template as it stands, to put it back. */
  template: KubeTemplate;
}
export type KubeTemplate = Readonly<Record<string, unknown>>;

/** What `choose` wrote at the start of a pod. */
export interface StartChoice {
  choice: "normal" | "fallback";
  reason: string;
  epoch?: number;
  /** Did the control plane answer at that start? undefined = it was not asked. */
  controlPlaneAnswered?: boolean;
  /** Which question failed; a start whose read failed is a witness of a dead database. */
  readFailed?: boolean;
  finishedMs: number;
  absent: readonly string[];
}

export interface PodFact {
  name: string;
  uid: string;
  resourceVersion: string;
  node?: string;
  zone?: string;
  /** pod-template-hash: which ReplicaSet. */
  templateHash: string;
  proofKey?: string;
  createdMs: number;
  deleting: boolean;
  /** Ready condition, readiness gates included. */
  ready: boolean;
  /** Scheduled onto a node. */
  scheduled: boolean;
  /** Restarts of the gateway container. */
  restarts: number;
  /** undefined until `choose` has ended. */
  start?: StartChoice;
  deletionCost?: string;
  cores: number;
  /** Does this gateway say that it has its control plane? Only fresh answers; anything else is unknown. */
  vote: "connected" | "disconnected" | "unknown";
  /** A worker of it was re-spawned without configuration. */
  emptyWorker: boolean;
  /** spec.traffic.check as asked of this pod; "unknown" also when no check is given. */
  check: "pass" | "fail" | "unknown";
  /** Which container waits or ended, and why, as the kubelet says (`choose: OOMKilled`, ...). */
  trouble?: string;
}

export interface HelperPodFact {
  role: "rehearsal" | "canary" | "witness";
  name: string;
  uid: string;
  resourceVersion: string;
  node?: string;
  createdMs: number;
  deleting: boolean;
  /** What it was made to load. */
  digest?: string;
  proofKey?: string;
  readerSecretVersion?: string;
  image?: string;
  result:
    | { state: "running" }
    | { state: "loaded"; counts: Readonly<Record<string, number>> }
    | { state: "failed"; message: string }
    /** A witness: did the control plane answer what a gateway asks? */
    | { state: "answered"; answered: boolean; readFailed: boolean; finishedMs: number };
}

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
}
export type VerdictWord = "Reachable" | "Unreachable" | "Unknown";

export type PairFact =
  | { seen: "absent" }
  | { seen: "unknown"; reason: string; why: string }
  | {
      seen: "found";
      digest: string;
      counts: Readonly<Record<string, number>>;
      /** Closed words from the gateway boundary: NotJson, Empty, ... A pair with problems is never promoted. */
      problems: readonly string[];
      warnings: readonly string[];
      /** Store's clock minus LastModified at the time of reading, ms. */
      ageMs: number;
      lastModifiedMs: number;
    };

export interface SnapshotFacts {
  raw: PairFact;
  candidate: PairFact;
  verified: PairFact;
}

export interface CopyingFact {
  /** The next try is not due yet. */
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
  /** Groups of an earlier wave that are not done. */
  earlierWavesOpen: number;
  /**
   * Another, older group ("namespace/name") with the same object key in the same store. Foreign: of another control plane,
   * so that what it exports is not ours.
   */
  keyConflict?: { group: string; foreign: boolean };
}

export type { Mode };
