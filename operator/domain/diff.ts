import { MARK } from "./desired/common.ts";
import type { KubeObject } from "./facts.ts";
import { isObject, type JsonObject } from "./json.ts";
import { quantityInBillionths } from "./quantity.ts";

/**
 * Must the object be applied? Yes when it is not there, when it was meant otherwise the last time (something that we no
 * longer want is taken away by the apply itself), or when what we mean is not what is there: an edit by hand.
 */
export function needsApply(desired: KubeObject, live: KubeObject | undefined): boolean {
  if (live === undefined) return true;
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
  if (live === undefined) return "metadata";
  const { metadata, ...body } = desired;
  const { labels, annotations, ownerReferences } = metadata;
  return objectDiff({ metadata: { labels, annotations, ownerReferences }, ...body }, live, "");
}

type Path = string;

function valueDiff(desired: unknown, live: unknown, path: Path, key: string): Path | undefined {
  if (desired === undefined) return undefined; // not meant
  if (isEmpty(desired) && isEmpty(live)) return key === "emptyDir" && !isObject(live) ? path : undefined;
  if (Array.isArray(desired)) return listDiff(desired, Array.isArray(live) ? live : [], path, key);
  if (isObject(desired)) return objectDiff(desired, isObject(live) ? live : {}, path, key);
  return sameScalar(desired, live, path) ? undefined : path;
}

/** The API server drops what says nothing. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.values(value).every(isEmpty);
}

/** Maps that Kubernetes replaces as a whole: one label more in a selector selects other pods. */
const ATOMIC_MAPS = new Set(["selector", "podSelector", "labelSelector", "matchLabels", "nodeSelector"]);

function objectDiff(desired: JsonObject, live: JsonObject, path: Path, key = ""): Path | undefined {
  const at = (name: string) => (path === "" ? name : /[./]/.test(name) ? `${path}["${name}"]` : `${path}.${name}`);
  for (const [name, value] of Object.entries(desired)) {
    const diff = valueDiff(value, live[name], at(name), name);
    if (diff !== undefined) return diff;
  }
  if (!ATOMIC_MAPS.has(key)) return undefined;
  const extra = Object.keys(live).find((name) => !Object.hasOwn(desired, name) && !isEmpty(live[name]));
  return extra === undefined ? undefined : at(extra);
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

function listDiff(desired: readonly unknown[], live: readonly unknown[], path: Path, name: string): Path | undefined {
  const key = listKeyOf(name);
  if (key === undefined || !desired.every(isObject)) return atomicDiff(desired, live, path);
  const found = new Map(live.filter(isObject).map((item) => [key(item), item]));
  for (const item of desired) {
    const at = `${path}[${String(key(item))}]`;
    const other = found.get(key(item));
    const diff = other === undefined ? at : objectDiff(item, other, at);
    if (diff !== undefined) return diff;
  }
  return undefined;
}

function atomicDiff(desired: readonly unknown[], live: readonly unknown[], path: Path): Path | undefined {
  if (desired.length !== live.length) return path;
  for (const [index, item] of desired.entries()) {
    const diff = valueDiff(item, live[index], `${path}[${index}]`, "");
    if (diff !== undefined) return diff;
  }
  return undefined;
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
