// Which objects a group becomes, whose they are, and what is told in them.
import { expect, test } from "vitest";
import { LABEL } from "../../../operator/api/names.ts";
import { desired } from "../../../operator/domain/desired/index.ts";
import type { KubeObject } from "../../../operator/domain/facts/cluster.ts";
import { AZURE, allOf, type Loose, objectOf, podSpecOf, type World, wanted, world } from "./world.ts";

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

test("no object holds a secret: a Secret is named, never told", () => {
  for (const changes of [{}, { storage: AZURE }]) {
    const found = wanted(changes);
    expect(allOf(found).filter(({ kind }) => kind === "Secret")).toEqual([]);
    for (const spec of [podSpecOf(found.traffic), podSpecOf(found.backup)])
      for (const { env = [] } of [...spec.containers, ...spec.initContainers])
        expect(env.filter((item: Loose) => item.valueFrom !== undefined)).toEqual([]);
  }
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
