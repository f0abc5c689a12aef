import type { Readable } from "node:stream";
import type {
  Applied,
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  JsonPatchOperation,
  ListOptions,
  Page,
  Seen,
  WatchOptions,
  WriteOptions,
} from "./client-types.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type ConfigSource, Credentials } from "./credentials.ts";
import { isClosedConnection, isKubeError } from "./errors.ts";
import { type KubeObject, pathOf, type Resource, type Scale } from "./resources.ts";
import { type CallObserver, Transport } from "./transport.ts";
import { APPLY_PATCH, identity, JSON_PATCH, MERGE_PATCH, type RawList, typed, withQuery, writeQuery } from "./wire.ts";
import type { WriteGate } from "./write-gate.ts";

export type * from "./client-types.ts";

export interface KubeClientOptions {
  config: ConfigSource;
  gate: WriteGate;
  clock?: Clock;
  observer?: CallObserver;
}

/** Longer than an API server waits for a webhook by default (10 s): its answer says whose fault it is, ours would not. */
const WRITE_TIMEOUT_MS = 12_000;
const CALL_TIMEOUT_MS = 10_000; // a silent API server would hang a call for 300 s otherwise (pitfall N3)

/**
 * Plain JSON in and out, for any kind. Every method rejects with KubeError only, every call has a deadline, every
 * write passes the gate, and no write is repeated here: whoever reconciles decides again from what is.
 */
export class KubeClient {
  readonly #transport: Transport;
  readonly #gate: WriteGate;

  private constructor(transport: Transport, gate: WriteGate) {
    this.#transport = transport;
    this.#gate = gate;
  }

  static create(options: KubeClientOptions): KubeClient {
    const clock = options.clock ?? systemClock;
    return new KubeClient(new Transport(new Credentials(options.config, clock), clock, options.observer), options.gate);
  }

  /** The same connections behind another gate: the Lease itself must be written while the gate is closed. */
  withGate(gate: WriteGate): KubeClient {
    return new KubeClient(this.#transport, gate);
  }

  /** What the API server's wall clock says now, as its answers told it; undefined before the first. */
  serverNowMs(): number | undefined {
    return this.#transport.serverClock.nowMs();
  }

  /** Drops every connection, watches included. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  /** The object by a live, quorum read; undefined when it does not exist. A missing kind is ResourceMissing. */
  async get<T extends KubeObject>(
    res: Resource<T>,
    ns: string | undefined,
    name: string,
    o: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      return (await this.#read("get", res, ns, name, pathOf(res, ns, name), o)) as T;
    } catch (error) {
      if (isKubeError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** One page. Gone: the continue token expired, begin again. */
  async list<T extends KubeObject>(res: Resource<T>, o: ListOptions = {}): Promise<Page<T>> {
    const query = {
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
      limit: o.limit,
      continue: o.continue,
    };
    const path = withQuery(pathOf(res, o.namespace), query);
    const answer = (await this.#read("list", res, o.namespace, undefined, path, o)) as RawList<T>;
    const page: Page<T> = { items: answer.items ?? [], resourceVersion: answer.metadata?.resourceVersion ?? "" };
    return answer.metadata?.continue ? { ...page, continue: answer.metadata.continue } : page;
  }

  /** The raw lines of a watch, bookmarks included. Ends when the server ends it, errors when it breaks. */
  watch(res: Resource, o: WatchOptions): Promise<Readable> {
    const query = {
      watch: "1",
      allowWatchBookmarks: "true",
      resourceVersion: o.resourceVersion,
      timeoutSeconds: o.timeoutSeconds,
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
    };
    return this.#transport.open({
      ...this.#describe("watch", res, o.namespace, undefined, o),
      method: "GET",
      path: withQuery(pathOf(res, o.namespace), query),
      gate: undefined,
    });
  }

  /** Of the API server. */
  async version(o: CallOptions = {}): Promise<{ gitVersion: string }> {
    const { signal, timeoutMs = CALL_TIMEOUT_MS, urgent = false } = o;
    const call = { what: "get the version", verb: "get", resource: "version", timeoutMs, signal, urgent };
    return (await this.#transport.send({ ...call, method: "GET", path: "/version", gate: undefined })) as {
      gitVersion: string;
    };
  }

  /** AlreadyExists when the name is taken. */
  create<T extends KubeObject>(res: Resource<T>, object: T, o: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = withQuery(pathOf(res, namespace), writeQuery(o));
    return this.#write("create", res, namespace, name, "POST", path, typed(res, object), undefined, o) as Promise<T>;
  }

  /** Server-side apply. With metadata.resourceVersion or uid in the object they are preconditions. */
  apply<T extends KubeObject>(res: Resource<T>, object: Applied, o: ApplyOptions): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = withQuery(pathOf(res, namespace, name), { ...writeQuery(o), force: o.force ? "true" : undefined });
    return this.#write("apply", res, namespace, name, "PATCH", path, object, APPLY_PATCH, o) as Promise<T>;
  }

  /** PUT of the status subresource: all of the status, nothing else. Conflict when `seen` is no longer the newest. */
  replaceStatus<T extends KubeObject>(res: Resource<T>, seen: Seen, status: object, o: WriteOptions = {}): Promise<T> {
    const body = typed(res, { metadata: identity(seen), status });
    const path = withQuery(pathOf(res, seen.namespace, seen.name, "status"), writeQuery(o));
    return this.#write("updateStatus", res, seen.namespace, seen.name, "PUT", path, body, undefined, o) as Promise<T>;
  }

  /** PUT of the scale subresource. Conflict when `seen` is no longer the newest. */
  updateScale(res: Resource, seen: Seen, replicas: number, o: WriteOptions = {}): Promise<Scale> {
    const body = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: identity(seen), spec: { replicas } };
    const path = withQuery(pathOf(res, seen.namespace, seen.name, "scale"), writeQuery(o));
    return this.#write(
      "updateScale",
      res,
      seen.namespace,
      seen.name,
      "PUT",
      path,
      body,
      undefined,
      o,
    ) as Promise<Scale>;
  }

  /** JSON merge patch: null removes a field. `subresource` for example "status". */
  mergePatch<T extends KubeObject>(
    res: Resource<T>,
    seen: Seen,
    patch: { metadata?: object; [field: string]: unknown },
    o: WriteOptions & { subresource?: string } = {},
  ): Promise<T> {
    const { resourceVersion, uid } = seen;
    const body = { ...patch, metadata: { ...patch.metadata, resourceVersion, ...(uid === undefined ? {} : { uid }) } };
    const path = withQuery(pathOf(res, seen.namespace, seen.name, o.subresource), writeQuery(o));
    return this.#write("patch", res, seen.namespace, seen.name, "PATCH", path, body, MERGE_PATCH, o) as Promise<T>;
  }

  /** RFC 6902. The guard is written, not tested: a stale version is then a Conflict, as everywhere, and not Invalid. */
  jsonPatch<T extends KubeObject>(
    res: Resource<T>,
    seen: Seen,
    operations: JsonPatchOperation[],
    o: WriteOptions & { subresource?: string } = {},
  ): Promise<T> {
    const guard: JsonPatchOperation[] = [
      { op: "replace", path: "/metadata/resourceVersion", value: seen.resourceVersion },
    ];
    if (seen.uid !== undefined) guard.push({ op: "replace", path: "/metadata/uid", value: seen.uid });
    const path = withQuery(pathOf(res, seen.namespace, seen.name, o.subresource), writeQuery(o));
    const body = [...guard, ...operations];
    return this.#write("patch", res, seen.namespace, seen.name, "PATCH", path, body, JSON_PATCH, o) as Promise<T>;
  }

  /** NotFound when it is gone already, Conflict when the preconditions do not hold. */
  async delete(res: Resource, ns: string | undefined, name: string, o: DeleteOptions): Promise<void> {
    const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds } = o;
    const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions,
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(o.dryRun ? { dryRun: ["All"] } : {}),
    };
    await this.#write("delete", res, ns, name, "DELETE", pathOf(res, ns, name), body, undefined, o);
  }

  #read(verb: string, res: Resource, ns: string | undefined, name: string | undefined, path: string, o: CallOptions) {
    const call = { ...this.#describe(verb, res, ns, name, o), method: "GET" as const, path, gate: undefined };
    // A server that restarts or drains closes idle connections; a read that ran into that is repeated, once.
    return this.#transport.send(call).catch((error: unknown) => {
      if (!isClosedConnection(error)) throw error;
      return this.#transport.send(call);
    });
  }

  #write(
    verb: string,
    res: Resource,
    ns: string | undefined,
    name: string,
    method: "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body: unknown,
    contentType: string | undefined,
    o: CallOptions,
  ): Promise<unknown> {
    const call = this.#describe(verb, res, ns, name, { timeoutMs: WRITE_TIMEOUT_MS, ...o });
    const content = contentType === undefined ? {} : { contentType };
    return this.#transport.send({ ...call, ...content, method, path, body, gate: this.#gate });
  }

  #describe(verb: string, res: Resource, ns: string | undefined, name: string | undefined, o: CallOptions) {
    const where = [ns, name].filter((part) => part !== undefined).join("/") || "in all namespaces";
    const what = `${verb} ${res.kind} ${where}`;
    const { signal, timeoutMs = CALL_TIMEOUT_MS, urgent = false } = o;
    return { what, verb, resource: res.plural, timeoutMs, signal, urgent };
  }
}
