/** Each kind of step: what it writes, and what it looks at right before. */
import { expect, test } from "vitest";
import type { Step } from "../../operator/domain/plan.ts";
import { KubeError } from "../../operator/kube/errors.ts";
import { apply, create, type Loose, live, object, removal, scale, trafficPod, withHash, world } from "./acting.ts";

test.for([
  ["applied", [live("Service", "edge")], "apply", "uid-edge"],
  ["made", [], "create", "uid-Service/edge"],
] as const)("what the cluster changes in an object that is %s is seen in its answer", async ([, there, verb, uid]) => {
  const { run, client, overridden, results, calls } = world([...there]);
  const through = client[verb] as (...args: Loose[]) => Promise<Loose>;
  client[verb] = async (...args: Loose[]) => ({ ...(await through(...args)), spec: { type: "LoadBalancer" } });
  await run([apply("Service", "edge", { spec: { type: "ClusterIP" } }), apply("ServiceAccount")]);
  expect(overridden).toEqual([`Service/edge ${uid} spec.type`]);
  expect(results[0]).toBe("apply overridden");
  expect(calls, "what comes after it goes on").toContain("create ServiceAccount/edge");
});

test("labels that the cluster sets back as they are written are seen in its answer", async () => {
  const { run, client, overridden, results } = world([live("Deployment", "edge")]);
  const through = client.mergePatch as (...args: Loose[]) => Promise<Loose>;
  client.mergePatch = async (...args: Loose[]) => {
    const made = await through(...args);
    return { ...made, metadata: { ...made.metadata, labels: { ...args[2].metadata.labels, kept: "theirs" } } };
  };
  const labels = { "app.kubernetes.io/instance": "GatewayGroup.edge", kept: "ours" };
  const kind = { apiVersion: "apps/v1", kind: "Deployment", name: "edge", uid: "uid-edge", resourceVersion: "7" };
  await run([{ do: "relabel", ...kind, labels, annotations: {}, why: "x" }]);
  expect(overridden).toEqual(['Deployment/edge uid-edge metadata.labels["kept"]']);
  expect(results[0]).toBe("relabel overridden");
});

test("what is made is checked strictly: a misspelt field is refused by its name, and not dropped", async () => {
  const { run, client, troubles } = world();
  const asked: unknown[] = [];
  client.create = async (_resource, _object, options) => {
    asked.push(options?.strict);
    throw new KubeError("BadRequest", 'strict decoding error: unknown field "spec.template.spec.foo"');
  };
  await run([apply("Deployment"), create("Pod")]);
  expect(asked).toEqual([true, true]);
  expect(troubles[0]).toContain("spec.template.spec.foo");
});

test.for([
  ["a new template that the cluster takes", "new", undefined, ["get Deployment/edge", "apply Deployment/edge"]],
  ["a new template that it refuses is not applied", "new", "violates PodSecurity", []],
  [
    "the same template is not asked about",
    "old",
    "violates PodSecurity",
    ["get Deployment/edge", "apply Deployment/edge"],
  ],
] as const)("%s", async ([, hash, refusal, expected]) => {
  const { run, calls, refuse } = world([live("Deployment", "edge", withHash("old"))]);
  if (refusal) refuse(refusal);
  const wanted = object("Deployment", "edge", withHash(hash));
  wanted.metadata.labels = { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" };
  const acted = await run([{ do: "apply", object: wanted, why: "x" }, apply("Service")]);
  expect(calls.filter((call) => !call.endsWith("Service/edge"))).toEqual(expected);
  expect(calls).toContain("create Service/edge");
  expect(acted.again).toBe(expected.length === 0);
});

test.for([
  ["enough of those that stay serve", [trafficPod("a"), trafficPod("b")], "done"],
  ["one of them turned unready a moment ago", [trafficPod("a"), trafficPod("b", false)], "abandoned"],
  ["one of them is on its way out", [trafficPod("a"), trafficPod("b", true, true)], "abandoned"],
  ["one of them is gone, and another that was not counted on serves", [trafficPod("a"), trafficPod("z")], "abandoned"],
] as const)("before a shrink: %s", async ([, pods, result]) => {
  const { run, results, store } = world([live("Deployment", "edge"), ...pods]);
  const floor = { minServingAfter: 2, staying: ["uid-a", "uid-b"] };
  await run([scale(2, floor), scale(1, floor)]);
  expect(results[0]).toBe(`scale ${result}`);
  expect(store.get("Deployment/edge").spec.replicas).toBe(result === "done" ? 2 : undefined);
  expect(results[1], "what follows a shrink that was abandoned rests on it").toBe(
    result === "done" ? "scale conflict" : "scale blocked",
  );
});

test.for([
  ["the pod that was decided on", { uid: "uid-a", resourceVersion: "7" }, "done"],
  ["another of that name", { uid: "other", resourceVersion: "7" }, "conflict"],
  ["one that changed since", { uid: "uid-a", resourceVersion: "6" }, "conflict"],
] as const)("deleting a pod: %s", async ([, seen, result]) => {
  const { run, results, wrote } = world([trafficPod("a")]);
  await run([{ do: "deletePod", name: "a", why: "stuck", ...seen }]);
  expect(results).toEqual([`deletePod ${result}`]);
  expect(wrote).toEqual(result === "done" ? ["-Pod/a"] : []);
});

test.for([
  [1, 1],
  [undefined, undefined],
])("a pod that is deleted ends within %s s, or as it says itself", async ([graceSeconds, sent]) => {
  const { run, client } = world([trafficPod("a")]);
  const asked: unknown[] = [];
  client.delete = async (...args: Loose[]) => void asked.push(args[3].gracePeriodSeconds);
  const grace = graceSeconds === undefined ? {} : { graceSeconds };
  await run([{ do: "deletePod", name: "a", why: "x", uid: "uid-a", resourceVersion: "7", ...grace }]);
  expect(asked).toEqual([sent]);
});

test("a pod that is gone already is no trouble", async () => {
  const { run, results } = world();
  await run([{ do: "deletePod", name: "a", uid: "u", resourceVersion: "7", why: "stuck" }]);
  expect(results).toEqual(["deletePod alreadyDone"]);
});

test("a ConfigMap that a pod has come to use since is kept", async () => {
  const user = live("Pod", "late", { spec: { volumes: [{ name: "n", configMap: { name: "cfg" } }] } });
  const { run, results } = world([live("ConfigMap", "cfg"), live("ConfigMap", "free"), user]);
  await run([removal("cfg"), removal("free")]);
  expect(results).toEqual(["delete abandoned", "delete done"]);
});

test("a template is put back without the hash that its ReplicaSet added, and a roll that was paused goes back to it", async () => {
  const { run, bodies } = world([live("Deployment", "edge")]);
  const template = { metadata: { labels: { app: "x", "pod-template-hash": "abc" } }, spec: { containers: [] } };
  await run([
    {
      do: "restoreTemplate",
      name: "edge",
      resourceVersion: "7",
      template,
      annotations: { "holdfast.dev/template-hash": "h" },
      why: "outage",
    },
  ]);
  expect(bodies[0]).toEqual([
    { op: "replace", path: "/spec/template", value: { metadata: { labels: { app: "x" } }, spec: { containers: [] } } },
    { op: "add", path: "/spec/paused", value: false },
    { op: "add", path: "/metadata/annotations/holdfast.dev~1template-hash", value: "h" },
  ]);
});

test.for([
  [
    "marking",
    { do: "markPod", name: "a", uid: "uid-a", resourceVersion: "7", cost: "-100", why: "x" },
    { metadata: { annotations: { "controller.kubernetes.io/pod-deletion-cost": "-100" } } },
  ],
  [
    "relabelling",
    {
      do: "relabel",
      apiVersion: "apps/v1",
      kind: "Deployment",
      name: "edge",
      uid: "uid-edge",
      resourceVersion: "7",
      labels: { "app.kubernetes.io/instance": "GatewayGroup.edge" },
      annotations: {},
      why: "x",
    },
    { metadata: { labels: { "app.kubernetes.io/instance": "GatewayGroup.edge" }, annotations: {} } },
  ],
  ["pausing", { do: "pause", name: "edge", resourceVersion: "7", paused: true, why: "x" }, { spec: { paused: true } }],
] as const)("%s writes that alone, guarded", async ([, step, patch]) => {
  const { run, bodies, results } = world([live("Deployment", "edge"), trafficPod("a")]);
  await run([step as Step]);
  expect(bodies).toEqual([patch]);
  await run([step as Step]);
  expect(results[1], "the version has moved on").toContain("conflict");
});
