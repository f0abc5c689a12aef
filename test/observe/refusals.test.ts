import { expect, test } from "vitest";
import type { Step } from "../../operator/domain/plan.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";
import { Refusals } from "../../operator/observe/refusals.ts";
import { FakeClock } from "../kube/fake-clock.ts";

const apply = (kind: string): Step => ({
  do: "apply",
  why: "",
  object: { apiVersion: "v1", kind, metadata: { name: "edge" } },
});

test.for<[string, string, KubeFault, number]>([
  ["a Service that is invalid is told", "Service", "Invalid", 1],
  ["an object that policy forbids is told", "Service", "Forbidden", 1],
  ["a conflict is no refusal", "Service", "Conflict", 0],
  ["a server that is away refuses nothing", "Service", "Unavailable", 0],
  ["throw-away pods are told by other ways", "Pod", "Forbidden", 0],
])("%s", ([, kind, fault, count]) => {
  const refusals = new Refusals(new FakeClock());
  refusals.met("gw/edge", apply(kind), new KubeError(fault, "provided port is already allocated"));
  expect(refusals.of("gw/edge")).toHaveLength(count);
  expect(refusals.of("gw/other")).toEqual([]);
});

test("what does not come again is forgotten: the spec was corrected", async () => {
  const clock = new FakeClock();
  const refusals = new Refusals(clock);
  refusals.met("gw/edge", apply("Service"), new KubeError("Invalid", "port taken"));
  await clock.advance(40_000);
  expect(refusals.of("gw/edge")).toEqual([{ kind: "Service", name: "edge", message: "port taken" }]);
  await clock.advance(10_000);
  expect(refusals.of("gw/edge")).toEqual([]);
});
