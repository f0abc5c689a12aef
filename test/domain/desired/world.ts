// A healthy group to start from: each test changes one thing.
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../../operator/api/gateway-group.ts";
import type { Publication } from "../../../operator/domain/desired/config-maps.ts";
import { type Desired, desired } from "../../../operator/domain/desired/index.ts";
import type { KubeObject } from "../../../operator/domain/facts/cluster.ts";
import type { Facts, Rendered, SecretFact } from "../../../operator/domain/facts/facts.ts";
import { REFUSED_ENV } from "../../../operator/gateway/api7/refused-env.ts";

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects, looked at field by field in tests
export type Loose = any;

export interface World {
  spec?: Loose;
  storage?: Loose;
  rendered?: Partial<Rendered>;
  facts?: Partial<Facts>;
  reader?: Partial<SecretFact>;
  writer?: Partial<SecretFact>;
  client?: Partial<SecretFact>;
  chooseImage?: string;
}

export const NOW_MS = Date.parse("2026-11-21T12:00:00Z");

export const S3 = {
  type: "S3",
  s3: { region: "eu-west-1", resourceBucket: "acme-resources", configBucket: "acme-config" },
  credentials: { secretRef: { name: "gw-s3" } },
};
export const AZURE = {
  type: "AzureBlob",
  azureBlob: { accountName: "acmegw", resourceContainer: "resources", configContainer: "config" },
  credentials: { secretRef: { name: "gw-azure" } },
};

export function groupSpec(changes: Loose = {}): GatewayGroupSpec {
  return GatewayGroupSpec.parse({
    shortID: "7f3a91",
    gateway: { image: "api7/api7-ee-3-gateway:3.9.13" },
    controlPlane: { endpoint: "https://dp-manager.api7.svc:7943", clientCertificateRef: { name: "edge-dp-cert" } },
    fallback: { storageRef: { name: "eu" } },
    ...changes,
  });
}

export const PROFILE: Rendered["profile"] = {
  configPath: "/usr/local/apisix/conf/config.yaml",
  writablePaths: [],
  instanceIdPath: "/usr/local/apisix/conf/apisix.uid",
  certificateDir: "/etcd-ssl",
  caPath: "/etcd-ssl/ca.crt",
  runAsUser: 636,
  runAsGroup: 636,
  ports: { http: 9080, https: 9443, status: 7085, control: 9090 },
  refusedEnv: REFUSED_ENV,
  env: { shortID: "API7_GATEWAY_GROUP_SHORT_ID", workers: "APISIX_WORKER_PROCESSES" },
  connectedLateMs: 30_000,
  loadedCommand: ["/bin/sh", "-c", "loaded?"],
};

const present = (name: string, keys: readonly string[]): SecretFact => ({
  seen: "present",
  name,
  resourceVersion: "100",
  keys,
});

export function world(changes: World = {}): Facts {
  const storage = FallbackStorageSpec.parse(changes.storage ?? S3);
  const secret = storage.credentials?.secretRef.name ?? "";
  const keys = storage.type === "S3" ? ["accessKeyId", "secretAccessKey"] : ["accountKey"];
  return {
    nowMs: NOW_MS,
    monoMs: 0,
    watches: { oldest: "Pod in gateways", staleForMs: 0 },
    group: {
      namespace: "gateways",
      name: "edge",
      uid: "3f0c5a52-1111-4222-8333-444455556666",
      resourceVersion: "1",
      generation: 1,
      annotations: {},
      spec: groupSpec(changes.spec),
      status: { observedGeneration: -1 },
      deleting: false,
      replicasSetBy: "other",
    },
    rendered: {
      normal: "deployment: {role: traditional}\n",
      reader: "deployment: {role: data_plane}\n",
      exporter: "deployment: {role: traditional, fallback_cp: {mode: write}}\n",
      workers: 2,
      workersAssumed: true,
      problems: [],
      warnings: [],
      profile: PROFILE,
      ...changes.rendered,
    },
    storage: { seen: "present", name: "eu", uid: "5b", spec: storage },
    secrets: {
      client: { ...present("edge-dp-cert", ["tls.crt", "tls.key", "ca.crt"]), ...changes.client } as SecretFact,
      writer: { ...present(secret, keys), ...changes.writer } as SecretFact,
      reader: { ...present(secret, keys), ...changes.reader } as SecretFact,
    },
    children: { byName: new Map(), strangers: [], configsInUse: new Set() },
    pods: [],
    helpers: [],
    controlPlane: { operator: { view: "readsOk" } },
    snapshot: { raw: { seen: "absent" }, candidate: { seen: "absent" }, verified: { seen: "absent" } },
    peers: { controlPlanes: 1, controlPlanesLost: 0, moving: 0, sharing: 1, earlierWavesOpen: 0 },
    neighbours: { seen: [], unread: [] },
    operator: { chooseImage: changes.chooseImage ?? "ghcr.io/holdfast/holdfast@sha256:aa", version: "0.1.0" },
    ...changes.facts,
  };
}

export const NORMAL: Publication = { mode: "Normal", epoch: 3, proofs: {}, frozen: false };

export const wanted = (changes: World = {}, publication: Partial<Publication> = {}): Desired =>
  desired(world(changes), { ...NORMAL, ...publication });

/** All objects, the Deployments first. */
export const allOf = (found: Desired): KubeObject[] => [
  found.traffic,
  ...(found.backup === undefined ? [] : [found.backup]),
  ...found.others,
];

export function objectOf(found: Desired, kind: string, name: string): Loose {
  return allOf(found).find((object) => object.kind === kind && object.metadata.name === name);
}

/** The same group a while later: what was wanted then runs now. */
export function running(before: World, now: World = before): Facts {
  const found = wanted(before);
  const facts = world(now);
  const byName = new Map(allOf(found).map((object) => [`${object.kind}/${object.metadata.name}`, object]));
  const workload = (object: KubeObject) => ({
    name: object.metadata.name,
    uid: `uid-of-${object.metadata.name}`,
    resourceVersion: "7",
    replicas: 2,
    observed: true,
    annotations: object.metadata.annotations ?? {},
    paused: false,
    replicaSets: [],
  });
  return {
    ...facts,
    children: {
      ...facts.children,
      byName,
      traffic: workload(found.traffic),
      ...(found.backup === undefined ? {} : { backup: workload(found.backup) }),
    },
  };
}

/** What is wanted `now` of a group that was made as `before`. */
export const afterwards = (before: World, now: World): Desired => desired(running(before, now), NORMAL);

export const podSpecOf = (deployment: Loose): Loose => deployment.spec.template.spec;
export const containerOf = (spec: Loose, name: string): Loose =>
  [...(spec.initContainers ?? []), ...spec.containers].find((container: Loose) => container.name === name);
