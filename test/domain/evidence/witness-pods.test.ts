import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

/** Holdfast sees nothing, and no gateway can be asked. */
function silent(): Loose {
  const { facts } = healthy();
  lose(facts);
  for (const pod of facts.pods) pod.vote = "unknown";
  return facts;
}
const pod = (facts: Loose, ageMs: number, change: object = {}) => ({
  role: "witness",
  name: "edge-witness-old",
  uid: "w",
  node: "a",
  resourceVersion: "1",
  createdMs: facts.nowMs - ageMs,
  deleting: false,
  result: { state: "running" },
  ...change,
});
const TWO = ["create Pod/edge-witness", "create Pod/edge-witness"];

test.for<[string, (facts: Loose) => object[], string[]]>([
  ["there is none", () => [], TWO],
  ["they run", (f) => [pod(f, 5_000)], []],
  ["they ended just now", (f) => [pod(f, 59_999, { result: { state: "failed", message: "" } })], []],
  ["they ended a minute ago", (f) => [pod(f, 60_000, { result: { state: "failed", message: "" } })], TWO],
  ["one finds no node", (f) => [pod(f, 120_001)], ["delete edge-witness-old"]],
  ["one cannot go away, on a node that died", (f) => [pod(f, 200_000, { deleting: true })], TWO],
])("witness pods: %s", ([, helpers, steps]) => {
  const facts = silent();
  facts.helpers = helpers(facts);
  const plan = planOf(facts, held(facts, "Unknown", 300_000));
  expect(plan.broken).toEqual([]);
  expect(
    done(plan)
      .filter((step) => step.includes("witness"))
      .map((step) => step.replace(/(create .*witness).*/, "$1")),
  ).toEqual(steps);
});

/** The last round ended so long ago, ms; what has been seen for how long, and is there another one? A loss counts after 20 s. */
test.for<[string, (facts: Loose) => void, number, number, boolean]>([
  ["a loss that does not count yet: not yet", () => {}, 19_000, 9_999, false],
  ["a loss that does not count yet: half of its time", () => {}, 19_000, 10_000, true],
  ["a loss counts after ten minutes, and has not yet", (f) => dwell(f, 600), 300_000, 59_999, false],
  ["a loss counts after ten minutes: each minute", (f) => dwell(f, 600), 300_000, 60_000, true],
  ["it counts: each minute", () => {}, 60_000, 59_999, false],
  ["in fallback", (f) => inMode(f, "Fallback"), 300_000, 149_999, false],
  ["in fallback: seldom", (f) => inMode(f, "Fallback"), 300_000, 150_000, true],
  ["made in an earlier loss: a moment", (f) => dwell(f, 600), 5_000, 9_999, false],
  ["made in an earlier loss", (f) => dwell(f, 600), 5_000, 10_000, true],
  ["gateways alone have lost it, all on one node", (f) => cutOff(f, "a"), 300_000, 149_999, false],
  ["gateways alone have lost it, all on one node: seldom", (f) => cutOff(f, "a"), 300_000, 150_000, true],
  [
    "gateways alone have lost it, on two nodes: whoever is answered contradicts",
    (f) => cutOff(f, "b"),
    39_000,
    150_000,
    true,
  ],
  ["Holdfast alone is answered with a server error", (f) => serverError(f), 300_000, 60_000, true],
])("rounds: %s", ([, change, heldMs, agoMs, another]) => {
  const facts = silent();
  change(facts);
  facts.helpers = [pod(facts, agoMs, { result: { state: "failed", message: "" } })];
  const memory = held(facts, facts.pods[0].vote === "disconnected" ? "Unreachable" : "Unknown", heldMs);
  const steps = done(planOf(facts, { ...memory, disputedSinceMs: facts.nowMs - heldMs })).filter((step) =>
    step.includes("create Pod/edge-witness"),
  );
  expect(steps.length).toBe(another ? 2 : 0);
});

test("a witness that spoke stays for as long as it is believed", () => {
  for (const [mode, lives] of [
    ["Normal", 120_000],
    ["Fallback", 300_000],
  ] as const) {
    const facts = silent();
    inMode(facts, mode);
    const result = { state: "answered", answered: false, readFailed: false, finishedMs: facts.nowMs - lives };
    const goes = (ageMs: number) => {
      facts.helpers = [pod(facts, ageMs, { result })];
      return done(planOf(facts, held(facts, "Unreachable", 600_000))).includes("delete edge-witness-old");
    };
    expect([goes(lives), goes(lives + 1)]).toEqual([false, true]);
  }
});

test("no witness pods while gateways answer, or while reads are answered", () => {
  for (const change of [
    (f: Loose) => (f.pods[0].vote = "connected"),
    (f: Loose) => (f.controlPlane = { operator: { view: "readsOk" }, counts: {} }),
  ]) {
    const facts = silent();
    change(facts);
    const plan = planOf(facts, held(facts, "Unknown", 30_000));
    expect(done(plan).filter((step) => step.includes("witness"))).toEqual([]);
  }
});

test("lost once, not known to be back and without a proof: what is frozen is said to be", () => {
  const facts = silent();
  facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 3_600_000).toISOString();
  facts.group.status.snapshot.proofs = [];
  for (const one of facts.pods) one.vote = "connected";
  const plan = planOf(facts, held(facts, "Unknown", 30_000));
  expect([told(plan, "Held"), plan.broken]).toEqual(["NoProof", []]);
});

function dwell(facts: Loose, seconds: number): void {
  facts.group.spec.fallback.outageAfterSeconds = seconds;
}
function cutOff(facts: Loose, second: string): void {
  facts.controlPlane = { operator: { view: "readsOk" }, counts: {} };
  for (const one of facts.pods) one.vote = "disconnected";
  Object.assign(facts.pods[0], { node: "a" });
  Object.assign(facts.pods[1], { node: second });
}
function serverError(facts: Loose): void {
  facts.controlPlane = { operator: { view: "serverError", detail: "503" } };
  for (const one of facts.pods) one.vote = "connected";
}
