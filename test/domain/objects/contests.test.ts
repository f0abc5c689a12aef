// Another writer that sets again what was taken back: three rounds, then longer and longer pauses, and its name.
import { expect, test } from "vitest";
import type { GroupMemory } from "../../../operator/domain/evidence/memory.ts";
import { done, healthy, held, inMode, type Loose, planOf, told } from "../deciding.ts";

const scales = (steps: string[]) => steps.filter((step) => step.startsWith("scale"));
const stalled = (plan: Loose): string =>
  plan.status.conditions.find((one: Loose) => one.type === "Stalled" && one.status === "True")?.message ?? "";

/** One group over several looks: what the other writer sets, and what Holdfast does about it. */
function fight(facts: Loose) {
  let memory: GroupMemory = held(facts, "Reachable", 5_000);
  let writes = 0;
  const look = (afterMs: number): ReturnType<typeof planOf> => {
    facts.nowMs += afterMs;
    facts.monoMs += afterMs;
    const plan = planOf(facts, memory);
    memory = plan.remembers;
    return plan;
  };
  return {
    look,
    /** It sets the replicas, Holdfast looks; a scale of Holdfast's is carried out. */
    sets: (replicas: number, afterMs = 5_000) => {
      writes += 1;
      Object.assign(facts.children.traffic, { replicas, scaledBy: "hpa", scaledAt: `t${writes}` });
      const plan = look(afterMs);
      carryOut(facts, plan);
      return plan;
    },
  };
}
function carryOut(facts: Loose, plan: Loose): void {
  for (const step of plan.steps) {
    if (step.do !== "scale") continue;
    facts.children.traffic.replicas = step.to;
    delete facts.children.traffic.scaledBy;
  }
}

test("an autoscaler on the Deployment that wants more: no pod is removed any more after three rounds", () => {
  const { facts } = healthy();
  const { sets, look } = fight(facts);
  for (const _ of [1, 2, 3]) expect(scales(done(sets(3)))).toEqual(["scale 3 -> 2"]);
  const fourth = sets(3);
  expect([scales(done(fourth)), told(fourth, "Stalled"), fourth.broken]).toEqual([[], "ReplicasContested", []]);
  expect(stalled(fourth)).toMatch(
    /^spec\.traffic\.replicas: Field manager "hpa" sets the replicas of Deployment "edge" again/,
  );
  expect(stalled(fourth)).toContain("kubectl -n gateways scale deployment edge --replicas=2");
  for (const after of [60_000, 3_600_000, 7_200_000]) expect(scales(done(look(after)))).toEqual([]);
  expect(scales(done(sets(4))), "another number of its own").toEqual([]);
});

test("what ends it: the number that is wanted, or another one on the GatewayGroup, which is tried once", () => {
  const { facts } = healthy();
  const { sets } = fight(facts);
  for (const _ of [1, 2, 3, 4]) sets(4);
  expect(told(sets(2), "Stalled"), "set as the message says").toBe("Accepted");
  expect(told(sets(4), "Stalled")).toBe("ReplicasContested");
  facts.group.spec.traffic.replicas = 3;
  expect(scales(done(sets(4)))).toEqual(["scale 4 -> 3"]);
  expect(told(sets(4), "Stalled")).toBe("ReplicasContested");
});

test("one that wants fewer: pods are added again at growing intervals, and Ready says what is missing", () => {
  const { facts } = healthy();
  const { sets, look } = fight(facts);
  for (const _ of [1, 2, 3]) expect(scales(done(sets(1)))).toEqual(["scale 1 -> 2"]);
  facts.pods = facts.pods.slice(0, 1);
  const fourth = sets(1);
  expect([scales(done(fourth)), told(fourth, "Stalled"), told(fourth, "Ready")]).toEqual([
    [],
    "ReplicasContested",
    "PodsMissing",
  ]);
  expect(scales(done(look(24_000)))).toEqual([]);
  const again = look(1_000);
  expect(scales(done(again)), "30 s after the last one").toEqual(["scale 1 -> 2"]);
  carryOut(facts, again);
  expect(told(look(5_000), "Stalled"), "it stays for a minute").toBe("ReplicasContested");
  expect(scales(done(sets(1, 40_000)))).toEqual([]);
  expect(scales(done(look(15_000))), "60 s after the last one").toEqual(["scale 1 -> 2"]);
});

test("three changes in more than an hour each are no fight, and neither are three looks at one change", () => {
  const { facts } = healthy();
  const { sets, look } = fight(facts);
  for (const _ of [1, 2, 3, 4, 5]) expect(scales(done(sets(3, 3_600_000)))).toEqual(["scale 3 -> 2"]);
  const other = healthy().facts;
  Object.assign(other.children.traffic, { replicas: 3, scaledBy: "hpa", scaledAt: "t1" });
  const one = fight(other);
  for (const _ of [1, 2, 3, 4, 5]) expect(scales(done(one.look(1_000)))).toEqual(["scale 3 -> 2"]);
  expect(told(look(1_000), "Stalled")).toBe("Accepted");
});

test("a fight that is over is forgotten after an hour", () => {
  const { facts } = healthy();
  const { sets, look } = fight(facts);
  for (const _ of [1, 2, 3]) sets(3);
  for (let minutes = 0; minutes < 61; minutes += 1) look(60_000);
  expect(look(1_000).remembers.contests).toBeUndefined();
  expect(scales(done(sets(3)))).toEqual(["scale 3 -> 2"]);
});

test("while nothing is written no round is counted", () => {
  const { facts } = healthy();
  facts.group.spec.suspend = true;
  const { sets } = fight(facts);
  for (const _ of [1, 2, 3, 4]) sets(3);
  facts.group.spec.suspend = false;
  expect(scales(done(sets(3)))).toEqual(["scale 3 -> 2"]);
});

test("it takes the surge of a move away again and again: no pod is made for a moment any more", () => {
  const { facts } = healthy();
  inMode(facts, "ToNormal", 60_000);
  facts.group.status.epoch = 2;
  for (const pod of facts.pods)
    pod.start = { choice: "fallback", reason: "RecordedFallback", finishedMs: 0, absent: [] };
  const { sets, look } = fight(facts);
  for (const _ of [1, 2, 3]) expect(scales(done(sets(2)))).toEqual(["scale 2 -> 3"]);
  const fourth = sets(2);
  expect([scales(done(fourth)), told(fourth, "Stalled")]).toEqual([[], "ReplicasContested"]);
  expect(scales(done(look(30_000))), "once more after the pause").toEqual(["scale 2 -> 3"]);
});

/** Somebody applies a copy of the Service with another port, each time that Holdfast writes it. */
function applies(facts: Loose, id: string, at: string, change: (object: Loose) => void): void {
  facts.children.writers = new Map([[id, { manager: "argocd-controller", at }]]);
  change(facts.children.byName.get(id));
}

test.for<[string, (object: Loose) => void]>([
  ["Service/edge", (object) => (object.spec.type = "NodePort")],
  ["Deployment/edge", (object) => (object.spec.template.spec.containers[0].image = "old")],
  ["Deployment/edge-backup", (object) => (object.spec.template.spec.containers[0].image = "old")],
])("somebody else writes %s: three rounds, then pauses, and the field is named", ([id, change]) => {
  const { facts } = healthy();
  const { look } = fight(facts);
  const writes = (plan: Loose): boolean => done(plan).includes(`apply ${id}`);
  for (const at of ["t1", "t2", "t3"]) {
    applies(facts, id, at, change);
    expect(writes(look(5_000)), at).toBe(true);
    expect(writes(look(5_000)), "the same once more, where it was refused").toBe(true);
  }
  applies(facts, id, "t4", change);
  const fourth = look(5_000);
  expect([writes(fourth), told(fourth, "Stalled")]).toEqual([false, "FieldContested"]);
  expect(stalled(fourth)).toContain('Field manager "argocd-controller" writes');
  expect(stalled(fourth)).toMatch(/\(spec\..*\) again/);
  expect(writes(look(30_000)), "after the pause").toBe(true);
  applies(facts, id, "t5", change);
  expect(writes(look(45_000))).toBe(false);
  expect(writes(look(15_000)), "after a longer one").toBe(true);
});

test("restart-at is not used up by a roll that another writer keeps from being begun", () => {
  const { facts } = healthy();
  const { look } = fight(facts);
  const change = (object: Loose) => (object.spec.template.spec.containers[0].image = "old");
  for (const at of ["t1", "t2", "t3"]) {
    applies(facts, "Deployment/edge", at, change);
    look(5_000);
  }
  applies(facts, "Deployment/edge", "t4", change);
  facts.group.annotations = { "holdfast.dev/restart-at": "2030-01-01T00:00:00Z" };
  expect(look(5_000).status.restartedAt).toBeUndefined();
  expect(look(60_000).status.restartedAt).toBe("2030-01-01T00:00:00Z");
});

test.for([
  ["Deployment/edge", "it was restored from a copy: its fields are taken over", "ObjectApplied"],
  ["Deployment/edge-backup", "it was restored from a copy: its fields are taken over", "ObjectApplied"],
  ["Service/edge", "as the spec wants", undefined],
] as const)("%s was made from a copy: it is written once, and nobody is said to have edited it", ([id, why, event]) => {
  const { facts } = healthy();
  facts.children.copies = new Set([id]);
  facts.children.writers = new Map([[id, { manager: "velero-server", at: "t1" }]]);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(done(plan)).toEqual([`apply ${id}`]);
  expect(plan.steps[0]).toMatchObject({ why });
  expect(plan.steps[0]?.events?.map(({ reason }) => reason)).toEqual(event && [event]);
  delete facts.children.copies;
  expect(done(planOf(facts, held(facts, "Reachable", 5_000)))).toEqual([]);
});

test.for([["ConfigMap/edge-start"], ["PodDisruptionBudget/edge"]])(
  "%s is written at once in any fight: pods that start read it, or evictions wait for it",
  ([id]) => {
    const { facts } = healthy();
    const { look } = fight(facts);
    for (const at of ["t1", "t2", "t3", "t4", "t5"]) {
      applies(facts, id!, at, (object) => {
        if (object.kind === "ConfigMap") object.data = { "start.json": "{}" };
        else object.spec.maxUnavailable = 7;
      });
      expect(done(look(5_000)), at).toContain(`apply ${id}`);
    }
    applies(facts, id!, "t6", () => undefined);
    expect(stalled(look(5_000)), "and says so").toMatch(/so Holdfast writes it again at once\. Change/);
  },
);

test("what Holdfast writes for reasons of its own is no round, whoever touched the object before", () => {
  const { facts } = healthy();
  const { look } = fight(facts);
  for (const at of ["t1", "t2", "t3", "t4"]) {
    applies(facts, "Service/edge", at, (object) => (object.metadata.annotations["holdfast.dev/applied-hash"] = at));
    expect(done(look(5_000)), at).toContain("apply Service/edge");
  }
});
