import { isDeepStrictEqual } from "node:util";
import { FallbackStorageSpec, FallbackStorageStatus } from "../../api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../api/gateway-group.ts";
import { GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import type { GroupFacts } from "../../domain/facts/facts.ts";
import type { CustomObject } from "../../kinds.ts";
import { given, timeOf } from "../gateways/pods.ts";

/** A group or storage that the API server accepted and we cannot read: another version's, or a CRD that was edited. */
export interface Unreadable {
  unreadable: string;
}

/** Parsing costs more than all else that a quiet loop does, and a cached object never changes: once per object. */
const parsedGroups = new WeakMap<CustomObject, GroupFacts | Unreadable>();

export function readGroup(object: CustomObject): GroupFacts | Unreadable {
  const known = parsedGroups.get(object);
  if (known) return known;
  const facts = parseGroup(object);
  parsedGroups.set(object, facts);
  return facts;
}

export const isUnreadable = <T extends object>(read: T | Unreadable): read is Unreadable => "unreadable" in read;

/**
 * Every write of status brings a new object with the same spec. What is made of a spec at some cost (render.ts) is
 * remembered by its identity, so the same content stays the same object. By uid, the longest unseen forgotten.
 */
const specs = new Map<string, { raw: unknown; spec: GatewayGroupSpec }>();
const SPECS_KEPT = 2_000;

function parseSpec({ metadata: { uid = "" }, spec: raw }: CustomObject) {
  const known = specs.get(uid);
  const same = known !== undefined && isDeepStrictEqual(known.raw, raw);
  const read = same ? ({ success: true, data: known.spec } as const) : GatewayGroupSpec.safeParse(raw);
  specs.delete(uid);
  if (read.success) specs.set(uid, { raw, spec: read.data });
  const [oldest] = specs.keys();
  if (specs.size > SPECS_KEPT && oldest !== undefined) specs.delete(oldest);
  return read;
}

function parseGroup(object: CustomObject): GroupFacts | Unreadable {
  const spec = parseSpec(object);
  if (!spec.success) return { unreadable: `spec: ${firstIssue(spec.error)}` };
  const status = GatewayGroupStatus.safeParse(object.status ?? {});
  // A status that cannot be read may hold the recorded mode: going on without it would start from nothing.
  if (!status.success) return { unreadable: `status: ${firstIssue(status.error)}` };
  const { metadata } = object;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    generation: metadata.generation ?? 0,
    ...given({ createdMs: timeOf(metadata.creationTimestamp) }),
    annotations: metadata.annotations ?? {},
    spec: spec.data,
    status: status.data,
    deleting: metadata.deletionTimestamp !== undefined,
    replicasSetBy: replicasSetBy(object),
  };
}

/** The newest manager that owns spec.traffic.replicas; the API server notes the subresource that it came through. */
function replicasSetBy({ metadata }: CustomObject): "scale" | "other" {
  const owners = (metadata.managedFields ?? []).filter((entry) => ownsReplicas(entry.fieldsV1));
  const newest = owners.sort((a, b) => (a.time ?? "").localeCompare(b.time ?? "")).at(-1);
  return newest?.subresource === "scale" ? "scale" : "other";
}

function ownsReplicas(fields: object | undefined): boolean {
  let at: unknown = fields;
  for (const step of ["f:spec", "f:traffic", "f:replicas"]) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return false;
    at = (at as Record<string, unknown>)[step];
  }
  return true;
}

export interface StorageRead {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  spec: FallbackStorageSpec;
  status: FallbackStorageStatus;
  deleting: boolean;
}

const parsedStorages = new WeakMap<CustomObject, StorageRead | Unreadable>();

export function readStorage(object: CustomObject): StorageRead | Unreadable {
  const known = parsedStorages.get(object);
  if (known) return known;
  const read = parseStorage(object);
  parsedStorages.set(object, read);
  return read;
}

function parseStorage(object: CustomObject): StorageRead | Unreadable {
  const spec = FallbackStorageSpec.safeParse(object.spec);
  if (!spec.success) return { unreadable: `spec: ${firstIssue(spec.error)}` };
  const status = FallbackStorageStatus.safeParse(object.status ?? {});
  if (!status.success) return { unreadable: `status: ${firstIssue(status.error)}` };
  const { metadata } = object;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    generation: metadata.generation ?? 0,
    spec: spec.data,
    status: status.data,
    deleting: metadata.deletionTimestamp !== undefined,
  };
}

/** Where and what, never the value. */
function firstIssue(error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] }): string {
  const [issue] = error.issues;
  return issue ? `${issue.path.map(String).join(".")}: ${issue.message}` : "it cannot be read";
}
