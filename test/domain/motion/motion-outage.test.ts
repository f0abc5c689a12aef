/** What an outage moves: a pod that cannot start, and with Rolling those that serve. */
import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";
import { motion, type Row, reachable, surge } from "./motion-facts.ts";

/** A pod that cannot start, in an outage, is deleted so that it chooses again. */
test.for<Row>([
  ["it cannot start", () => {}, ["deletePod edge-1-1"]],
  ["it came back once", (f) => (f.pods[0].restarts = 1), []],
  ["it is ready", (f) => (f.pods[0].ready = true), []],
  ["it runs, and lost its Ready: it may hold what nobody else holds", (f) => delete f.pods[0].trouble, []],
  ["no proof is published for its template", (f) => (f.pods[0].proofKey = "other"), []],
  ["it is on its way out", (f) => (f.pods[0].deleting = true), []],
  [
    "it chose the snapshot",
    (f) => Object.assign(f.pods[0], { createdMs: f.nowMs, start: { ...f.pods[0].start, choice: "fallback" } }),
    [],
  ],
  ["its image cannot be pulled", (f) => neverRan(f, 61_000), ["deletePod edge-1-1"]],
  ["its image cannot be pulled, since a moment ago", (f) => neverRan(f, 60_000), []],
  ["the Deployment is paused", (f) => (f.children.traffic.paused = true), ["deletePod edge-1-1"]],
  ["both templates of a roll serve, and it is of the one before", (f) => halfRolled(f), ["deletePod edge-1-1"]],
  [
    "nobody knows about the control plane",
    (f) => (f.controlPlane.operator = { view: "unknown", detail: "" }),
    ["deletePod edge-1-1"],
  ],
  ["the control plane answers", (f) => reachable(f), []],
  ["modePolicy Observe", (f) => (f.group.spec.modePolicy = "Observe"), []],
  ["Hold", (f) => (f.group.annotations = { "holdfast.dev/override": "Hold until=2030-01-01T00:00:00Z" }), []],
])("stuck: %s", ([, change, steps]) => {
  const { facts } = healthy();
  lose(facts);
  Object.assign(facts.pods[0], { ready: false, restarts: 2, trouble: "CrashLoopBackOff", vote: "unknown" });
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 5_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test.for<[string, (facts: Loose) => void, string[]]>([
  ["with pods of one template it scales as any other", () => {}, ["scale 2 -> 4"]],
  ["in the middle of a roll it would share the number out, and take pods that serve", inRoll, []],
])("a paused Deployment: %s", ([, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  lose(facts);
  facts.children.traffic.paused = true;
  facts.group.spec.traffic.replicas = 4;
  change(facts);
  expect(motion(done(planOf(facts, held(facts, "Unreachable", 600_000))))).toEqual(steps);
});
/** One pod of each of two templates. */
function inRoll(facts: Loose): void {
  const [set] = facts.children.traffic.replicaSets;
  facts.children.traffic.replicaSets = [
    { ...set, replicas: 1 },
    { ...set, name: "edge-2", uid: "uid-set-2", templateHash: "h2", revision: set.revision + 1, replicas: 1 },
  ];
  facts.pods[1].templateHash = "h2";
}

/** A pod keeps the storage keys of its start: with other keys only a new one comes up. */
const NO_KEYS = { restarts: 0, trouble: "choose: CrashLoopBackOff" };
const OLD_KEYS = { restarts: 2, trouble: "gateway: CrashLoopBackOff" };
test.for<[sentence: string, pod: object, change: (facts: Loose) => void, steps: string[]]>([
  ["found none; they are there now, as a rehearsal showed", NO_KEYS, () => {}, ["deletePod edge-1-1"]],
  ["found old ones; with the new ones a rehearsal loaded", OLD_KEYS, () => {}, ["deletePod edge-1-1"]],
  ["the same, and the control plane answers again", NO_KEYS, (f) => reachable(f), ["deletePod edge-1-1"]],
  ["nothing was proven since it was made", NO_KEYS, (f) => (f.pods[0].createdMs = f.nowMs), []],
  ["another template was proven since", NO_KEYS, (f) => (f.group.status.snapshot.proofs[0].key = "other"), []],
  [
    "another template was proven since, and this one before",
    NO_KEYS,
    (f) => {
      const [proof] = f.group.status.snapshot.proofs;
      const before = new Date(f.nowMs - 90_000).toISOString();
      f.group.status.snapshot.proofs = [
        { ...proof, at: before },
        { ...proof, key: "other" },
      ];
    },
    [],
  ],
  ["it was told of no keys, and comes up", NO_KEYS, (f) => delete f.pods[0].trouble, []],
  ["it came back once", OLD_KEYS, (f) => Object.assign(f.pods[0], { restarts: 1 }), []],
  ["it serves all the same", OLD_KEYS, (f) => (f.pods[0].ready = true), []],
])("a pod that starts from the snapshot without keys that fit: %s", ([, pod, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  fromSnapshot(facts);
  lose(facts);
  const absent = pod === NO_KEYS ? ["readerKeys"] : [];
  const start = { ...facts.pods[0].start, reason: "ReaderKeyAbsent", absent };
  Object.assign(facts.pods[0], { ready: false, createdMs: facts.nowMs - 60_000, ...pod, start });
  const { proofs } = facts.group.status.snapshot;
  for (const proof of proofs) proof.at = new Date(facts.nowMs - 30_000).toISOString();
  change(facts);
  const plan = planOf(
    facts,
    held(facts, facts.controlPlane.operator.view === "down" ? "Unreachable" : "Reachable", 5_000),
  );
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

/** Rolling: pods that serve move, too. */
test.for<Row>([
  ["due", () => {}, ["scale 2 -> 3"]],
  ["not due yet", (f) => (f.group.spec.fallback.rollout.startAfterSeconds = 61), []],
  ["OnRestart", (f) => (f.group.spec.fallback.rollout.type = "OnRestart"), []],
  ["OnRestart, and a worker of one is empty", (f) => onRestart(f, { emptyWorker: true }), ["scale 2 -> 3"]],
  ["OnRestart, and one fails its check", (f) => onRestart(f, { check: "fail" }), ["scale 2 -> 3"]],
  ["Normal is ordered", (f) => (f.group.spec.modePolicy = "Normal"), []],
  ["Holdfast suspects itself", (f) => Object.assign(f.peers, { controlPlanes: 3, controlPlanesLost: 2 }), []],
  ["the control plane answers", (f) => reachable(f), []],
  ["nobody knows", (f) => (f.controlPlane.operator = { view: "unknown", detail: "" }), []],
  [
    "the store cannot be read",
    (f) => (f.snapshot.verified = { seen: "unknown", reason: "StorageUnavailable", why: "" }),
    [],
  ],
])("rolling: %s", ([, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  facts.group.spec.fallback.rollout = { type: "Rolling", startAfterSeconds: 60, maxSurge: "25%" };
  facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - 60_000).toISOString();
  lose(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 60_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

/** Rolling, due for an hour by what is recorded; this process has seen the loss for so long. Half way: a surge is there. */
const loss = { atRest: ["scale 2 -> 3"], halfWay: ["markPod edge-1-1"] };
test.for<[string, (facts: Loose) => void, number, string[], string[]]>([
  ["it takes its first look", () => {}, 0, [], []],
  ["not long enough to move a group", () => {}, 19_999, [], []],
  ["long enough", () => {}, 20_000, loss.atRest, loss.halfWay],
  ["gateways against Holdfast, which takes twice as long", (f) => gatewaysOnly(f), 39_999, [], []],
  ["and has lasted that long", (f) => gatewaysOnly(f), 40_000, loss.atRest, loss.halfWay],
])("rolling, as a new leader sees it: %s", ([, change, heldMs, atRest, halfWay]) => {
  for (const [before, steps] of [
    [() => {}, atRest],
    [fromSnapshotComes, halfWay],
  ] as const) {
    expect(rolling(before, change, heldMs)).toEqual(steps);
  }
});

/** Two pods are wanted and three run, in fallback under Rolling, seen at the first look. Which surplus is kept? */
test.for<[string, (facts: Loose) => void, string[]]>([
  ["a move that is half way", () => {}, []],
  ["a move that is half way, and nobody knows", (f) => (f.controlPlane.operator = { view: "unknown", detail: "" }), []],
  ["more than a surge: somebody wants fewer, and need not wait for the move", (f) => three(f), ["scale 6 -> 3"]],
  ["its successor cannot run", (f) => cannotRun(f.pods[2], f), ["scale 3 -> 2"]],
  ["no move: those that follow the control plane have no proof to start from", (f) => unproven(f), ["scale 3 -> 2"]],
  ["all are moved: fewer are wanted", (f) => fromSnapshot(f), ["scale 3 -> 2"]],
  ["no move is due yet: fewer are wanted", (f) => recordLoss(f, 59_999), ["scale 3 -> 2"]],
  ["OnRestart: fewer are wanted", (f) => onRestart(f, {}), ["scale 3 -> 2"]],
])("too many: %s", ([, change, steps]) => {
  expect(rolling(fromSnapshotComes, change, 0)).toEqual(steps);
});

/** In fallback for a minute, of a loss that is on record for an hour; what of the plan is motion. */
function rolling(before: (facts: Loose) => void, change: (facts: Loose) => void, heldMs: number): string[] {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  facts.group.spec.fallback.rollout = { type: "Rolling", startAfterSeconds: 60, maxSurge: "25%" };
  recordLoss(facts, 3_660_000);
  before(facts);
  lose(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", heldMs));
  expect(plan.broken).toEqual([]);
  return motion(done(plan));
}

function recordLoss(facts: Loose, agoMs: number): void {
  facts.group.status.controlPlane.lostAt = new Date(facts.nowMs - agoMs).toISOString();
}
function fromSnapshotComes(facts: Loose): void {
  surge(facts);
  Object.assign(facts.pods[2].start, { choice: "fallback", reason: "RecordedFallback" });
}
function gatewaysOnly(facts: Loose): void {
  facts.controlPlane = { operator: { view: "readsOk" }, counts: {} };
  for (const pod of facts.pods) pod.vote = pod.start.choice === "normal" ? "disconnected" : "unknown";
}
function three(facts: Loose): void {
  for (const name of ["edge-1-4", "edge-1-5", "edge-1-6"]) surge(facts, { name, uid: name });
  facts.children.traffic.replicas = 6;
}
function unproven(facts: Loose): void {
  for (const pod of facts.pods) if (pod.start.choice === "normal") pod.proofKey = "another";
}
function cannotRun(pod: Loose, { nowMs }: Loose): void {
  Object.assign(pod, { ready: false, scheduled: false, createdMs: nowMs - 61_000 });
}
function neverRan(facts: Loose, ageMs: number): void {
  const trouble = "gateway: ImagePullBackOff";
  Object.assign(facts.pods[0], { restarts: 0, neverRan: true, trouble, createdMs: facts.nowMs - ageMs });
}
/** The newest template has no proof, and a pod of it serves: the Deployment is paused for that. */
function halfRolled(facts: Loose): void {
  inMode(facts, "ToFallback");
  const [before] = facts.children.traffic.replicaSets;
  facts.children.traffic.replicaSets.push({ ...before, templateHash: "h2", revision: 2, replicas: 1, proofKey: "new" });
  facts.pods.push({ ...facts.pods[1], name: "edge-2-1", uid: "new", templateHash: "h2", proofKey: "new" });
  facts.children.traffic.paused = true;
}
function onRestart(facts: Loose, change: object): void {
  facts.group.spec.fallback.rollout.type = "OnRestart";
  Object.assign(facts.pods[0], change);
}
