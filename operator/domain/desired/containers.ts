import { identityOf } from "../endpoint.ts";
import type { Facts } from "../facts.ts";
import type { KubeTemplate } from "../facts-cluster.ts";
import { given, type JsonObject, named, objectsAt, textAt } from "../json.ts";
import { CONTAINER } from "./common.ts";
import type { ConfigNames, StoreKey } from "./references.ts";

/** Key of every rendered ConfigMap. */
export const CONFIG_KEY = "config.yaml";
/** Where `choose` finds what it decides by, and where it writes. Its own side of this contract: operator/choose.ts. */
const HOLDFAST = "/holdfast";

/** Volumes that Holdfast makes; a podTemplate may add others, not change these. */
export const VOLUME = {
  start: "start",
  normal: "normal",
  fallback: "fallback",
  certificate: "cp-cert",
  conf: "conf",
  instance: "instance",
  config: "config",
} as const;
const scratch = (index: number): string => `scratch-${index}`;
const OWN_NAMES: ReadonlySet<string> = new Set(Object.values(VOLUME));
export const isOwnVolume = (name: unknown): boolean =>
  typeof name === "string" && (OWN_NAMES.has(name) || name.startsWith("scratch-"));

export const RESTRICTED: JsonObject = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };

export function podSecurity({ rendered: { profile } }: Facts): JsonObject {
  return {
    runAsNonRoot: true,
    runAsUser: profile.runAsUser,
    runAsGroup: profile.runAsGroup,
    fsGroup: profile.runAsGroup, // Secrets and emptyDirs belong to root otherwise
    seccompProfile: { type: "RuntimeDefault" },
  };
}

export const configVolume = (volume: string, configMap: string, optional: boolean): JsonObject => ({
  name: volume,
  configMap: {
    name: configMap,
    items: [{ key: CONFIG_KEY, path: CONFIG_KEY }],
    ...(optional ? { optional } : {}),
  },
});

/** The group's client certificate. Optional: an absent Secret must not keep a gateway from starting without it. */
export const certificateVolume = (facts: Facts, optional: boolean): JsonObject => ({
  name: VOLUME.certificate,
  secret: { secretName: facts.group.spec.controlPlane.clientCertificateRef.name, ...(optional ? { optional } : {}) },
});

/** Volumes that the gateway container of every role mounts. */
export function gatewayVolumes(facts: Facts, optional: boolean): JsonObject[] {
  return [
    certificateVolume(facts, optional),
    { name: VOLUME.instance, downwardAPI: { items: [{ path: "uid", fieldRef: { fieldPath: "metadata.uid" } }] } },
    ...facts.rendered.profile.writablePaths.map((_, index) => ({ name: scratch(index), emptyDir: {} })),
  ];
}

export interface GatewayOptions {
  shortID: string;
  storeKeys: readonly StoreKey[];
  /** Volume with a file config.yaml. */
  configVolume: string;
  optional: boolean;
}

export function gatewayContainer(facts: Facts, options: GatewayOptions): JsonObject {
  const { profile, workers } = facts.rendered;
  const { image, resources } = facts.group.spec.gateway;
  return {
    name: CONTAINER.gateway,
    image,
    imagePullPolicy: "IfNotPresent",
    env: [
      { name: profile.env.shortID, value: options.shortID },
      { name: profile.env.workers, value: String(workers) },
      ...storeEnv(options.storeKeys, options.optional),
    ],
    resources: { ...given("requests", resources.requests), ...given("limits", resources.limits) },
    securityContext: RESTRICTED,
    volumeMounts: gatewayMounts(facts, options.configVolume),
  };
}

export const storeEnv = (keys: readonly StoreKey[], optional: boolean): JsonObject[] =>
  keys.map(({ env, secret, key }) => ({
    name: env,
    valueFrom: { secretKeyRef: { name: secret, key, ...(optional ? { optional } : {}) } },
  }));

function gatewayMounts({ rendered: { profile } }: Facts, config: string): JsonObject[] {
  const { configPath, certificateDir, caPath, instanceIdPath, writablePaths } = profile;
  const caDir = caPath.slice(0, caPath.lastIndexOf("/"));
  return [
    ...writablePaths.map((mountPath, index) => ({ name: scratch(index), mountPath })),
    { name: config, mountPath: configPath, subPath: CONFIG_KEY, readOnly: true },
    { name: VOLUME.certificate, mountPath: certificateDir, readOnly: true },
    // As a directory, not by subPath: of a Secret that is not there a subPath would make a directory called ca.crt.
    ...(caDir === certificateDir ? [] : [{ name: VOLUME.certificate, mountPath: caDir, readOnly: true }]),
    { name: VOLUME.instance, mountPath: instanceIdPath, subPath: "uid", readOnly: true },
  ];
}

/**
 * 3x the measured peak of the start choice's bundle (60 MiB resident, of which 42 are Node's own): an init container that
 * is killed for its memory keeps a gateway from starting.
 */
const CHOOSE_MEMORY = "192Mi";

/** Holdfast's own image in a pod of the group. What it needs to know comes by environment and files, never by API. */
export function ownContainer(facts: Facts, name: string, args: readonly string[]): JsonObject {
  return {
    name,
    image: facts.operator.chooseImage,
    imagePullPolicy: "IfNotPresent",
    args: [...args],
    resources: { requests: { cpu: "50m", memory: CHOOSE_MEMORY }, limits: { memory: CHOOSE_MEMORY } },
    securityContext: { ...RESTRICTED, readOnlyRootFilesystem: true },
    terminationMessagePolicy: "File",
  };
}

const CONTROL_PLANE_ENV = { endpoint: "HOLDFAST_CP_ENDPOINT", serverName: "HOLDFAST_CP_SERVER_NAME" } as const;

export function controlPlaneEnv(facts: Facts): JsonObject[] {
  const { endpoint, serverName } = facts.group.spec.controlPlane;
  const name = serverName === undefined ? [] : [{ name: CONTROL_PLANE_ENV.serverName, value: serverName }];
  return [{ name: CONTROL_PLANE_ENV.endpoint, value: endpoint }, ...name];
}

/** The control plane that pods of this template were made for; undefined where it does not say so. */
export function controlPlaneIn(template: KubeTemplate): string | undefined {
  const choose = named(objectsAt(template, "spec", "initContainers"), CONTAINER.choose);
  const env = objectsAt(choose, "env");
  const endpoint = textAt(named(env, CONTROL_PLANE_ENV.endpoint), "value");
  return endpoint === undefined
    ? undefined
    : identityOf(endpoint, textAt(named(env, CONTROL_PLANE_ENV.serverName), "value"));
}

export const certificateMount: JsonObject = {
  name: VOLUME.certificate,
  mountPath: `${HOLDFAST}/cp-cert`,
  readOnly: true,
};

/** The start choice. Its storage keys are only looked at for being there. */
export function chooseContainer(
  facts: Facts,
  proofKey: string,
  configs: ConfigNames,
  keys: readonly StoreKey[],
): JsonObject {
  const readOnly = (name: string) => ({ name, mountPath: `${HOLDFAST}/${name}`, readOnly: true });
  return {
    ...ownContainer(facts, CONTAINER.choose, ["choose"]),
    env: [{ name: "HOLDFAST_TEMPLATE_HASH", value: proofKey }, ...controlPlaneEnv(facts), ...storeEnv(keys, true)],
    volumeMounts: [
      readOnly(VOLUME.start),
      ...(configs.normal === undefined ? [] : [readOnly(VOLUME.normal)]),
      ...(configs.reader === undefined ? [] : [readOnly(VOLUME.fallback)]),
      certificateMount,
      { name: VOLUME.conf, mountPath: `${HOLDFAST}/conf` },
    ],
  };
}
