import { expect, test } from "vitest";
import { SIGHT_LIMIT_MS } from "../../../operator/domain/evidence/staleness.ts";
import { brokenInvariants } from "../../../operator/domain/laws/invariants.ts";
import { REFLECTOR_TIMES } from "../../../operator/kube/reflector.ts";
import { BEHIND_MAX_MS } from "../../../operator/kube/store.ts";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";

const blind = (facts: Loose) => {
  facts.watches = { oldest: "Pod in gateways", staleForMs: SIGHT_LIMIT_MS };
};

test.for<[string, (facts: Loose) => void]>([
  ["at rest", () => {}],
  ["an object is missing", (f) => f.children.byName.delete("Service/edge")],
  ["the published mode differs", (f) => (f.group.status.epoch = 9)],
  ["more pods are wanted", (f) => (f.group.spec.traffic.replicas = 4)],
  ["a new export is to be proven", (f) => (f.snapshot.raw.digest = `sha256:${"f".repeat(64)}`)],
  ["witness pods are due", (f) => [lose(f), Object.assign(f.pods[0], { vote: "unknown" })]],
  ["a group without a mode", (f) => delete f.group.status.mode],
  ["the return is due", (f) => [inMode(f, "Fallback", 600_000), fromSnapshot(f)]],
])("blind, only status and events are written, and that is said: %s", ([, change]) => {
  const { facts } = healthy();
  change(facts);
  blind(facts);
  const plan = planOf(facts, held(facts, "Reachable", 600_000));
  expect([done(plan), plan.recordsMode, plan.broken]).toEqual([[], false, []]);
  expect([told(plan, "Held"), told(plan, "ControlPlaneReachable")]).toEqual(["WatchesBlind", "WatchesBlind"]);
  expect(plan.status.summary).toContain("Held: No sign of the API server on the watch of Pod in gateways");
  expect(plan.status.summary).toContain("Only status and events are written until the watch works again");
  expect(plan.events.map((event) => event.reason)).toContain("WatchesBlind");
});

test("it is said once, not in each loop", () => {
  const { facts, memory } = healthy();
  blind(facts);
  const first = planOf(facts, memory);
  facts.group.status = first.status;
  facts.watches.staleForMs += 30_000;
  facts.nowMs += 30_000;
  const second = planOf(facts, first.remembers);
  expect(second.status).toEqual(first.status);
  expect(second.events).toEqual([]);
});

test("a person's word stands before it", () => {
  const { facts, memory } = healthy();
  blind(facts);
  facts.group.spec.suspend = true;
  expect(told(planOf(facts, memory), "Held")).toBe("Suspended");
});

test("pods that are not seen to come up are no failed move", () => {
  const { facts } = healthy({
    fallback: { storageRef: { name: "eu" }, rollout: { type: "Rolling", startAfterSeconds: 0 } },
  });
  inMode(facts, "ToFallback", 600_000);
  lose(facts);
  Object.assign(facts.children.traffic, { failure: "exceeded quota", replicas: 3 });
  const before = held(facts, "Unreachable", 600_000);
  expect(planOf(facts, before).remembers.moveFailedMs).toBeDefined();
  blind(facts);
  expect(planOf(facts, before).remembers.moveFailedMs).toBeUndefined();
});

test("a plan that acts on what is not seen breaks a law", () => {
  const { facts, memory } = healthy();
  facts.children.byName.delete("Service/edge");
  const plan = planOf(facts, memory);
  expect([plan.broken, done(plan)]).toEqual([[], ["apply Service/edge"]]);
  blind(facts);
  expect(brokenInvariants(facts, plan)).toEqual([
    "on caches that may be out of date only status and events are written",
  ]);
});

test("a watch that is opened anew after its silence is never that old, and what is waited for no longer is decided on as blind", () => {
  expect(SIGHT_LIMIT_MS - REFLECTOR_TIMES.silenceMs, "room for one call's deadline and a back-off").toBeGreaterThan(
    15_000,
  );
  expect(BEHIND_MAX_MS).toBe(SIGHT_LIMIT_MS);
});
