import { identityOf } from "../evidence/endpoint.ts";
import type { KubeTemplate } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { given, type JsonObject, named, objectsAt, textAt } from "../values/json.ts";
import { CONTAINER, VOLUME } from "./common.ts";
import type { ConfigNames } from "./references.ts";

/** Key of every rendered ConfigMap. */
export const CONFIG_KEY = "config.yaml";
/** Where `choose` finds what it decides by, and where it writes. Its own side of this contract: operator/choose.ts. */
const HOLDFAST = "/holdfast";

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

/**
 * Starts from what stands in the volume `conf`. No storage key is in its environment: whoever may write a route could
 * read it there.
 */
export function gatewayContainer(facts: Facts, shortID: string): JsonObject {
  const { profile, workers } = facts.rendered;
  const { image, resources } = facts.group.spec.gateway;
  return {
    name: CONTAINER.gateway,
    image,
    imagePullPolicy: "IfNotPresent",
    env: [
      { name: profile.env.shortID, value: shortID },
      { name: profile.env.workers, value: String(workers) },
    ],
    resources: { ...given("requests", resources.requests), ...given("limits", resources.limits) },
    securityContext: RESTRICTED,
    volumeMounts: gatewayMounts(facts),
  };
}

function gatewayMounts({ rendered: { profile } }: Facts): JsonObject[] {
  const { configPath, certificateDir, caPath, instanceIdPath, writablePaths } = profile;
  const caDir = caPath.slice(0, caPath.lastIndexOf("/"));
  return [
    ...writablePaths.map((mountPath, index) => ({ name: scratch(index), mountPath })),
    { name: VOLUME.conf, mountPath: configPath, subPath: CONFIG_KEY, readOnly: true },
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

const confMount: JsonObject = { name: VOLUME.conf, mountPath: `${HOLDFAST}/conf` };
const storeMount: JsonObject = { name: VOLUME.storeKeys, mountPath: `${HOLDFAST}/store`, readOnly: true };

/** Where the gateway's config.yaml is written. In memory: with storage keys in it, it must not get onto a disk. */
export const confVolume: JsonObject = { name: VOLUME.conf, emptyDir: { medium: "Memory", sizeLimit: "4Mi" } };

/** The storage keys of a role; mounted by Holdfast's own container alone. */
export const storeVolume = (secret: string | undefined, optional: boolean): JsonObject[] =>
  secret === undefined
    ? []
    : [{ name: VOLUME.storeKeys, secret: { secretName: secret, ...(optional ? { optional } : {}) } }];

/** The start choice. */
export function chooseContainer(
  facts: Facts,
  proofKey: string,
  configs: ConfigNames,
  secret: string | undefined,
): JsonObject {
  const readOnly = (name: string) => ({ name, mountPath: `${HOLDFAST}/${name}`, readOnly: true });
  return {
    ...ownContainer(facts, CONTAINER.choose, ["choose"]),
    env: [{ name: "HOLDFAST_TEMPLATE_HASH", value: proofKey }, ...controlPlaneEnv(facts)],
    volumeMounts: [
      readOnly(VOLUME.start),
      ...(configs.normal === undefined ? [] : [readOnly(VOLUME.normal)]),
      ...(configs.reader === undefined ? [] : [readOnly(VOLUME.fallback)]),
      certificateMount,
      ...(secret === undefined ? [] : [storeMount]),
      confMount,
    ],
  };
}

/** Where there is nothing to choose: writes the one configuration of an exporter or a rehearsal, keys included. */
export function configureContainer(facts: Facts, config: string, withKeys: boolean): JsonObject {
  return {
    ...ownContainer(facts, CONTAINER.choose, ["choose", "--configure"]),
    volumeMounts: [
      { name: config, mountPath: `${HOLDFAST}/fallback`, readOnly: true },
      ...(withKeys ? [storeMount] : []),
      confMount,
    ],
  };
}
