import { describe, expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, startTold, told } from "./deciding.ts";

type Row = [string, (facts: Loose) => void, number, string | undefined, string | undefined];

/** After 20 s of loss the group goes; each row changes one thing. Mode that is recorded, reason that is held or waited for. */
test.for<Row>([
  ["lost for long enough, proven", () => {}, 20_000, "ToFallback", undefined],
  ["a millisecond short", () => {}, 19_999, undefined, "WaitingOutage"],
  ["the store cannot be read", (f) => unseen(f), 20_000, undefined, "NoProof"],
  ["no proof for this template", (f) => proofs(f, (p) => (p.key = "other")), 20_000, undefined, "NoProof"],
  ["no proof for this digest", (f) => proofs(f, (p) => (p.digest = "sha256:00")), 20_000, undefined, "NoProof"],
  [
    "other reader keys than those proven",
    (f) => (f.secrets.reader.resourceVersion = "2"),
    20_000,
    undefined,
    "NoProof",
  ],
  [
    "the reader's Secret cannot be read: the proof stays",
    (f) => (f.secrets.reader = { seen: "unknown", name: "keys", why: "403" }),
    20_000,
    "ToFallback",
    undefined,
  ],
  [
    "the last export is as old as allowed at the loss",
    (f) => (f.snapshot.raw.ageMs = 3_600_000 + 20_000),
    20_000,
    "ToFallback",
    undefined,
  ],
  ["it is older", (f) => (f.snapshot.raw.ageMs = 3_600_001 + 20_000), 20_000, undefined, "NoProof"],
  ["one gateway is connected", (f) => (f.pods[0].vote = "connected"), 20_000, undefined, undefined],
  ["gateways cut off alone: not after the simple time", (f) => cutOff(f), 39_999, undefined, "WaitingOutage"],
  ["gateways cut off alone: after twice the time", (f) => cutOff(f), 40_000, "ToFallback", undefined],
  ["half of the control planes lost", (f) => peers(f, 4, 2), 20_000, "ToFallback", undefined],
  ["more than half of three lost", (f) => peers(f, 3, 2), 20_000, undefined, "SelfSuspicion"],
  ["both of two lost", (f) => peers(f, 2, 2), 20_000, "ToFallback", undefined],
  ["modePolicy Normal", (f) => (f.group.spec.modePolicy = "Normal"), 20_000, undefined, undefined],
  ["modePolicy Observe", (f) => (f.group.spec.modePolicy = "Observe"), 20_000, undefined, "WouldMove"],
  ["suspended", (f) => (f.group.spec.suspend = true), 20_000, undefined, "Suspended"],
  ["Hold", (f) => override(f, "Hold until=2030-01-01T00:00:00Z"), 20_000, undefined, "HoldOrdered"],
  ["Hold that has expired", (f) => override(f, "Hold until=2020-01-01T00:00:00Z"), 20_000, "ToFallback", undefined],
  ["an override that cannot be read", (f) => override(f, "Hold for ever"), 20_000, "ToFallback", undefined],
  ["the group is being deleted", (f) => (f.group.deleting = true), 20_000, undefined, undefined],
  ["a watch is quiet", (f) => (f.watches.staleForMs = 109_999), 20_000, "ToFallback", undefined],
  ["a watch is blind", (f) => (f.watches.staleForMs = 110_000), 20_000, undefined, "WatchesBlind"],
])("into fallback: %s", ([, change, heldMs, mode, why]) => {
  const { facts } = healthy();
  lose(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", heldMs));
  expect(plan.broken).toEqual([]);
  expect(plan.recordsMode ? plan.status.mode : undefined).toBe(mode);
  if (why !== undefined) expect([told(plan, "Held"), told(plan, "Reconciling")]).toContain(why);
});

/** After 30 s of answers the group returns. */
test.for<Row>([
  ["answered for long enough", () => {}, 30_000, "ToNormal", undefined],
  ["a millisecond short", () => {}, 29_999, undefined, "WaitingReturn"],
  ["flipped twice within the hour: twice the time", (f) => penalty(f, 1), 59_999, undefined, "WaitingReturn"],
  ["and then it goes", (f) => penalty(f, 1), 60_000, "ToNormal", undefined],
  ["never more than an hour", (f) => penalty(f, 6), 3_600_000, "ToNormal", undefined],
  ["an hour of quiet forgets one doubling", (f) => penalty(f, 1, 3_600_000), 30_000, "ToNormal", undefined],
  ["the control plane is empty", (f) => empty(f), 30_000, undefined, "Regressed"],
  [
    "approved for this epoch",
    (f) => {
      empty(f);
      approve(f, 0);
    },
    30_000,
    "ToNormal",
    undefined,
  ],
  [
    "approved for another epoch",
    (f) => {
      empty(f);
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
    approve(facts, -1); // given in the step before
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

describe("without a status", () => {
  test("a new group is normal", () => {
    const { facts, memory } = healthy();
    facts.group.status = { observedGeneration: -1 };
    expect(planOf(facts, memory).status.mode).toBe("Normal");
  });
  test("pods that serve from the snapshot tell the mode", () => {
    const { facts, memory } = healthy();
    facts.group.status = { observedGeneration: -1 };
    fromSnapshot(facts);
    expect([planOf(facts, memory).status.mode, planOf(facts, memory).status.modeReason]).toEqual([
      "Fallback",
      "ModeAdopted",
    ]);
  });
});

describe("what is published to pods that start", () => {
  test.for<[string, (facts: Loose) => void, boolean]>([
    ["a store that cannot be read takes nothing back", (f) => unseen(f), true],
    [
      "a storage object that is gone takes nothing back",
      (f) => unseen(Object.assign(f, { storage: { seen: "absent", name: "eu" } })),
      true,
    ],
    ["new reader keys take nothing back", (f) => (f.secrets.reader.resourceVersion = "2"), true],
    ["a verified pair that is gone is", (f) => (f.snapshot.verified = { seen: "absent" }), false],
    ["one that is unusable is", (f) => (f.snapshot.verified.problems = ["NotJson"]), false],
    [
      "one that is unusable is, in an outage, too",
      (f) => {
        lose(f);
        f.snapshot.verified.problems = ["NotJson"];
      },
      false,
    ],
    ["one that is too old is", (f) => (f.snapshot.raw.ageMs = 4_000_000), false],
    [
      "one that is too old is not, while nobody knows whether the control plane is there",
      (f) => {
        f.snapshot.raw.ageMs = 4_000_000;
        f.controlPlane = { operator: { view: "unknown", detail: "dnsFailure: ENOTFOUND" } };
        for (const pod of f.pods) pod.vote = "disconnected";
      },
      true,
    ],
    ["a pair that is gone from a place that no pod reads yet is not", (f) => moved(f, { seen: "absent" }), true],
    [
      "the same place, read by another text that waits: what is gone there is gone",
      (f) => {
        moved(f, { seen: "absent" });
        f.storage.spec.s3.resourceBucket = "res";
      },
      false,
    ],
    [
      "nor one that is unusable there",
      (f) => moved(f, { ...f.snapshot.verified, digest: "sha256:ff", problems: ["NotJson"] }),
      true,
    ],
    ["one that was overwritten is", (f) => (f.snapshot.verified.digest = "sha256:ff"), false],
  ])("%s", ([, change, stays]) => {
    const { facts, memory } = healthy();
    change(facts);
    const start = startTold(planOf(facts, memory));
    if (stays) expect(start).toBeUndefined();
    else expect(start.proofs).toEqual({});
  });
  test("age does not take it back from a group that runs from it", () => {
    const { facts, memory } = healthy();
    inMode(facts, "Fallback", 10_000_000);
    facts.snapshot.raw.ageMs = 10_000_000;
    const plan = planOf(facts, memory);
    expect([Object.keys(startTold(plan).proofs).length, told(plan, "FallbackReady")]).toEqual([1, "Proven"]);
  });
});

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
  test("outlives a moment of doubt", () => {
    const facts = frozen(healthy().facts);
    facts.controlPlane = { operator: { view: "unknown", detail: "dns" } };
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
  expect(done(plan)).toEqual(["apply Service/edge"]);
});

test.for([
  ["Auto", false, "Normal", false, "Proven", "True"],
  ["Observe", false, "Normal", false, "Unpublished", "False"],
  ["Observe, with proofs from before,", false, "Normal", true, "Proven", "True"],
  ["Observe", false, "Fallback", false, "Proven", "True"],
  ["Auto, suspended,", true, "Normal", false, "Unpublished", "False"],
  ["Auto, suspended, with proofs from before,", true, "Normal", true, "Proven", "True"],
] as const)(
  "under %s fallback is told by what pods would find: %s %s %s %s",
  ([policy, suspend, mode, proofs, word, ready]) => {
    const { facts, memory } = healthy();
    facts.group.spec.modePolicy = policy.startsWith("Observe") ? "Observe" : "Auto";
    facts.group.spec.suspend = suspend;
    facts.group.status.mode = mode;
    if (!proofs) facts.children.byName.delete("ConfigMap/edge-start");
    const { status } = planOf(facts, memory);
    expect(status.fallbackReady).toBe(word);
    expect(status.conditions?.find(({ type }) => type === "FallbackReady")).toMatchObject({
      status: ready,
      reason: word,
    });
  },
);

test("a group that is being deleted gets nothing any more", () => {
  const { facts, memory } = healthy();
  facts.group.deleting = true;
  facts.children.byName.clear();
  expect([planOf(facts, memory).steps, planOf(facts, memory).status]).toEqual([[], facts.group.status]);
});

function unseen(facts: Loose): void {
  const unknown = { seen: "unknown", reason: "StorageUnavailable", why: "it does not answer" };
  facts.snapshot = { raw: unknown, candidate: unknown, verified: unknown };
}
function proofs(facts: Loose, change: (proof: Loose) => void): void {
  for (const proof of facts.group.status.snapshot.proofs) change(proof);
}
function cutOff(facts: Loose): void {
  facts.controlPlane.operator = { view: "readsOk" };
}
function peers(facts: Loose, controlPlanes: number, controlPlanesLost: number): void {
  Object.assign(facts.peers, { controlPlanes, controlPlanesLost });
}
function override(facts: Loose, word: string): void {
  facts.group.annotations = { "holdfast.dev/override": word };
}
function penalty(facts: Loose, level: number, agoMs = 0): void {
  facts.group.status.penalty = { level, at: new Date(facts.nowMs - agoMs).toISOString() };
}
function empty(facts: Loose): void {
  facts.controlPlane.counts = { routes: 0, upstreams: 0, services: 0 };
}
function approve(facts: Loose, offset: number): void {
  facts.group.annotations = { "holdfast.dev/approve-return": String(facts.group.status.epoch + offset) };
}
function manual(facts: Loose): void {
  facts.group.spec.fallback.recovery.approval = "Manual";
}
/** The spec names another store, and pods still start with the configuration of the one before. */
function moved(facts: Loose, verified: object): void {
  facts.storage.spec.s3.resourceBucket = "elsewhere";
  facts.rendered.reader = `${facts.rendered.reader}# elsewhere`;
  facts.snapshot.verified = verified;
  lose(facts);
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
