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
  /** By `Kind/name`: who else wrote fields of the object last, status and scale left out. `at`: RFC 3339, whole seconds. */
  writers?: ReadonlyMap<string, { manager: string; at: string }>;
  /** `Kind/name` of objects that somebody else made from a copy, by a restore from a backup: Holdfast's own marks are his. */
  copies?: ReadonlySet<string>;
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
  /** Field manager that set spec.replicas last, where it was not Holdfast. */
  scaledBy?: string;
  /** Which of its writes: the generation of the Deployment. */
  scaledAt?: string;
  /** True when status.observedGeneration has caught up with metadata.generation. */
  observed: boolean;
  annotations: Readonly<Record<string, string>>;
  paused: boolean;
  replicaSets: readonly ReplicaSetFact[];
  /** Message of ReplicaFailure, when the cluster refuses pods. */
  failure?: string;
  /** Since when the cluster refuses them, by its own clock, ms since 1970. */
  failureSinceMs?: number;
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
  /** By the API server's clock. */
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
  /** By the API server's clock: one that is deleted is gone by then, unless its node is lost. */
  goneByMs?: number;
  /** It ended (Failed, Succeeded), or is reported on a lost node: its object alone is left, for as long as nobody deletes it. */
  over?: true;
  /** Its gateway has never run: an image that cannot be pulled, a container that cannot be made. */
  neverRan?: true;
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
  /** It followed a control plane that lost what it held. Worked out (situation.ts), never read of a pod. */
  lacking?: boolean;
  /** spec.traffic.check as asked of this pod; "unknown" also when no check is given. */
  check: "pass" | "fail" | "unknown";
  /** Which container waits or ended, and why, as the kubelet says (`choose: OOMKilled`, ...). */
  trouble?: string;
  /** It runs, and the kubelet may ask where nobody listens: to be told, and nothing rests on it. */
  unheard?: string;
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
    | {
        state: "failed";
        message: string;
        /** It answered, and held less than was expected: what it held, by kind, and the names of what was missing. */
        fewer?: { seen: Readonly<Record<string, number>>; missing?: readonly string[]; more: number };
      }
    /** A witness: did the control plane answer what a gateway asks? */
    | { state: "answered"; answered: boolean; readFailed: boolean; finishedMs: number };
}
