import { expect, test } from "vitest";
import { LABEL } from "../../operator/api/names.ts";
import { desired } from "../../operator/domain/desired/index.ts";
import { ACCEPTED_KEYS } from "../../operator/domain/desired/references.ts";
import type { KubeObject } from "../../operator/domain/facts-cluster.ts";
import { CREDENTIAL_KEYS } from "../../operator/storage/credentials.ts";
import {
  AZURE,
  allOf,
  containerOf,
  type Loose,
  objectOf,
  podSpecOf,
  S3,
  type World,
  wanted,
  world,
} from "./desired-world.ts";

const idOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;

test("a group becomes these objects, what pods need before what lets requests in", () => {
  const found = wanted();
  expect(idOf(found.traffic)).toBe("Deployment edge");
  expect(found.backup && idOf(found.backup)).toBe("Deployment edge-backup");
  expect(found.others.map((object) => idOf(object).replace(/[0-9a-f]{12}$/, "<hash>"))).toEqual([
    "ServiceAccount edge-traffic",
    "ServiceAccount edge-backup",
    "NetworkPolicy edge-backup",
    "ConfigMap edge-normal-<hash>",
    "ConfigMap edge-reader-<hash>",
    "ConfigMap edge-exporter-<hash>",
    "ConfigMap edge-start",
    "PodDisruptionBudget edge",
    "Service edge",
  ]);
  expect(found.problems).toEqual([]);
});

const EVERYTHING: World[] = [
  {},
  { storage: AZURE },
  { spec: { deletionPolicy: "Delete" } },
  { rendered: { reader: undefined as Loose, exporter: undefined as Loose } },
  { spec: { traffic: { podTemplate: { metadata: { labels: { team: "edge" } }, spec: { hostNetwork: true } } } } },
  { spec: { traffic: { service: { type: "LoadBalancer", annotations: { "holdfast.dev/about": "mine" } } } } },
];

test("every object says whose it is, what not to do and where to read more, and carries the hash of itself", () => {
  for (const object of EVERYTHING.flatMap((changes) => allOf(wanted(changes)))) {
    const { labels = {}, annotations = {}, namespace } = object.metadata;
    expect(namespace).toBe("gateways");
    expect(labels[LABEL.group], idOf(object)).toBe("edge");
    expect(labels[LABEL.managedBy]).toBe("holdfast");
    expect(annotations["holdfast.dev/about"]).toMatch(
      /^[A-Z].* of GatewayGroup edge, kept by Holdfast\. .+\. More: kubectl -n gateways describe gatewaygroup edge$/,
    );
    expect(annotations["holdfast.dev/applied-hash"]).toMatch(/^[0-9a-f]{16}$/);
  }
});

test("no object holds a secret: keys are named, never told", () => {
  for (const changes of [{}, { storage: AZURE }]) {
    const found = wanted(changes);
    expect(allOf(found).filter(({ kind }) => kind === "Secret")).toEqual([]);
    for (const { env = [] } of [
      ...podSpecOf(found.traffic).containers,
      ...podSpecOf(found.traffic).initContainers,
      ...podSpecOf(found.backup).containers,
    ]) {
      for (const item of env.filter((each: Loose) => each.name.startsWith("HOLDFAST_STORE_"))) {
        expect(item.value).toBeUndefined();
        expect(item.valueFrom.secretKeyRef.key).toBeTruthy();
      }
    }
  }
});

const references = (template: Loose): { what: string; optional: unknown }[] => [
  ...template.volumes.flatMap((volume: Loose) =>
    [volume.configMap, volume.secret]
      .filter(Boolean)
      .map((source) => ({ what: `volume ${volume.name}`, optional: source.optional })),
  ),
  ...[...template.initContainers, ...template.containers].flatMap((container: Loose) =>
    container.env
      .filter((item: Loose) => item.valueFrom !== undefined)
      .map((item: Loose) => ({
        what: `env ${container.name}/${item.name}`,
        optional: item.valueFrom.secretKeyRef.optional,
      })),
  ),
];

test.for([
  ["S3", {}, 8],
  ["Azure Blob", { storage: AZURE }, 6],
] as const)("every reference of a traffic pod but its images is optional: %s", ([, changes, count]) => {
  const found = references(podSpecOf(wanted(changes).traffic));
  expect(found).toHaveLength(count);
  expect(found.filter(({ optional }) => optional !== true)).toEqual([]);
});

test("no mount of a traffic pod turns into a directory when its Secret or ConfigMap is absent", () => {
  const spec = podSpecOf(wanted().traffic);
  const absentable = spec.volumes.filter((volume: Loose) => volume.configMap || volume.secret);
  const names = absentable.map(({ name }: Loose) => name);
  const bySubPath = [...spec.initContainers, ...spec.containers].flatMap((container: Loose) =>
    container.volumeMounts.filter((mount: Loose) => mount.subPath !== undefined && names.includes(mount.name)),
  );
  expect(bySubPath).toEqual([]);
});

test("the backup pod has no port, no Service selects it, no budget counts it, one runs at a time", () => {
  const found = wanted({ spec: { backup: { podTemplate: { metadata: { labels: { team: "edge" } } } } } });
  const backup = found.backup as Loose;
  const labels = backup.spec.template.metadata.labels;
  const gateway = containerOf(podSpecOf(backup), "gateway");
  expect(gateway.ports).toBeUndefined();
  expect(gateway.env[0]).toEqual({ name: "API7_GATEWAY_GROUP_SHORT_ID", value: "7f3a91-raw" });
  expect(labels).toMatchObject({ "holdfast.dev/license": "excluded", "holdfast.dev/role": "backup", team: "edge" });
  expect(backup.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
  for (const selector of [
    objectOf(found, "Service", "edge").spec.selector,
    objectOf(found, "PodDisruptionBudget", "edge").spec.selector.matchLabels,
    (found.traffic as Loose).spec.selector.matchLabels,
  ]) {
    expect(Object.entries(selector).every(([key, value]) => labels[key] === value)).toBe(false);
  }
  expect(found.traffic).toMatchObject({
    spec: { template: { metadata: { labels: { "holdfast.dev/license": "counted", "holdfast.dev/role": "traffic" } } } },
  });
});

test("no policy selects a traffic pod: the first one would deny all that it does not allow", () => {
  const { podSelector, policyTypes } = objectOf(wanted(), "NetworkPolicy", "edge-backup").spec;
  expect(podSelector.matchLabels).toEqual({ "holdfast.dev/group": "edge" });
  expect(podSelector.matchExpressions[0]).toMatchObject({ key: "holdfast.dev/role", operator: "In" });
  expect(podSelector.matchExpressions[0].values).not.toContain("traffic");
  expect(policyTypes).toEqual(["Ingress"]);
});

test("Retain: what traffic pods need to start has no owner; Delete: everything has one", () => {
  const owned = (changes: World) =>
    allOf(wanted(changes))
      .filter(({ metadata }) => metadata.ownerReferences !== undefined)
      .map((object) => idOf(object).replace(/-[0-9a-f]{12}$/, ""));
  expect(owned({})).toEqual([
    "Deployment edge-backup",
    "ServiceAccount edge-backup",
    "NetworkPolicy edge-backup",
    "ConfigMap edge-exporter",
  ]);
  expect(owned({ spec: { deletionPolicy: "Delete" } })).toHaveLength(11);
  expect(wanted().backup?.metadata.ownerReferences).toEqual([
    {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "GatewayGroup",
      name: "edge",
      uid: world().group.uid,
      controller: true,
      blockOwnerDeletion: false,
    },
  ]);
});

test("under Retain nothing of the traffic template depends on which GatewayGroup object it is: a new one adopts it", () => {
  const other = world();
  const again = desired({ ...other, group: { ...other.group, uid: "another", resourceVersion: "99" } }, NORMAL_3);
  expect(again.traffic).toEqual(wanted().traffic);
});
const NORMAL_3 = { mode: "Normal", epoch: 3, proofs: {}, frozen: false } as const;

test("the traffic Deployment never carries replicas", () => {
  for (const changes of EVERYTHING) expect((wanted(changes).traffic as Loose).spec).not.toHaveProperty("replicas");
});

test("a roll starts a pod before it ends one, and a pod drains before it ends", () => {
  const { spec } = wanted({ spec: { traffic: { drainSeconds: 45 } } }).traffic as Loose;
  expect(spec).toMatchObject({
    minReadySeconds: 5,
    revisionHistoryLimit: 3,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
  });
  const gateway = containerOf(spec.template.spec, "gateway");
  expect(gateway.lifecycle).toEqual({ preStop: { sleep: { seconds: 45 } } });
  expect(spec.template.spec.terminationGracePeriodSeconds).toBe(45 + 240 + 10);
  expect(gateway.readinessProbe.tcpSocket).toEqual({ port: 9080 });
  expect(gateway.livenessProbe).toBeUndefined();
  expect(gateway.imagePullPolicy).toBe("IfNotPresent");
});

test("the start choice gets what it decides by, and can hardly fail for lack of memory", () => {
  const found = wanted({ spec: { controlPlane: { ...CONTROL_PLANE, serverName: "dp.example.org" } } });
  const choose = containerOf(podSpecOf(found.traffic), "choose");
  expect(podSpecOf(found.traffic).initContainers[0]).toBe(choose);
  expect(choose.args).toEqual(["choose"]);
  expect(choose.resources.requests.memory).toBe(choose.resources.limits.memory);
  expect(choose.env.slice(0, 3)).toEqual([
    { name: "HOLDFAST_TEMPLATE_HASH", value: found.proofKey },
    { name: "HOLDFAST_CP_ENDPOINT", value: "https://dp-manager.api7.svc:7943" },
    { name: "HOLDFAST_CP_SERVER_NAME", value: "dp.example.org" },
  ]);
  expect(choose.volumeMounts.map(({ name, mountPath }: Loose) => `${name} ${mountPath}`)).toEqual([
    "start /holdfast/start",
    "normal /holdfast/normal",
    "fallback /holdfast/fallback",
    "cp-cert /holdfast/cp-cert",
    "conf /holdfast/conf",
  ]);
  const config = containerOf(podSpecOf(found.traffic), "gateway").volumeMounts.find(
    ({ name }: Loose) => name === "conf",
  );
  expect(config).toMatchObject({ mountPath: "/usr/local/apisix/conf/config.yaml", subPath: "config.yaml" });
});
const CONTROL_PLANE = {
  endpoint: "https://dp-manager.api7.svc:7943",
  clientCertificateRef: { name: "edge-dp-cert" },
};

test("the start ConfigMap says mode, epoch and proofs, always in the same order", () => {
  const proof = { verifiedAt: "2026-11-21T11:00:00Z", digest: "sha256:ab" };
  const text = (proofs: Loose) =>
    objectOf(wanted({}, { mode: "Fallback", epoch: 7, proofs }), "ConfigMap", "edge-start").data;
  expect(text({ b: proof, a: proof })).toEqual(text({ a: proof, b: proof }));
  expect(JSON.parse(text({ a: proof })["start.json"])).toEqual({ mode: "Fallback", epoch: 7, proofs: { a: proof } });
});

test("one look may be decided twice: only what is told differs", () => {
  const facts = world();
  const calm = desired(facts, NORMAL_3);
  const cold = desired(facts, { ...NORMAL_3, epoch: 4, frozen: true });
  const changed = calm.others.filter((object, index) => object !== cold.others[index]).map(idOf);
  expect(changed).toEqual(["ConfigMap edge-start", "PodDisruptionBudget edge"]);
  expect(cold).toEqual(desired(world(), { ...NORMAL_3, epoch: 4, frozen: true }));
});

test("frozen: the budget lets no pod go, and an unready pod never blocks a drain", () => {
  const budget = (frozen: boolean) => objectOf(wanted({}, { frozen }), "PodDisruptionBudget", "edge").spec;
  expect(budget(false)).toMatchObject({ maxUnavailable: "10%", unhealthyPodEvictionPolicy: "AlwaysAllow" });
  expect(budget(true).maxUnavailable).toBe(0);
});

test("rendered configurations are immutable and named by their content", () => {
  const name = (normal: string) =>
    wanted({ rendered: { normal } }).others.find(({ metadata }) => /-normal-/.test(metadata.name));
  expect(name("a: 1\n")).toMatchObject({ immutable: true, data: { "config.yaml": "a: 1\n" } });
  expect(name("a: 1\n")?.metadata.name).not.toBe(name("a: 2\n")?.metadata.name);
});

test.for([
  ["the Service when it is disabled", { spec: { traffic: { service: { enabled: false } } } }, "Service edge"],
  ["the exporter when it is disabled", { spec: { backup: { enabled: false } } }, "Deployment edge-backup"],
  ["the exporter without a configuration", { rendered: { exporter: undefined as Loose } }, "Deployment edge-backup"],
] as const)("left out: %s", ([, changes, id]) => {
  expect(allOf(wanted()).map(idOf)).toContain(id);
  expect(allOf(wanted(changes as World)).map(idOf)).not.toContain(id);
});

test("without a storage a group still gets its traffic pods, which know of no snapshot", () => {
  const found = wanted({
    rendered: { reader: undefined as Loose, exporter: undefined as Loose },
    facts: { storage: { seen: "absent", name: "eu" } },
  });
  expect(found.keep).toBeUndefined();
  const spec = podSpecOf(found.traffic);
  expect(spec.volumes.map(({ name }: Loose) => name)).not.toContain("fallback");
  expect(JSON.stringify(spec)).not.toContain("HOLDFAST_STORE_");
});

test.for([
  ["the documented names", S3, ["accessKeyId", "secretAccessKey"], ["accessKeyId", "secretAccessKey"]],
  [
    "the other accepted names",
    S3,
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ],
  ["a mixture", S3, ["accessKeyId", "AWS_SECRET_ACCESS_KEY"], ["accessKeyId", "AWS_SECRET_ACCESS_KEY"]],
  ["neither: the documented ones", S3, ["user"], ["accessKeyId", "secretAccessKey"]],
  ["Azure's other name", AZURE, ["AZURE_STORAGE_KEY"], ["AZURE_STORAGE_KEY"]],
] as const)("storage keys are taken from the names that the Secret has: %s", ([, storage, keys, expected]) => {
  const env = containerOf(podSpecOf(wanted({ storage, reader: { keys } as Loose }).traffic), "gateway").env;
  const used = env.flatMap((item: Loose) => item.valueFrom?.secretKeyRef.key ?? []);
  expect(used).toEqual(expected);
});

test("the names accepted here are those of the storage boundary", () => {
  expect(ACCEPTED_KEYS).toEqual({ ...CREDENTIAL_KEYS.S3, ...CREDENTIAL_KEYS.AzureBlob });
});

test("the user's Service is as written, its annotations included; Holdfast's own words win", () => {
  const { metadata, spec } = objectOf(
    wanted({
      spec: {
        traffic: {
          service: {
            type: "LoadBalancer",
            ports: [{ name: "http", port: 8080, targetPort: 9080, nodePort: 30080 }],
            annotations: { "lb.example.org/type": "nlb", "holdfast.dev/about": "mine" },
            loadBalancerClass: "example.org/nlb",
            externalTrafficPolicy: "Local",
          },
        },
      },
    }),
    "Service",
    "edge",
  );
  expect(spec).toEqual({
    type: "LoadBalancer",
    selector: { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" },
    ports: [{ name: "http", port: 8080, targetPort: 9080, protocol: "TCP", nodePort: 30080 }],
    loadBalancerClass: "example.org/nlb",
    externalTrafficPolicy: "Local",
  });
  expect(metadata.annotations["lb.example.org/type"]).toBe("nlb");
  expect(metadata.annotations["holdfast.dev/about"]).not.toBe("mine");
});
