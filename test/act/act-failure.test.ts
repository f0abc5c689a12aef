/** What a step that fails keeps from being done, and what goes on beside it. */
import { expect, test } from "vitest";
import type { Step } from "../../operator/domain/plan.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";
import { StorageError } from "../../operator/storage/faults.ts";
import { apply, create, live, object, scale, trafficPod, world } from "./acting.ts";

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

test("a store that fails keeps no pod from being moved", async () => {
  const { run, calls, copy, troubles } = world([live("Deployment", "edge")]);
  copy(async () => {
    throw new StorageError("AccessDenied", "Cannot write");
  });
  await run([{ do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" }, scale(3)]);
  expect(calls).toContain("scale Deployment/edge");
  expect(troubles).toEqual(["Cannot write"]);
});

test("somebody else wrote in between: the rest waits, nothing is troubled, and the next look comes soon", async () => {
  const { run, calls, troubles } = world([live("Deployment", "edge", { metadata: { resourceVersion: "8" } })]);
  expect(await run([scale(3), apply("ConfigMap")])).toEqual({ again: true });
  expect(calls).toEqual(["scale Deployment/edge"]);
  expect(troubles).toEqual([]);
});
