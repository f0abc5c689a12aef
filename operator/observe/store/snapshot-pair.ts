import { createHash } from "node:crypto";
import type { PairFact } from "../../domain/facts/outside.ts";
import type { Inspect } from "../../gateway/api7/inspect.ts";
import {
  type ObjectVersion,
  type ReadResult,
  type SnapshotStore,
  StorageError,
  type Which,
} from "../../storage/store.ts";
import { storageProblem } from "./faults.ts";

type Found = Extract<PairFact, { seen: "found" }>;

/** What is remembered of a pair between two reads: its etags and what was found. Never a body. */
export interface PairSeen {
  fact: PairFact;
  etags?: { resource: string; config: string };
}

/**
 * Who writes a pair. An exporter's two objects belong together when they are of one time. Of our own copies, and of what
 * was restored from a backup one after the other, the digest and its proof tell that, and times tell nothing.
 */
export type Writer = "exporter" | "holdfast";

export interface Pair {
  key: string;
  writer: Writer;
}

/** Where the two objects are, and who reads what is in them. */
export interface Source {
  store: SnapshotStore;
  inspect: Inspect;
}

export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** A writer puts one object, then the other; within this time both are there. */
const SETTLE_MS = 1_500;
const ATTEMPTS = 3;

/**
 * Reads both objects of one key, conditionally. Two objects cannot be read at one instant: the first is looked up again
 * after the second, and a pair that a writer is in the middle of is read once more before anything bad is said of it.
 * Never rejects.
 */
export async function readPair(
  from: Source,
  pair: Pair,
  before: PairSeen | undefined,
  pause: Pause,
  signal: AbortSignal,
): Promise<PairSeen> {
  try {
    return await settled({ ...from, ...pair }, before, pause, signal);
  } catch (error) {
    return unread(error);
  }
}

/** The same, unless one of them is larger than that: then nothing of it was read. */
export async function readSmallPair(
  from: Source,
  pair: Pair,
  maxBytes: number,
  before: PairSeen | undefined,
  pause: Pause,
  signal: AbortSignal,
): Promise<PairSeen | "large"> {
  try {
    return await settled({ ...from, ...pair, maxBytes }, before, pause, signal);
  } catch (error) {
    return error instanceof StorageError && error.fault === "TooLarge" ? "large" : unread(error);
  }
}

function unread(error: unknown): PairSeen {
  const { reason, message } = storageProblem(error);
  return { fact: { seen: "unknown", reason, why: message } };
}

interface Reading extends Pair, Source {
  maxBytes?: number;
}

async function settled(
  reading: Reading,
  before: PairSeen | undefined,
  pause: Pause,
  signal: AbortSignal,
): Promise<PairSeen> {
  for (let attempt = 1; ; attempt += 1) {
    const seen = await readOnce(reading, attempt === 1 ? before : undefined, signal);
    if (seen !== "changing" && !(attempt < ATTEMPTS && isHalfWritten(seen.fact))) return seen;
    if (attempt >= ATTEMPTS) {
      const why = `the objects under "${reading.key}" changed while they were read, ${ATTEMPTS} times in a row`;
      return { fact: { seen: "unknown", reason: "StorageUnavailable", why } };
    }
    await pause(SETTLE_MS, signal);
  }
}

const isHalfWritten = (fact: PairFact): boolean =>
  fact.seen === "found" &&
  fact.problems.some((problem) => ["TornPair", "MissingConfig", "MissingResource"].includes(problem));

async function readOnce(
  { store, inspect, key, writer, maxBytes }: Reading,
  before: PairSeen | undefined,
  signal: AbortSignal,
): Promise<PairSeen | "changing"> {
  const known = before?.fact.seen === "found" ? before.etags : undefined;
  const read = (which: Which, etag?: string) => {
    const options = { ...(etag === undefined ? {} : { ifNoneMatch: etag }), ...(maxBytes ? { maxBytes } : {}) };
    return store.read(which, key, options, signal);
  };
  let resource = await read("resource", known?.resource);
  let config = await read("config", known?.config);
  if (resource.state === "notModified" && config.state === "notModified" && before?.fact.seen === "found") {
    return { ...before, fact: { ...before.fact, ...ageOf(resource, config) } };
  }
  // One of them is new: what the other says is needed again.
  if (resource.state === "notModified") resource = await read("resource");
  if (config.state === "notModified") config = await read("config");
  if (resource.state === "absent" && config.state === "absent") return { fact: { seen: "absent" } };
  const again = await store.head("resource", key, signal);
  if (etagOf(again) !== etagOf(resource)) return "changing";
  return await inspected(inspect, resource, config, writer);
}

const etagOf = (result: { state: string; etag?: string }): string | undefined =>
  result.state === "absent" ? undefined : result.etag;

async function inspected(
  inspect: Inspect,
  resource: ReadResult,
  config: ReadResult,
  writer: Writer,
): Promise<PairSeen> {
  const dates = writer === "exporter" && {
    ...(resource.state === "absent" ? {} : { resourceModifiedAt: resource.lastModified }),
    ...(config.state === "absent" ? {} : { configModifiedAt: config.lastModified }),
  };
  const report = await inspect(bodyOf(resource), bodyOf(config), { ...dates }, "handOver");
  const present = [resource, config].filter((result) => result.state !== "absent");
  const [first = undefined, second = first] = present;
  const fact: Found = {
    seen: "found",
    // Without a digest of its own it still needs a name, to be told apart from the next bad one.
    digest: report.digest ?? `unreadable:${nameOf(resource, config)}`,
    counts: report.counts,
    sketch: report.sketch,
    ...(report.items === undefined ? {} : { items: report.items }),
    ...(report.gatewayGroup === undefined ? {} : { gatewayGroup: report.gatewayGroup }),
    problems: [...new Set(report.problems.map((problem) => problem.fault))],
    warnings: report.warnings,
    ...(first && second ? ageOf(first, second) : { ageMs: 0, lastModifiedMs: 0 }),
  };
  if (resource.state === "absent" || config.state === "absent") return { fact };
  return { fact, etags: { resource: resource.etag, config: config.etag } };
}

const bodyOf = (result: ReadResult): Uint8Array | undefined => (result.state === "found" ? result.body : undefined);

const nameOf = (...results: ReadResult[]): string =>
  createHash("sha256")
    .update(results.map((result) => etagOf(result) ?? "-").join(" "))
    .digest("hex")
    .slice(0, 16);

/** As old as the older of the two, by the store's own clock. */
function ageOf(a: ObjectVersion, b: ObjectVersion): { ageMs: number; lastModifiedMs: number } {
  const older = a.lastModified <= b.lastModified ? a : b;
  const lastModifiedMs = older.lastModified.getTime();
  return { ageMs: Math.max(0, older.serverDate.getTime() - lastModifiedMs), lastModifiedMs };
}
