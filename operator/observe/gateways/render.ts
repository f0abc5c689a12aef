import { isIP } from "node:net";
import type { FallbackStorageSpec } from "../../api/fallback-storage.ts";
import type { GatewayGroupSpec } from "../../api/gateway-group.ts";
import type { GatewayProfile, Rendered } from "../../domain/facts/facts.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import { quantityInBillionths } from "../../domain/values/quantity.ts";
import { GATEWAY_PORTS, GATEWAY_PROFILE } from "../../gateway/api7/facts.ts";
import {
  type GatewayVersion,
  gatewayVersion,
  isVersionProblem,
  pathStyleProblem,
  type VersionProblem,
  versionProblem,
} from "../../gateway/api7/image.ts";
import {
  type GatewayRole,
  type JsonObject,
  type Listeners,
  type RenderStore,
  renderGatewayConfig,
} from "../../gateway/api7/render.ts";
import { ownedKeyProblems } from "../../gateway/api7/render-owned.ts";
import { shapeProblems, unknownBlocks } from "../../gateway/api7/render-shape.ts";
import { unsetVariables } from "../cluster/variables.ts";
import { given } from "./pods.ts";

const PROFILE: GatewayProfile = GATEWAY_PROFILE;

/** Three YAML texts cost milliseconds; specs in the cache do not change. */
const memo = new WeakMap<GatewayGroupSpec, { storage: FallbackStorageSpec | undefined; rendered: Rendered }>();

/**
 * What the gateway boundary makes of a spec. A role is rendered when nothing speaks against it: without a storage, or
 * with one that this gateway cannot speak to, the normal configuration still is, as serving never waits for fallback.
 */
export function readRendered(spec: GatewayGroupSpec, storage: FallbackStorageSpec | undefined): Rendered {
  const known = memo.get(spec);
  if (known && known.storage === storage) return known.rendered;
  const rendered = render(spec, storage);
  memo.set(spec, { storage, rendered });
  return rendered;
}

function render(spec: GatewayGroupSpec, storageSpec: FallbackStorageSpec | undefined): Rendered {
  const { workers, assumed } = workersOf(spec);
  const store = storageSpec && storeOf(storageSpec);
  const version = gatewayVersion(spec.gateway.image, spec.gateway.version);
  const unfit = isVersionProblem(version) ? version : versionProblem(version);
  const owned = ownedKeyProblems(spec.gateway.config as JsonObject).map(
    ({ path, why, instead }): Problem => ({
      reason: "OwnedConfigKey",
      field: `spec.gateway.config.${path}`,
      message: `spec.gateway.config.${path} is Holdfast's: ${why}. Use instead: ${instead}`,
    }),
  );
  const misshapen = shapeProblems(spec.gateway.config as JsonObject)
    .filter(({ path }) => !owned.some(({ field }) => `spec.gateway.config.${path}`.startsWith(field)))
    .map(({ path, why, instead }): Problem => {
      const field = `spec.gateway.config.${path}`;
      return { reason: "ConfigRefusedByGateway", field, message: `${field}: ${why}. Write ${instead}` };
    });
  const pathStyle = unfit === undefined && store ? pathStyleOf(version as GatewayVersion, store) : undefined;
  const blocked = unfit !== undefined || owned.length + misshapen.length > 0;
  const text = (role: GatewayRole): string => renderGatewayConfig(inputOf(spec, store, workers, role));
  const withStore = !blocked && store !== undefined && pathStyle === undefined;
  return {
    workers,
    workersAssumed: assumed,
    problems: [
      ...(unfit ? [toProblem(unfit)] : []),
      ...owned,
      ...misshapen,
      ...(pathStyle ? [toProblem(pathStyle)] : []),
    ],
    warnings: [...addressWithoutName(spec), ...ignoredBlocks(spec), ...unsetVariables(spec)],
    profile: PROFILE,
    ...given({
      normal: blocked ? undefined : text("normal"),
      reader: withStore ? text("reader") : undefined,
      exporter: withStore ? text("exporter") : undefined,
    }),
  };
}

function pathStyleOf(version: GatewayVersion, store: RenderStore): VersionProblem | undefined {
  return pathStyleProblem(version, store);
}

function inputOf(spec: GatewayGroupSpec, store: RenderStore | undefined, workers: number, role: GatewayRole) {
  const { endpoint, serverName } = spec.controlPlane;
  return {
    role,
    controlPlane: { endpoint, ...given({ serverName }) },
    ...given({ store: role === "normal" ? undefined : store }),
    exportIntervalSeconds: spec.backup.exportIntervalSeconds,
    workers,
    overrides: spec.gateway.config as JsonObject,
    listeners: listenersOf(spec),
  };
}

/** A block that no gateway reads is most often a misspelt one: what it says would be missed in silence. */
function ignoredBlocks({ gateway }: GatewayGroupSpec): Problem[] {
  return unknownBlocks(gateway.config as JsonObject).map(({ path, meant }) => {
    const field = `spec.gateway.config.${path}`;
    const hint = meant === undefined ? "a plugin of your own may read it" : `is ${meant} meant?`;
    return { reason: "UnknownConfigBlock", field, message: `${field}: the gateway itself ignores this block; ${hint}` };
  });
}

/** [M2] The gateway looks for names alone in the control plane's certificate, where Holdfast's own probe takes an address. */
function addressWithoutName({ controlPlane: { endpoint, serverName } }: GatewayGroupSpec): Problem[] {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : "";
  if (serverName !== undefined || isIP(host.replace(/^\[|\]$/g, "")) === 0) return [];
  const message = `spec.controlPlane.endpoint is an IP address: APISIX accepts only a DNS name in the certificate, so gateways may not connect. Set spec.controlPlane.serverName to a name in it`;
  return [{ reason: "EndpointWithoutName", field: "spec.controlPlane.serverName", message }];
}

/** Settings of the store as the gateway is told them; `forcePathStyle` by the documented default. */
export function storeOf(spec: FallbackStorageSpec): RenderStore | undefined {
  if (spec.type === "S3" && spec.s3) {
    const { region, endpoint, forcePathStyle = endpoint !== undefined, resourceBucket, configBucket } = spec.s3;
    return { type: "S3", region, forcePathStyle, resourceBucket, configBucket, ...given({ endpoint }) };
  }
  if (spec.type === "AzureBlob" && spec.azureBlob) {
    const { accountName, endpoint, resourceContainer, configContainer } = spec.azureBlob;
    return { type: "AzureBlob", accountName, resourceContainer, configContainer, ...given({ endpoint }) };
  }
  return undefined; // the CRD's rules forbid it
}

const BUILT_IN: readonly number[] = Object.values(GATEWAY_PORTS);

/** Further ports of the Service whose names begin with http or https are opened; others are the user's stream ports. */
function listenersOf({ traffic }: GatewayGroupSpec): Listeners {
  const further = traffic.service.ports.filter((p) => p.protocol === "TCP" && !BUILT_IN.includes(p.targetPort));
  const ports = (wanted: (name: string) => boolean) => [
    ...new Set(further.filter(({ name }) => wanted(name)).map(({ targetPort }) => targetPort)),
  ];
  const https = ports((name) => /^https(-|$)/.test(name));
  const http = ports((name) => /^http(-|$)/.test(name));
  return { ...(http.length > 0 ? { http } : {}), ...(https.length > 0 ? { https } : {}) };
}

/** spec.gateway.workers, else the CPU limit, else the CPU request, rounded up; else two, which is told. */
export function workersOf({ gateway }: GatewayGroupSpec): { workers: number; assumed: boolean } {
  if (gateway.workers !== undefined) return { workers: gateway.workers, assumed: false };
  const cpu = cores(gateway.resources.limits?.["cpu"]) ?? cores(gateway.resources.requests?.["cpu"]);
  return cpu === undefined ? { workers: 2, assumed: true } : { workers: Math.max(1, Math.ceil(cpu)), assumed: false };
}

/** A quantity of CPU; undefined for none, or for one that is no amount. */
function cores(quantity: string | number | undefined): number | undefined {
  const billionths = quantityInBillionths(quantity);
  return billionths === undefined || billionths <= 0n ? undefined : Number(billionths) / 1e9;
}

const REASON = {
  VersionUnknown: "InvalidImage",
  VersionContradicts: "InvalidImage",
  UnsupportedVersion: "UnsupportedVersion",
  PathStyleUnsupported: "PathStyleUnsupported",
} as const satisfies Record<VersionProblem["reason"], string>;

const toProblem = ({ reason, message }: VersionProblem): Problem => ({
  reason: REASON[reason],
  field: reason === "PathStyleUnsupported" ? "spec.fallback.storageRef" : "spec.gateway.image",
  message,
});
