import { expect, test } from "vitest";
import { readChildren } from "../../../operator/observe/cluster/children.ts";
import { caches, type Loose, metadata, pod } from "../objects.ts";

const labels = { "holdfast.dev/group": "edge" };
const template = (config: string) => ({
  metadata: { annotations: { "holdfast.dev/proof-key": "key-1" } },
  spec: { containers: [], volumes: [{ name: "normal", configMap: { name: config } }] },
});
const deployment = (name: string, change: (object: Loose) => void = () => undefined): Loose => {
  const object = {
    metadata: metadata(name, { labels, generation: 4, annotations: { a: "b" }, managedFields: [{ manager: "x" }] }),
    spec: { replicas: 3, template: template("cfg-wanted") },
    status: { observedGeneration: 4 },
  };
  change(object);
  return object;
};
const replicaSet = (name: string, owner: string, config: string, replicas = 2): Loose => ({
  metadata: metadata(name, {
    labels: { ...labels, "pod-template-hash": name },
    annotations: { "deployment.kubernetes.io/revision": "5" },
    ownerReferences: [{ controller: true, uid: `uid-${owner}` }],
  }),
  spec: { replicas, template: template(config) },
  status: { replicas: 1 },
});

const read = (objects: Loose, met: Loose = { strangers: [] }) => readChildren(caches(objects), "gw/edge", "edge", met);

test("the traffic Deployment with its ReplicaSets", () => {
  const { traffic, backup, byName } = read({
    deployments: [deployment("edge")],
    replicaSets: [replicaSet("rs1", "edge", "cfg-1"), replicaSet("rs2", "edge-backup", "cfg-2")],
  });
  expect(traffic).toMatchObject({ name: "edge", replicas: 3, observed: true, paused: false, annotations: { a: "b" } });
  expect(traffic?.replicaSets).toEqual([
    expect.objectContaining({ name: "rs1", revision: 5, replicas: 2, templateHash: "rs1", proofKey: "key-1" }),
  ]);
  expect(backup).toBeUndefined();
  expect(byName.get("Deployment/edge")).toMatchObject({ apiVersion: "apps/v1", kind: "Deployment" });
  expect(byName.get("Deployment/edge")?.metadata).not.toHaveProperty("managedFields");
});

test("a backup pod that was evicted and left behind is no trouble of the exporter's", () => {
  const backup = (change: (p: Loose) => void) =>
    pod("p", (p) => {
      p.metadata.labels["holdfast.dev/role"] = "backup";
      change(p);
    });
  const evicted = backup((p) => (p.status = { phase: "Failed", reason: "Evicted" }));
  const deployments = [deployment("edge-backup")];
  expect(read({ deployments, pods: [evicted] }).backup?.trouble).toBeUndefined();
  const refused = { name: "gateway", restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } };
  const waiting = backup((p) => (p.status.containerStatuses = [refused]));
  expect(read({ deployments, pods: [waiting] }).backup?.trouble).toContain("ImagePullBackOff");
});

const refused = (status: string) => ({
  type: "ReplicaFailure",
  status,
  message: "quota",
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

test.for([
  ["not observed yet", (d: Loose): unknown => (d.status.observedGeneration = 3), { observed: false }],
  ["paused", (d: Loose): unknown => (d.spec.paused = true), { paused: true }],
  ["no replicas are one", (d: Loose) => delete d.spec.replicas, { replicas: 1 }],
  [
    "pods refused",
    (d: Loose): unknown => (d.status.conditions = [refused("True")]),
    { failure: "quota", failureSinceMs: Date.UTC(2026, 0, 1) },
  ],
] as const)("%s", ([, change, expected]) => {
  expect(read({ deployments: [deployment("edge", (d) => void change(d))] }).traffic).toMatchObject(expected);
});

test("pods that were refused before are refused no more", () => {
  const { traffic } = read({
    deployments: [deployment("edge", (d) => Object.assign(d.status, { conditions: [refused("False")] }))],
  });
  expect(traffic).not.toHaveProperty("failure");
  expect(traffic).not.toHaveProperty("failureSinceMs");
});

test("ConfigMaps in use: of pods, of ReplicaSets, of the Deployment itself, projected ones too", () => {
  const using = pod("p", (p) => {
    p.spec.volumes = [
      { name: "a", configMap: { name: "cfg-pod" } },
      { name: "b", projected: { sources: [{ configMap: { name: "cfg-projected" } }] } },
      { name: "c", secret: { secretName: "no" } },
    ];
  });
  const { configsInUse } = read({
    deployments: [deployment("edge")],
    replicaSets: [replicaSet("rs1", "edge", "cfg-old", 0)],
    pods: [using],
  });
  expect([...configsInUse].toSorted()).toEqual(["cfg-old", "cfg-pod", "cfg-projected", "cfg-wanted"]);
});

test("what carries another group's label is not ours; a stranger that is in the cache is none any more", () => {
  const service = (name: string, group: string) => ({
    metadata: metadata(name, { labels: { "holdfast.dev/group": group } }),
    spec: {},
  });
  const strangers = [
    { kind: "Service", name: "edge", adoptable: true },
    { kind: "ConfigMap", name: "edge-start", adoptable: false },
  ];
  const children = read(
    { services: [service("edge", "edge"), service("other", "other")] },
    { strangers, podRefusal: "no" },
  );
  expect([...children.byName.keys()]).toEqual(["Service/edge"]);
  expect(children.strangers).toEqual([strangers[1]]);
  expect(children.podRefusal).toBe("no");
});

const scaled = (manager: string, time: string, fieldsV1: object = { "f:spec": { "f:replicas": {} } }) => ({
  manager,
  time,
  fieldsV1,
});
test.for<[string, Loose[], string | undefined]>([
  ["nobody is told", [], undefined],
  ["an autoscaler", [scaled("kube-controller-manager", "2026-01-01T00:00:02Z")], "kube-controller-manager"],
  ["Holdfast", [scaled("holdfast", "2026-01-01T00:00:02Z")], undefined],
  ["Holdfast, which made it", [scaled("holdfast-create", "2026-01-01T00:00:02Z")], undefined],
  [
    "the newest of two",
    [scaled("kubectl", "2026-01-01T00:00:03Z"), scaled("holdfast-create", "2026-01-01T00:00:02Z")],
    "kubectl",
  ],
  [
    "who writes status alone does not count",
    [scaled("kube-controller-manager", "2026-01-01T00:00:02Z", { "f:status": { "f:replicas": {} } })],
    undefined,
  ],
])("who scaled the Deployment: %s", ([, managedFields, by]) => {
  const { traffic } = read({ deployments: [deployment("edge", (d) => (d.metadata.managedFields = managedFields))] });
  expect(traffic?.scaledBy).toBe(by);
});
