import type { KubeObject } from "../facts/cluster.ts";
import { isObject, type JsonObject } from "../values/json.ts";
import { listKeyOf } from "./diff.ts";

export interface Replacement {
  op: "replace";
  /** JSON pointer into the live object. */
  path: string;
  value: unknown;
}

/**
 * Where Kubernetes takes only one of several fields (a probe's handler, a volume's source, ...), an apply that names
 * just ours cannot take back an edit by hand that set another one: both would be there, and it is refused for ever
 * (measured: HTTP 422; a null in the apply does not remove an object either). These JSON patch operations replace the
 * smallest part around each such field; the apply goes through after them. Empty when nothing of the kind is there.
 */
export function unionReplacements(desired: KubeObject, live: KubeObject): Replacement[] {
  return inside(desired, live, "", "");
}

type Members = (desired: JsonObject, live: JsonObject) => boolean;

const oneOf =
  (...members: readonly string[]): Members =>
  (desired, live) =>
    members.some((name) => live[name] !== undefined && desired[name] === undefined) &&
    members.some((name) => desired[name] !== undefined);
const probe = oneOf("exec", "grpc", "httpGet", "tcpSocket");
const handler = oneOf("exec", "httpGet", "sleep", "tcpSocket");

/** By the field that holds the union, or the list whose items are one. */
const UNIONS: Readonly<Record<string, Members>> = {
  readinessProbe: probe,
  livenessProbe: probe,
  startupProbe: probe,
  preStop: handler,
  postStart: handler,
  env: oneOf("value", "valueFrom"),
  valueFrom: oneOf("secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"),
  volumes: (desired, live) => Object.keys(live).some((name) => desired[name] === undefined),
  strategy: (desired, live) => desired["type"] === "Recreate" && live["rollingUpdate"] !== undefined,
  spec: oneOf("minAvailable", "maxUnavailable"),
};

function inside(desired: unknown, live: unknown, path: string, field: string): Replacement[] {
  if (Array.isArray(desired) && Array.isArray(live)) return inList(desired, live, path, field);
  if (!isObject(desired) || !isObject(live)) return [];
  if (UNIONS[field]?.(desired, live)) return [{ op: "replace", path, value: desired }];
  return Object.entries(desired).flatMap(([name, value]) =>
    inside(value, live[name], `${path}/${escaped(name)}`, name),
  );
}

function inList(desired: readonly unknown[], live: readonly unknown[], path: string, field: string): Replacement[] {
  const keyOf = listKeyOf(field);
  if (keyOf === undefined) return []; // one value: an apply replaces it as a whole
  return desired.filter(isObject).flatMap((item) => {
    const index = live.findIndex((other) => isObject(other) && keyOf(other) === keyOf(item));
    return index < 0 ? [] : inside(item, live[index], `${path}/${index}`, field);
  });
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
