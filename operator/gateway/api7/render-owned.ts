import { STORE_ENV_PREFIX } from "./facts.ts";
import { isObject, type JsonObject, type JsonValue } from "./render-merge.ts";

/** A key of `spec.gateway.config` that Holdfast refuses: where, why, and what to use instead. */
export interface OwnedKeyProblem {
  path: string;
  why: string;
  instead: string;
}

type Owned = readonly [path: string, why: string, instead: string];

const PORTS = "Service, probes and start choice rely on these ports";
const STATUS = "the operator asks each pod for its view of the control plane there";

/** docs/reference.md lists them from here. */
export const OWNED: readonly Owned[] = [
  [
    "deployment",
    "role, control plane, storage and keys are what Holdfast decides",
    "spec.controlPlane and spec.fallback",
  ],
  ["nginx_config.worker_processes", "the licence counts workers, and auto counts the host's", "spec.gateway.workers"],
  [
    "nginx_config.worker_shutdown_timeout",
    "the pod's grace period is made to cover it",
    "spec.traffic.drainSeconds, which is the wait before it",
  ],
  ["apisix.enable_dev_mode", "it sets the workers to 1 whatever was asked for", "spec.gateway.workers"],
  ["apisix.node_listen", PORTS, "spec.traffic.service.ports"],
  ["apisix.ssl.enable", PORTS, "nothing: the https port is always open"],
  ["apisix.ssl.listen", PORTS, "spec.traffic.service.ports"],
  ["apisix.proxy_mode", "without the http port no pod would ever be Ready", "apisix.stream_proxy, beside http"],
  [
    "apisix.data_encryption.keyring",
    "the control plane delivers it: with another one the gateway cannot read what is encrypted",
    "the control plane's own setting",
  ],
  [
    "apisix.ssl.key_encrypt_salt",
    "the control plane delivers it: with another one the gateway cannot read its certificates",
    "the control plane's own setting",
  ],
  ["apisix.stream_proxy.only", "without the http port no pod would ever be Ready", "stream_proxy without only"],
  ["apisix.proxy_protocol.listen_http_port", PORTS, "spec.traffic.service.ports"],
  ["apisix.proxy_protocol.listen_https_port", PORTS, "spec.traffic.service.ports"],
  ["apisix.status", STATUS, "nothing: it is always on"],
  ["api7ee.status_endpoint", STATUS, "nothing: it is always on"],
  ["apisix.enable_control", "a rehearsal counts there what was really loaded", "nothing: it is on, on 127.0.0.1"],
  ["apisix.control", "a rehearsal counts there what was really loaded", "nothing: it is on, on 127.0.0.1"],
  ["apisix.enable_admin", "configuration comes from the control plane or a snapshot", "the control plane's dashboard"],
  ["apisix.admin_key", "configuration comes from the control plane or a snapshot", "the control plane's dashboard"],
];

/**
 * What in the overrides Holdfast cannot hand on. Also a parent replaced by something that is no object (null, a list):
 * it would take an owned key away with it. Sorted by path; nothing of the values is repeated.
 */
export function ownedKeyProblems(overrides: JsonObject): OwnedKeyProblem[] {
  const owned = OWNED.flatMap(([path, why, instead]) => {
    const hit = firstHit(overrides, path.split("."));
    if (hit === undefined) return [];
    const parentWhy = hit === path ? why : `it would replace ${path}: ${why}`;
    return [{ path: hit, why: parentWhy, instead: hit === path ? instead : "an object with only the keys to change" }];
  });
  const once = new Map([...owned].reverse().map((problem) => [problem.path, problem]));
  for (const path of namesStoreKeys(overrides, "")) {
    const why = `${STORE_ENV_PREFIX}* holds storage keys, which only Holdfast's own fields may name`;
    once.set(path, {
      path,
      why,
      instead: "an environment variable of your own in spec.traffic.podTemplate and spec.backup.podTemplate",
    });
  }
  return [...once.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The owned path if it is set, the shortest prefix that is set to something else than an object, or nothing. */
function firstHit(overrides: JsonObject, keys: string[]): string | undefined {
  let at: JsonValue | undefined = overrides;
  for (const [depth, key] of keys.entries()) {
    if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
    if (depth === keys.length - 1 || !isObject(at)) return keys.slice(0, depth + 1).join(".");
  }
  return undefined;
}

function namesStoreKeys(value: JsonValue, path: string): string[] {
  if (typeof value === "string") return value.includes(STORE_ENV_PREFIX) ? [path] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => namesStoreKeys(child, path === "" ? key : `${path}.${key}`));
}
