import { expect, test } from "vitest";
import type { Step } from "../../../operator/domain/plan.ts";
import { KubeError, type KubeFault } from "../../../operator/kube/errors.ts";
import { Refusals } from "../../../operator/observe/cluster/refusals.ts";
import { Sessions } from "../../../operator/session.ts";
import { FakeClock } from "../../kube/fake-clock.ts";

const write = (kind: string, name = "edge", role?: string): Step => ({
  do: kind === "Pod" ? "create" : "apply",
  why: "",
  object: { apiVersion: "v1", kind, metadata: { name, ...(role && { labels: { "holdfast.dev/role": role } }) } },
});
const seen = { resourceVersion: "7", why: "" };
const deletePod = (name: string): Step => ({ do: "deletePod", name, uid: "u", ...seen });
const scale: Step = { do: "scale", name: "edge", from: 2, to: 3, ...seen };
const copy: Step = { do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "" };

test.for<[string, Step, KubeFault, string | undefined]>([
  ["a Service that is invalid is told", write("Service"), "Invalid", "apply Service edge"],
  ["an object that policy forbids is told", write("Service"), "Forbidden", "apply Service edge"],
  ["a conflict is no refusal", write("Service"), "Conflict", undefined],
  ["a server that is away refuses nothing", write("Service"), "Unavailable", undefined],
  ["throw-away pods are told by their role", write("Pod", "edge-x1", "rehearsal"), "Forbidden", "create Pod rehearsal"],
  ["a scale", scale, "Forbidden", "scale Deployment edge"],
  ["the deletion of a pod", deletePod("a"), "Forbidden", "deletePod Pod a"],
  ["a copy is the store's", copy, "Forbidden", undefined],
])("%s", ([, step, fault, told]) => {
  const refusals = new Refusals(new FakeClock(), new Sessions());
  refusals.met("gw/edge", step, new KubeError(fault, "provided port is already allocated"));
  const said = refusals.of("gw/edge").map(({ does, kind, name }) => `${does} ${kind} ${name}`);
  expect(said).toEqual(told === undefined ? [] : [told]);
  expect(refusals.of("gw/other")).toEqual([]);
});

test("attempts with other names are one refusal, in the same words: status is not written anew with each", () => {
  const refusals = new Refusals(new FakeClock(), new Sessions());
  const told = ["edge-rehearsal-1", "edge-rehearsal-2"].map((name) => {
    refusals.met("gw/edge", write("Pod", name, "rehearsal"), new KubeError("Forbidden", `pods "${name}" is forbidden`));
    return refusals.of("gw/edge");
  });
  const message = 'pods "rehearsal pod" is forbidden';
  expect(told[0]).toEqual([{ does: "create", kind: "Pod", name: "rehearsal", role: "rehearsal", message }]);
  expect(told[1]).toEqual(told[0]);
  for (const name of ["a", "b"]) refusals.met("gw/edge", deletePod(name), new KubeError("Forbidden", "no"));
  expect(refusals.of("gw/edge")).toHaveLength(2);
});

test("what does not come again is forgotten: the spec was corrected", async () => {
  const clock = new FakeClock();
  const refusals = new Refusals(clock, new Sessions());
  refusals.met("gw/edge", write("Service"), new KubeError("Invalid", "port taken"));
  await clock.advance(40_000);
  expect(refusals.of("gw/edge")).toEqual([{ does: "apply", kind: "Service", name: "edge", message: "port taken" }]);
  await clock.advance(10_000);
  expect(refusals.of("gw/edge")).toEqual([]);
});
