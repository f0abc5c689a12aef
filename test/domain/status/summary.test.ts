/** The summary: all that is not well, the worst first, and never a calm sentence beside it. */
import { expect, test } from "vitest";
import { healthy, held, type Loose, lose, planOf } from "../deciding.ts";
import { candidate, last, NEW } from "../snapshot/pipeline-facts.ts";

function summary(change: (facts: Loose) => void, word: "Reachable" | "Unreachable" = "Reachable"): string {
  const { facts } = healthy();
  change(facts);
  return planOf(facts, held(facts, word, 60_000)).status.summary ?? "";
}
const CALM = "All 2 traffic pods serve, from the control plane";

test.for<[string, (facts: Loose) => void, RegExp]>([
  ["all is well", () => undefined, /^All 2 traffic pods serve, from the control plane$/],
  [
    "no pods are wanted",
    (f) => {
      f.group.spec.traffic.replicas = 0;
      f.pods = [];
    },
    /^Scaled to zero: no traffic pods are wanted$/,
  ],
  [
    "the control plane was emptied",
    (f) => (f.controlPlane.counts = { routes: 0 }),
    /^The control plane holds.*All 2 traffic pods serve, the control plane lacks what is expected of it$/,
  ],
  [
    "Observe, with nothing published",
    (f) => {
      f.group.spec.modePolicy = "Observe";
      f.children.byName.delete("ConfigMap/edge-start");
    },
    /^Without the control plane no new pod would start: No proof is published.*\. All 2 traffic pods serve, from the control plane$/,
  ],
  [
    "a template that waits",
    (f) => {
      f.children.traffic.annotations["holdfast.dev/template-hash"] = "older";
    },
    /^A template change waits: .*All 2 traffic pods serve, from the control plane/,
  ],
  [
    "rehearsals that keep failing",
    (f) => {
      candidate(f);
      last(f, "Failed", 1_000, NEW);
      f.group.status.snapshot.lastRehearsal.message = "NoAnswer";
    },
    /^Newest export: Snapshot b20000000000 did not load, and the verified snapshot stays: NoAnswer\. All 2/,
  ],
  [
    "something in the input is wrong",
    (f) => {
      f.rendered.problems = [
        { reason: "ConfigRefused", field: "spec.gateway.config", message: "spec.gateway.config is refused" },
      ];
    },
    /^Needs a person: spec\.gateway\.config: is refused\. All 2/,
  ],
  [
    "a pod that does not come up",
    (f) => Object.assign(f.pods[0], { ready: false, trouble: "gateway: CrashLoopBackOff" }),
    /^1 of 2 traffic pods serve; pod \S+: gateway: CrashLoopBackOff, from the control plane/,
  ],
  ["held by a person", (f) => (f.group.spec.suspend = true), /^Held: spec\.suspend is true.*All 2/],
  ["a pod is missing", (f) => f.pods.pop(), /^1 of 2 traffic pods serve, from the control plane$/],
])("%s", ([, change, text]) => {
  expect(summary(change)).toMatch(text);
});

test("the control plane is lost, and nothing is proven", () => {
  const text = summary((f) => {
    lose(f);
    f.group.status.snapshot.proofs = [];
  }, "Unreachable");
  expect(text).toMatch(
    /^Held: The control plane is lost and fallback is not ready.*the control plane is lost \(ControlPlaneLost\)$/,
  );
  expect(text).not.toContain(CALM);
});

test("of many troubles the worst is there, whatever the length", () => {
  const text = summary((f) => {
    f.rendered.problems = [{ reason: "ConfigRefused", field: "spec.x", message: "y".repeat(5_000) }];
    f.snapshot.verified.warnings = [{ reason: "VariableInSnapshot", kind: "routes", message: "z".repeat(400) }];
    f.group.spec.suspend = true;
  });
  expect([text.length <= 1_000, text.indexOf("Needs a person"), text.indexOf("Held: ") > 0]).toEqual([true, 0, true]);
});
