import { canonicalDigest, MAX_DEPTH, tooDeep } from "./api7-canonical.ts";
import { CONTROL_PLANE_KINDS, SNAPSHOT_ONLY_KINDS } from "./api7-facts.ts";
import { isObject, type JsonObject, type JsonValue } from "./api7-render-merge.ts";
import { type Sketch, sketchOf } from "./api7-sketch.ts";
import { danglingReferences, itemID } from "./api7-snapshot-references.ts";

/** Number of items per kind; kinds without items are left out. */
export type Counts = Record<string, number>;

export type SnapshotFault =
  /** One of the two objects is not in the store. */
  | "MissingResource"
  | "MissingConfig"
  | "TooLarge"
  | "NotJson"
  /** Not JSON, and it ends in the middle. */
  | "Truncated"
  /** JSON, and not what an exporter writes. */
  | "UnknownShape"
  /** Nothing in it that would answer a request. */
  | "Empty"
  /** No version or no payload in the configuration object. */
  | "ConfigIncomplete"
  /** The two objects were not written together. */
  | "TornPair"
  /** It names two gateway groups. */
  | "OtherGroup";

/** `message` says what was seen, never a value out of the snapshot: the configuration object holds keys in clear. */
export interface SnapshotProblem {
  fault: SnapshotFault;
  object: "resource" | "config";
  message: string;
}

export interface SnapshotWarning {
  reason: "DanglingReference" | "UnknownKind";
  message: string;
}

export interface SnapshotReport {
  /** Empty: this pair may be rehearsed. */
  problems: SnapshotProblem[];
  warnings: SnapshotWarning[];
  /** Of what could be read; empty when the resource object could not be parsed. */
  counts: Counts;
  /** `sha256:<hex>`: same content, same digest, whatever the order of items and keys. Absent when unreadable. */
  digest?: string;
  configVersion?: number;
  /** The one gateway group that something in it names. The format asks for none [O], and other ids are not looked at. */
  gatewayGroup?: string;
  /** Of its routes, services and stream routes, see `sketchOf`; empty when the resource object could not be parsed. */
  sketch: Sketch;
}

/** Facts beside the two bodies that help to tell whether they belong together. */
export interface SnapshotContext {
  resourceModifiedAt?: Date;
  configModifiedAt?: Date;
}

/** [M] 10,000 small routes are under 4 MB; nginx shared memory ends long before this. Both objects. */
export const SNAPSHOT_MAX_BYTES = 64 * 1024 * 1024;

/** The exporter writes the resource object, then at once the configuration object [O]; LastModified counts seconds. */
const TORN_AFTER_MS = 5_000;

const KNOWN_KINDS: ReadonlySet<string> = new Set([...CONTROL_PLANE_KINDS, ...SNAPSHOT_ONLY_KINDS]);

/** Without one of these a gateway answers 404 to everything. */
const SERVING_KINDS = ["routes", "services", "stream_routes"] as const;

/**
 * Reads a snapshot as an exporter wrote it. Pure; never throws on what the store holds. Absent objects are `undefined`.
 */
export function inspectSnapshot(
  resourceBody: string | Uint8Array | undefined,
  configBody: string | Uint8Array | undefined,
  context: SnapshotContext = {},
): SnapshotReport {
  const problems: SnapshotProblem[] = [];
  const warnings: SnapshotWarning[] = [];
  const resource = parsed("resource", resourceBody, problems);
  const config = parsed("config", configBody, problems);
  const kinds = resource === undefined ? undefined : readKinds(resource, problems, warnings);
  const configVersion = config === undefined ? undefined : readConfig(config, problems);
  const counts = kinds === undefined ? {} : countItems(kinds);
  if (kinds !== undefined) {
    if (SERVING_KINDS.every((kind) => (counts[kind] ?? 0) === 0)) {
      problems.push(problem("Empty", "resource", "it holds no routes, no services and no stream routes"));
    }
    warnings.push(...danglingReferences(kinds));
  }
  const groups = kinds === undefined ? [] : groupsNamed(kinds, config);
  if (groups.length > 1) problems.push(problem("OtherGroup", "resource", "it names more than one gateway group"));
  checkPair(context, problems);
  const readable = kinds !== undefined && config !== undefined;
  return {
    problems,
    warnings,
    counts,
    ...(readable ? { digest: canonicalDigest(kinds, config) } : {}),
    ...(configVersion === undefined ? {} : { configVersion }),
    ...(groups.length === 1 && groups[0] !== undefined ? { gatewayGroup: groups[0].slice(0, 64) } : {}),
    sketch: sketchOf(kinds ?? new Map(), SERVING_KINDS),
  };
}

function parsed(
  object: SnapshotProblem["object"],
  body: string | Uint8Array | undefined,
  problems: SnapshotProblem[],
): JsonObject | undefined {
  const fail = (fault: SnapshotFault, message: string): undefined => {
    problems.push(problem(fault, object, message));
  };
  if (body === undefined) {
    return fail(object === "resource" ? "MissingResource" : "MissingConfig", "the object is not in the store");
  }
  const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  if (bytes > SNAPSHOT_MAX_BYTES) {
    return fail("TooLarge", `it has ${bytes} bytes: at most ${SNAPSHOT_MAX_BYTES} are read`);
  }
  const text = typeof body === "string" ? body : Buffer.from(body).toString("utf8");
  const value = parseJson(text);
  if (value === undefined) {
    // The parser's own message quotes the text: never repeat it.
    const cut = text.trim() === "" || !text.trimEnd().endsWith("}");
    return fail(
      cut ? "Truncated" : "NotJson",
      `its ${bytes} bytes are not JSON${cut ? ": it ends in the middle" : ""}`,
    );
  }
  if (!isObject(value)) return fail("UnknownShape", "it is JSON, and not an object");
  if (tooDeep(value)) return fail("UnknownShape", `it is nested deeper than ${MAX_DEPTH} levels`);
  return value;
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** The lists of the resource object; `undefined` when it is none. An unknown list may be a newer gateway's: a warning. */
function readKinds(
  resource: JsonObject,
  problems: SnapshotProblem[],
  warnings: SnapshotWarning[],
): Map<string, JsonObject[]> | undefined {
  const kinds = new Map<string, JsonObject[]>();
  for (const [kind, items] of Object.entries(resource)) {
    const known = KNOWN_KINDS.has(kind);
    if (!Array.isArray(items) || !items.every(isObject)) {
      problems.push(problem("UnknownShape", "resource", `${label(kind, known)} is not a list of objects`));
      return undefined;
    }
    const nameless = items.findIndex((item) => itemID(item) === undefined);
    if (known && nameless >= 0) {
      problems.push(problem("UnknownShape", "resource", `item ${nameless} of ${kind} has no id`));
      return undefined;
    }
    if (!known) warnings.push({ reason: "UnknownKind", message: `${label(kind, known)} is not a kind that is known` });
    kinds.set(kind, items);
  }
  const none = kinds.size > 0 && ![...kinds.keys()].some((kind) => KNOWN_KINDS.has(kind));
  if (none) problems.push(problem("UnknownShape", "resource", "none of its keys is a kind that is known"));
  return none ? undefined : kinds;
}

/** Keys that nobody knows are text from outside: short, and without control characters. */
const label = (kind: string, known: boolean): string => (known ? kind : `the key ${JSON.stringify(kind.slice(0, 40))}`);

function readConfig({ config: inner }: JsonObject, problems: SnapshotProblem[]): number | undefined {
  if (!isObject(inner)) {
    problems.push(problem("UnknownShape", "config", 'it has no object "config"'));
    return undefined;
  }
  const payload = inner["config_payload"];
  if (!isObject(payload) || Object.keys(payload).length === 0) {
    problems.push(problem("ConfigIncomplete", "config", "config_payload is missing or empty"));
  }
  const version = inner["config_version"];
  if (typeof version === "number") return version;
  problems.push(problem("ConfigIncomplete", "config", "config_version is missing"));
  return undefined;
}

function countItems(kinds: Map<string, JsonObject[]>): Counts {
  const counted = [...kinds].filter(([, items]) => items.length > 0).map(([kind, items]) => [kind, items.length]);
  return Object.fromEntries(counted.sort());
}

/** The format names no group [O]. Something in it may do all the same. */
function groupsNamed(kinds: Map<string, JsonObject[]>, config: JsonObject | undefined): string[] {
  const inner = config?.["config"];
  const holders = [...(isObject(inner) ? [inner] : []), ...[...kinds.values()].flat()];
  const named = holders.map((holder) => holder["gateway_group_id"]);
  return [...new Set(named.filter((id): id is string => typeof id === "string" && id !== ""))];
}

function checkPair({ resourceModifiedAt, configModifiedAt }: SnapshotContext, problems: SnapshotProblem[]): void {
  if (resourceModifiedAt === undefined || configModifiedAt === undefined) return;
  const apartMs = resourceModifiedAt.getTime() - configModifiedAt.getTime();
  if (Math.abs(apartMs) <= TORN_AFTER_MS) return;
  const older = apartMs > 0 ? "config" : "resource";
  const message = `it was written ${Math.round(Math.abs(apartMs) / 1000)} s before the other object of the pair`;
  problems.push(problem("TornPair", older, message));
}

const problem = (fault: SnapshotFault, object: SnapshotProblem["object"], message: string): SnapshotProblem => ({
  fault,
  object,
  message: `${object} object: ${message}`,
});
