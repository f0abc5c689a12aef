import { get } from "node:http";
import { askEtcdReachable, type EtcdReachable } from "./etcd-reachable.ts";
import { CONTROL_API_KINDS, EMPTY_WORKER_PATTERN, METRICS_PATH, STATUS_READY_PATH } from "./facts.ts";
import { missingFrom } from "./item-table.ts";
import type { Counts } from "./snapshot-report.ts";

/** What a running gateway says of itself. Unknown is a value: an endpoint that is off or hangs says nothing. */
export interface GatewayStatus {
  /** HTTP status of /status/ready. */
  ready: 200 | 503 | "unknown";
  /**
   * Its 503 names a worker that never had a configuration: in a normal pod one re-spawned during an outage, whose share
   * of the requests gets 404 [M]. Such a 503 speaks of the worker, not of the control plane: it is no vote.
   */
  emptyWorker: boolean;
  /** The metric apisix_etcd_reachable; unknown where the export server is off, renamed, or hangs with etcd [M]. */
  etcdReachable: EtcdReachable;
}

/** The metrics hang while etcd hangs [M]: where the status has told what they would, they are not waited for longer. */
const METRICS_AFTER_WORD_MS = 1_000;

/** Asks one pod; `timeoutMs` is for each of two questions, asked at once. Never rejects. */
export async function probeGatewayStatus(
  podIP: string,
  ports: { statusPort: number; metricsPort: number },
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<GatewayStatus> {
  const host = podIP.includes(":") ? `[${podIP}]` : podIP;
  const enough = new AbortController();
  const either = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const metrics = askEtcdReachable(`http://${host}:${ports.metricsPort}${METRICS_PATH}`, timeoutMs, either);
  const ready = await httpGet(
    `http://${host}:${ports.statusPort}${STATUS_READY_PATH}`,
    STATUS_MAX_BYTES,
    timeoutMs,
    signal,
  );
  const emptyWorker = ready?.status === 503 && EMPTY_WORKER_PATTERN.test(ready.body);
  // A 200 says nothing, and a 503 that names a worker speaks of it alone: there the metric is the only word.
  const said = ready?.status === 503 && !emptyWorker;
  const timer = said ? setTimeout(() => enough.abort(), METRICS_AFTER_WORD_MS) : undefined;
  const etcdReachable = await metrics;
  clearTimeout(timer);
  return {
    ready: ready?.status === 200 || ready?.status === 503 ? ready.status : "unknown",
    emptyWorker,
    etcdReachable,
  };
}

/** Items that a gateway has loaded, by its control API (127.0.0.1 of its pod); undefined while it does not answer. */
export async function countLoaded(
  baseURL: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Loaded | undefined> {
  const loaded: Loaded = { counts: {}, names: [] };
  for (const kind of CONTROL_API_KINDS) {
    const answer = await httpGet(`${baseURL}/v1/${kind}`, CONTROL_MAX_BYTES, timeoutMs, signal);
    const ids = answer?.status === 200 ? listedIDs(answer.body) : undefined;
    if (ids === undefined) return undefined;
    loaded.counts[kind] = ids.length;
    for (const id of ids) if (id !== undefined) loaded.names.push(`${kind}/${id}`);
  }
  return loaded;
}

export interface Loaded {
  counts: Counts;
  /** `routes/17`, of those whose id is told. */
  names: string[];
}

/** What is to be loaded: how many items of a kind, and, where they are known, which (item-table.ts). */
export interface Expected {
  counts: Counts;
  items?: string;
}

/** As many missing items as are named: a termination message has room for 4096 bytes. */
export const NAMED_MAX = 20;

/** The rehearsal's result, as it stands in the termination message. */
export type Rehearsal =
  | { loaded: true; counts: Counts; ms: number }
  | {
      loaded: false;
      why: "NoAnswer" | "FewerThanExpected";
      expected: Counts;
      seen?: Counts;
      /** Names of items that are not there, sorted, as far as they are known. */
      missing?: string[];
      /** So many more are missing. */
      more?: number;
      ms: number;
    };

/**
 * Waits until a gateway answers on its control API and has loaded what the snapshot holds. More than expected counts as
 * loaded (a gateway may bring items of its own [U]); fewer at the deadline does not: [M] it drops invalid items without
 * a word. Never rejects.
 */
export async function rehearse(
  baseURL: string,
  expected: Expected,
  limits: { deadlineMs: number; pollMs: number; signal?: AbortSignal },
): Promise<Rehearsal> {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  const { counts } = expected;
  let seen: Loaded | undefined;
  while (ms() < limits.deadlineMs && limits.signal?.aborted !== true) {
    const leftMs = Math.max(1, limits.deadlineMs - ms());
    seen = (await countLoaded(baseURL, Math.min(leftMs, CONTROL_TIMEOUT_MS), limits.signal)) ?? seen;
    if (seen !== undefined && holds(seen.counts, counts)) return { loaded: true, counts: seen.counts, ms: ms() };
    await pause(Math.min(limits.pollMs, leftMs));
  }
  if (seen === undefined) return { loaded: false, why: "NoAnswer", expected: counts, ms: ms() };
  const fewer = { loaded: false, why: "FewerThanExpected", expected: checkable(counts), seen: seen.counts } as const;
  return { ...fewer, ...missingOf(expected, seen), ms: ms() };
}

/** Names where the snapshot's table tells them, and how many more there must be by the counts. */
function missingOf({ counts, items }: Expected, seen: Loaded): { missing?: string[]; more?: number } {
  if (items === undefined) return {};
  const { names, strange, whole } = missingFrom(items, seen.names);
  const fewer = CONTROL_API_KINDS.map((kind) => Math.max(0, (counts[kind] ?? 0) - (seen.counts[kind] ?? 0)));
  const sum = fewer.reduce((one, other) => one + other, 0);
  const held = Object.values(seen.counts).reduce((one, other) => one + other, 0);
  // A gateway that tells no ids, or none that the snapshot knows: which items are missing cannot be said.
  if (seen.names.length < held || (held > 0 && strange === held)) return { missing: [], more: sum };
  const missing = names.slice(0, NAMED_MAX);
  // What could not be read back whole has one more at least.
  return { missing, more: Math.max(sum, names.length + (whole ? 0 : 1)) - missing.length };
}

/** Of the others a gateway says nothing: they are not what is missing. */
const checkable = (counts: Counts): Counts =>
  Object.fromEntries(CONTROL_API_KINDS.flatMap((kind) => (counts[kind] === undefined ? [] : [[kind, counts[kind]]])));

const STATUS_MAX_BYTES = 64 * 1024;
/** The control API dumps whole items: as much as a snapshot may be, and some for its wrapping. */
const CONTROL_MAX_BYTES = 128 * 1024 * 1024;
const CONTROL_TIMEOUT_MS = 10_000;

/** Of the kinds that the control API can count; an expectation of others (consumers, ssls) cannot be checked here. */
const holds = (seen: Counts, expected: Counts): boolean =>
  CONTROL_API_KINDS.every((kind) => (seen[kind] ?? 0) >= (expected[kind] ?? 0));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Of each item its id, undefined where none is told: [D] `{key: "/apisix/routes/1", value: {id: "1", ...}, ...}`. */
function listedIDs(body: string): (string | undefined)[] | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (Array.isArray(value)) return value.map(listedID);
    // Lua's empty table is an object in JSON.
    return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? [] : undefined;
  } catch {
    return undefined;
  }
}

function listedID(item: unknown): string | undefined {
  const { value, key } = (typeof item === "object" && item !== null ? item : {}) as { value?: unknown; key?: unknown };
  const { id } = (typeof value === "object" && value !== null ? value : {}) as { id?: unknown };
  if (typeof id === "string" || typeof id === "number") return String(id);
  return typeof key === "string" ? key.split("/").at(-1) : undefined;
}

/** One GET on a connection of its own; undefined for whatever is no whole answer within the limits. */
function httpGet(
  url: string,
  maxBytes: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]);
    const request = get(url, { agent: false, signal: limit }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= maxBytes) return;
        done();
        request.destroy();
      });
      response.on("end", done);
      response.on("error", () => resolve(undefined));
    });
    request.on("error", () => resolve(undefined));
  });
}
