import type { Form } from "./group.ts";
import type { TallyRow } from "./in-pod/asker.mts";
import type { RelayRow } from "./in-pod/relay.mts";
import type { StoreRow } from "./in-pod/store.mts";

/** What a scene saw, or why it could not be played. */
export type Scene<T> = T | { notAsked: string };

export type Start =
  /** The http port took a connection. */
  | { is: "listening"; seconds: number }
  | { is: "ended"; code: number; seconds: number }
  /** Neither, for as long as was waited. */
  | { is: "silent"; seconds: number };

export type Counts = Record<string, number>;
/** An HTTP status, or the code of what came instead. */
export type Status = number | string;
/** Value of apisix_etcd_reachable; `absent` where the endpoint answers and has no such line; else what came instead. */
export type Metric = 0 | 1 | "absent" | Status;

export interface Seen {
  starts: Scene<{ rendered: Start; byForm?: Partial<Record<Form, Start>>; plain?: Start }>;
  /** One gateway that follows the control plane, through a loss of it and its return. */
  normal: Scene<{
    fingerprint: string;
    rows: readonly Pick<RelayRow, "path" | "certificate" | "runningMode">[];
    status: Status;
    ready: Status;
    readyInOutage: Status;
    control: Record<string, number | string>;
    onControlPlane: Record<string, number | undefined>;
    metric: { before: Metric; inOutage: Metric; fellAfterSeconds: number; after: Metric; roseAfterSeconds: number };
    /** Answers to the check: from the first one on, up to the loss; and all through the loss. */
    answers?: { before: readonly TallyRow[]; inOutage: readonly TallyRow[] };
    /** A request whose body was half sent when the end began. */
    inFlight?: Status;
  }>;
  /** Starts that ought to fail. */
  late: Scene<{ start: Start }>;
  reads: Scene<{ start: Start }>;
  heartbeats: Scene<{ start: Start; heartbeats: number }>;
  unsetVariable: Scene<{ start: Start }>;
  missingObject: Scene<{ start: Start }>;
  exporter: Scene<{
    toldKey: string;
    puts: readonly Pick<StoreRow, "bucket" | "key" | "atMs">[];
    runningModes: readonly string[];
    ports: { http: Status; https: Status };
    putsInOutage: number;
    /** Of the last pair, by Holdfast's own inspection; undefined where nothing came. */
    pair?: { problems: readonly string[]; counts: Counts };
    onControlPlane: Record<string, number | undefined>;
  }>;
  reader: Scene<{
    choice: string;
    key: string;
    start: Start;
    reads: readonly Pick<StoreRow, "bucket" | "key" | "status">[];
    /** To the control plane, by this pod. */
    requests: readonly string[];
    ready: Status;
    answer?: Status;
  }>;
  /** Rehearsals of the export: as it is; with one route whose plugin nobody has; with a variable that is not set. */
  loads: Scene<{ expected: Counts; seen: Counts | undefined }>;
  unknownPlugin: Scene<{ expected: Counts; seen: Counts | undefined }>;
  unsetInSnapshot: Scene<{ seen: Counts | undefined }>;
}
