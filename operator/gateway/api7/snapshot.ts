import { canonicalDigest, canonicalText, MAX_DEPTH } from "./canonical.ts";
import { CONTROL_API_KINDS } from "./facts.ts";
import { tableOf } from "./item-table.ts";
import { JsonText } from "./json-text.ts";
import { isObject, type JsonObject } from "./render-merge.ts";
import { sketchOf } from "./sketch.ts";
import { countItems, groupsNamed, type Kinds, readKinds } from "./snapshot-kinds.ts";
import { readLists, readObject } from "./snapshot-lists.ts";
import { oddItems } from "./snapshot-oddities.ts";
import { danglingReferences } from "./snapshot-references.ts";
import {
  boundedWarnings,
  problem,
  type SnapshotFault,
  type SnapshotProblem,
  type SnapshotReport,
  type SnapshotWarning,
} from "./snapshot-report.ts";
import { Room, Unreadable } from "./snapshot-room.ts";

/** Facts beside the two bodies that help to tell whether they belong together. */
export interface SnapshotContext {
  resourceModifiedAt?: Date;
  configModifiedAt?: Date;
}

/** The exporter writes the resource object, then at once the configuration object [O]; LastModified counts seconds. */
const TORN_AFTER_MS = 5_000;

/** Without one of these a gateway answers 404 to everything. */
const SERVING_KINDS = ["routes", "services", "stream_routes"] as const;

type Body = string | Uint8Array | undefined;

let before: Promise<unknown> = Promise.resolve();

/**
 * Reads a snapshot as an exporter wrote it. Never rejects on what the store holds. Absent objects are `undefined`. One
 * at a time: the room of one is all that there is.
 */
export function inspectSnapshot(
  resourceBody: Body,
  configBody: Body,
  context: SnapshotContext = {},
  room?: Room,
): Promise<SnapshotReport> {
  const report = before.then(() => inspect(resourceBody, configBody, context, room ?? new Room()));
  before = report.catch(() => undefined);
  return report;
}

async function inspect(
  resourceBody: Body,
  configBody: Body,
  context: SnapshotContext,
  room: Room,
): Promise<SnapshotReport> {
  const problems: SnapshotProblem[] = [];
  const warnings: SnapshotWarning[] = [];
  const resource = await read("resource", resourceBody, problems, (text) => readLists(text, room));
  const config = await read("config", configBody, problems, (text) => readObject(text, room));
  const kinds = resource === undefined ? undefined : readKinds(resource, problems, warnings);
  const configVersion = config === undefined ? undefined : readConfig(config, problems);
  const counts = kinds === undefined ? {} : countItems(kinds);
  if (kinds !== undefined) {
    if (SERVING_KINDS.every((kind) => (counts[kind] ?? 0) === 0)) {
      problems.push(problem("Empty", "resource", "it holds no routes, no services and no stream routes"));
    }
    warnings.push(...danglingReferences(kinds), ...oddItems(kinds));
  }
  const groups = kinds === undefined ? [] : groupsNamed(kinds, config);
  if (groups.length > 1) problems.push(problem("OtherGroup", "resource", "it names more than one gateway group"));
  checkPair(context, problems);
  const readable = kinds !== undefined && config !== undefined;
  return {
    problems,
    warnings: boundedWarnings(warnings),
    counts,
    ...(kinds === undefined ? {} : { items: tableOf(itemNames(kinds)) }),
    ...(readable ? { digest: canonicalDigest(kinds, canonicalText(config)) } : {}),
    ...(configVersion === undefined ? {} : { configVersion }),
    ...(groups.length === 1 && groups[0] !== undefined ? { gatewayGroup: groups[0].slice(0, 64) } : {}),
    sketch: sketchOf(kinds ?? new Map(), SERVING_KINDS),
  };
}

/** Of the kinds that a gateway tells by its control API. */
function* itemNames(kinds: Kinds): Generator<string> {
  for (const kind of CONTROL_API_KINDS) {
    // Of an id that comes twice a gateway has one item.
    for (const id of new Set((kinds.get(kind) ?? []).map((item) => item.id ?? ""))) yield `${kind}/${id}`;
  }
}

async function read<T>(
  object: SnapshotProblem["object"],
  body: Body,
  problems: SnapshotProblem[],
  readAs: (text: JsonText) => T | Promise<T>,
): Promise<T | undefined> {
  if (body === undefined) {
    const fault = object === "resource" ? "MissingResource" : "MissingConfig";
    problems.push(problem(fault, object, "the object is not in the store"));
    return undefined;
  }
  const text = new JsonText(body);
  try {
    return await readAs(text);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const [fault, message] = whyUnreadable(error, text);
    problems.push(problem(fault, object, message));
    return undefined;
  }
}

function whyUnreadable({ is }: Unreadable, text: JsonText): [SnapshotFault, string] {
  switch (is) {
    case "notJson":
      return text.endsWith("}")
        ? ["NotJson", "it is not JSON"]
        : ["Truncated", "it is not JSON: it ends in the middle"];
    case "noObject":
      return ["UnknownShape", "it is JSON, and not an object"];
    case "tooDeep":
      return ["UnknownShape", `it is nested deeper than ${MAX_DEPTH} levels`];
    case "tooLarge":
      return ["TooLarge", "to read it would take more memory than there is for it"];
    default:
      return is satisfies never;
  }
}

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

function checkPair({ resourceModifiedAt, configModifiedAt }: SnapshotContext, problems: SnapshotProblem[]): void {
  if (resourceModifiedAt === undefined || configModifiedAt === undefined) return;
  const apartMs = resourceModifiedAt.getTime() - configModifiedAt.getTime();
  if (Math.abs(apartMs) <= TORN_AFTER_MS) return;
  const older = apartMs > 0 ? "config" : "resource";
  const message = `it was written ${Math.round(Math.abs(apartMs) / 1000)} s before the other object of the pair`;
  problems.push(problem("TornPair", older, message));
}
