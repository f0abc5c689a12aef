/** Ready, Reconciling and Stalled, as kstatus reads them. */
import { expect, test } from "vitest";
import { healthy, held, type Loose, planOf } from "../deciding.ts";

test.for<[string, (facts: Loose) => void, string, string]>([
  ["serves", () => undefined, "Ready", "True Serving: 2 wanted, and as many serve"],
  [
    "scaled to zero",
    (f) => (f.group.spec.traffic.replicas = 0),
    "Ready",
    "True ScaledToZero: No traffic pods are wanted",
  ],
  ["one is missing", (f) => f.pods.pop(), "Ready", "False PodsMissing: 1 of 2 traffic pods serve"],
  ["at rest", () => undefined, "Reconciling", "False Settled: Nothing is left to do"],
  [
    "a mode is recorded",
    (f) => (f.group.spec.modePolicy = "Fallback"),
    "Reconciling",
    "True Progressing: Mode ToFallback is recorded; the objects follow",
  ],
  ["nothing is wrong", () => undefined, "Stalled", "False Accepted: Nothing in the input is wrong"],
  [
    "the field before the message",
    (f) => (f.rendered.problems = [{ reason: "ConfigRefused", field: "spec.x", message: "not this" }]),
    "Stalled",
    "True ConfigRefused: spec.x: not this",
  ],
  [
    "but not twice",
    (f) => (f.rendered.problems = [{ reason: "ConfigRefused", field: "spec.x", message: "spec.x is refused" }]),
    "Stalled",
    "True ConfigRefused: spec.x: is refused",
  ],
])("%s", ([, change, type, text]) => {
  const { facts } = healthy();
  change(facts);
  const { status } = planOf(facts, held(facts, "Reachable", 60_000));
  const { status: is, reason, message } = status.conditions?.find((one) => one.type === type) ?? {};
  expect(`${is} ${reason}: ${message}`).toBe(text);
});
