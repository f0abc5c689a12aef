import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "./deciding.ts";

type Row = [string, (facts: Loose) => void, string[]];
const motion = (steps: string[]) => steps.filter((step) => /^(scale|markPod|deletePod)/.test(step));
const LEAVING = "-2147483648";

/** Two pods of the snapshot, a control plane that is back, mode ToNormal; each row goes on from there. */
test.for<Row>([
  ["successors come first", () => {}, ["scale 2 -> 3"]],
  ["the surge is not there yet", (f) => surge(f, { ready: false }), []],
  ["it serves: who leaves is marked first", (f) => surge(f), ["markPod edge-1-1"]],
  [
    "a route is to be checked, and the successor was not asked yet",
    (f) => {
      f.group.spec.traffic.check = { path: "/", expectStatus: 200 };
      surge(f, { check: "unknown" });
    },
    [],
  ],
  [
    "a route is to be checked, and the successor answers it",
    (f) => {
      f.group.spec.traffic.check = { path: "/", expectStatus: 200 };
      surge(f, { check: "pass" });
    },
    ["markPod edge-1-1"],
  ],
  [
    "the mark is seen: one less",
    (f) => {
      surge(f);
      mark(f.pods[0]);
    },
    ["scale 3 -> 2"],
  ],
  [
    "the mark is on a pod that stays",
    (f) => {
      surge(f);
      mark(f.pods[2]);
    },
    ["markPod edge-1-3", "markPod edge-1-1"],
  ],
  [
    "one less is written, and who leaves is still there: no other successor yet",
    (f) => {
      surge(f);
      mark(f.pods[0]);
      f.children.traffic.replicas = 2;
    },
    [],
  ],
  ["one less is written, and nobody has looked at it", (f) => unobserved(f), []],
  [
    "two ReplicaSets have pods",
    (f) => {
      surge(f);
      mark(f.pods[0]);
      secondSet(f);
    },
    [],
  ],
  [
    "the Deployment was not looked at yet",
    (f) => {
      surge(f);
      mark(f.pods[0]);
      unobserved(f);
    },
    [],
  ],
  ["the successor fails its check", (f) => surge(f, { check: "fail" }), []],
  [
    "another pod is not ready",
    (f) => {
      surge(f);
      mark(f.pods[0]);
      f.pods[1].ready = false;
    },
    [],
  ],
  [
    "scaled up meanwhile",
    (f) => {
      surge(f);
      f.group.spec.traffic.replicas = 4;
    },
    ["scale 3 -> 5"],
  ],
  ["an older group moves", (f) => Object.assign(f.peers, { sharing: 5, moving: 1 }), []],
  [
    "an older group moves, and there is room for two",
    (f) => Object.assign(f.peers, { sharing: 6, moving: 1 }),
    ["scale 2 -> 3"],
  ],
  ["an earlier wave is not done", (f) => Object.assign(f.peers, { earlierWavesOpen: 1 }), []],
  ["a drop of replicas waits for a word", (f) => dropped(f), []],
  ["the surge waits for a minute", (f) => surge(f, { ready: false, scheduled: false }, 60_000), []],
  [
    "the surge waits for longer: taken back",
    (f) => surge(f, { ready: false, scheduled: false }, 60_001),
    ["scale 3 -> 2"],
  ],
  ["the cluster refuses the surge: a minute of patience", (f) => refusedSurge(f, 60_000), []],
  ["the cluster refuses the surge for longer: taken back", (f) => refusedSurge(f, 60_001), ["scale 3 -> 2"]],
  [
    "it was refused, and is there: the move goes on",
    (f) => {
      refusedSurge(f, 600_000);
      surge(f);
    },
    ["markPod edge-1-1"],
  ],
  ["a surge that runs and is merely slow is waited for", (f) => surge(f, { ready: false }, 600_000), []],
  [
    "a pod was broken before: the surge is waited for",
    (f) => {
      broken(f.pods[1], f.nowMs);
      surge(f, { ready: false });
    },
    [],
  ],
  [
    "a pod was broken before, and the surge serves: the move goes on",
    (f) => {
      broken(f.pods[1], f.nowMs);
      surge(f);
    },
    ["markPod edge-1-1"],
  ],
  ["it came up from the snapshot: that one leaves again", (f) => cameBack(f, 30_000), ["markPod edge-1-3"]],
  [
    "one came up from the snapshot in the outage, just before the return: the surge is waited for",
    (f) => {
      surge(f, { ready: false });
      f.pods[0] = { ...f.pods[0], createdMs: f.nowMs - 61_000 };
      f.pods[0].start = { ...f.pods[0].start, controlPlaneAnswered: false };
    },
    [],
  ],
])("back: %s", ([, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "ToNormal", 60_000);
  fromSnapshot(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 60_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test("replicas are lowered with the pods that stay read live", () => {
  const { facts } = healthy();
  inMode(facts, "ToNormal", 60_000);
  fromSnapshot(facts);
  surge(facts);
  mark(facts.pods[0]);
  const step = planOf(facts, held(facts, "Reachable", 60_000)).steps.find((one) => one.do === "scale");
  expect(step).toMatchObject({ live: { minServingAfter: 2, staying: [facts.pods[1].uid, facts.pods[2].uid] } });
});

test("an attempt that failed is tried again after two minutes, not before", () => {
  const { facts } = healthy();
  inMode(facts, "ToNormal", 600_000);
  fromSnapshot(facts);
  const after = (ms: number) => ({
    ...held(facts, "Reachable", 60_000),
    moveFailedMs: facts.monoMs - ms,
    moveFailedWhy: "CanaryFailed" as const,
  });
  expect(motion(done(planOf(facts, after(119_999))))).toEqual([]);
  expect(motion(done(planOf(facts, after(120_000))))).toEqual(["scale 2 -> 3"]);
});

/** A pod that cannot start, in an outage, is deleted so that it chooses again. */
test.for<Row>([
  ["it cannot start", () => {}, ["deletePod edge-1-1"]],
  ["it came back once", (f) => (f.pods[0].restarts = 1), []],
  ["it is ready", (f) => (f.pods[0].ready = true), []],
  ["it runs, and lost its Ready: it may hold what nobody else holds", (f) => delete f.pods[0].trouble, []],
  ["no proof is published for its template", (f) => (f.pods[0].proofKey = "other"), []],
  ["it is on its way out", (f) => (f.pods[0].deleting = true), []],
  ["it chose the snapshot", (f) => (f.pods[0].start.choice = "fallback"), []],
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

/** Turned round: the control plane came back emptied, and one pod had come up from it. What is too many goes, and which? */
test.for<Row>([
  ["the one that follows the emptied is marked", () => {}, ["markPod edge-1-3"]],
  ["and goes", (f) => mark(f.pods[2]), ["scale 3 -> 2"]],
  ["a mark of the return is taken off what stays", (f) => mark(f.pods[0]), ["markPod edge-1-1", "markPod edge-1-3"]],
  ["it is not ready: it goes first anyway", (f) => (f.pods[2].ready = false), ["scale 3 -> 2"]],
  ["all follow it: any", (f) => everyPod(f, "normal"), ["scale 3 -> 2"]],
  ["all are from the snapshot: any", (f) => everyPod(f, "fallback"), ["scale 3 -> 2"]],
  ["the control plane holds what it should: any", (f) => (f.controlPlane.counts = { routes: 40 }), ["scale 3 -> 2"]],
  [
    "that it holds less is meant: any",
    (f) => (f.group.annotations = { "holdfast.dev/approve-return": String(f.group.status.epoch) }),
    ["scale 3 -> 2"],
  ],
])("beside an emptied control plane, %s", ([, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  fromSnapshot(facts);
  surge(facts);
  facts.controlPlane.counts = { routes: 0 };
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});
function everyPod(facts: Loose, choice: string): void {
  for (const pod of facts.pods) pod.start = { ...pod.start, choice };
}

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

/** At rest in normal mode, two pods, and the number that is wanted changes. */
test.for<Row>([
  ["more", (f) => (f.group.spec.traffic.replicas = 7), ["scale 2 -> 7"]],
  ["fewer", (f) => (f.group.spec.traffic.replicas = 1), ["scale 2 -> 1"]],
  ["nothing", () => {}, []],
  ["to none, not through the scale subresource", (f) => wants(f, 0), []],
  ["to none, through it", (f) => wants(f, 0, "scale"), ["scale 2 -> 0"]],
  [
    "to none, confirmed",
    (f) => {
      wants(f, 0);
      f.group.annotations = { "holdfast.dev/accept-replicas": "0" };
    },
    ["scale 2 -> 0"],
  ],
  [
    "to none, and another number is confirmed",
    (f) => {
      wants(f, 0);
      f.group.annotations = { "holdfast.dev/accept-replicas": "1" };
    },
    [],
  ],
  ["by half, not through it", (f) => wants(f, 1), ["scale 2 -> 1"]],
])("at rest: %s", ([, change, steps]) => {
  const { facts } = healthy();
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

function surge(facts: Loose, change: object = {}, ageMs = 5_000): void {
  facts.children.traffic.replicas = 3;
  const start = { choice: "normal", reason: "ControlPlaneAnswered", finishedMs: facts.nowMs, absent: [] };
  facts.pods.push({
    ...facts.pods[0],
    name: "edge-1-3",
    uid: "uid-3",
    start,
    createdMs: facts.nowMs - ageMs,
    ...change,
  });
}
function refusedSurge(facts: Loose, sinceMs: number): void {
  const failure = { failure: "exceeded quota", failureSinceMs: facts.nowMs - sinceMs };
  Object.assign(facts.children.traffic, { replicas: 3, ...failure });
}
function cameBack(facts: Loose, ageMs: number): void {
  const start = {
    choice: "fallback",
    reason: "ControlPlaneSilent",
    controlPlaneAnswered: false,
    finishedMs: 0,
    absent: [],
  };
  surge(facts, { start }, ageMs);
}
/** On a bad node since the outage: it never got as far as a choice. */
function broken(pod: Loose, nowMs: number): void {
  Object.assign(pod, { ready: false, trouble: "ImagePullBackOff", createdMs: nowMs - 600_000 });
  delete pod.start;
}
function mark(pod: Loose): void {
  pod.deletionCost = LEAVING;
}
function secondSet(facts: Loose): void {
  const [set] = facts.children.traffic.replicaSets;
  facts.children.traffic.replicaSets.push({ ...set, name: "old", templateHash: "h0", revision: 0, replicas: 1 });
}
function unobserved(facts: Loose): void {
  facts.children.traffic.observed = false;
}
function dropped(facts: Loose): void {
  facts.group.replicasSetBy = "other";
  facts.group.spec.traffic.replicas = 0;
}
function wants(facts: Loose, replicas: number, by = "other"): void {
  facts.group.replicasSetBy = by;
  facts.group.spec.traffic.replicas = replicas;
}
function reachable(facts: Loose): void {
  facts.controlPlane = { operator: { view: "readsOk" }, counts: {} };
  for (const pod of facts.pods) pod.vote = "connected";
}
function onRestart(facts: Loose, change: object): void {
  facts.group.spec.fallback.rollout.type = "OnRestart";
  Object.assign(facts.pods[0], change);
}
