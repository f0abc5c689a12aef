import type { Answer } from "./answer.ts";
import { CONTROL_PLANE_KINDS, ETCD_PREFIX, RANGE_PATH, VERSION_PATH } from "./facts.ts";
import type { ControlPlaneTarget } from "./https.ts";
import { type Asker, askerOf } from "./https.ts";
import { isObject, type JsonObject } from "./render-merge.ts";

export interface ProbeLimits {
  versionTimeoutMs: number;
  readTimeoutMs: number;
  signal?: AbortSignal;
}

export interface ControlPlaneProbe {
  version: Answer;
  /** Absent when not asked, because `/version` had failed already (sequential probe only). */
  read?: Answer;
  /** Keys that the read found, where it was answered; none at all is a control plane that holds nothing. */
  count?: number;
  /** Revision of the control plane's store, as the read told it; goes back when the store was wiped or restored. */
  revision?: string;
}

/**
 * `GET /version`, then, if that was answered, a one-key range read. The read's own limit is longer than the control
 * plane's database time-out (5 s), so that a dead database is told by its error and not taken for a slow one.
 */
export async function probeControlPlane(
  target: ControlPlaneTarget,
  limits: ProbeLimits = { versionTimeoutMs: 4_000, readTimeoutMs: 8_000 },
): Promise<ControlPlaneProbe> {
  const asker = askerOf(target);
  const version = await askVersion(asker, limits.versionTimeoutMs, limits.signal);
  if (version.kind !== "ok") return { version };
  return { version, ...(await askRead(asker, limits.readTimeoutMs, limits.signal)) };
}

/** Both questions at once within one limit, no retry: for a start, which waits for it. */
export async function probeInParallel(
  target: ControlPlaneTarget,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ControlPlaneProbe & { read: Answer }> {
  const asker = askerOf(target);
  const questions = [askVersion(asker, timeoutMs, signal), askRead(asker, timeoutMs, signal)] as const;
  const [version, read] = await Promise.all(questions);
  return { version, ...read };
}

/**
 * Counts the objects of each kind on the control plane by `count_only` reads: a few bytes each, one after the other.
 * `timeoutMs` is for each read. The first failure ends it: counts of half a control plane compare with nothing.
 */
export async function countKinds(
  target: ControlPlaneTarget,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ counts: Record<string, number> } | { failed: Answer; kind: string }> {
  const asker = askerOf(target);
  const counts: Record<string, number> = {};
  for (const kind of CONTROL_PLANE_KINDS) {
    const prefix = `${ETCD_PREFIX}/${kind}`;
    const answer = await range(asker, { from: `${prefix}/`, to: `${prefix}0`, countOnly: true }, timeoutMs, signal);
    if (answer.kind !== "ok" || answer.count === undefined) return { failed: answer, kind };
    if (answer.count > 0) counts[kind] = answer.count;
  }
  return { counts };
}

async function askVersion(asker: Asker, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
  const outcome = await asker.ask({ method: "GET", path: VERSION_PATH }, timeoutMs, signal);
  if (!("reply" in outcome)) return outcome;
  const { reply, ms } = outcome;
  const failure = failureOfStatus(reply.status);
  if (failure !== undefined) return { ...failure, ms };
  const body = json(reply.body);
  const answered = typeof body?.["etcdserver"] === "string" || typeof body?.["etcdcluster"] === "string";
  return answered ? { kind: "ok", ms } : { kind: "malformed", status: reply.status, ms };
}

async function askRead(
  asker: Asker,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ read: Answer; count?: number; revision?: string }> {
  const keys = { from: ETCD_PREFIX, to: nextPrefix(ETCD_PREFIX), countOnly: false };
  const { revision, count, ...read } = await range(asker, keys, timeoutMs, signal);
  return { read, ...(count === undefined ? {} : { count }), ...(revision === undefined ? {} : { revision }) };
}

type Range = { from: string; to: string; countOnly: boolean };
type RangeAnswer = Answer & { count?: number; revision?: string };

async function range(
  asker: Asker,
  { from, to, countOnly }: Range,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<RangeAnswer> {
  const how = countOnly ? { count_only: true } : { limit: 1, keys_only: true };
  const body = JSON.stringify({ key: base64(from), range_end: base64(to), ...how });
  const outcome = await asker.ask({ method: "POST", path: RANGE_PATH, body }, timeoutMs, signal);
  if (!("reply" in outcome)) return outcome;
  const { reply, ms } = outcome;
  const failure = failureOfStatus(reply.status);
  if (failure !== undefined) return { ...failure, ms };
  const answer = json(reply.body);
  // The JSON gateway can put an error of the store behind it into a 200.
  if (answer !== undefined && "error" in answer) return { kind: "serverError", status: reply.status, ms };
  const header = answer?.["header"];
  if (answer === undefined || !isObject(header)) return { kind: "malformed", status: reply.status, ms };
  const revision = header["revision"];
  const count = countOf(answer);
  if (count === undefined) return { kind: "malformed", status: reply.status, ms };
  return { kind: "ok", ms, count, ...(revision === undefined ? {} : { revision: String(revision) }) };
}

/** int64 comes as text, and a zero is left out. A count lower than the keys beside it is a lie: take the keys. */
function countOf(answer: JsonObject): number | undefined {
  const keys = Array.isArray(answer["kvs"]) ? answer["kvs"].length : 0;
  const count = Number(answer["count"] ?? 0);
  return Number.isSafeInteger(count) && count >= 0 ? Math.max(count, keys) : undefined;
}

function failureOfStatus(status: number): { kind: "serverError" | "denied" | "malformed"; status: number } | undefined {
  if (status === 200) return undefined;
  if (status === 401 || status === 403) return { kind: "denied", status };
  return { kind: status >= 500 ? "serverError" : "malformed", status };
}

function json(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The end of the range of all keys that begin so: the last character's successor (`/apisix` -> `/apisiy`). */
const nextPrefix = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
