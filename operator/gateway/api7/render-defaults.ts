import { GATEWAY_PATHS, GATEWAY_PORTS, WORKER_SHUTDOWN_SECONDS } from "./facts.ts";
import type { JsonObject } from "./render-merge.ts";

/** Port numbers beside the two that every gateway opens. */
export interface Listeners {
  http?: number[];
  https?: number[];
}

const EVERY_ADDRESS = "0.0.0.0";

/**
 * What the vendor's chart (3.10.12) puts beside `deployment` with its default values [D], so that a gateway run by
 * Holdfast behaves like one installed by hand. Ours differ where said. Users may override what `ownedKeyProblems`
 * does not list: shared dictionaries, timeouts, `plugin_attr` and so on.
 *
 * Three of them are right for the vendor alone [D]; open source refuses each [M2], and there `spec.gateway.config` must
 * take them away: `apisix.ssl.listen[].enable_http2` (from 3.9 on), a list in `apisix.ssl.ssl_trusted_certificate`, and
 * `nginx_config.http.custom_lua_shared_dict` with names that it declares itself (from 3.13 on).
 */
export function chartDefaults(workers: number, trustsControlPlaneCA: boolean, listeners: Listeners = {}): JsonObject {
  return {
    api7ee: api7ee(),
    apisix: apisix(trustsControlPlaneCA, listeners),
    nginx_config: nginx(workers),
    graphql: { max_size: 1_048_576 },
    // Ours: the export server is on, so that the operator can ask for apisix_etcd_reachable [M]. Path, metric prefix
    // and the rest of plugin_attr may be overridden; with another prefix that one witness is lost, no more.
    plugin_attr: {
      prometheus: { enable_export_server: true, export_addr: { ip: EVERY_ADDRESS, port: GATEWAY_PORTS.metrics } },
    },
  };
}

function api7ee(): JsonObject {
  return {
    healthcheck_report_interval: 120,
    raw_api_calls_upload_interval: 3600,
    http_timeout: "30s",
    disable_upstream_healthcheck: false,
    // Ours: on. It is how a pod votes on the control plane.
    status_endpoint: { enabled: true, ip: EVERY_ADDRESS, port: GATEWAY_PORTS.status },
  };
}

function apisix(trustsControlPlaneCA: boolean, listeners: Listeners): JsonObject {
  const httpPorts = [GATEWAY_PORTS.http, ...(listeners.http ?? [])];
  return {
    node_listen: httpPorts.map((port) => ({ ip: EVERY_ADDRESS, port })),
    enable_heartbeat: true,
    enable_admin: false,
    enable_admin_cors: true,
    enable_debug: false,
    enable_dev_mode: false,
    enable_reuseport: true,
    enable_ipv6: true,
    enable_server_tokens: true,
    show_upstream_status_in_response_header: false,
    max_post_args_readable_size: 64,
    delete_uri_tail_slash: false,
    normalize_uri_like_servlet: false,
    router: { http: "radixtree_host_uri", ssl: "radixtree_sni" },
    proxy_cache: {
      cache_ttl: "10s",
      zones: [
        {
          name: "disk_cache_one",
          cache_levels: "1:2",
          disk_path: "/tmp/disk_cache_one",
          disk_size: "1G",
          memory_size: "50m",
        },
        { name: "memory_cache", memory_size: "50m" },
      ],
    },
    dns_resolver_valid: 30,
    resolver_timeout: 5,
    enable_resolv_search_opt: true,
    ssl: ssl(trustsControlPlaneCA, listeners),
    status: { ip: EVERY_ADDRESS, port: GATEWAY_PORTS.status },
    enable_control: true,
    control: { ip: "127.0.0.1", port: GATEWAY_PORTS.control },
    disable_upstream_healthcheck: false,
    lru: { secret: { ttl: 300, count: 512, neg_ttl: 60, neg_count: 512 } },
    tracing: false,
  };
}

function ssl(trustsControlPlaneCA: boolean, listeners: Listeners): JsonObject {
  const httpsPorts = [GATEWAY_PORTS.https, ...(listeners.https ?? [])];
  return {
    enable: true,
    listen: httpsPorts.map((port) => ({ ip: EVERY_ADDRESS, port, enable_http2: true })),
    ssl_protocols: "TLSv1.2 TLSv1.3",
    ssl_ciphers: CIPHERS.join(":"),
    ssl_session_tickets: false,
    // A gateway dies on a trusted certificate file that is not there. A reader has no use for the control plane's, and
    // must start without the Secret that it comes from.
    ssl_trusted_certificate: trustsControlPlaneCA ? `system,${GATEWAY_PATHS.trustedCAFile}` : "system",
  };
}

function nginx(workers: number): JsonObject {
  return {
    error_log: "/dev/stderr",
    error_log_level: "warn",
    // Ours, twice: `auto` would count the host's cores (and the licence counts workers), and with affinity [M] one
    // worker binds to core 0 whatever else runs there.
    worker_processes: workers,
    enable_cpu_affinity: false,
    worker_rlimit_nofile: 20_480,
    worker_shutdown_timeout: `${WORKER_SHUTDOWN_SECONDS}s`,
    max_pending_timers: 16_384,
    max_running_timers: 4096,
    event: { worker_connections: 10_620 },
    meta: { lua_shared_dict: { "prometheus-metrics": "128m" } },
    stream: {
      enable_access_log: false,
      lua_shared_dict: {
        "config-stream": "5m",
        "etcd-cluster-health-check-stream": "10m",
        "lrucache-lock-stream": "10m",
        "nacos-stream": "64m",
        "plugin-limit-conn-stream": "10m",
        "tars-stream": "1m",
        "worker-events-stream": "10m",
      },
    },
    http: nginxHttp(),
  };
}

function nginxHttp(): JsonObject {
  return {
    enable_access_log: true,
    access_log: "/dev/stdout",
    access_log_format: ACCESS_LOG_FORMAT,
    access_log_format_escape: "default",
    keepalive_timeout: "60s",
    client_header_timeout: "60s",
    client_body_timeout: "60s",
    send_timeout: "10s",
    client_max_body_size: 0,
    underscores_in_headers: "on",
    real_ip_header: "X-Real-IP",
    real_ip_recursive: "off",
    real_ip_from: ["127.0.0.1", "unix:"],
    proxy_ssl_server_name: true,
    upstream: { keepalive: 320, keepalive_requests: 1000, keepalive_timeout: "60s" },
    charset: "utf-8",
    variables_hash_max_size: 2048,
    custom_lua_shared_dict: { kubernetes: "64m", nacos: "64m", consul: "64m" },
    lua_shared_dict: sharedDictionaries(),
  };
}

/** As in the chart, which took it from APISIX: whoever parses these lines must not meet others after a move to Holdfast. */
const ACCESS_LOG_FORMAT =
  '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time ' +
  '"$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time ' +
  '"$upstream_scheme://$upstream_host$upstream_uri"';

/** The chart's list (Mozilla's, with the older suites at its end): a client that got in before still does. */
const CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "DHE-RSA-AES128-GCM-SHA256",
  "DHE-RSA-AES256-GCM-SHA384",
  "DHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA256",
  "ECDHE-RSA-AES128-SHA256",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-ECDSA-AES256-SHA384",
  "ECDHE-RSA-AES256-SHA384",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "DHE-RSA-AES128-SHA256",
  "DHE-RSA-AES256-SHA256",
  "AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-SHA256",
  "AES256-SHA256",
  "AES128-SHA",
  "AES256-SHA",
  "DES-CBC3-SHA",
];

/** Sizes as in the chart, all of them: [U] whether the gateway keeps its image's own for what is left unnamed. */
const SHARED_DICTIONARIES: Record<string, readonly string[]> = {
  "1m": [
    "access-tokens",
    "discovery",
    "jwks",
    "plugin-limit-conn-redis-cluster-slot-lock",
    "plugin-limit-count-advanced-redis-cluster-slot-lock",
    "plugin-limit-count-redis-cluster-slot-lock",
    "plugin-limit-req-redis-cluster-slot-lock",
    "status_report",
    "tars",
  ],
  "10m": [
    "balancer-ewma",
    "balancer-ewma-last-touched-at",
    "balancer-ewma-locks",
    "cas-auth",
    "etcd-cluster-health-check",
    "internal-status",
    "introspection",
    "lrucache-lock",
    "plugin-ai-rate-limiting",
    "plugin-ai-rate-limiting-reset-header",
    "plugin-api-breaker",
    "plugin-graphql-limit-count",
    "plugin-graphql-limit-count-reset-header",
    "plugin-limit-conn",
    "plugin-limit-count",
    "plugin-limit-count-advanced",
    "plugin-limit-req",
    "upstream-healthcheck",
    "worker-events",
  ],
  "32m": ["tracing_buffer"],
  "64m": ["api-calls-for-portal"],
};

function sharedDictionaries(): JsonObject {
  const sizes = Object.entries(SHARED_DICTIONARIES);
  return Object.fromEntries(sizes.flatMap(([size, names]) => names.map((name) => [name, size])));
}
