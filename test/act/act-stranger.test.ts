/** Objects of our names that are not ours: met, and taken over only as it was decided. */
import { expect, test } from "vitest";
import type { Step } from "../../operator/domain/plan.ts";
import { apply, type Loose, live, STATUS, trafficPod, world } from "./acting.ts";

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
