/**
 * The storage boundary. One SnapshotStore speaks to the two buckets (Azure: containers) of one FallbackStorage with one
 * set of credentials. Every method rejects with StorageError only (faults.ts); absence is a value.
 */
import { getHeapStatistics } from "node:v8";
import type { StorageError } from "./faults.ts";

export { FAULT_ACTION, type FaultAction, StorageError, type StorageFault } from "./faults.ts";

/** The gateway keeps a snapshot as one object in each of two buckets, under the same key. */
export type Which = "resource" | "config";

/**
 * What the server says about an object.
 * `etag` is opaque: hand it back as it came; the same content may come with another one.
 * `lastModified` and `serverDate` (the answer's Date header) are read off the same clock, the server's, so that
 * an age computed from them does not depend on ours. Both have a resolution of one second.
 */
export interface ObjectVersion {
  etag: string;
  lastModified: Date;
  serverDate: Date;
}

export type HeadResult = { state: "absent" } | ({ state: "found"; sizeBytes: number } & ObjectVersion);

export type ReadResult =
  | { state: "absent" }
  | ({ state: "notModified" } & ObjectVersion)
  | ({ state: "found"; body: Uint8Array } & ObjectVersion);

export interface ReadOptions {
  /** An ETag seen before: when the object still has it, the answer is notModified and no body travels. */
  ifNoneMatch?: string;
  /** Largest body that is accepted; DEFAULT_MAX_BYTES when left out. More is TooLarge. */
  maxBytes?: number;
}

/** `{}` overwrites whatever is there. A condition that does not hold is PreconditionFailed. */
export type WriteCondition = { ifMatch: string } | { ifNoneMatch: "*" } | Record<string, never>;

/** One bucket as these credentials see it. `clockSkewMs` is our clock minus the server's: positive when ours is fast. */
export type BucketCheck = { state: "reachable"; clockSkewMs: number } | { state: "refused"; error: StorageError };

export type StoreCheck = Record<Which, BucketCheck>;

/** One object of a listing. */
export interface Listed {
  key: string;
  lastModified: Date;
}

/** One page of every store that we know. */
export const LIST_MAX = 1_000;

export interface SnapshotStore {
  /** Bounded and verified: `body` is whole, or the call rejects. */
  read(which: Which, key: string, options: ReadOptions, signal: AbortSignal): Promise<ReadResult>;
  head(which: Which, key: string, signal: AbortSignal): Promise<HeadResult>;
  write(
    which: Which,
    key: string,
    body: Uint8Array,
    condition: WriteCondition,
    signal: AbortSignal,
  ): Promise<{ etag: string }>;
  /** Whose key begins so: at most LIST_MAX of them, in the order of their keys. */
  list(which: Which, prefix: string, signal: AbortSignal): Promise<readonly Listed[]>;
  /** Removes an object; one that is not there is removed already. */
  remove(which: Which, key: string, signal: AbortSignal): Promise<void>;
  /** Can these credentials reach and list both? Never rejects: what is wrong is the answer, per bucket. */
  check(signal: AbortSignal): Promise<StoreCheck>;
  /** Closes idle connections. Call it when the settings or credentials are replaced. */
  close(): void;
}

/** Larger than the largest snapshot that we know of ten times over: it is somebody else's object. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * A sixteenth of the heap: 16 MiB with the chart's values, three times the 10,000 small routes that are the most we know
 * of. Bodies lie beside the heap, which is what the process is told of its memory. Measured: docs/storage.md.
 */
export const maxBytesFor = (heapBytes: number): number => Math.min(MOST_BYTES, Math.floor(heapBytes / 16));

export const DEFAULT_MAX_BYTES = maxBytesFor(getHeapStatistics().heap_size_limit);
