import { MARK } from "../desired/common.ts";
import type { Children, KubeObject, Overridden } from "../facts/cluster.ts";
import { isObject, type JsonObject } from "../values/json.ts";
import { quantityInBillionths } from "../values/quantity.ts";

/**
 * Must the object be applied? Yes when it is not there, when it was meant otherwise the last time (something that we no
 * longer want is taken away by the apply itself), when what we mean is not what is there: an edit by hand, or when
 * somebody else made it from a copy: an apply takes away only what it owns, and nothing is ours then. Not when the cluster
 * itself changed it as we wrote it: it would again, with every write.
 */
export function needsApply(
  desired: KubeObject,
  live: KubeObject | undefined,
  { overridden = [], copies }: Pick<Children, "overridden" | "copies"> = {},
): boolean {
  if (live === undefined || copies?.has(`${desired.kind}/${desired.metadata.name}`)) return true;
  if (overridden.some((one) => !one.again && isOverridden(one, desired, live))) return false;
  const applied = live.metadata.annotations?.[MARK.appliedHash];
  return applied !== desired.metadata.annotations?.[MARK.appliedHash] || describeDiff(desired, live) !== undefined;
}

/**
 * Path of the first field that we mean and that is otherwise on the API server, e.g.
 * `spec.template.spec.containers[gateway].image`; undefined when there is none. What others added is theirs, except
 * where Kubernetes takes a list or map as one value (selectors, tolerations, rules). Values are not told: paths alone
 * go into events.
 */
export function describeDiff(desired: KubeObject, live: KubeObject | undefined): string | undefined {
  let first: string | undefined;
  compare(desired, live, (path) => {
    first = path;
    return true;
  });
  return first;
}

/** All such paths. */
export function differences(desired: KubeObject, live: KubeObject): string[] {
  const paths: string[] = [];
  compare(desired, live, (path) => {
    paths.push(path);
    return false;
  });
  return paths;
}

/** Is all that differs what the cluster changed when this very object was written the last time? */
export function isOverridden(known: Overridden, desired: KubeObject, live: KubeObject | undefined): boolean {
  const { kind, name, uid, appliedHash, paths } = known;
  if (live?.metadata.uid !== uid || desired.kind !== kind || desired.metadata.name !== name) return false;
  if (desired.metadata.annotations?.[MARK.appliedHash] !== appliedHash) return false;
  const now = differences(desired, live);
  return now.length > 0 && now.every((path) => paths.includes(path));
}

function compare(desired: KubeObject, live: KubeObject | undefined, found: Found): void {
  if (live === undefined) {
    found("metadata");
    return;
  }
  const { metadata, ...body } = desired;
  const { labels, annotations, ownerReferences } = metadata;
  objectDiff({ metadata: { labels, annotations, ownerReferences }, ...body }, live, "", found);
}

type Path = string;
/** Told of each path; true: no more is wanted. What hands it on returns the same. */
type Found = (path: Path) => boolean;

function valueDiff(desired: unknown, live: unknown, path: Path, found: Found, key: string): boolean {
  if (desired === undefined) return false; // not meant
  if (isEmpty(desired) && isEmpty(live)) return key === "emptyDir" && !isObject(live) && found(path);
  if (Array.isArray(desired)) return listDiff(desired, Array.isArray(live) ? live : [], path, found, key);
  if (isObject(desired)) return objectDiff(desired, isObject(live) ? live : {}, path, found, key);
  return !sameScalar(desired, live, path) && found(path);
}

/** The API server drops what says nothing. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.values(value).every(isEmpty);
}

/** Maps that Kubernetes replaces as a whole: one label more in a selector selects other pods. */
const ATOMIC_MAPS = new Set(["selector", "podSelector", "labelSelector", "matchLabels", "nodeSelector"]);

function objectDiff(desired: JsonObject, live: JsonObject, path: Path, found: Found, key = ""): boolean {
  const at = (name: string) => (path === "" ? name : /[./]/.test(name) ? `${path}["${name}"]` : `${path}.${name}`);
  for (const [name, value] of Object.entries(desired)) {
    if (valueDiff(value, live[name], at(name), found, name)) return true;
  }
  if (!ATOMIC_MAPS.has(key)) return false;
  const extra = Object.keys(live).find((name) => !Object.hasOwn(desired, name) && !isEmpty(live[name]));
  return extra !== undefined && found(at(extra));
}

export type KeyOf = (item: JsonObject) => unknown;
const byName: KeyOf = (item) => item["name"];
const byPort: KeyOf = (item) => `${String(item["containerPort"] ?? item["port"])}/${String(item["protocol"] ?? "TCP")}`;
/** Lists that Kubernetes merges, by their keys (x-kubernetes-list-map-keys). All others are one value. */
const LIST_KEYS: Readonly<Record<string, KeyOf>> = {
  containers: byName,
  initContainers: byName,
  volumes: byName,
  env: byName,
  imagePullSecrets: byName,
  secrets: byName,
  resourceClaims: byName,
  ports: byPort,
  volumeMounts: (item) => item["mountPath"],
  volumeDevices: (item) => item["devicePath"],
  hostAliases: (item) => item["ip"],
  ownerReferences: (item) => item["uid"],
  topologySpreadConstraints: (item) => `${String(item["topologyKey"])} ${String(item["whenUnsatisfiable"])}`,
};

/** How items of a list are told apart; undefined: Kubernetes takes the list as one value. */
export const listKeyOf = (field: string): KeyOf | undefined => LIST_KEYS[field];

type List = readonly unknown[];

function listDiff(desired: List, live: List, path: Path, found: Found, name: string): boolean {
  const key = listKeyOf(name);
  if (key === undefined || !desired.every(isObject)) return atomicDiff(desired, live, path, found);
  const known = new Map(live.filter(isObject).map((item) => [key(item), item]));
  for (const item of desired) {
    const at = `${path}[${String(key(item))}]`;
    const other = known.get(key(item));
    if (other === undefined ? found(at) : objectDiff(item, other, at, found)) return true;
  }
  return false;
}

function atomicDiff(desired: List, live: List, path: Path, found: Found): boolean {
  if (desired.length !== live.length) return found(path);
  return desired.some((item, index) => valueDiff(item, live[index], `${path}[${index}]`, found, ""));
}

/** Plain booleans, left out when false; a pointer (optional, enableServiceLinks, ...) stays and so is compared. */
const DROPPED = new Set([
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "readOnly",
  "stdin",
  "stdinOnce",
  "tty",
  "publishNotReadyAddresses",
]);
/** Fields of probes: the API server writes its default where somebody says 0. */
const DEFAULTED_WHEN_ZERO = /^(initialDelaySeconds|timeoutSeconds|periodSeconds|successThreshold|failureThreshold)$/;

const QUANTITY = /\.(requests|limits|overhead)(\.[^.]+|\["[^"]+"\])$|\.(sizeLimit|divisor)$/;

function sameScalar(desired: unknown, live: unknown, path: Path): boolean {
  if (desired === live) return true;
  const field = /[^.]*$/.exec(path)?.[0] ?? "";
  if (desired === 0 && DEFAULTED_WHEN_ZERO.test(field)) return true;
  if (live === undefined || live === null) {
    return desired === undefined || desired === null || desired === "" || (desired === false && DROPPED.has(field));
  }
  if (QUANTITY.test(path)) {
    const amount = quantityInBillionths(desired);
    return amount !== undefined && amount === quantityInBillionths(live);
  }
  // int-or-string fields, and annotations that were written as numbers
  return typeof desired !== "object" && typeof live !== "object" && String(desired) === String(live);
}
