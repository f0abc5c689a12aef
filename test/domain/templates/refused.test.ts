// What the cluster refuses is told: in Stalled, and in FallbackReady where it keeps a snapshot from being proven.
import { expect, test } from "vitest";
import { healthy, held, type Loose, planOf, told } from "../deciding.ts";

const REHEARSAL = { does: "create", kind: "Pod", name: "rehearsal", role: "rehearsal", message: "exceeded quota" };
const WAY_OUT =
  "correct spec.gateway or spec.traffic.podTemplate (resources of Holdfast's own containers: initContainers, name choose), or the quota or policy";
const said = (facts: Loose, type: string): Loose =>
  planOf(facts, held(facts, "Reachable", 5_000)).status.conditions?.find((condition) => condition.type === type);

test.for([
  [
    { does: "apply", kind: "Service", name: "edge", message: "no" },
    "ObjectRefused",
    'spec: The cluster refuses Service "edge": no',
  ],
  [REHEARSAL, "PodsRefused", `spec: The cluster refuses the rehearsal pod: exceeded quota: ${WAY_OUT}`],
  [
    { does: "scale", kind: "Deployment", name: "edge", message: "no" },
    "StepRefused",
    'The cluster refuses to scale Deployment "edge": no',
  ],
  [
    { does: "deletePod", kind: "Pod", name: "a", message: "no" },
    "StepRefused",
    'The cluster refuses to delete Pod "a": no',
  ],
  [
    { does: "delete", kind: "Pod", name: "a", message: "no" },
    "StepRefused",
    'The cluster refuses to delete Pod "a": no',
  ],
] as const)("a refusal of %o is told", ([refusal, reason, message]) => {
  const { facts } = healthy();
  facts.children.refused = [refusal];
  expect(said(facts, "Stalled")).toMatchObject({ status: "True", reason, message });
});

/** Beforehand, by a dry-run; or by the ReplicaSet controller, when a policy changed after the pods were made. */
test.for<[string, (facts: Loose) => void]>([
  ["by a dry-run", (f) => (f.children.podRefusal = "exceeded quota")],
  ["when the roll is under way", (f) => (f.children.traffic.failure = "exceeded quota")],
])("traffic pods that are refused are told with the way out, until they are let in: %s", ([, change]) => {
  const { facts } = healthy();
  change(facts);
  expect(said(facts, "Stalled")).toMatchObject({
    status: "True",
    reason: "PodsRefused",
    message: `spec: The cluster refuses the traffic pods: exceeded quota: ${WAY_OUT}`,
  });
  delete facts.children.podRefusal;
  delete facts.children.traffic.failure;
  expect(said(facts, "Stalled")).toMatchObject({ status: "False", reason: "Accepted" });
});

const running = {
  role: "rehearsal",
  name: "r",
  uid: "r",
  resourceVersion: "1",
  deleting: false,
  result: { state: "running" },
};
test.for<[string, (facts: Loose) => void, string, string]>([
  ["nothing stands in the way", () => {}, "Rehearsing", "is being proven"],
  ["no pod is let in", (f) => (f.children.refused = [REHEARSAL]), "PodsRefused", "exceeded quota"],
  [
    "one got in since",
    (f) => {
      f.children.refused = [REHEARSAL];
      f.helpers = [{ ...running, createdMs: f.nowMs }];
    },
    "Rehearsing",
    "is being proven",
  ],
  [
    "another pod is not let in",
    (f) => (f.children.refused = [{ ...REHEARSAL, role: "canary" }]),
    "Rehearsing",
    "is being proven",
  ],
  [
    "the export cannot be read",
    (f) => (f.snapshot.raw = { seen: "unknown", reason: "StorageUnavailable", why: "HTTP 503" }),
    "StorageUnavailable",
    "HTTP 503",
  ],
])("no snapshot is verified yet, and %s", ([, change, reason, message]) => {
  const { facts } = healthy();
  facts.snapshot.verified = { seen: "absent" };
  facts.group.status.snapshot = {};
  change(facts);
  expect(said(facts, "FallbackReady")).toMatchObject({ reason, message: expect.stringContaining(message) });
});

test("a verified snapshot that is to be proven anew, and no pod is let in", () => {
  const { facts } = healthy();
  facts.group.status.snapshot.proofs = [];
  facts.children.refused = [REHEARSAL];
  expect(said(facts, "FallbackReady")).toMatchObject({
    reason: "Unproven",
    message: expect.stringContaining("the cluster refuses the rehearsal pod: exceeded quota"),
  });
  expect(told(planOf(facts, held(facts, "Reachable", 5_000)), "Stalled")).toBe("PodsRefused");
});
