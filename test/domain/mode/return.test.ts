/** When a group goes back, and what ends a return half way. */
import { describe, expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";
import { approve, asked, empty, override, type Row } from "./mode-facts.ts";

/** After 30 s of answers the group returns. */
/** The canary loaded this, and the control plane holds more. */
function fewer(facts: Loose, seen: object, more: object): void {
  Object.assign(facts.controlPlane.counts, more);
  facts.helpers[0].result = { state: "failed", message: "FewerThanExpected", fewer: { seen, more: 0 } };
}

test.for<Row>([
  ["answered for long enough", () => {}, 30_000, "ToNormal", undefined],
  ["a millisecond short", () => {}, 29_999, undefined, "WaitingReturn"],
  ["flipped twice within the hour: twice the time", (f) => penalty(f, 1), 59_999, undefined, "WaitingReturn"],
  ["and then it goes", (f) => penalty(f, 1), 60_000, "ToNormal", undefined],
  ["flipped often: never more than an hour", (f) => often(f, 600), 3_600_000, "ToNormal", undefined],
  ["and that long", (f) => often(f, 600), 3_599_999, undefined, "WaitingReturn"],
  ["or the return's own time, where that is longer", (f) => often(f, 7_200), 7_200_000, "ToNormal", undefined],
  ["an hour of quiet forgets one doubling", (f) => penalty(f, 1, 3_600_000), 30_000, "ToNormal", undefined],
  ["the control plane is empty", (f) => empty(f), 30_000, undefined, "Regressed"],
  [
    "approved for this epoch",
    (f) => {
      empty(f);
      asked(f, "Regressed");
      approve(f, 0);
    },
    30_000,
    "ToNormal",
    undefined,
  ],
  [
    "approved before it was asked",
    (f) => {
      empty(f);
      approve(f, 0);
    },
    30_000,
    undefined,
    "Regressed",
  ],
  [
    "approved when it was not counted, and it is empty",
    (f) => {
      empty(f);
      asked(f, "Uncounted", {});
      approve(f, 0);
    },
    30_000,
    undefined,
    "Regressed",
  ],
  [
    "approved with half, and it is empty",
    (f) => {
      empty(f);
      asked(f, "Regressed", { routes: 20 });
      approve(f, 0);
    },
    30_000,
    undefined,
    "Regressed",
  ],
  [
    "approved for another epoch",
    (f) => {
      empty(f);
      asked(f, "Regressed");
      approve(f, -1);
    },
    30_000,
    undefined,
    "Regressed",
  ],
  ["not counted", (f) => delete f.controlPlane.counts, 30_000, undefined, "WaitingReturn"],
  [
    "not counted, and approved",
    (f) => {
      delete f.controlPlane.counts;
      asked(f, "Uncounted");
      approve(f, 0);
    },
    30_000,
    "ToNormal",
    undefined,
  ],
  ["approval by hand", (f) => manual(f), 30_000, undefined, "WaitingApproval"],
  [
    "approval by hand, given",
    (f) => {
      manual(f);
      approve(f, 0);
    },
    30_000,
    "ToNormal",
    undefined,
  ],
  ["no canary yet", (f) => (f.helpers = []), 30_000, undefined, "WaitingCanary"],
  [
    "the canary fails",
    (f) => (f.helpers[0].result = { state: "failed", message: "x" }),
    30_000,
    undefined,
    "CanaryFailed",
  ],
  [
    "the canary loads as much as serves now, and not all: an item that no gateway loads keeps nobody",
    (f) => fewer(f, { routes: 40, services: 5, upstreams: 5 }, { routes: 41 }),
    30_000,
    "ToNormal",
    undefined,
  ],
  [
    "one route less than serves now",
    (f) => fewer(f, { routes: 39, services: 5, upstreams: 5 }, { routes: 41 }),
    30_000,
    undefined,
    "CanaryFailed",
  ],
  [
    "one upstream less",
    (f) => fewer(f, { routes: 40, services: 5, upstreams: 4 }, { routes: 41 }),
    30_000,
    undefined,
    "CanaryFailed",
  ],
  [
    "less than the snapshot holds, and pods serve without these as well",
    (f) => {
      fewer(f, { routes: 38, services: 5, upstreams: 5 }, { routes: 41 });
      f.group.status.snapshot.proofs[0].without = ["routes/a", "routes/b", "services/c"];
    },
    30_000,
    "ToNormal",
    undefined,
  ],
  [
    "what was removed on the control plane is not missed",
    (f) => fewer(f, { routes: 37, services: 5, upstreams: 5 }, { routes: 37, services: 6 }),
    30_000,
    "ToNormal",
    undefined,
  ],
  [
    "what serves now is not on record",
    (f) => {
      fewer(f, { routes: 40, services: 5, upstreams: 5 }, { routes: 41 });
      delete f.group.status.snapshot.counts;
    },
    30_000,
    undefined,
    "CanaryFailed",
  ],
  [
    "a canary that is on its way out says nothing",
    (f) => (f.helpers[0].deleting = true),
    30_000,
    undefined,
    "WaitingCanary",
  ],
  ["Fallback is ordered", (f) => override(f, "Fallback until=2030-01-01T00:00:00Z"), 30_000, undefined, undefined],
  [
    "ordered, and a day beside a living control plane is over",
    (f) => {
      override(f, "Fallback until=2030-01-01T00:00:00Z");
      inMode(f, "Fallback", 86_400_001);
    },
    30_000,
    "ToNormal",
    undefined,
  ],
  ["Normal is ordered: nothing is waited for", (f) => (f.group.spec.modePolicy = "Normal"), 0, "ToNormal", undefined],
  ["modePolicy Observe", (f) => (f.group.spec.modePolicy = "Observe"), 30_000, undefined, "WouldMove"],
])("back: %s", ([, change, heldMs, mode, why]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  fromSnapshot(facts);
  facts.helpers = [canary(facts)];
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", heldMs));
  expect(plan.broken).toEqual([]);
  expect(plan.recordsMode ? plan.status.mode : undefined).toBe(mode);
  if (why !== undefined) expect([told(plan, "Held"), told(plan, "Reconciling")]).toContain(why);
});

test.for<[string, number, number, boolean]>([
  ["once: twice the time", 1, 59_999, false],
  ["and then it goes", 1, 60_000, true],
  ["often: four times the time, no more", 9, 120_000, true],
  ["but that long", 9, 119_999, false],
])("back, after it went again %s", ([, count, heldMs, returns]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  fromSnapshot(facts);
  facts.helpers = [canary(facts)];
  const memory = { ...held(facts, "Reachable", heldMs), relapses: { count, back: true } };
  expect(planOf(facts, memory).recordsMode).toBe(returns);
});

/** A canary that loaded speaks of now: after ten minutes another one is made. */
test.for<[number, string[]]>([
  [600_000, []],
  [600_001, ["delete canary"]],
])("a canary of %i ms ago", ([agoMs, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  fromSnapshot(facts);
  facts.helpers = [{ ...canary(facts), createdMs: facts.nowMs - agoMs }];
  const plan = planOf(facts, held(facts, "Reachable", 10_000));
  expect(done(plan).filter((step) => step.endsWith("canary"))).toEqual(steps);
});

describe("half way back", () => {
  const returning = () => {
    const { facts } = healthy();
    inMode(facts, "ToNormal");
    fromSnapshot(facts);
    return facts;
  };
  test("a control plane that is found emptied ends the return: no pod of the snapshot is given up", () => {
    const facts = returning();
    empty(facts);
    const plan = planOf(facts, held(facts, "Reachable", 60_000));
    expect([plan.status.mode, plan.status.modeReason]).toEqual(["ToFallback", "Regressed"]);
  });
  test.for<[string, (facts: Loose) => void, string]>([
    ["a loss turns it", () => {}, "ToFallback"],
    ["a loss does not turn one that was ordered", (f) => (f.group.spec.modePolicy = "Normal"), "ToNormal"],
  ])("ordered or not: %s", ([, change, mode]) => {
    const facts = returning();
    lose(facts);
    change(facts);
    expect(planOf(facts, held(facts, "Unreachable", 60_000)).status.mode).toBe(mode);
  });
  test("while nobody knows about the control plane, an emptied one moves nothing", () => {
    const facts = returning();
    empty(facts);
    facts.pods[0].start = { ...facts.pods[0].start, choice: "normal" };
    facts.pods[0].vote = "disconnected";
    facts.pods[1].start = { ...facts.pods[1].start, choice: "normal" };
    const plan = planOf(facts, held(facts, "Unknown", 60_000));
    expect([plan.recordsMode, plan.broken]).toEqual([false, []]);
  });
  test("a return that was approved all the same goes on", () => {
    const facts = returning();
    empty(facts);
    asked(facts, "Regressed", { routes: 0 }); // in the step before
    const plan = planOf(facts, held(facts, "Reachable", 60_000));
    expect(plan.recordsMode).toBe(false);
    expect(done(plan)).toContain("scale 2 -> 3");
  });
  test("counts that are not known hold the motion", () => {
    const facts = returning();
    delete facts.controlPlane.counts;
    const plan = planOf(facts, held(facts, "Reachable", 60_000));
    expect([plan.recordsMode, done(plan).filter((step) => step.startsWith("scale"))]).toEqual([false, []]);
  });
  test("and say so, with the way out; approved, they are no hindrance any more", () => {
    const facts = returning();
    const why = () =>
      planOf(facts, held(facts, "Reachable", 60_000)).status.conditions?.find(({ type }) => type === "Reconciling");
    expect(why()?.message).toBe("Moving pods back: 2 to go");
    delete facts.controlPlane.counts;
    asked(facts, "Uncounted");
    expect(why()?.message).toBe(
      `Moving pods back: 2 to go. It waits until the control plane's objects are counted; to go on all the same: annotate holdfast.dev/approve-return=${facts.group.status.epoch}-uid-grou`,
    );
    approve(facts, 0);
    expect(why()?.message).toBe("Moving pods back: 2 to go");
  });
  test("a successor that fails the check is waited for, and the check is named", () => {
    const facts = returning();
    facts.group.spec.traffic.check = { path: "/health", expectStatus: 204 };
    facts.pods.push({
      ...facts.pods[0],
      name: "edge-1-3",
      uid: "uid-3",
      check: "fail",
      start: { ...facts.pods[0].start, choice: "normal" },
    });
    const plan = planOf(facts, held(facts, "Reachable", 60_000));
    expect(plan.status.conditions?.find(({ type }) => type === "Reconciling")?.message).toBe(
      "Moving pods back: 2 to go. It waits for pods that do not answer 204 to spec.traffic.check.path /health (edge-1-3): mend the route, or change or remove the check",
    );
    expect(done(plan).filter((step) => /markPod|scale/.test(step))).toEqual([]);
  });
  test("lost again for long enough: to fallback, with pods of any kind", () => {
    const facts = returning();
    lose(facts);
    expect(planOf(facts, held(facts, "Unreachable", 20_000)).status.mode).toBe("ToFallback");
    expect(planOf(facts, held(facts, "Unreachable", 19_999)).recordsMode).toBe(false);
  });
  test("Observe says it and does not", () => {
    const facts = returning();
    facts.group.spec.modePolicy = "Observe";
    lose(facts);
    const plan = planOf(facts, held(facts, "Unreachable", 20_000));
    expect([plan.recordsMode, told(plan, "Reconciling")]).toEqual([false, "WouldMove"]);
  });
  test("an ordered fallback that its limit ended is not taken up again at once", () => {
    const facts = returning();
    override(facts, "Fallback until=2030-01-01T00:00:00Z");
    expect(planOf(facts, held(facts, "Reachable", 60_000)).status.mode).toBe("ToFallback");
    const at = new Date(facts.nowMs).toISOString();
    const step = { epoch: 3, from: "Fallback", to: "ToNormal", at, reason: "OrderExpired", evidence: "" };
    facts.group.status.history = [step];
    expect(planOf(facts, held(facts, "Reachable", 60_000)).recordsMode).toBe(false);
  });
  test("a pod that cannot even be placed does not keep the group from being normal", () => {
    const { facts } = healthy();
    inMode(facts, "ToNormal");
    publish(facts);
    const { start: _, ...pod } = facts.pods[0];
    facts.pods.push({ ...pod, uid: "u", name: "pending", ready: false, scheduled: false });
    expect(planOf(facts, held(facts, "Reachable", 60_000)).status.mode).toBe("Normal");
  });
});

function penalty(facts: Loose, level: number, agoMs = 0): void {
  facts.group.status.penalty = { level, at: new Date(facts.nowMs - agoMs).toISOString() };
}
function often(facts: Loose, afterSeconds: number): void {
  facts.group.spec.fallback.recovery.afterSeconds = afterSeconds;
  penalty(facts, 6);
}
function manual(facts: Loose): void {
  facts.group.spec.fallback.recovery.approval = "Manual";
}
function publish(facts: Loose): void {
  const step = planOf(facts, held(facts, "Reachable", 60_000)).steps.find(
    (one) => one.do === "apply" && one.object.metadata.name === "edge-start",
  );
  if (step?.do === "apply") facts.children.byName.set("ConfigMap/edge-start", step.object);
}
function canary(facts: Loose): Loose {
  return {
    role: "canary",
    name: "canary",
    uid: "c",
    resourceVersion: "1",
    createdMs: facts.nowMs - 5_000,
    deleting: false,
    result: { state: "loaded", counts: {} },
  };
}
