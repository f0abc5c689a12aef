import type { FallbackStorageSpec } from "../../api/fallback-storage.ts";
import type { GatewayGroupSpec } from "../../api/gateway-group.ts";
import type { GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import type { Children, HelperPodFact, PodFact } from "./cluster.ts";
import type { NeighbourFacts } from "./neighbours.ts";
import type { ControlPlaneFacts, CopyingFact, PeerFacts, SnapshotFacts } from "./outside.ts";
import type { Problem } from "./problem.ts";

/**
 * What was seen, at one instant, of one GatewayGroup. Absent and unknown are values of their own:
 * a reader that failed yields a fact, never an exception and never a default.
 */
export interface Facts {
  /** Wall clock at the start of the loop, ms since 1970. For timestamps; durations come measured, on a monotonic clock. */
  nowMs: number;
  /**
   * The API server's wall clock at the same instant, where it has told it. Everything that exists was stamped by it, so all
   * that is decided goes by it, and so does what is stamped here: see current.ts.
   */
  serverNowMs?: number;
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
  /** Other people's objects that select pods of this group. */
  neighbours: NeighbourFacts;
  operator: { chooseImage: string; version: string };
}

export interface GroupFacts {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  /** When the object was made, by the API server's clock, ms since 1970. */
  createdMs?: number;
  annotations: Readonly<Record<string, string>>;
  spec: GatewayGroupSpec;
  status: GatewayGroupStatus;
  deleting: boolean;
  /** Manager of spec.traffic.replicas by managedFields: "scale" when it came through the scale subresource. */
  replicasSetBy: "scale" | "other";
}

/** The three config.yaml texts and what the gateway product needs around them (from the gateway boundary). */
export interface Rendered {
  normal?: string;
  reader?: string;
  exporter?: string;
  workers: number;
  workersAssumed: boolean;
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
  ports: { http: number; https: number; status: number; control: number };
  /** Variables that a podTemplate may not set; `*` at the end stands for anything. */
  refusedEnv: readonly { name: string; why: string; instead: string }[];
  env: { shortID: string; workers: string };
  /** For so long after the loss of its control plane a gateway may go on saying that it has it, ms. */
  connectedLateMs: number;
  /** Run inside the gateway's container: exits 0 once it has loaded its configuration, 1 before. */
  loadedCommand: readonly string[];
}

export type SecretFact =
  | {
      seen: "present";
      name: string;
      resourceVersion: string;
      /** Of what counts in it, where more than that may change; taken instead of resourceVersion to roll pods, and in proofs. */
      fingerprint?: string;
      keys: readonly string[];
      problem?: Problem;
      notAfterMs?: number;
    }
  | { seen: "absent"; name: string }
  /** `problem`: what was known of its content before, and was not taken back. */
  | { seen: "unknown"; name: string; why: string; problem?: Problem };

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
