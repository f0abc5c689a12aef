/** A plan is of the group as it was decided on: it is read live before anything is done, and its own write is guarded. */
import { expect, test } from "vitest";
import type { Step } from "../../operator/domain/plan.ts";
import { KubeError } from "../../operator/kube/errors.ts";
import { apply, type Loose, live, STATUS, scale, world } from "./acting.ts";

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

test("a word that a person said while a snapshot was copied counts for what comes after the copy", async () => {
  const { run, copy, calls, groupIs, looks } = world([live("Deployment", "edge")]);
  const steps: Step[] = [{ do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "new" }, scale(3)];
  await run(steps);
  expect([looks.length, calls]).toEqual([2, ["scale Deployment/edge"]]);
  looks.length = calls.length = 0;
  copy(async () => "postponed");
  await run(steps);
  expect([looks.length, calls], "it may have waited for its turn").toEqual([2, ["scale Deployment/edge"]]);
  copy(async () => {
    groupIs(groupAs({ resourceVersion: "42" }));
    return "done";
  });
  expect(await run(steps, { status: { ...STATUS, summary: "after" } })).toEqual({ again: true });
  expect(calls).toEqual(["scale Deployment/edge"]);
});
