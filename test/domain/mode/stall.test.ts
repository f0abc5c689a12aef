/** A move of pods that comes no further: after ten minutes it is held, says what it waits for, and others go on. */
import { expect, test } from "vitest";
import { decide } from "../../../operator/domain/decide.ts";
import { fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";
import { reachable, surge } from "../motion/motion-facts.ts";

const MINUTE = 60_000;

/** Half way back: a surge is there, and one pod of the snapshot is to leave when the successor counts. */
function returning(spec: object = {}): Loose {
  const { facts } = healthy(spec);
  inMode(facts, "ToNormal");
  fromSnapshot(facts);
  reachable(facts);
  surge(facts);
  facts.controlPlane.counts = facts.group.status.snapshot.counts;
  return facts;
}

/** The same facts again and again, a minute apart; `change` comes before the minute that it is given. */
function watch(facts: Loose, minutes: number, change: (minute: number) => void = () => {}) {
  let memory = held(facts, "Reachable", 600_000);
  let plan = planOf(facts, memory);
  const start = plan.steps.find((step) => step.do === "apply" && step.object.metadata.name === "edge-start");
  if (start?.do === "apply" && facts.children.byName.has("ConfigMap/edge-start"))
    facts.children.byName.set("ConfigMap/edge-start", start.object);
  for (let minute = 0; minute <= minutes; minute += 1) {
    change(minute);
    memory = {
      ...memory,
      verdict: { word: plan.status.controlPlane?.verdict ?? "Unknown", sinceMs: 0, seenMs: facts.monoMs },
    };
    plan = planOf(facts, memory);
    ({ memory } = decide(facts, memory));
    if (minute === minutes) break;
    facts.nowMs += MINUTE;
    facts.monoMs += MINUTE;
    for (const pod of facts.pods) pod.createdMs += MINUTE;
  }
  return plan;
}
const heldText = (plan: ReturnType<typeof planOf>) =>
  plan.status.conditions?.find(({ type }) => type === "Held")?.message ?? "";

const CHECK = { traffic: { check: { path: "/health", expectStatus: 200 } } };

/** What keeps a return from going on, and what is said of it. */
test.for<[string, object, (facts: Loose) => void, string]>([
  [
    "nobody can ask the successor for the checked route",
    CHECK,
    () => {},
    "no answer to spec.traffic.check from pods (edge-1-3)",
  ],
  ["the successor fails the check", CHECK, (f) => (f.pods[2].check = "fail"), "(edge-1-3): repair the route"],
  ["the successor is never ready", {}, (f) => (f.pods[2].ready = false), "pods are not ready (edge-1-3)"],
  ["a person paused the Deployment in the middle of a roll", {}, (f) => paused(f), 'Deployment "edge" is paused'],
  [
    "fewer replicas wait for a word",
    {},
    (f) => dropped(f),
    "spec.traffic.replicas is 2, set not through the scale subresource",
  ],
  ["nobody can count what the control plane holds", {}, (f) => delete f.controlPlane.counts, "approve-return"],
  ["the control plane is out of sight", {}, (f) => unknown(f), "the control plane is not back"],
  [
    "the start choice cannot be told",
    {},
    (f) => f.children.byName.delete("ConfigMap/edge-start"),
    "start choice is not published",
  ],
])("%s", ([, spec, change, text]) => {
  const before = returning(spec);
  change(before);
  const early = watch(before, 9);
  expect(told(early, "Held")).toBeUndefined();
  const facts = returning(spec);
  change(facts);
  const plan = watch(facts, 10);
  expect(told(plan, "Held")).toBe("MoveStalled");
  expect(heldText(plan)).toContain(text);
  expect(plan.status.summary).toContain("Held: ");
  expect(plan.broken).toEqual([]);
  // Held for those who wait behind it; it goes on by itself as before.
  expect(plan.status.mode).toBe("ToNormal");
});

/** What makes the ten minutes begin anew. */
test.for<[string, (facts: Loose) => void]>([
  ["one pod fewer is to go", (f) => f.pods.shift()],
  ["one more has arrived", (f) => (f.pods[2].ready = true)],
  ["it is another move", (f) => (f.group.status.epoch += 1)],
  ["it is not its turn", (f) => waits(f)],
])("%s: no stall", ([, change]) => {
  const facts = returning();
  facts.pods[2].ready = false;
  expect(
    told(
      watch(facts, 14, (minute) => (minute === 6 ? change(facts) : undefined)),
      "Held",
    ),
  ).toBeUndefined();
});

test("a pod that comes and goes is no progress", () => {
  const facts = returning(CHECK);
  const plan = watch(facts, 14, (minute) => (facts.pods[2].ready = minute % 2 === 0));
  expect(told(plan, "Held")).toBe("MoveStalled");
});

test("a move that waits for nothing of its own: its turn", () => {
  const facts = returning();
  facts.children.traffic.replicas = 2;
  facts.pods.pop();
  waits(facts);
  expect(told(watch(facts, 30), "Held")).toBeUndefined();
});

test("on the way to fallback, too; and without a proof that is told first", () => {
  const facts = returning();
  inMode(facts, "ToFallback");
  lose(facts);
  for (const pod of facts.pods) pod.start.choice = "normal";
  facts.group.spec.modePolicy = "Fallback";
  facts.pods[2].ready = false;
  expect(told(watch(facts, 11), "Held")).toBe("MoveStalled");
});

function paused(facts: Loose): void {
  const { traffic } = facts.children;
  traffic.paused = true;
  traffic.replicaSets = [...traffic.replicaSets, { ...traffic.replicaSets[0], templateHash: "former", revision: 0 }];
  facts.controlPlane = { operator: { view: "unknown", detail: "" } }; // else it is resumed
}
function dropped(facts: Loose): void {
  facts.group.replicasSetBy = "other";
  facts.children.traffic.replicas = 9;
}
function unknown(facts: Loose): void {
  facts.controlPlane = { operator: { view: "unknown", detail: "" } };
}
function waits(facts: Loose): void {
  facts.children.traffic.replicas = 2;
  Object.assign(facts.peers, { sharing: 5, moving: 1 });
}
