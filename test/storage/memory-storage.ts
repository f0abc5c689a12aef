/**
 * A store in memory, for tests of what stands on the boundary. It is held to the contract suite of the real ones
 * (test/contract), so it behaves like AWS S3: the ETag is a digest of the content, writing the same bytes again moves
 * LastModified only, and without the right to list a missing object is AccessDenied.
 */
import { createHash } from "node:crypto";
import { type Attempt, Failure, storageError } from "../../operator/storage/failure.ts";
import type { StorageFault } from "../../operator/storage/faults.ts";
import * as store from "../../operator/storage/store.ts";

/** What one set of credentials may do; all of it unless said otherwise. */
export interface MemoryRights {
  /** False: the server does not know these keys. */
  known?: boolean;
  read?: boolean;
  write?: boolean;
  list?: boolean;
}

interface Stored {
  body: Uint8Array;
  etag: string;
  lastModified: Date;
}

/** The server: two buckets that exist, empty. `now` is its clock; dates lose their milliseconds, as HTTP's do. */
export class MemoryStorage {
  readonly #now: () => Date;
  readonly #buckets: Record<store.Which, Map<string, Stored> | undefined> = { resource: new Map(), config: new Map() };
  readonly #failing: Record<store.Which, StorageFault | undefined> = { resource: undefined, config: undefined };

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  /** One client of this server. */
  store(rights: MemoryRights = {}): store.SnapshotStore {
    return new MemoryStore(this, { known: true, read: true, write: true, list: true, ...rights });
  }

  /** Past all rights, as an exporter that is none of the test's business. Returns the ETag. */
  put(which: store.Which, key: string, body: Uint8Array | string): string {
    const bytes = Buffer.from(body);
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    this.#bucket(which).set(key, { body: bytes, etag, lastModified: this.clock() });
    return etag;
  }

  get(which: store.Which, key: string): Stored | undefined {
    return this.#bucket(which).get(key);
  }

  keys(which: store.Which): string[] {
    return [...this.#bucket(which).keys()].sort();
  }

  remove(which: store.Which, key: string): void {
    this.#bucket(which).delete(key);
  }

  removeBucket(which: store.Which): void {
    this.#buckets[which] = undefined;
  }

  /** Every call to this bucket fails so, until `undefined`. */
  failWith(fault: StorageFault | undefined, which: store.Which | "both" = "both"): void {
    if (which !== "config") this.#failing.resource = fault;
    if (which !== "resource") this.#failing.config = fault;
  }

  failing(which: store.Which): StorageFault | undefined {
    return this.#failing[which];
  }

  exists(which: store.Which): boolean {
    return this.#buckets[which] !== undefined;
  }

  clock(): Date {
    return new Date(Math.floor(this.#now().getTime() / 1_000) * 1_000);
  }

  #bucket(which: store.Which): Map<string, Stored> {
    const bucket = this.#buckets[which];
    if (bucket === undefined) throw new Error(`the ${which} bucket was removed`);
    return bucket;
  }
}

class MemoryStore implements store.SnapshotStore {
  readonly #server: MemoryStorage;
  readonly #rights: Required<MemoryRights>;

  constructor(server: MemoryStorage, rights: Required<MemoryRights>) {
    this.#server = server;
    this.#rights = rights;
  }

  async read(
    which: store.Which,
    key: string,
    { ifNoneMatch, maxBytes = store.DEFAULT_MAX_BYTES }: store.ReadOptions,
    signal: AbortSignal,
  ): Promise<store.ReadResult> {
    const attempt = this.#enter("read", which, key, signal);
    const stored = this.#find(attempt, which, key);
    if (stored === undefined) return { state: "absent" };
    const version = this.#version(stored);
    if (stored.etag === ifNoneMatch) return { state: "notModified", ...version };
    if (stored.body.byteLength > maxBytes) {
      throw storageError(attempt, new Failure("TooLarge", `it is larger than ${maxBytes} bytes`));
    }
    return { state: "found", ...version, body: Uint8Array.from(stored.body) };
  }

  async head(which: store.Which, key: string, signal: AbortSignal): Promise<store.HeadResult> {
    const attempt = this.#enter("look up", which, key, signal);
    const stored = this.#find(attempt, which, key);
    if (stored === undefined) return { state: "absent" };
    return { state: "found", sizeBytes: stored.body.byteLength, ...this.#version(stored) };
  }

  async write(
    which: store.Which,
    key: string,
    body: Uint8Array,
    condition: store.WriteCondition,
    signal: AbortSignal,
  ): Promise<{ etag: string }> {
    const attempt = this.#enter("write", which, key, signal);
    if (!this.#rights.write) throw storageError(attempt, new Failure("AccessDenied", "these keys lack the right"));
    const stored = this.#server.get(which, key);
    const holds =
      "ifMatch" in condition
        ? stored?.etag === condition.ifMatch
        : !("ifNoneMatch" in condition) || stored === undefined;
    if (!holds) throw storageError(attempt, new Failure("PreconditionFailed", "the object is another one"));
    return { etag: this.#server.put(which, key, body) };
  }

  async list(which: store.Which, prefix: string, signal: AbortSignal): Promise<readonly store.Listed[]> {
    const attempt = this.#enter("list", which, undefined, signal);
    if (!this.#rights.list) throw storageError(attempt, new Failure("AccessDenied", "these keys lack the right"));
    const listed = this.#server.keys(which).filter((key) => key.startsWith(prefix));
    return listed.slice(0, store.LIST_MAX).flatMap((key) => {
      const stored = this.#server.get(which, key);
      return stored ? [{ key, lastModified: stored.lastModified }] : [];
    });
  }

  async remove(which: store.Which, key: string, signal: AbortSignal): Promise<void> {
    const attempt = this.#enter("remove", which, key, signal);
    if (!this.#rights.write) throw storageError(attempt, new Failure("AccessDenied", "these keys lack the right"));
    this.#server.remove(which, key);
  }

  async check(signal: AbortSignal): Promise<store.StoreCheck> {
    return { resource: this.#check("resource", signal), config: this.#check("config", signal) };
  }

  close(): void {}

  #check(which: store.Which, signal: AbortSignal): store.BucketCheck {
    try {
      const attempt = this.#enter("list", which, undefined, signal);
      if (!this.#rights.list) throw storageError(attempt, new Failure("AccessDenied", "these keys lack the right"));
      return { state: "reachable", clockSkewMs: 0 };
    } catch (error) {
      if (error instanceof store.StorageError) return { state: "refused", error };
      throw error;
    }
  }

  /** What every server looks at before the object: is it there at all, who asks, is there such a bucket. */
  #enter(verb: Attempt["verb"], which: store.Which, key: string | undefined, signal: AbortSignal): Attempt {
    const attempt: Attempt = {
      verb,
      container: "bucket",
      name: which,
      where: "memory",
      hostFrom: "test",
      ...(key !== undefined && { key }),
    };
    const failing = this.#server.failing(which);
    if (signal.aborted) throw storageError(attempt, new Failure("Timeout", "the operator ended the attempt"));
    if (failing !== undefined) throw storageError(attempt, new Failure(failing, `the test asked for ${failing}`));
    if (!this.#rights.known) throw storageError(attempt, new Failure("WrongCredentials", "these keys are not known"));
    if (!this.#server.exists(which)) {
      throw storageError(attempt, new Failure("BucketMissing", "the bucket does not exist"));
    }
    return attempt;
  }

  #find(attempt: Attempt, which: store.Which, key: string): Stored | undefined {
    const stored = this.#server.get(which, key);
    if (!this.#rights.read || (stored === undefined && !this.#rights.list)) {
      throw storageError(attempt, new Failure("AccessDenied", "these keys lack the right"));
    }
    return stored;
  }

  #version({ etag, lastModified }: Stored): store.ObjectVersion {
    return { etag, lastModified, serverDate: this.#server.clock() };
  }
}
