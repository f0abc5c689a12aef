import { expect, test } from "vitest";
import { type ActDeps, act, sameStatus } from "../../operator/act/act.ts";
import { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import type { Facts } from "../../operator/domain/facts.ts";
import type { Plan, PlannedEvent, Step } from "../../operator/domain/plan.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";
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

const removal = (name: string): Step => ({
  do: "delete",
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: `uid-${name}`,
  why: "unused",
});
const withHash = (hash: string) => ({
  metadata: { annotations: { "holdfast.dev/template-hash": hash } },
  spec: { template: { spec: {} } },
});

function world(objects: Loose[] = []) {
  const fake = fakeClient(objects);
  const emitted: string[] = [];
  const results: string[] = [];
  const troubles: string[] = [];
  const wrote: string[] = [];
  const met: string[] = [];
  const overridden: string[] = [];
  let refusal: string | undefined;
  let copied: () => Promise<"done"> = async () => "done";
  const deps: ActDeps = {
    client: fake.client,
    // As a call under a signal that has ended: it is not made.
    events: {
      emit: async (regarding, planned, signal) => {
        if (!signal.aborted) emitted.push(`${regarding.kind} ${planned.reason}`);
      },
    },
    counted: (step, result) => void results.push(`${step} ${result}`),
    troubled: (_step, error) => void troubles.push((error as Error).message),
    log: createLog({ write: () => undefined }),
    wrote: (resource, { metadata }) => void wrote.push(`${resource.kind}/${metadata.name}`),
    overridden: ({ kind, metadata }, uid, paths) => {
      if (paths.length > 0) overridden.push(`${kind}/${metadata.name} ${uid} ${paths}`);
    },
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
    overridden,
    refuse: (why: string) => (refusal = why),
    copy: (how: () => Promise<"done">) => (copied = how),
  };
}

test("nothing to do is nothing written", async () => {
  const { run, calls } = world();
  expect(await run([])).toEqual({ again: false });
  expect(calls).toEqual([]);
});

const groupAs = (meta: Loose) => (): Loose => ({
  metadata: { name: "edge", uid: "uid-edge", resourceVersion: "41", ...meta },
});
test.for([
  ["as it was decided on", groupAs({}), true, [], { again: false }],
  [
    "changed since, by a leader or a person",
    groupAs({ resourceVersion: "44" }),
    false,
    ["GatewayGroup/edge"],
    { again: true },
  ],
  ["another of that name", groupAs({ uid: "second" }), false, ["GatewayGroup/edge"], { again: true }],
  ["gone", (): Loose => undefined, false, ["-GatewayGroup/edge"], { again: true }],
] as const)("before anything is done the group is read live: %s", async ([, now, acts, expected, acted]) => {
  const { run, calls, wrote, looks, groupIs } = world([live("ConfigMap", "edge-start")]);
  groupIs(now);
  expect(await run([apply("ConfigMap", "edge-start")])).toEqual(acted);
  expect(calls.includes("apply ConfigMap/edge-start")).toBe(acts);
  expect(
    calls.filter((call) => call.startsWith("status")),
    "of a group as it was",
  ).toEqual([]);
  expect(
    wrote.filter((what) => what.endsWith("GatewayGroup/edge")),
    "the cache must catch up",
  ).toEqual(expected);
  expect(looks).toEqual(["edge"]);
});

test("a right to read the group that is missing is told as that, and not as a refusal of the first step", async () => {
  const { run, calls, troubles, groupIs } = world();
  groupIs(() => {
    throw new KubeError("Forbidden", "Cannot get: forbidden");
  });
  expect(await run([apply("ConfigMap")])).toEqual({ again: false, failed: expect.anything() });
  expect([calls, troubles]).toEqual([[], []]);
});

test("a group that cannot be read live: nothing is done, it is told, and status says so", async () => {
  const { run, calls, troubles, groupIs } = world();
  groupIs(() => {
    throw new KubeError("TooManyRequests", "Cannot list: busy");
  });
  const acted = await run([apply("ConfigMap")], { status: { ...STATUS, summary: "after" } });
  expect(acted).toEqual({ again: false, failed: expect.anything() });
  expect([calls, troubles]).toEqual([["status GatewayGroup/edge"], ["Cannot list: busy"]]);
});

test("at rest, and where only status or the mode is written, the group is not read live", async () => {
  const { run, looks } = world();
  await run([]);
  await run([], { status: { ...STATUS, summary: "after" } });
  await run([], { status: { ...STATUS, mode: "ToFallback" }, recordsMode: true });
  expect(looks).toEqual([]);
});

test("a status that meets another's write: the cache must show that one before the next decision", async () => {
  const { run, fail, wrote, groupIs } = world();
  fail("status", "Conflict");
  groupIs(groupAs({ resourceVersion: "44" }));
  await expect(run([], { status: { ...STATUS, mode: "ToFallback" }, recordsMode: true })).rejects.toThrow("Conflict");
  expect(wrote).toEqual(["GatewayGroup/edge"]);
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
  ["a ConfigMap that nobody names", "create ConfigMap", [apply("ConfigMap"), scale(3)], "Forbidden", true],
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
  [
    "a webhook that is away stands before its own objects alone",
    "create Service",
    [apply("Service"), scale(3)],
    new KubeError("Unavailable", "Cannot apply", { status: { message: 'failed calling webhook "x"' } }),
    true,
  ],
  [
    "what says the mode: nothing moves before",
    "create ConfigMap",
    [apply("ConfigMap", "edge-start"), scale(3)],
    "Forbidden",
    false,
  ],
] as const)("what fails and whether the rest goes on: %s", async ([, what, steps, fault, goesOn]) => {
  const { run, fail, calls, troubles } = world([live("Deployment", "edge")]);
  fail(what, fault);
  const acted = await run([...steps]);
  expect(calls.includes("scale Deployment/edge")).toBe(goesOn);
  expect(troubles).toHaveLength(1);
  expect(acted).toEqual({ again: false, failed: expect.anything() });
});

const naming = (kind: "Deployment" | "Pod", configMap: string, serviceAccountName: string): Step => {
  const spec = { serviceAccountName, volumes: [{ name: "normal", configMap: { name: configMap } }, { name: "tmp" }] };
  const more = { spec: kind === "Pod" ? spec : { template: { spec } } };
  return { do: kind === "Pod" ? "create" : "apply", object: object(kind, `user-of-${configMap}`, more), why: "wanted" };
};
test.for([
  ["a configuration", apply("ConfigMap", "normal-1"), "normal-1", "sa", []],
  ["an identity", apply("ServiceAccount", "sa"), "normal-1", "sa", []],
  ["another's configuration", apply("ConfigMap", "other"), "normal-1", "sa", ["Deployment", "Pod"]],
  ["another's identity", apply("ServiceAccount", "other"), "normal-1", "sa", ["Deployment", "Pod"]],
] as const)("refused: %s. Only who names it waits", async ([, refused, config, account, made]) => {
  const { run, fail, calls, results } = world();
  const { kind } = (refused as Extract<Step, { do: "apply" }>).object;
  fail(`create ${kind}`, "Forbidden");
  const users = [naming("Deployment", config, account), naming("Pod", config, account)];
  await run([refused, ...users, apply("Service")]);
  expect(calls.filter((call) => call.includes("user-of"))).toEqual(
    made.map((user) => `create ${user}/user-of-normal-1`),
  );
  expect(calls.at(-1)).toBe("create Service/edge");
  expect(results.filter((result) => result.endsWith("blocked"))).toHaveLength(2 - made.length);
});

test("a label that is refused on a configuration that is there as meant keeps nobody", async () => {
  const config = { data: { "config.yaml": "a: 1" } };
  const { run, fail, calls } = world([live("ConfigMap", "normal-1", config)]);
  fail("apply ConfigMap", "Forbidden");
  await run([apply("ConfigMap", "normal-1", config), naming("Pod", "normal-1", "sa")]);
  expect(calls.at(-1)).toBe("create Pod/user-of-normal-1");
});

test("a refused step of a motion ends the motion, and nothing else", async () => {
  const { run, fail, calls } = world([live("Deployment", "edge"), trafficPod("a")]);
  fail("patch Pod", "Forbidden");
  await run([
    { do: "markPod", name: "a", uid: "uid-a", resourceVersion: "7", cost: "-1", why: "leaves" },
    scale(2),
    create("Pod", "helper"),
  ]);
  expect(calls).toEqual(["patch Pod/a", "create Pod/helper"]);
});

test.for<[string, KubeFault | undefined, boolean]>([
  ["a template that is refused keeps no pod from being moved", "Invalid", true],
  ["a template that is applied is the one thing that replaces pods", undefined, false],
  ["an API server that is out of reach is asked nothing more", "Timeout", false],
  ["a Deployment that changed is looked at anew first", "Conflict", false],
])("%s", async ([, fault, moved]) => {
  const { run, fail, calls } = world([live("Deployment", "edge")]);
  if (fault) fail("apply Deployment", fault);
  await run([apply("Deployment")], { instead: [scale(3)] });
  expect(calls.includes("scale Deployment/edge")).toBe(moved);
});

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

test("a store that fails keeps no pod from being moved", async () => {
  const { run, calls, copy, troubles } = world([live("Deployment", "edge")]);
  copy(async () => {
    throw new StorageError("AccessDenied", "Cannot write");
  });
  await run([{ do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" }, scale(3)]);
  expect(calls).toContain("scale Deployment/edge");
  expect(troubles).toEqual(["Cannot write"]);
});

test("a step that took all of the loop's time hides no verdict, nor its event; a mode is not moved so late", async () => {
  const { run, bodies, copy, emitted } = world();
  const ended = new AbortController();
  copy(async () => {
    ended.abort();
    throw new StorageError("Timeout", "too slow");
  });
  const step: Step = { do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" };
  const lost = { status: { ...STATUS, summary: "the control plane is lost" }, events: [event("ControlPlaneLost")] };
  await run([step], lost, ended.signal);
  expect(emitted).toEqual(["GatewayGroup ControlPlaneLost"]);
  expect(bodies.at(-1).summary).toBe("the control plane is lost");
  await expect(run([], { recordsMode: true }, ended.signal)).rejects.toThrow("Aborted");
});

const WORDS = { restartedAt: "now", rehearsedAt: "now" };
const outcomes: [string, (w: ReturnType<typeof world>) => unknown, boolean][] = [
  ["done", () => undefined, true],
  ["there already", (w) => w.store.set("ConfigMap/edge", live("ConfigMap", "edge")), true],
  ["refused", (w) => w.fail("create ConfigMap", "Forbidden"), false],
  ["changed under our hands", (w) => w.fail("create ConfigMap", "Conflict"), false],
  ["out of reach", (w) => w.fail("create ConfigMap", "Timeout"), false],
];
test.for(outcomes)("a word of a person is used up only by the step that carries it: %s", async ([, change, used]) => {
  const w = world();
  change(w);
  const step: Step = { ...apply("ConfigMap"), carries: "restartedAt" };
  await w.run([step], { status: { ...STATUS, summary: "after", ...WORDS } });
  expect(w.bodies.at(-1)).toEqual({
    ...STATUS,
    summary: "after",
    ...WORDS,
    ...(used ? {} : { restartedAt: undefined }),
  });
});

test("a word whose step was never reached, refused by dry-run or not, stays what it was", async () => {
  const { run, bodies, refuse } = world([live("Deployment", "edge", withHash("old"))]);
  refuse("violates PodSecurity");
  const step: Step = { ...apply("Deployment", "edge", withHash("new")), carries: "restartedAt" };
  await run([step], { status: { ...STATUS, summary: "after", ...WORDS } });
  expect(bodies.at(-1)).not.toHaveProperty("restartedAt");
});

test("a trouble elsewhere uses no word up, and gives none back", async () => {
  const { run, fail, bodies } = world();
  fail("create Service", "Forbidden");
  await run([apply("Service"), { ...apply("ConfigMap"), carries: "restartedAt" }], { status: { ...STATUS, ...WORDS } });
  expect(bodies.at(-1)).toMatchObject(WORDS);
});

test.for<[string, Step, (w: ReturnType<typeof world>) => unknown, string[]]>([
  ["done", scale(3), () => undefined, ["Scaled"]],
  ["abandoned", scale(2, { minServingAfter: 2, staying: ["x"] }), () => undefined, []],
  ["refused", scale(3), (w) => w.fail("scale", "Forbidden"), []],
  ["changed under our hands", scale(3), (w) => w.fail("scale", "Conflict"), []],
  ["gone already", removal("cfg"), () => undefined, []],
])("what is told of a step is told when it is done: %s", async ([, step, change, told]) => {
  const w = world([live("Deployment", "edge")]);
  change(w);
  await w.run([{ ...step, events: [event("Scaled")] }], { events: [event("Proven")] });
  expect(w.emitted).toEqual([...told, "Proven"].map((reason) => `GatewayGroup ${reason}`));
});

test("what was done is told, too, when a stranger's object ends the plan or the status cannot be written", async () => {
  const { run, store, emitted, fail } = world([live("Deployment", "edge")]);
  store.set("Service/edge", live("Service", "edge", { metadata: { labels: {} } }));
  const told: Step = { ...scale(3), events: [event("Scaled")] };
  await run([told, apply("Service")], { events: [event("Proven")] });
  expect(emitted).toEqual(["GatewayGroup Scaled"]);
  fail("status", "Conflict");
  const again: Step = { ...create("ConfigMap", "x"), events: [event("ObjectApplied")] };
  await expect(run([again], { status: { ...STATUS, summary: "after" }, events: [event("Proven")] })).rejects.toThrow();
  expect(emitted).toEqual(["GatewayGroup Scaled", "GatewayGroup ObjectApplied"]);
});

test("no edit by hand is told of where the cluster itself changes what we write", async () => {
  const { run, client, emitted } = world([live("Service", "edge")]);
  const through = client.apply as (...args: Loose[]) => Promise<Loose>;
  client.apply = async (...args: Loose[]) => ({ ...(await through(...args)), spec: { type: "LoadBalancer" } });
  const step = apply("Service", "edge", { spec: { type: "ClusterIP" } });
  await run([{ ...step, events: [event("HandEditReverted"), event("ObjectApplied")] }]);
  expect(emitted).toEqual(["GatewayGroup ObjectApplied"]);
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
