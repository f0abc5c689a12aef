import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

/** A change of the spec that needs another template; is it applied, is it said to wait, is restart-at used up? */
const ASKED = { "holdfast.dev/restart-at": "2026-01-01T00:00:00Z" };
test.for<[string, (facts: Loose) => void, boolean, string | undefined, boolean]>([
  ["in normal mode, the control plane there", () => {}, true, undefined, false],
  ["the control plane lost", lose, false, "ChangeWaits", false],
  ["in fallback, the control plane there", (f) => inMode(f, "Fallback"), false, "ChangeWaits", false],
  ["in fallback, asked for", (f) => asked(f), true, undefined, true],
  ["lost, asked for, the new template unproven", (f) => [lose(f), asked(f)], false, "ChangeWaits", false],
  ["modePolicy Observe, asked for", (f) => [asked(f), observe(f)], false, "ChangeWaits", false],
  [
    "the cluster refuses such pods",
    (f) => Object.assign(f.children, { podRefusal: "quota" }),
    false,
    "ChangeWaits",
    false,
  ],
  [
    "in fallback, asked for, and the cluster refuses such pods",
    (f) => [asked(f), Object.assign(f.children, { podRefusal: "quota" })],
    false,
    "ChangeWaits",
    false,
  ],
])("%s", ([, change, applied, waits, used]) => {
  const { facts } = healthy();
  facts.group.spec.gateway.resources = { limits: { cpu: "7" } };
  change(facts);
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  const plan = planOf(facts, held(facts, word, 1_000));
  expect(plan.broken).toEqual([]);
  expect([done(plan).includes("apply Deployment/edge"), told(plan, "RestartPending")]).toEqual([applied, waits]);
  expect(plan.status.restartedAt !== undefined).toBe(used);
  const carried = plan.steps.flatMap((step) => step.carries ?? []);
  expect(carried, "the word goes with the step that carries it out").toEqual(used ? ["restartedAt"] : []);
});

test.for<[string, (facts: Loose) => void, string[]]>([
  [
    "a change of the spec",
    (f) => Object.assign(f.group.spec.gateway, { resources: { limits: { cpu: "7" } } }),
    ["ObjectApplied", "ObjectApplied"], // of the exporter, too
  ],
  [
    "an edit by hand",
    (f) => Object.assign(f.children.byName.get("Deployment/edge").spec, { minReadySeconds: 0 }),
    ["HandEditReverted"],
  ],
  ["another number of pods", (f) => Object.assign(f.group.spec.traffic, { replicas: 4 }), ["Scaled"]],
])("what is told of a step goes with the step: %s", ([, change, reasons]) => {
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect(plan.steps.flatMap((step) => step.events ?? []).map(({ reason }) => reason)).toEqual(reasons);
  expect(plan.events).toEqual([]);
});

test.for<[string, (facts: Loose) => void, string[]]>([
  ["in normal mode", () => {}, ["scale 2 -> 4"]],
  ["modePolicy Observe", (f) => observe(f), []],
  ["paused, with pods of one template", (f) => Object.assign(f.children.traffic, { paused: true }), ["scale 2 -> 4"]],
])("should a new template be refused, scaling is at hand instead: %s", ([, change, instead]) => {
  const { facts } = healthy();
  facts.group.spec.gateway.resources = { limits: { cpu: "7" } };
  facts.group.spec.traffic.replicas = 4;
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect(plan.broken).toEqual([]);
  expect(done(plan).filter((step) => step.startsWith("scale"))).toEqual([]);
  expect(done({ ...plan, steps: plan.instead ?? [] })).toEqual(instead);
});

test("a word that found nothing to do is used up: forgotten, it would hurry a change of another day", () => {
  const { facts } = healthy();
  facts.group.annotations = ASKED;
  expect(planOf(facts, held(facts, "Reachable", 1_000)).status.restartedAt).toBe(ASKED["holdfast.dev/restart-at"]);
});

test("a word given in the loop in which the mode moves is not lost", () => {
  const { facts } = healthy();
  lose(facts);
  facts.group.annotations = ASKED;
  const plan = planOf(facts, held(facts, "Unreachable", 60_000));
  expect([plan.recordsMode, plan.status.restartedAt]).toEqual([true, undefined]);
});

function asked(facts: Loose): void {
  if (facts.controlPlane.operator.view === "readsOk") inMode(facts, "Fallback");
  facts.group.annotations = ASKED;
}
function observe(facts: Loose): void {
  facts.group.spec.modePolicy = "Observe";
}
