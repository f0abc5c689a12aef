import { expect, test } from "vitest";
import type { Role } from "../../../operator/api/names.ts";
import { canaryPod, rehearsalPod, witnessPod } from "../../../operator/domain/desired/throwaway-pods.ts";
import type { Facts } from "../../../operator/domain/facts/facts.ts";
import { containerOf, type Loose, type World, wanted, world } from "./world.ts";

const LOAD = {
  digest: "sha256:ab",
  suffix: "t1",
  expectedCounts: { services: 1, routes: 3 },
  readerSecretVersion: "100",
};
const rehearsal = (changes: World = {}, options = {}): Loose =>
  rehearsalPod(world(changes), wanted(changes), { ...LOAD, ...options });
const canary = (changes: World = {}): Loose => canaryPod(world(changes), wanted(changes), LOAD);
const witness = (changes: World = {}, options = {}): Loose =>
  witnessPod(world(changes), wanted(changes), { suffix: "t1", ...options });

test.for([
  ["rehearsal", rehearsal, "excluded"],
  ["canary", canary, "counted"],
  ["witness", witness, "excluded"],
] as const)("a %s pod is no traffic pod to anybody", ([role, make, license]) => {
  const found = wanted({ spec: { traffic: { podTemplate: { metadata: { labels: { app: "gw" } } } } } });
  const pod = make({ spec: { traffic: { podTemplate: { metadata: { labels: { app: "gw" } } } } } });
  const selector = (found.traffic as Loose).spec.selector.matchLabels;
  expect(pod.metadata.name).toBe(`edge-${role}-t1`);
  expect(pod.metadata.labels).toMatchObject({ "holdfast.dev/role": role, "holdfast.dev/license": license, app: "gw" });
  expect(Object.entries(selector).every(([key, value]) => pod.metadata.labels[key] === value)).toBe(false);
  expect(pod.metadata.ownerReferences).toHaveLength(1);
  expect(pod.spec).toMatchObject({ restartPolicy: "Never", automountServiceAccountToken: false });
  expect(pod.spec.readinessGates).toHaveLength(1); // a Service of the user's that selects app=gw must not reach it
  expect(pod.spec.serviceAccountName).toBe("edge-traffic");
});

const budget = (...roles: Role[]): Facts["neighbours"] => ({
  seen: [{ kind: "PodDisruptionBudget", name: "b", wanted: roles, live: [], meant: false, unready: false }],
  unread: [],
});
test.for<[string, Facts["neighbours"], boolean]>([
  ["nobody's budget selects them", { seen: [], unread: [] }, true],
  ["a budget of the traffic pods alone", budget("traffic"), true],
  [
    "a budget selects them, too: it would count the group's replicas twice",
    budget("traffic", "rehearsal", "canary", "witness"),
    false,
  ],
  ["budgets cannot be read", { seen: [], unread: ["PodDisruptionBudget"] }, false],
])("throw-away pods have a controller, so that a drain passes: %s", ([, neighbours, controller]) => {
  for (const make of [rehearsal, canary, witness]) {
    const [owner] = make({ facts: { neighbours } }).metadata.ownerReferences;
    expect(owner).toMatchObject({ kind: "GatewayGroup", name: "edge", blockOwnerDeletion: false });
    expect(owner.controller ?? false).toBe(controller);
  }
});

test("throw-away pods have the podTemplate's annotations, but for those of Holdfast's own", () => {
  const annotations = { "sidecar.istio.io/inject": "true", "vault.hashicorp.com/role": "gw" };
  const changes = { spec: { traffic: { podTemplate: { metadata: { annotations } } } } };
  for (const make of [rehearsal, canary, witness]) {
    const found = make(changes).metadata.annotations;
    expect(found).toMatchObject(annotations);
    expect(found["holdfast.dev/about"]).toMatch(/^(Throw-away gateway|Short look)/);
    expect(found).not.toHaveProperty(["holdfast.dev/client-certificate-version"]);
  }
  expect(witness(changes).metadata.annotations).not.toHaveProperty(["holdfast.dev/proof-key"]);
});

test("a rehearsal loads the candidate with the reader's configuration, beside who counts", () => {
  const pod = rehearsal();
  const gateway = containerOf(pod.spec, "gateway");
  expect(pod.spec.containers.map(({ name }: Loose) => name)).toEqual(["rehearse"]);
  const configure = containerOf(pod.spec, "choose");
  expect(pod.spec.initContainers).toEqual([configure, gateway]);
  expect(configure.args).toEqual(["choose", "--configure"]);
  expect(configure.volumeMounts[0]).toMatchObject({ name: "fallback", mountPath: "/holdfast/fallback" });
  expect(gateway.restartPolicy).toBe("Always");
  expect(gateway.env[0].value).toBe("7f3a91-candidate");
  expect(gateway.volumeMounts[0]).toMatchObject({ name: "conf", subPath: "config.yaml" });
  for (const gone of ["ports", "lifecycle", "readinessProbe", "startupProbe"]) expect(gateway).not.toHaveProperty(gone);
  const { args, env } = containerOf(pod.spec, "rehearse");
  expect(args).toEqual(["choose", "--rehearse"]);
  expect(env).toEqual([
    { name: "HOLDFAST_CONTROL_API", value: "http://127.0.0.1:9090" },
    { name: "HOLDFAST_EXPECTED_COUNTS", value: '{"routes":3,"services":1}' },
    { name: "HOLDFAST_REHEARSAL_SECONDS", value: "60" },
  ]);
  expect(pod.spec.activeDeadlineSeconds).toBe(120);
  expect(pod.metadata.annotations).toMatchObject({
    "holdfast.dev/digest": "sha256:ab",
    "holdfast.dev/proof-key": wanted().proofKey,
    "holdfast.dev/reader-secret-version": "100",
  });
});

test("it has what a gateway may load with: token, identity, shared processes; a witness has no token", () => {
  const podSpec = { automountServiceAccountToken: true, serviceAccountName: "mine", shareProcessNamespace: true };
  const changes = { spec: { traffic: { podTemplate: { spec: podSpec } } } };
  for (const make of [rehearsal, canary]) expect(make(changes).spec).toMatchObject(podSpec);
  expect(witness(changes).spec).toMatchObject({ automountServiceAccountToken: false, serviceAccountName: "mine" });
});

test("a proof of the verified pair reads the very key that traffic pods read", () => {
  expect(containerOf(rehearsal({}, { objectKey: "verified" }).spec, "gateway").env[0].value).toBe("7f3a91");
});

test("but for the file and the key, the rehearsed gateway is the traffic pods' own, overrides included", () => {
  const changes: World = {
    spec: {
      traffic: {
        podTemplate: {
          spec: {
            initContainers: [
              { name: "plugins", image: "plugins:1", volumeMounts: [{ name: "extra", mountPath: "/out" }] },
            ],
            containers: [
              {
                name: "gateway",
                env: [{ name: "EXTRA", value: "1" }],
                volumeMounts: [{ name: "extra", mountPath: "/plugins" }],
              },
              { name: "logs", image: "logs:1", volumeMounts: [{ name: "spool", mountPath: "/spool" }] },
            ],
            volumes: [
              { name: "extra", emptyDir: {} },
              { name: "spool", emptyDir: {} },
            ],
          },
        },
      },
    },
  };
  const pod = rehearsal(changes);
  const traffic = containerOf((wanted(changes) as Loose).template.spec, "gateway");
  const { env, volumeMounts, ...rest } = containerOf(pod.spec, "gateway");
  expect(rest).toMatchObject({ image: traffic.image, resources: traffic.resources });
  expect(env.slice(1)).toEqual(traffic.env.slice(1));
  expect(volumeMounts.slice(1)).toEqual(traffic.volumeMounts.slice(1));
  expect(pod.spec.initContainers.map(({ name }: Loose) => name)).toEqual(["choose", "plugins", "gateway"]);
  expect(pod.spec.volumes.map(({ name }: Loose) => name)).toEqual([
    "conf",
    "fallback",
    "holdfast-store-keys",
    "cp-cert",
    "instance",
    "extra",
  ]);
});

test("a canary starts from the control plane, under the group's own short id", () => {
  const gateway = containerOf(canary().spec, "gateway");
  expect(gateway.env[0].value).toBe("7f3a91");
  expect(gateway.volumeMounts[0]).toMatchObject({ name: "normal", subPath: "config.yaml" });
});

test("what runs can be proven while something else is wanted", () => {
  const old = wanted();
  const changes: World = { spec: { gateway: { image: "api7/api7-ee-3-gateway:3.9.14" } } };
  const template = structuredClone(old.template) as Loose; // as a ReplicaSet has it
  template.metadata.labels["pod-template-hash"] = "5f8d";
  const pod = rehearsal(changes, { template });
  expect(pod.metadata.labels).not.toHaveProperty("pod-template-hash");
  expect(containerOf(pod.spec, "gateway").image).toBe("api7/api7-ee-3-gateway:3.9.13");
  expect(pod.metadata.annotations["holdfast.dev/proof-key"]).toBe(old.proofKey);
});

test("what a Holdfast made that handed keys on by the environment is rehearsed as it runs", () => {
  const template = structuredClone(wanted().template) as Loose;
  template.spec.volumes = template.spec.volumes.filter(({ name }: Loose) => name !== "holdfast-store-keys");
  const key = { name: "HOLDFAST_STORE_ACCESS_KEY", valueFrom: { secretKeyRef: { name: "gw-s3", key: "accessKeyId" } } };
  containerOf(template.spec, "gateway").env.push(key);
  const { initContainers } = rehearsal({}, { template }).spec;
  expect(initContainers.map(({ name }: Loose) => name)).toEqual(["gateway"]);
  expect(initContainers[0].volumeMounts[0]).toMatchObject({ name: "fallback", subPath: "config.yaml" });
  expect(initContainers[0].env).toContainEqual(key);
});

test("no configuration to load from, no rehearsal", () => {
  expect(rehearsal({ rendered: { reader: undefined as Loose } })).toBeUndefined();
});

const PLACED: World = {
  spec: {
    traffic: {
      podTemplate: {
        spec: {
          nodeSelector: { pool: "edge" },
          tolerations: [{ key: "edge", operator: "Exists" }],
          affinity: {
            podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] },
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] },
                  { matchExpressions: [{ key: "zone", operator: "In", values: ["b"] }] },
                ],
              },
            },
          },
        },
      },
    },
  },
};

test("a witness asks from where gateways run, and needs nothing but perhaps a certificate", () => {
  const { spec } = witness(PLACED);
  expect(spec).toMatchObject({
    nodeSelector: { pool: "edge" },
    tolerations: [{ key: "edge", operator: "Exists" }],
    activeDeadlineSeconds: 60,
  });
  expect(spec.containers).toHaveLength(1);
  expect(spec.containers[0].args).toEqual(["choose", "--probe"]);
  expect(spec.containers[0].env).toEqual([{ name: "HOLDFAST_CP_ENDPOINT", value: "https://dp-manager.api7.svc:7943" }]);
  expect(spec.volumes).toEqual([{ name: "cp-cert", secret: { secretName: "edge-dp-cert", optional: true } }]);
  expect(spec).not.toHaveProperty("initContainers");
});

test("two witnesses keep apart where they can, beside what the user wants of places", () => {
  const term = {
    topologyKey: "kubernetes.io/hostname",
    labelSelector: { matchLabels: { "holdfast.dev/group": "edge", "holdfast.dev/role": "witness" } },
  };
  const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] };
  expect(witness().spec.affinity).toEqual({ podAntiAffinity: preferred });
  const { nodeAffinity, podAntiAffinity } = witness(PLACED).spec.affinity;
  expect(nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms).toHaveLength(2);
  expect(podAntiAffinity).toEqual(preferred);
});

test("the same attempt is the same pod", () => {
  expect(rehearsal()).toEqual(rehearsal({}, { expectedCounts: { routes: 3, services: 1 } }));
});

test("resources of the choose container reach every container of Holdfast's own, as a quota or LimitRange may ask", () => {
  const resources = { limits: { cpu: "100m", memory: "128Mi" }, requests: { memory: "128Mi" } };
  const podTemplate = { spec: { initContainers: [{ name: "choose", resources }] } };
  const changes = { spec: { traffic: { podTemplate }, backup: { podTemplate } } };
  const found = wanted(changes);
  expect(found.problems).toEqual([]);
  const merged = { requests: { cpu: "50m", memory: "128Mi" }, limits: { cpu: "100m", memory: "128Mi" } };
  const of = (containers: Loose[], name: string) => containers.find((one) => one.name === name)?.resources;
  const { initContainers } = (found.traffic as Loose).spec.template.spec;
  expect(of(initContainers, "choose")).toEqual(merged);
  expect(of((found.backup as Loose).spec.template.spec.initContainers, "choose")).toEqual(merged);
  expect(of(rehearsal(changes).spec.initContainers, "choose")).toEqual(merged);
  expect(of(rehearsal(changes).spec.containers, "rehearse")).toEqual(merged);
  expect(of(canary(changes).spec.containers, "rehearse")).toEqual(merged);
  expect(of(witness(changes).spec.containers, "witness")).toEqual(merged);
  expect(found.proofKey, "what a gateway loads is the same").toBe(wanted({}).proofKey);
  const byDefault = { requests: { cpu: "50m", memory: "192Mi" }, limits: { memory: "192Mi" } };
  expect(of(witness().spec.containers, "witness")).toEqual(byDefault);
});
