/** A budget that was frozen in an outage must not stop drains for ever when its group is deleted. */
import { expect, test } from "vitest";
import { thaw } from "../../operator/act/thaw.ts";
import { createLog } from "../../operator/log.ts";
import { fakeClient } from "./fake-client.ts";

const UNFROZEN = "holdfast.dev/unfrozen-max-unavailable";
const budget = (annotations: Record<string, string> | undefined) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: {
    name: "edge",
    namespace: "gw",
    uid: "uid-budget",
    resourceVersion: "7",
    ...(annotations ? { annotations } : {}),
  },
  spec: { maxUnavailable: 0 },
});
const GOING = { metadata: { name: "edge", uid: "u", resourceVersion: "1", deletionTimestamp: "2026-01-01T00:00:00Z" } };
const THERE = { metadata: { name: "edge", uid: "u", resourceVersion: "1" } };

async function run(
  annotations: Record<string, string> | undefined,
  group: object | undefined,
  fault?: "NotFound" | "Conflict",
) {
  const object = budget(annotations);
  const { client, calls, bodies, fail, groupIs } = fakeClient([object]);
  groupIs(() => group);
  if (fault) fail("jsonPatch", fault);
  const log = createLog({ level: "error", write: () => undefined });
  await thaw("gw/edge", [object], { client: client as never, log }, AbortSignal.timeout(5_000));
  return { calls, value: bodies[0]?.[0]?.value };
}

test.for<[string, Record<string, string> | undefined, object | undefined, unknown]>([
  ["the group is gone: a percentage", { [UNFROZEN]: "10%" }, undefined, "10%"],
  ["the group is gone: a number", { [UNFROZEN]: "1" }, undefined, 1],
  ["the group is being deleted", { [UNFROZEN]: "10%" }, GOING, "10%"],
  ["the group is there after all: it may be in an outage", { [UNFROZEN]: "10%" }, THERE, undefined],
  ["not frozen by Holdfast: 0 is what its owner wants", {}, undefined, undefined],
  ["no annotations", undefined, undefined, undefined],
])("%s", async ([, annotations, group, value]) => {
  const { calls, value: written } = await run(annotations, group);
  expect([calls, written]).toEqual([value === undefined ? [] : ["jsonPatch PodDisruptionBudget/edge"], value]);
});

test("it went with its group: no fault; it changed meanwhile: tried again", async () => {
  await run({ [UNFROZEN]: "10%" }, undefined, "NotFound");
  await expect(run({ [UNFROZEN]: "10%" }, undefined, "Conflict")).rejects.toThrow("Conflict");
});
