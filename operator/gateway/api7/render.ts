import { stringify } from "yaml";
import { CLIENT_CERTIFICATE_KEYS, ETCD_PREFIX, GATEWAY_PATHS, STORE_PLACE } from "./facts.ts";
import { chartDefaults, type Listeners } from "./render-defaults.ts";
import { type JsonObject, mergeOverrides } from "./render-merge.ts";

export type { Listeners } from "./render-defaults.ts";
export type { JsonObject, JsonValue } from "./render-merge.ts";

/** normal: traffic from the control plane. reader: traffic from the snapshot. exporter: the backup pod. */
export type GatewayRole = "normal" | "exporter" | "reader";

export type RenderStore =
  | {
      type: "S3";
      region: string;
      endpoint?: string;
      forcePathStyle: boolean;
      resourceBucket: string;
      configBucket: string;
    }
  | { type: "AzureBlob"; accountName: string; endpoint?: string; resourceContainer: string; configContainer: string };

export interface RenderInput {
  role: GatewayRole;
  /** `endpoint` is one https URL; `serverName` is what its certificate must name when that is not its host. */
  controlPlane: { endpoint: string; serverName?: string };
  /** Needed by exporter and reader, never named in the normal configuration. */
  store?: RenderStore;
  /** Exporter only. Default 60. */
  exportIntervalSeconds?: number;
  /** nginx workers: an integer from 1, never `auto`, which would count the host's cores. */
  workers: number;
  /** `spec.gateway.config`: objects merge, lists and scalars replace, null removes. See `ownedKeyProblems`. */
  overrides: JsonObject;
  /** Further ports beside 9080 and 9443. */
  listeners?: Listeners;
}

/**
 * The text of config.yaml. The same input gives the same text, whatever the order of its keys: ConfigMaps are named by
 * the text's hash. Throws when a role that needs a store has none: that is a bug of the caller, not of the user.
 */
export function renderGatewayConfig(input: RenderInput): string {
  const config = mergeOverrides(
    chartDefaults(input.workers, input.role !== "reader", input.listeners),
    input.overrides,
  );
  // The exporter answers no requests: the chart drops its access log whatever the values say.
  const quiet: JsonObject = { nginx_config: { http: noAccessLog, stream: noAccessLog } };
  const ofRole = input.role === "exporter" ? mergeOverrides(config, quiet) : config;
  return stringify(
    { ...ofRole, deployment: deployment(input) },
    {
      sortMapEntries: true,
      lineWidth: 0,
      aliasDuplicateObjects: false,
      // Quoted, so that no YAML reader takes "on" or "3.10" for anything but text, and a storage key has its place whole.
      defaultStringType: "QUOTE_DOUBLE",
      defaultKeyType: "PLAIN",
    },
  );
}

const noAccessLog: JsonObject = { enable_access_log: false };

function deployment(input: RenderInput): JsonObject {
  switch (input.role) {
    case "normal":
      return fromControlPlane(input);
    case "exporter":
      return {
        ...fromControlPlane(input),
        fallback_cp: { mode: "write", interval: input.exportIntervalSeconds ?? 60, ...storeBlock(input.store) },
      };
    case "reader":
      return {
        role: "data_plane",
        role_data_plane: { config_provider: "json" },
        fallback_cp: { mode: "read", ...storeBlock(input.store) },
      };
    default:
      return input.role satisfies never;
  }
}

function fromControlPlane({ controlPlane }: RenderInput): JsonObject {
  const { certificate, privateKey } = CLIENT_CERTIFICATE_KEYS;
  return {
    role: "traditional",
    role_traditional: { config_provider: "etcd" },
    // [M2] Without it open source from 3.10 on makes a key, wants to write it into the mounted config.yaml, and exits 1.
    // An empty list starts and lets nobody in; the chart's block holds publicly known keys.
    admin: { admin_key: [] },
    etcd: {
      // One load-balanced endpoint: [M] of two hosts with one dead, a start fails.
      host: [controlPlane.endpoint],
      prefix: ETCD_PREFIX,
      timeout: 30,
      watch_timeout: 50,
      startup_retry: 2,
      tls: {
        cert: `${GATEWAY_PATHS.clientCertificateDir}/${certificate}`,
        key: `${GATEWAY_PATHS.clientCertificateDir}/${privateKey}`,
        verify: true,
        ...(controlPlane.serverName === undefined ? {} : { sni: controlPlane.serverName }),
      },
    },
  };
}

function storeBlock(store: RenderStore | undefined): JsonObject {
  if (store === undefined) throw new Error("Cannot render a gateway that exports or reads snapshots: no store given");
  switch (store.type) {
    case "S3":
      return {
        aws_s3: {
          region: store.region,
          resource_bucket: store.resourceBucket,
          config_bucket: store.configBucket,
          access_key: placeOf(STORE_PLACE.accessKey),
          secret_key: placeOf(STORE_PLACE.secretKey),
          ...(store.endpoint === undefined ? {} : { endpoint: store.endpoint }),
          // Left out unless wanted: gateways before 3.9.13 don't know the field.
          ...(store.forcePathStyle ? { use_path_style: true } : {}),
        },
      };
    case "AzureBlob":
      return {
        azure_blob: {
          account_name: store.accountName,
          account_key: placeOf(STORE_PLACE.accountKey),
          resource_container: store.resourceContainer,
          config_container: store.configContainer,
          ...(store.endpoint === undefined ? {} : { endpoint: store.endpoint }),
        },
      };
    default:
      return store satisfies never;
  }
}

const placeOf = (name: string): string => `\${{${name}}}`;
