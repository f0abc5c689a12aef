import { expect, test } from "vitest";
import { done, healthy, held, type Loose, lose, planOf, told } from "./deciding.ts";

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
  const plan = planOf(facts, held(facts, "Unknown", 30_000));
  expect(plan.broken).toEqual([]);
  expect(
    done(plan)
      .filter((step) => step.includes("witness"))
      .map((step) => step.replace(/(create .*witness).*/, "$1")),
  ).toEqual(steps);
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
