/** Pods beside a control plane that lacks what is expected: who counts as serving, who is replaced, who goes first. */
import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";
import { empty } from "../mode/mode-facts.ts";
import { motion, surge } from "./motion-facts.ts";

type Change = (facts: Loose) => void;
const record =
  (state: string): Change =>
  (f) =>
    (f.group.status.controlPlane.content = { state });
const accepted: Change = (f) => (f.group.status.controlPlane.content = { state: "Regressed", accepted: { routes: 0 } });
const unexported: Change = (f) => (f.snapshot.raw = { seen: "absent" });
const uncounted: Change = (f) => delete f.controlPlane.counts;
const checked: Change = (f) => {
  for (const pod of f.pods) pod.check = "pass";
};
const unpublished: Change = (f) => (f.group.status.snapshot.proofs = []);

/** Two pods follow it, both Ready, none is to be moved by itself (OnRestart); what each state of it means for them. */
test.for<[string, Change[], string[], "True" | "False"]>([
  ["lost with what it should hold", [lose], [], "True"],
  ["emptied, then lost: replaced from the snapshot", [record("Regressed"), lose], ["scale 2 -> 3"], "False"],
  ["another group's, then lost", [record("Foreign"), unexported, lose], ["scale 2 -> 3"], "False"],
  ["emptied, and there: a person decides", [empty], [], "True"],
  ["emptied, then lost, and a person took it for good", [accepted, lose], [], "True"],
  ["emptied, then lost, and a route still answers", [record("Regressed"), lose, checked], [], "True"],
  ["emptied, then lost, and nothing is proven", [record("Regressed"), lose, unpublished], [], "True"],
])("%s", ([, changes, steps, ready]) => {
  const { facts } = healthy();
  for (const change of changes) change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 1_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
  expect(plan.status.conditions?.find(({ type }) => type === "Ready")?.status).toBe(ready);
  if (ready === "False") {
    expect(plan.status.summary).toContain("0 of 2 traffic pods serve");
    expect(plan.status.conditions?.find(({ type }) => type === "Ready")?.message).toContain("2 followed");
  }
});

test("one that followed leaves when its successor from the snapshot serves", () => {
  const { facts } = healthy();
  record("Regressed")(facts);
  lose(facts);
  const snapshot = { choice: "fallback", reason: "ControlPlaneSilent", finishedMs: facts.nowMs, absent: [] };
  surge(facts, { start: snapshot });
  const plan = planOf(facts, held(facts, "Unreachable", 5_000));
  expect([plan.broken, motion(done(plan))]).toEqual([[], ["markPod edge-1-1"]]);
});

/** After an outage too short to be recorded: pods of the snapshot go back in normal mode, or stay. */
test.for<[string, Change[], string[], string | undefined]>([
  ["it holds what it should", [], ["scale 2 -> 3"], undefined],
  ["it is empty", [empty], [], "Regressed"],
  ["it is not counted", [uncounted], [], undefined],
  ["it was emptied, and is not counted now", [record("Regressed"), uncounted], [], "Regressed"],
  [
    "it is empty, and a person says that it is meant",
    [record("Regressed"), empty, approved],
    ["scale 2 -> 3"],
    "Regressed",
  ],
])("back in normal mode: %s", ([, changes, steps, condition]) => {
  const { facts } = healthy();
  fromSnapshot(facts);
  for (const change of changes) change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 600_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
  expect(told(plan, "ControlPlaneRegressed")).toBe(condition);
  expect(plan.wants.controlPlaneCounts, "or they would never go back").toBe(true);
});
function approved(facts: Loose): void {
  facts.group.annotations = { "holdfast.dev/approve-return": `${facts.group.status.epoch ?? 0}-uid-grou` };
}

/** Three pods, two are wanted, one of them is of the snapshot: who goes. */
test.for<[string, Change[], string[]]>([
  ["all is well: any", [], ["scale 3 -> 2"]],
  ["it is empty: one that follows", [empty], ["markPod edge-1-3"]],
  ["it was emptied and is not counted", [record("Regressed"), uncounted], ["markPod edge-1-3"]],
  ["it was emptied and is lost", [record("Regressed"), lose], ["markPod edge-1-2"]],
  ["it is another group's", [record("Foreign"), unexported], ["markPod edge-1-3"]],
])("scaled down: %s", ([, changes, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  surge(facts);
  facts.pods[0].start = { ...facts.pods[0].start, choice: "fallback", reason: "RecordedFallback" };
  for (const change of changes) change(facts);
  const word = facts.controlPlane.operator.view === "down" ? "Unreachable" : "Reachable";
  const plan = planOf(facts, held(facts, word, 1_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test("a pod of the snapshot that cannot start is not made anew beside a control plane that lacks: it would choose as before", () => {
  const { facts } = healthy();
  fromSnapshot(facts);
  Object.assign(facts.pods[0], {
    ready: false,
    restarts: 3,
    trouble: "gateway: CrashLoopBackOff",
    createdMs: facts.nowMs - 1_000,
  });
  expect(done(planOf(facts, held(facts, "Reachable", 1_000)))).toContain("deletePod edge-1-1");
  empty(facts);
  expect(done(planOf(facts, held(facts, "Reachable", 1_000)))).not.toContain("deletePod edge-1-1");
});
