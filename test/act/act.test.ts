import { expect, test } from "vitest";
import { type ActDeps, act, sameStatus } from "../../operator/act/act.ts";
import { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import type { Facts } from "../../operator/domain/facts.ts";
import type { Plan, PlannedEvent, Step } from "../../operator/domain/plan.ts";
import { createLog } from "../../operator/log.ts";
import { StorageError } from "../../operator/storage/faults.ts";
import { fakeClient } from "./fake-client.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON of many kinds
type Loose = any;

const STATUS = GatewayGroupStatus.parse({ mode: "Normal", summary: "before" });
const LABELS = { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" };
const object = (kind: string, name: string, more: Loose = {}): Loose => ({
  apiVersion: { Deployment: "apps/v1", PodDisruptionBudget: "policy/v1" }[kind] ?? "v1",
  kind,
  ...more,
  metadata: { name, namespace: "gw", labels: LABELS, ...more.metadata },
});
/** As the server holds it. */
const live = (kind: string, name: string, more: Loose = {}) =>
  object(kind, name, { spec: {}, ...more, metadata: { uid: `uid-${name}`, resourceVersion: "7", ...more.metadata } });
const apply = (kind: string, name = "edge", more: Loose = {}): Step => ({
  do: "apply",
  object: object(kind, name, more),
  why: "wanted",
});
const create = (kind: string, name = "edge"): Step => ({ do: "create", object: object(kind, name), why: "wanted" });
const scale = (to: number, floor?: Loose): Step => ({
  do: "scale",
  name: "edge",
  from: 3,
  to,
  resourceVersion: "7",
  why: "wanted",
  ...(floor && { live: floor }),
});
const event = (reason: PlannedEvent["reason"], alsoOnDeployment = false): PlannedEvent => ({
  type: "Normal",
  reason,
  action: "Do",
  message: "done",
  alsoOnDeployment,
});

function world(objects: Loose[] = []) {
  const fake = fakeClient(objects);
  const emitted: string[] = [];
  const results: string[] = [];
  const troubles: string[] = [];
  const wrote: string[] = [];
  const met: string[] = [];
  let refusal: string | undefined;
  let copied: () => Promise<"done"> = async () => "done";
  const deps: ActDeps = {
    client: fake.client,
    events: { emit: async (regarding, planned) => void emitted.push(`${regarding.kind} ${planned.reason}`) },
    counted: (step, result) => void results.push(`${step} ${result}`),
    troubled: (_step, error) => void troubles.push((error as Error).message),
    log: createLog({ write: () => undefined }),
    wrote: (resource, { metadata }) => void wrote.push(`${resource.kind}/${metadata.name}`),
    deleted: (resource, name) => void wrote.push(`-${resource.kind}/${name}`),
    meet: ({ kind, metadata }) => {
      const stranger = metadata.labels?.["holdfast.dev/group"] !== "edge";
      if (stranger) met.push(`${kind}/${metadata.name}`);
      return stranger;
    },
    dryRun: async () => refusal,
    copySnapshot: () => copied(),
  };
  const byName = new Map(objects.map((one) => [`${one.kind}/${one.metadata.name}`, structuredClone(one)]));
  const facts = {
    group: { namespace: "gw", name: "edge", uid: "uid-edge", resourceVersion: "41", status: STATUS },
    children: { byName, traffic: { name: "edge", uid: "uid-d" } },
  } as unknown as Facts;
  const run = (steps: Step[], more: Partial<Plan> = {}, signal = AbortSignal.timeout(5_000)) => {
    const plan: Plan = {
      status: STATUS,
      recordsMode: false,
      steps,
      events: [],
      recheckAfterMs: 1000,
      wants: { podsOften: false, controlPlaneCounts: false },
      ...more,
    };
    return act(plan, facts, deps, signal);
  };
  return {
    ...fake,
    run,
    emitted,
    results,
    troubles,
    wrote,
    met,
    refuse: (why: string) => (refusal = why),
    copy: (how: () => Promise<"done">) => (copied = how),
  };
}

test("nothing to do is nothing written", async () => {
  const { run, calls } = world();
  expect(await run([])).toEqual({ again: false });
  expect(calls).toEqual([]);
});

test("the mode is recorded alone: status first, then events, and no step", async () => {
  const { run, calls, emitted } = world();
  const status = { ...STATUS, mode: "ToFallback" as const };
  const acted = await run([apply("Service")], {
    recordsMode: true,
    status,
    events: [event("ControlPlaneUnreachable", true)],
  });
  expect(calls).toEqual(["status GatewayGroup/edge"]);
  expect(emitted).toEqual(["GatewayGroup ControlPlaneUnreachable", "Deployment ControlPlaneUnreachable"]);
  expect(acted.again).toBe(true);
});

test("a mode that cannot be recorded is not told and not acted on", async () => {
  const { run, fail, emitted, calls } = world();
  fail("status", "Conflict");
  await expect(
    run([apply("Service")], { recordsMode: true, events: [event("ControlPlaneUnreachable")] }),
  ).rejects.toThrow();
  expect(emitted).toEqual([]);
  expect(calls).toEqual(["status GatewayGroup/edge"]);
});

test("steps in their order, then status, then events", async () => {
  const { run, calls, emitted, wrote } = world([live("Deployment", "edge")]);
  const status = { ...STATUS, summary: "after" };
  await run([apply("ConfigMap"), apply("Service"), scale(3)], { status, events: [event("Scaled")] });
  expect(calls).toEqual([
    "create ConfigMap/edge",
    "create Service/edge",
    "scale Deployment/edge",
    "status GatewayGroup/edge",
  ]);
  expect(emitted).toEqual(["GatewayGroup Scaled"]);
  expect(wrote).toEqual(["ConfigMap/edge", "Service/edge", "Deployment/edge", "GatewayGroup/edge"]);
});

test.for([
  ["a ConfigMap: pods need it", "create ConfigMap", [apply("ConfigMap"), scale(3)], "Forbidden", false],
  ["a Service: nothing waits for it", "create Service", [apply("Service"), scale(3)], "Invalid", true],
  [
    "a budget: nothing waits for it",
    "create PodDisruptionBudget",
    [apply("PodDisruptionBudget"), scale(3)],
    "Invalid",
    true,
  ],
  ["a throw-away pod: nothing waits for it", "create Pod", [create("Pod"), scale(3)], "Forbidden", true],
  ["an API server that is out of reach", "create Service", [apply("Service"), scale(3)], "Unavailable", false],
  ["a gate that is shut", "create Service", [apply("Service"), scale(3)], "GateClosed", false],
] as const)("what fails and whether the rest goes on: %s", async ([, what, steps, fault, goesOn]) => {
  const { run, fail, calls, troubles } = world([live("Deployment", "edge")]);
  fail(what, fault);
  const acted = await run([...steps]);
  expect(calls.includes("scale Deployment/edge")).toBe(goesOn);
  expect(troubles).toHaveLength(1);
  expect(acted).toEqual({ again: false, failed: expect.anything() });
});

test("a store that fails keeps no pod from being moved", async () => {
  const { run, calls, copy, troubles } = world([live("Deployment", "edge")]);
  copy(async () => {
    throw new StorageError("AccessDenied", "Cannot write");
  });
  await run([{ do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" }, scale(3)]);
  expect(calls).toContain("scale Deployment/edge");
  expect(troubles).toEqual(["Cannot write"]);
});

test("a step that took all of the loop's time hides no verdict; a mode is not moved so late", async () => {
  const { run, bodies, copy } = world();
  const ended = new AbortController();
  copy(async () => {
    ended.abort();
    throw new StorageError("Timeout", "too slow");
  });
  const step: Step = { do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" };
  await run([step], { status: { ...STATUS, summary: "the control plane is lost" } }, ended.signal);
  expect(bodies.at(-1).summary).toBe("the control plane is lost");
  await expect(run([], { recordsMode: true }, ended.signal)).rejects.toThrow("Aborted");
});

test("what was not done is not said to be done", async () => {
  const { run, fail, bodies } = world();
  fail("create ConfigMap", "Forbidden");
  await run([apply("ConfigMap")], { status: { ...STATUS, summary: "after", restartedAt: "now", rehearsedAt: "now" } });
  const written = bodies.at(-1);
  expect(written.summary).toBe("after");
  expect(written).not.toHaveProperty("restartedAt");
  expect(written).not.toHaveProperty("rehearsedAt");
});

test("somebody else wrote in between: the rest waits, nothing is troubled, and the next look comes soon", async () => {
  const { run, calls, troubles } = world([live("Deployment", "edge", { metadata: { resourceVersion: "8" } })]);
  expect(await run([scale(3), apply("ConfigMap")])).toEqual({ again: true });
  expect(calls).toEqual(["scale Deployment/edge"]);
  expect(troubles).toEqual([]);
});

test("an object in the cache is applied with its uid, and never one that was made anew by another", async () => {
  const { run, bodies, store, results } = world([live("Service", "edge")]);
  await run([apply("Service")]);
  expect(bodies.at(-1).metadata.uid).toBe("uid-edge");
  store.get("Service/edge").metadata.uid = "a stranger's";
  await run([apply("Service")]);
  expect(results).toEqual(["apply done", "apply conflict"]);
});

test("a stranger's object is met, not written, and told to the next loop before any status", async () => {
  const { run, store, met, calls } = world();
  store.set("Service/edge", live("Service", "edge", { metadata: { labels: {} } }));
  expect(await run([apply("Service")], { status: { ...STATUS, summary: "all is well" } })).toEqual({ again: true });
  expect(met).toEqual(["Service/edge"]);
  expect(calls).toEqual(["create Service/edge", "get Service/edge"]);
});

const given = () =>
  live("Service", "edge", { metadata: { labels: {}, annotations: { "holdfast.dev/adopt-by": "edge" } } });

test("a stranger's object that is given to us is met first: whether it is taken over now is decided, not done", async () => {
  const { run, store, met, calls } = world();
  store.set("Service/edge", given());
  expect(await run([apply("Service")])).toEqual({ again: true });
  expect(met).toEqual(["Service/edge"]);
  expect(calls).not.toContain("apply Service/edge");
});

test("our own object that the cache does not show yet is no stranger's", async () => {
  const { run, store, results, calls } = world();
  store.set("Service/edge", live("Service", "edge"));
  await run([apply("Service")]);
  expect(results).toEqual(["apply alreadyDone"]);
  expect(calls).not.toContain("apply Service/edge");
});

const withHash = (hash: string) => ({
  metadata: { annotations: { "holdfast.dev/template-hash": hash } },
  spec: { template: { spec: {} } },
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
  expect(calls.includes("create Service/edge")).toBe(expected.length > 0);
  expect(acted.again).toBe(expected.length === 0);
});

const trafficPod = (name: string, ready = true, deleting = false) =>
  live("Pod", name, {
    metadata: {
      ...(deleting && { deletionTimestamp: "x" }),
      labels: { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" },
    },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });
const behind = { minServingAfter: 2, staying: ["uid-a", "uid-b"] };
test.for<[string, Loose[], string[], string]>([
  ["with pods of ours that serve", [given(), trafficPod("a"), trafficPod("b")], ["Service/edge"], "done"],
  ["one of them serves no more", [given(), trafficPod("a"), trafficPod("b", false)], [], "abandoned"],
  ["none is there", [given()], [], "abandoned"],
  ["its owner wants it back", [live("Service", "edge", { metadata: { labels: {} } })], [], "stranger"],
  ["it is ours by now", [live("Service", "edge")], [], "alreadyDone"],
  ["it is gone: made anew", [], [], "done"],
])("taking over a Service: %s", async ([, objects, applied, result]) => {
  const { run, store, calls, results } = world();
  for (const one of objects) store.set(`${one.kind}/${one.metadata.name}`, one);
  await run([{ ...apply("Service"), adopt: { live: behind } } as Step]);
  expect(results).toEqual([`apply ${result}`]);
  expect(calls.filter((call) => call.startsWith("apply "))).toEqual(applied.map((name) => `apply ${name}`));
});

test("a Deployment that is taken over keeps its replicas", async () => {
  const { run, store, bodies, results } = world();
  store.set("Deployment/edge", { ...given(), kind: "Deployment" });
  const object = {
    ...apply("Deployment"),
    object: { ...live("Deployment", "edge"), spec: { replicas: 3, paused: false } },
  };
  await run([{ ...object, do: "create", adopt: {} } as Step]);
  expect(results).toEqual(["create done"]);
  expect(bodies.at(-1).spec).toEqual({ paused: false });
});

test.for([
  ["enough of those that stay serve", [trafficPod("a"), trafficPod("b")], "done"],
  ["one of them turned unready a moment ago", [trafficPod("a"), trafficPod("b", false)], "abandoned"],
  ["one of them is on its way out", [trafficPod("a"), trafficPod("b", true, true)], "abandoned"],
  ["one of them is gone, and another that was not counted on serves", [trafficPod("a"), trafficPod("z")], "abandoned"],
] as const)("before a shrink: %s", async ([, pods, result]) => {
  const { run, results, store } = world([live("Deployment", "edge"), ...pods]);
  const floor = { minServingAfter: 2, staying: ["uid-a", "uid-b"] };
  await run([scale(2, floor), apply("ConfigMap")]);
  expect(results[0]).toBe(`scale ${result}`);
  expect(store.get("Deployment/edge").spec.replicas).toBe(result === "done" ? 2 : undefined);
  expect(results, "what follows a shrink that was abandoned rests on it").toHaveLength(result === "done" ? 2 : 1);
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

test("a pod that is gone already is no trouble", async () => {
  const { run, results } = world();
  await run([{ do: "deletePod", name: "a", uid: "u", resourceVersion: "7", why: "stuck" }]);
  expect(results).toEqual(["deletePod alreadyDone"]);
});

const removal = (name: string): Step => ({
  do: "delete",
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: `uid-${name}`,
  why: "unused",
});
test("a ConfigMap that a pod has come to use since is kept", async () => {
  const user = live("Pod", "late", { spec: { volumes: [{ name: "n", configMap: { name: "cfg" } }] } });
  const { run, results } = world([live("ConfigMap", "cfg"), live("ConfigMap", "free"), user]);
  await run([removal("cfg"), removal("free")]);
  expect(results).toEqual(["delete abandoned", "delete done"]);
});

test("a template is put back without the hash that its ReplicaSet added", async () => {
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
    { op: "add", path: "/metadata/annotations/holdfast.dev~1template-hash", value: "h" },
  ]);
});

test.for([
  [
    "marking",
    { do: "markPod", name: "a", uid: "uid-a", resourceVersion: "7", cost: "-100", why: "x" },
    { metadata: { annotations: { "controller.kubernetes.io/pod-deletion-cost": "-100" } } },
  ],
  ["pausing", { do: "pause", name: "edge", resourceVersion: "7", paused: true, why: "x" }, { spec: { paused: true } }],
] as const)("%s writes that one field, guarded", async ([, step, patch]) => {
  const { run, bodies, results } = world([live("Deployment", "edge"), trafficPod("a")]);
  await run([step as Step]);
  expect(bodies).toEqual([patch]);
  await run([step as Step]);
  expect(results[1], "the version has moved on").toContain("conflict");
});

test("a status that says the same is not written, whatever the order of its keys", () => {
  const a = GatewayGroupStatus.parse({ mode: "Normal", summary: "s" });
  const b = GatewayGroupStatus.parse({ summary: "s", mode: "Normal" });
  expect(sameStatus(a, { ...b, restartedAt: undefined } as never)).toBe(true);
  expect(sameStatus(a, { ...b, summary: "t" })).toBe(false);
});
