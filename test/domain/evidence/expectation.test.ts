/** What is expected of a control plane is a state: what ends it, what outlives what, and who asks it. */
import { expect, test } from "vitest";
import type { Facts } from "../../../operator/domain/facts/facts.ts";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf, startTold, told } from "../deciding.ts";
import { approve, empty, unseen } from "../mode/mode-facts.ts";

const reachable = (facts: Facts) => held(facts, "Reachable", 600_000);
const contentOf = (facts: Loose) => planOf(facts, reachable(facts)).status.controlPlane?.content?.state;
const record = (facts: Loose, content: object) => (facts.group.status.controlPlane.content = content);
const foreign = (facts: Loose): void => {
  facts.snapshot.verified.gatewayGroup = "gg-mine";
  facts.snapshot.verified.lastModifiedMs = 1;
  facts.snapshot.raw = { ...facts.snapshot.verified, digest: "sha256:theirs", gatewayGroup: "gg-theirs" };
};
const small = (facts: Loose): void => {
  facts.snapshot.raw = { ...facts.snapshot.raw, digest: "sha256:small", counts: { routes: 0, upstreams: 0 } };
};
const saw = (facts: Loose) => (facts.controlPlane.contentSeen = "some");
const sawNothing = (facts: Loose) => (facts.controlPlane.contentSeen = "none");
const uncounted = (facts: Loose): void => {
  delete facts.controlPlane.counts;
};

function countedBefore(facts: Loose): void {
  const { counts } = facts.controlPlane;
  lose(facts);
  facts.controlPlane.counts = counts;
}

/** Recorded before, or nothing; what is seen now; what is recorded then. */
test.for<[string, object | undefined, (facts: Loose) => void, string | undefined]>([
  ["it holds what it should", undefined, () => {}, undefined],
  ["it was never counted", undefined, uncounted, undefined],
  ["it is counted empty", undefined, empty, "Regressed"],
  ["it is not counted, and the read finds nothing", undefined, (f) => both(f, uncounted, sawNothing), "Regressed"],
  [
    "it is not counted, and the read finds something",
    { state: "Uncounted" },
    (f) => both(f, uncounted, saw),
    "Uncounted",
  ],
  ["it was empty, and the read finds something", { state: "Regressed" }, (f) => both(f, uncounted, saw), "Regressed"],
  [
    "it is back, and the read finds nothing",
    { state: "Uncounted" },
    (f) => both(f, uncounted, sawNothing),
    "Regressed",
  ],
  ["it is counted, whatever the read found before", undefined, sawNothing, undefined],
  ["it is lost: whoever comes back is counted anew", undefined, lose, "Uncounted"],
  ["it is back, and not counted yet", { state: "Uncounted" }, uncounted, "Uncounted"],
  ["it is back, and holds what it should", { state: "Uncounted" }, () => {}, undefined],
  ["it is back empty", { state: "Uncounted" }, empty, "Regressed"],
  ["it was empty, and is not counted", { state: "Regressed" }, uncounted, "Regressed"],
  ["it was empty, and is lost", { state: "Regressed" }, lose, "Regressed"],
  ["it was empty, and holds what it should", { state: "Regressed" }, () => {}, undefined],
  ["it was empty, and what is counted is of before it was lost", { state: "Regressed" }, countedBefore, "Regressed"],
  ["it exports another group's", undefined, foreign, "Foreign"],
  ["another group's, and lost", { state: "Foreign" }, (f) => both(f, foreign, lose), "Foreign"],
  ["another group's, and its export cannot be read", { state: "Foreign" }, unseen, "Foreign"],
  [
    "another group's, and its export is gone",
    { state: "Foreign" },
    (f) => (f.snapshot.raw = { seen: "absent" }),
    "Foreign",
  ],
  ["it exports this group's again", { state: "Foreign" }, () => {}, undefined],
  ["not counted, and its export lost much", undefined, (f) => both(f, small, uncounted), "Regressed"],
  ["its export lost much, and it holds what it should again", { state: "Regressed" }, small, undefined],
])("recorded: %s", ([, before, change, after]) => {
  const { facts } = healthy();
  if (before !== undefined) record(facts, before);
  change(facts);
  const plan = planOf(facts, reachable(facts));
  expect(plan.broken).toEqual([]);
  expect(plan.status.controlPlane?.content?.state).toBe(after);
  expect(plan.wants.controlPlaneCounts).toBe(after !== undefined || facts.snapshot.raw.digest === "sha256:small");
  const told = { Regressed: "Regressed", Foreign: "ControlPlaneForeign" }[after ?? ""];
  expect(plan.status.conditions?.find(({ type }) => type === "ControlPlaneRegressed")?.reason).toBe(told);
});
function both(facts: Loose, ...changes: ((facts: Loose) => void)[]): void {
  for (const change of changes) change(facts);
}

/** A store that cannot be read from the first day on, and a control plane that was away for a moment. */
test.for<[string, (facts: Loose) => void]>([
  ["is lost", lose],
  ["is back, and recorded as not counted since", (facts) => record(facts, { state: "Uncounted" })],
])("nothing was ever expected of a control plane that %s: nothing waits for a count", ([, change]) => {
  const { facts } = healthy();
  facts.group.status.snapshot = {};
  facts.children.byName.delete("ConfigMap/edge-start");
  unseen(facts);
  change(facts);
  expect(contentOf(facts)).toBeUndefined();
});

test("the approval of a return that is under way does not accept what is lost on the way", () => {
  const { facts } = healthy();
  facts.group.status.epoch = 4;
  approve(facts, 0);
  facts.group.status.epoch = 5;
  inMode(facts, "ToNormal", 60_000);
  fromSnapshot(facts);
  empty(facts);
  const plan = planOf(facts, reachable(facts));
  expect([plan.status.mode, plan.status.controlPlane?.content]).toEqual(["ToFallback", { state: "Regressed" }]);
});

/** The status is lost, as with a group that is made anew: what is to be expected is in the store. */
test.for<[string, (facts: Loose) => void, string | undefined, string | undefined]>([
  ["the verified pair tells what is expected", empty, "Regressed", "Regressed"],
  ["and that it is there", () => {}, undefined, "ToNormal"],
  [
    "a pair that was not read yet is not known to be none",
    (f) => both(f, unpublished, empty, unseen),
    "Uncounted",
    "WaitingReturn",
  ],
  ["and where pods are told of a proof, there was something", (f) => both(f, empty, unseen), "Regressed", "Regressed"],
  ["what was verified is told with it: it holds that", unseen, undefined, "ToNormal"],
  ["what was verified is told with it: it holds half", (f) => both(f, half, unseen), "Regressed", "Regressed"],
  [
    "a storage that is missing neither",
    (f) => both(f, unpublished, empty, unseen, () => (f.storage = { seen: "absent", name: "eu" })),
    "Uncounted",
    "WaitingReturn",
  ],
  ["there is none: nothing is expected", (f) => both(f, empty, noPair), undefined, "ToNormal"],
  [
    "a pair that cannot be used expects nothing, and is not none",
    (f) => both(f, unpublished, badPair),
    "Uncounted",
    "WaitingReturn",
  ],
])("made anew: %s", ([, change, state, next]) => {
  const { facts } = healthy();
  facts.group.status = { observedGeneration: -1, epoch: 1 };
  fromSnapshot(facts);
  inMode(facts, "Fallback", 600_000);
  facts.helpers = [
    { role: "canary", name: "c", uid: "c", resourceVersion: "1", createdMs: facts.nowMs, result: LOADED },
  ];
  change(facts);
  const plan = planOf(facts, reachable(facts));
  expect(plan.broken).toEqual([]);
  expect(plan.status.controlPlane?.content?.state).toBe(state);
  expect([plan.status.mode, told(plan, "Reconciling")]).toContain(next);
});
const half = (facts: Loose) => (facts.controlPlane.counts = { routes: 20, upstreams: 20, services: 20 });
const unpublished = (facts: Loose) => facts.children.byName.delete("ConfigMap/edge-start");
const LOADED = { state: "loaded", counts: {} };
const noPair = (facts: Loose) => (facts.snapshot.verified = { seen: "absent" });
const badPair = (facts: Loose) => (facts.snapshot.verified.problems = ["NotJson"]);

test("made anew: what pods are told is taken over, until the group can know better", () => {
  const { facts } = healthy();
  empty(facts);
  const published = planOf(facts, reachable(facts));
  const start = published.steps.find((step) => step.do === "apply" && step.object.metadata.name === "edge-start");
  facts.children.byName.set("ConfigMap/edge-start", (start as Loose).object);
  facts.group.status = { observedGeneration: -1 };
  uncounted(facts);
  expect(planOf(facts, reachable(facts)).status.controlPlane?.content?.state).toBe("Regressed");
});

/** A group without status beside a ConfigMap that tells pods of a proof; what stands under the verified key. */
test.for<[string, (facts: Loose) => void, boolean]>([
  ["the verified pair was not read yet", unseen, true],
  ["it is the pair of the proof", () => {}, true],
  ["it is another pair", (f) => (f.snapshot.verified.digest = "sha256:other"), false],
  ["there is none", noPair, false],
  ["the status has proofs of its own, and they are for another", (f) => ownProofs(f, "sha256:other"), false],
])("made anew, what is published stays while it cannot be known better: %s", ([, change, stays]) => {
  const { facts } = healthy();
  const before = facts.children.byName.get("ConfigMap/edge-start");
  facts.group.status = { observedGeneration: -1, mode: "Normal", epoch: facts.group.status.epoch };
  change(facts);
  const told = startTold(planOf(facts, reachable(facts)));
  const proofs = JSON.parse(before.data["start.json"]).proofs;
  expect(Object.keys(proofs)).toHaveLength(1);
  expect(told?.proofs ?? proofs).toEqual(stays ? proofs : {});
});
function ownProofs(facts: Loose, digest: string): void {
  const proof = { key: "k", digest, image: "i", at: new Date(facts.nowMs).toISOString() };
  facts.group.status.snapshot = { proofs: [proof] };
}

/** What a pod that starts is told. */
test.for<[string, (facts: Loose) => void, string | undefined]>([
  ["nothing, while it holds what it should", () => {}, undefined],
  ["that it lost what it held", empty, "Regressed"],
  ["that it is another group's", foreign, "Foreign"],
  ["that a person takes it for good", (f) => both(f, empty, regressed, (g) => approve(g, 0)), "Accepted"],
  ["not what a person said before anything was asked", (f) => both(f, empty, (g) => approve(g, 0)), "Regressed"],
])("published: %s", ([, change, content]) => {
  const { facts } = healthy();
  change(facts);
  expect(startTold(planOf(facts, reachable(facts)))?.content).toBe(content);
});

/** A return that was approved takes what is there for good: what is lost after that is lost anew. */
test.for<[string, number, number | undefined, string | undefined]>([
  ["it stays so: a pod that starts may still doubt one that is emptied", 10, 10, undefined],
  ["it grows again, not to what it was", 10, 12, undefined],
  ["it is not counted", 10, undefined, undefined],
  ["it loses the rest, too", 10, 0, "Regressed"],
  ["no pod doubts it", 0, 0, "Accepted"],
])("accepted with few of 40 routes, and then %s", ([, accepted, routes, told]) => {
  const { facts } = healthy();
  facts.controlPlane.counts = { routes: accepted, upstreams: accepted, services: accepted };
  inMode(facts, "Fallback");
  regressed(facts); // the question that was asked
  approve(facts, 0);
  facts.group.status = structuredClone(planOf(facts, reachable(facts)).status);
  expect(facts.group.status.controlPlane.content).toMatchObject({ state: "Regressed", accepted: { routes: accepted } });
  inMode(facts, "Normal");
  facts.group.status.epoch += 1;
  facts.controlPlane.counts = routes === undefined ? undefined : { ...facts.controlPlane.counts, routes };
  facts.children.byName.delete("ConfigMap/edge-start"); // so that it is told anew
  expect(startTold(planOf(facts, reachable(facts)))?.content).toBe(told);
});

/** In normal mode, with pods that serve: what may not be done while the content lacks, though the control plane answers. */
const another = (facts: Loose) => {
  facts.group.spec = { ...facts.group.spec, gateway: { ...facts.group.spec.gateway, image: "gw:2" } };
};
const renewed = (facts: Loose) => (facts.secrets.client.resourceVersion = "2");
const asked = (facts: Loose) =>
  (facts.group.annotations = { ...facts.group.annotations, "holdfast.dev/restart-at": "2026-01-01T12:00:00Z" });
const rolled = "apply Deployment/edge";
test.for<[string, (facts: Loose) => void, (facts: Loose) => void, boolean]>([
  ["another image, and all is well", () => {}, another, true],
  ["another image, and it is empty", empty, another, false],
  ["a renewed certificate, and it is empty", empty, renewed, false],
  ["another image, and it is another group's", foreign, another, false],
  ["a renewed certificate, and it was empty and is not counted", lackingUncounted, renewed, false],
  ["another image, and it is back and not counted since", back, another, false],
  ["another image, and it was never counted", uncounted, another, true],
  ["restart-at, and it is empty: unproven, its pods would follow", (f) => both(f, empty, asked), another, false],
  [
    "another image, and a person takes it for good",
    (f) => both(f, empty, regressed, (g) => approve(g, 0)),
    another,
    true,
  ],
  ["restart-at, and it is back and not counted since", (f) => both(f, back, asked), another, true],
  ["restart-at, and it is back and its read finds nothing", (f) => both(f, back, asked, sawNothing), another, false],
  ["another image, and nothing serves that could be harmed", (f) => both(f, empty, nobody), another, true],
])("a template rolls or waits: %s", ([, state, change, rolls]) => {
  const { facts } = healthy();
  facts.group.generation = 2;
  state(facts);
  change(facts);
  const plan = planOf(facts, reachable(facts));
  expect(plan.broken).toEqual([]);
  expect(done(plan).includes(rolled)).toBe(rolls);
  expect(told(plan, "RestartPending")).toBe(rolls ? undefined : "ChangeWaits");
});
const regressed = (facts: Loose) => record(facts, { state: "Regressed" });
function lackingUncounted(facts: Loose): void {
  record(facts, { state: "Regressed" });
  uncounted(facts);
}
function back(facts: Loose): void {
  record(facts, { state: "Uncounted" });
  uncounted(facts);
}
const nobody = (facts: Loose) => {
  for (const pod of facts.pods) Object.assign(pod, { ready: false, trouble: "gateway: CrashLoopBackOff" });
  facts.group.status.snapshot.proofs = []; // or they are left to the snapshot
};

test("restart-at beside an emptied control plane rolls once its template is proven: its pods choose the snapshot", () => {
  const { facts } = healthy();
  facts.group.generation = 2;
  empty(facts);
  another(facts);
  asked(facts);
  const rehearsal = planOf(facts, reachable(facts)).steps.find(({ do: what }) => what === "create") as Loose;
  const key = rehearsal.object.metadata.annotations["holdfast.dev/proof-key"];
  const [proof] = facts.group.status.snapshot.proofs;
  facts.group.status.snapshot.proofs = [{ ...proof, key }, proof];
  const plan = planOf(facts, reachable(facts));
  expect(plan.broken).toEqual([]);
  expect(done(plan)).toContain(rolled);
  expect(startTold(plan)).toMatchObject({ content: "Regressed", proofs: { [key]: {} } });
});

test("a roll that an outage paused does not go on onto an emptied control plane", () => {
  const { facts } = healthy();
  facts.children.traffic.paused = true;
  expect(done(planOf(facts, reachable(facts)))).toContain("pause edge");
  empty(facts);
  expect(done(planOf(facts, reachable(facts)))).not.toContain("pause edge");
});

test("what is recorded is asked also of a group whose control plane is not counted", () => {
  const { facts } = healthy();
  lackingUncounted(facts);
  expect(contentOf(facts)).toBe("Regressed");
});
