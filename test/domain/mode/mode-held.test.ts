/** What is left alone: in a freeze, under Observe, of a group that is being deleted. */
import { describe, expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";
import { refuse, unseen } from "./mode-facts.ts";

describe("a freeze", () => {
  const frozen = (facts: Loose) => {
    lose(facts);
    unseen(facts);
    facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 20_000).toISOString();
    return facts;
  };
  const budget = (facts: Loose, memory = held(facts, "Unreachable", 0)) =>
    planOf(facts, memory).steps.find((step) => step.do === "apply" && step.object.kind === "PodDisruptionBudget");
  test("outlives a restart of Holdfast", () => {
    expect(budget(frozen(healthy().facts))).toMatchObject({ object: { spec: { maxUnavailable: 0 } } });
  });
  test("tells what it allows when its group is gone, and takes that away when it is thawed", () => {
    const name = "holdfast.dev/unfrozen-max-unavailable";
    const facts = frozen(healthy().facts);
    const step = budget(facts) as Loose;
    expect(step.object.metadata.annotations[name]).toBe("10%");
    const thawing = healthy().facts;
    thawing.children.byName.set("PodDisruptionBudget/edge", step.object);
    const thawed = budget(thawing, held(thawing, "Reachable", 60_000)) as Loose;
    expect([thawed.object.spec.maxUnavailable, thawed.object.metadata.annotations[name]]).toEqual(["10%", undefined]);
  });
  test("is not there where the spec wants none, and one of ours goes", () => {
    const facts = frozen(healthy().facts);
    const { object } = budget(facts) as Loose;
    const live = { ...object, metadata: { ...object.metadata, uid: "uid-budget" } };
    facts.children.byName.set("PodDisruptionBudget/edge", live);
    facts.group.spec = structuredClone(facts.group.spec);
    facts.group.spec.traffic.disruptionBudget.enabled = false;
    const without = structuredClone(facts);
    expect(budget(without)).toBeUndefined();
    expect(done(planOf(without, held(without, "Unreachable", 0)))).toContain("delete edge");
  });
  test("outlives a moment of doubt", () => {
    const facts = frozen(healthy().facts);
    facts.controlPlane = { operator: { view: "unknown", detail: "dns" } };
    expect(budget(facts)).toMatchObject({ object: { spec: { maxUnavailable: 0 } } });
  });
  test("is the same in fallback, when the store refuses the keys that pods start with", () => {
    const { facts } = healthy();
    inMode(facts, "Fallback", 600_000);
    fromSnapshot(facts);
    lose(facts);
    refuse(facts);
    facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 600_000).toISOString();
    const plan = planOf(facts, held(facts, "Unreachable", 600_000));
    expect([plan.recordsMode, plan.broken, told(plan, "Held")]).toEqual([false, [], "NoProof"]);
    expect(budget(facts)).toMatchObject({ object: { spec: { maxUnavailable: 0 } } });
  });
  test("shrinks nothing that serves", () => {
    const facts = frozen(healthy().facts);
    facts.group.spec.traffic.replicas = 1;
    expect(done(planOf(facts, held(facts, "Unreachable", 60_000))).filter((step) => step.startsWith("scale"))).toEqual(
      [],
    );
  });
});

test("Observe makes what is missing and changes nothing that is there", () => {
  const { facts } = healthy();
  facts.group.spec.modePolicy = "Observe";
  facts.group.spec.gateway.resources = { limits: { cpu: "7" } };
  facts.group.spec.traffic.replicas = 5;
  facts.group.spec.traffic.disruptionBudget.maxUnavailable = 1;
  facts.pods[0].ready = false;
  Object.assign(facts.pods[0], { restarts: 9, trouble: "CrashLoopBackOff" });
  facts.children.byName.delete("Service/edge");
  lose(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 60_000));
  // The exporter's change waits, too: in an outage a new one could not start.
  const isWitness = (step: string) => step.startsWith("create Pod/edge-witness");
  expect(done(plan).filter((step) => !isWitness(step))).toEqual(["apply Service/edge"]);
});

test("a group that is being deleted gets nothing any more", () => {
  const { facts, memory } = healthy();
  facts.group.deleting = true;
  facts.children.byName.clear();
  expect([planOf(facts, memory).steps, planOf(facts, memory).status]).toEqual([[], facts.group.status]);
});
