// What an API7 Enterprise gateway does, as far as Holdfast relies on it: each fact once, with how well it is known.
//   [D] documented by the vendor (product docs, Helm chart 3.10.12)   [O] observed on a gateway of about 3.9.0
//   [M] measured on open-source APISIX 3.18.0, the core it is built on [U] unknown, assumed as said
// An [O] or [U] fact is verified at run time (rehearsal, choice in the termination message) or can be overridden.

import { loadedCommand } from "./loaded-probe.ts";
import { REFUSED_ENV } from "./refused-env.ts";

/** [D] Backup nodes, managed identities and `config_provider: json` begin here; older ones read another format. */
export const MINIMUM_VERSION = "3.8.21";

/** [D] `aws_s3.use_path_style` exists from here on (chart 3.9.13); older gateways speak virtual-host addresses only. */
export const PATH_STYLE_MINIMUM_VERSION = "3.9.13";

/** [D] Chart: the image runs as this user and group. */
export const GATEWAY_UID = 636;
export const GATEWAY_GID = 636;

/** [D] Ports of a gateway. `control` listens on 127.0.0.1 alone; `metrics` is the prometheus export server. */
export const GATEWAY_PORTS = { http: 9080, https: 9443, status: 7085, control: 9090, metrics: 9091 } as const;

/** [D] Chart: where the image looks for its files. */
export const GATEWAY_PATHS = {
  /** Mounted by subPath: re-read only when a container starts. */
  configFile: "/usr/local/apisix/conf/config.yaml",
  /** Holds the pod's UID (downward API, subPath), so that a restart is not counted as one more instance. */
  instanceIDFile: "/usr/local/apisix/conf/apisix.uid",
  /** The whole client certificate Secret. */
  clientCertificateDir: "/etcd-ssl",
  /**
   * What `ssl_trusted_certificate` names. The chart mounts it once more at conf/ssl/ca.crt by subPath, which makes a directory of
   * a file that is not there; a whole directory there would keep other authorities (conf/ssl/additional-ca-N) from being mounted.
   */
  trustedCAFile: "/etcd-ssl/ca.crt",
} as const;

/** [M] APISIX: overrides `worker_processes` of config.yaml; so it is set, and to the same number. */
export const WORKERS_ENV = "APISIX_WORKER_PROCESSES";

/** [D] Keys of the client certificate Secret. */
export const CLIENT_CERTIFICATE_KEYS = { certificate: "tls.crt", privateKey: "tls.key", ca: "ca.crt" } as const;

/**
 * [O] The group's short id; without it a reader skips the fetch and starts EMPTY, an exporter never exports. It is
 * also the object key in both buckets: bare, without prefix, extension or version.
 */
export const SHORT_ID_ENV = "API7_GATEWAY_GROUP_SHORT_ID";

/**
 * Where a rendered config.yaml wants a storage key it says `${{NAME}}`; `choose` puts the key itself there, in the pod.
 * Never by the environment: [M] `$env://NAME` in a plugin, or `${{NAME}}` in a snapshot, would hand it to whoever may
 * write a route. [M] A gateway that finds such a name unset exits 1 and names it.
 */
export const STORE_PLACE = {
  accessKey: "HOLDFAST_STORE_ACCESS_KEY",
  secretKey: "HOLDFAST_STORE_SECRET_KEY",
  accountKey: "HOLDFAST_STORE_ACCOUNT_KEY",
} as const;

/** Under which keys of a Secret they are looked for; the same as the storage boundary accepts (a test holds them equal). */
export const STORE_KEYS: Readonly<Record<string, readonly string[]>> = {
  [STORE_PLACE.accessKey]: ["accessKeyId", "AWS_ACCESS_KEY_ID"],
  [STORE_PLACE.secretKey]: ["secretAccessKey", "AWS_SECRET_ACCESS_KEY"],
  [STORE_PLACE.accountKey]: ["accountKey", "AZURE_STORAGE_KEY"],
};

/** Every name of ours that a rendered config.yaml may hold begins so. */
export const STORE_ENV_PREFIX = "HOLDFAST_STORE_";

/** [D] Chart: prefix of every key in the control plane's etcd view. */
export const ETCD_PREFIX = "/apisix";

/** [D]/[O] Kinds under the prefix: `/apisix/<kind>/<id>`; also the lists of a snapshot's resource object. */
export const CONTROL_PLANE_KINDS = [
  "routes",
  "services",
  "upstreams",
  "consumers",
  "ssls",
  "global_rules",
  "plugin_metadata",
  "plugin_configs",
  "consumer_groups",
  "stream_routes",
  "protos",
  "secrets",
] as const;

/** [O] Kinds that appear in a resource object and not as `/apisix/<kind>/<id>`. */
export const SNAPSHOT_ONLY_KINDS = ["custom_plugins", "plugins"] as const;

/** [D] Kinds whose loaded items a gateway's control API lists (`GET /v1/<kind>`, a plain JSON array). */
export const CONTROL_API_KINDS = ["routes", "services", "upstreams"] as const;

/** [D] What a gateway asks the control plane first at start; a normal start dies when nothing answers. */
export const VERSION_PATH = "/version";
/** [D] The etcd v3 JSON gateway's read; on the dp-manager only this proves that the database answers. */
export const RANGE_PATH = "/v3/kv/range";

/**
 * [D] 503 if no dp-manager answers; [M] open-source APISIX: 503 while a worker never had a configuration (and names it),
 * 200 all through an outage; [O] always 503 in read mode. So a 503 may count as a vote, a 200 proves nothing, and it is
 * never a pod's readiness probe: an outage would take every pod out of the Service at once.
 */
export const STATUS_READY_PATH = "/status/ready";
/**
 * [D] Open-source APISIX, status API: the two ways in which its 503 speaks of a worker. "worker id: 9 has not received
 * configuration" and, of one that is not up yet, "worker count: 16 but status report count: 15".
 */
export const EMPTY_WORKER_PATTERN = /worker.{0,12}\d.*(not received configuration|status report count)/i;
/** [D] Where the prometheus export server answers. */
export const METRICS_PATH = "/apisix/prometheus/metrics";
/** [M] 1 -> 0 within 8 s of a lost control plane, and back; the endpoint itself hangs while etcd hangs. */
export const ETCD_REACHABLE_METRIC = "apisix_etcd_reachable";

/**
 * [M2] For how long it may go on saying 1 after the loss: 5 to 15 s where the control plane refuses, 25 s where it hangs (then
 * the endpoint says 500); and 5 s until it is asked again.
 */
export const CONNECTED_LATE_MS = 30_000;

/** [D] Chart: how long nginx waits for open requests at its end. The pod's grace period must cover it and the drain. */
export const WORKER_SHUTDOWN_SECONDS = 240;

/** What the makers of pods need to know of this product, as plain data. */
export const GATEWAY_PROFILE = {
  configPath: GATEWAY_PATHS.configFile,
  /** [O] conf/, logs/ and /tmp are written: by the image's own file system, which therefore is not read-only. */
  writablePaths: [],
  instanceIdPath: GATEWAY_PATHS.instanceIDFile,
  certificateDir: GATEWAY_PATHS.clientCertificateDir,
  caPath: GATEWAY_PATHS.trustedCAFile,
  runAsUser: GATEWAY_UID,
  runAsGroup: GATEWAY_GID,
  ports: GATEWAY_PORTS,
  refusedEnv: REFUSED_ENV,
  env: {
    shortID: SHORT_ID_ENV,
    workers: WORKERS_ENV,
  },
  connectedLateMs: CONNECTED_LATE_MS,
  loadedCommand: loadedCommand({
    configPath: GATEWAY_PATHS.configFile,
    readyPath: STATUS_READY_PATH,
    ports: GATEWAY_PORTS,
    pid: 1,
    emptySeconds: 20,
    oldSeconds: 360,
  }),
} as const;
