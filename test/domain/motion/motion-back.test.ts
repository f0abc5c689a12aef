/** The way back to a control plane that answers: successors first, then one less. */
import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, planOf } from "../deciding.ts";
import { asked } from "../mode/mode-facts.ts";
import { mark, motion, type Row, surge } from "./motion-facts.ts";

/** Two pods of the snapshot, a control plane that is back, mode ToNormal; each row goes on from there. */
test.for<Row>([
  ["successors come first", () => {}, ["scale 2 -> 3"]],
  ["one never ran, as its image cannot be pulled: a new pod chooses again", (f) => neverRan(f), ["deletePod edge-1-1"]],
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
  [
    "what the control plane holds is not counted anew yet: the surge stays, nobody leaves",
    (f) => {
      surge(f);
      delete f.controlPlane.counts;
    },
    [],
  ],
  [
    "not counted, and approved all the same: the move goes on",
    (f) => {
      surge(f);
      delete f.controlPlane.counts;
      asked(f, "Uncounted", {}); // and approved in the step before
    },
    ["markPod edge-1-1"],
  ],
  [
    "not counted, approved, and the mark is seen: one less",
    (f) => {
      surge(f);
      mark(f.pods[0]);
      delete f.controlPlane.counts;
      asked(f, "Uncounted", {});
    },
    ["scale 3 -> 2"],
  ],
  [
    "not counted, approved, and nobody is left to move: what is too many goes",
    (f) => {
      surge(f);
      for (const pod of f.pods) pod.start.choice = "normal";
      delete f.controlPlane.counts;
      asked(f, "Uncounted", {});
    },
    ["scale 3 -> 2"],
  ],
  ["it came up from the snapshot: that one leaves again", (f) => cameBack(f, 30_000), ["markPod edge-1-3"]],
  [
    "it came up from the snapshot, as it could not tell (its network came late): that one leaves again",
    (f) => cameBack(f, 30_000, { controlPlaneAnswered: undefined }),
    ["markPod edge-1-3"],
  ],
  [
    "it was told of fallback, as its kubelet had not heard of the return: no fault of the control plane's",
    (f) => cameBack(f, 30_000, { reason: "RecordedFallback", controlPlaneAnswered: undefined }),
    ["markPod edge-1-1"],
  ],
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

test("an attempt of another group of this name is not this one's", () => {
  const { facts } = healthy();
  inMode(facts, "ToNormal", 600_000);
  fromSnapshot(facts);
  const memory = {
    ...held(facts, "Reachable", 60_000),
    moveFailedMs: facts.monoMs,
    moveFailedWhy: "CanaryFailed" as const,
  };
  expect(motion(done(planOf(facts, memory)))).toEqual([]);
  facts.group.uid = "born-again";
  expect(motion(done(planOf(facts, memory)))).toEqual(["scale 2 -> 3"]);
});

function refusedSurge(facts: Loose, sinceMs: number): void {
  const failure = { failure: "exceeded quota", failureSinceMs: facts.nowMs - sinceMs };
  Object.assign(facts.children.traffic, { replicas: 3, ...failure });
}
function cameBack(facts: Loose, ageMs: number, change: object = {}): void {
  const start = {
    choice: "fallback",
    reason: "ControlPlaneSilent",
    controlPlaneAnswered: false,
    finishedMs: 0,
    absent: [],
    ...change,
  };
  surge(facts, { start }, ageMs);
}
function neverRan(facts: Loose): void {
  Object.assign(facts.pods[0], { ready: false, neverRan: true, trouble: "gateway: ImagePullBackOff" });
}
/** On a bad node since the outage: it never got as far as a choice. */
function broken(pod: Loose, nowMs: number): void {
  Object.assign(pod, { ready: false, trouble: "ImagePullBackOff", createdMs: nowMs - 600_000 });
  delete pod.start;
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
