import { get } from "node:http";
import { askEtcdReachable, type EtcdReachable } from "./etcd-reachable.ts";
import { CONTROL_API_KINDS, EMPTY_WORKER_PATTERN, METRICS_PATH, STATUS_READY_PATH } from "./facts.ts";
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
): Promise<Counts | undefined> {
  const counts: Counts = {};
  for (const kind of CONTROL_API_KINDS) {
    const answer = await httpGet(`${baseURL}/v1/${kind}`, CONTROL_MAX_BYTES, timeoutMs, signal);
    const length = answer?.status === 200 ? listLength(answer.body) : undefined;
    if (length === undefined) return undefined;
    counts[kind] = length;
  }
  return counts;
}

/** The rehearsal's result, as it stands in the termination message. */
export type Rehearsal =
  | { loaded: true; counts: Counts; ms: number }
  | { loaded: false; why: "NoAnswer" | "FewerThanExpected"; expected: Counts; seen?: Counts; ms: number };

/**
 * Waits until a gateway answers on its control API and has loaded what the snapshot holds. More than expected counts as
 * loaded (a gateway may bring items of its own [U]); fewer at the deadline does not: [M] it drops invalid items without
 * a word. Never rejects.
 */
export async function rehearse(
  baseURL: string,
  expected: Counts,
  limits: { deadlineMs: number; pollMs: number; signal?: AbortSignal },
): Promise<Rehearsal> {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  let seen: Counts | undefined;
  while (ms() < limits.deadlineMs && limits.signal?.aborted !== true) {
    const leftMs = Math.max(1, limits.deadlineMs - ms());
    seen = (await countLoaded(baseURL, Math.min(leftMs, CONTROL_TIMEOUT_MS), limits.signal)) ?? seen;
    if (seen !== undefined && holds(seen, expected)) return { loaded: true, counts: seen, ms: ms() };
    await pause(Math.min(limits.pollMs, leftMs));
  }
  if (seen === undefined) return { loaded: false, why: "NoAnswer", expected, ms: ms() };
  return { loaded: false, why: "FewerThanExpected", expected, seen, ms: ms() };
}

const STATUS_MAX_BYTES = 64 * 1024;
/** The control API dumps whole items: as much as a snapshot may be, and some for its wrapping. */
const CONTROL_MAX_BYTES = 128 * 1024 * 1024;
const CONTROL_TIMEOUT_MS = 10_000;

/** Of the kinds that the control API can count; an expectation of others (consumers, ssls) cannot be checked here. */
const holds = (seen: Counts, expected: Counts): boolean =>
  CONTROL_API_KINDS.every((kind) => (seen[kind] ?? 0) >= (expected[kind] ?? 0));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function listLength(body: string): number | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (Array.isArray(value)) return value.length;
    // Lua's empty table is an object in JSON.
    return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? 0 : undefined;
  } catch {
    return undefined;
  }
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
