/** A control plane that holds too little is told until it is known to hold enough again. */
import { expect, test } from "vitest";
import { healthy, held, type Loose, lose, planOf, told } from "../deciding.ts";
import { empty } from "../mode/mode-facts.ts";

/** In normal mode the control plane was seen emptied, and was told so; then this. */
test.for<[string, (facts: Loose) => void, string | undefined]>([
  ["it is still empty", () => {}, "Regressed"],
  ["it is not counted anew yet", (f) => delete f.controlPlane.counts, "Regressed"],
  [
    "it is lost",
    (f) => {
      delete f.controlPlane.counts;
      lose(f);
    },
    "Regressed",
  ],
  ["it holds what it should", (f) => (f.controlPlane.counts = { ...f.group.status.snapshot.counts }), undefined],
  [
    "nothing is expected of it",
    (f) => {
      delete f.controlPlane.counts;
      delete f.group.status.snapshot.counts;
      f.snapshot.verified = { seen: "absent" };
    },
    undefined,
  ],
])("it was told, and now %s", ([, change, reason]) => {
  const { facts } = healthy();
  empty(facts);
  const first = planOf(facts, held(facts, "Reachable", 5_000));
  facts.group.status = structuredClone(first.status);
  const before = facts.group.status.conditions.find((one: Loose) => one.type === "ControlPlaneRegressed");
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(told(plan, "ControlPlaneRegressed")).toBe(reason);
  if (reason === undefined) return;
  expect(plan.status.conditions).toContainEqual(before);
  expect(plan.events.filter((event) => event.action === "ControlPlaneRegressed")).toEqual([]);
  expect(plan.wants.controlPlaneCounts, "or nobody would ever see it restored").toBe(true);
});

test("what was never counted is not told", () => {
  const { facts } = healthy();
  delete facts.controlPlane.counts;
  expect(told(planOf(facts, held(facts, "Reachable", 5_000)), "ControlPlaneRegressed")).toBeUndefined();
});

test.for<[string, before: object, held: object, reason: string | undefined]>([
  ["no route is left of two", { routes: 2, upstreams: 1 }, { routes: 0, upstreams: 1 }, "Regressed"],
  ["10 of each -> 1 of each", { routes: 10, services: 10 }, { routes: 1, services: 1 }, "Regressed"],
  ["one route of two", { routes: 2, upstreams: 2 }, { routes: 1, upstreams: 2 }, undefined],
])("a small group's control plane: %s", ([, before, counts, reason]) => {
  const { facts } = healthy();
  facts.group.status.snapshot.counts = before;
  facts.controlPlane.counts = counts;
  expect(told(planOf(facts, held(facts, "Reachable", 5_000)), "ControlPlaneRegressed")).toBe(reason);
});

test("it is measured on all that was verified in the last day", () => {
  const { facts } = healthy();
  facts.group.status.snapshot.counts = { routes: 288 };
  facts.controlPlane.counts = { routes: 207 };
  const plan = () => planOf(facts, held(facts, "Reachable", 5_000));
  expect(told(plan(), "ControlPlaneRegressed")).toBe(undefined);
  facts.group.status.snapshot.baseline = [
    { until: new Date(facts.nowMs - 3_600_000).toISOString(), counts: { routes: 400 } },
  ];
  expect(told(plan(), "ControlPlaneRegressed")).toBe("Regressed");
});
