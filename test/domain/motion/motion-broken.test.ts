/** Pods that serve badly, or not at all: how many of them go at a time, and when. */

import { expect, test } from "vitest";
import { servesNobody } from "../../../operator/domain/pods.ts";
import { done, fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";
import { motion, type Row, surge } from "./motion-facts.ts";

const FROM_SNAPSHOT = { choice: "fallback", reason: "RecordedFallback", absent: [] };

/** In fallback under OnRestart, two pods wanted: one answers its check with an error, its successor from the snapshot is there. */
test.for<Row>([
  ["its successor serves, and as many as wanted are ready without it", () => {}, ["markPod edge-1-1"]],
  ["its successor is ready, and fails the check, too", (f) => (f.pods[2].check = "fail"), []],
  ["its successor is ready, and was not asked yet", (f) => (f.pods[2].check = "unknown"), []],
  ["its successor serves, and another pod is on its way out", (f) => (f.pods[1].deleting = true), []],
])("a pod that is ready and serves badly: %s", ([, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  facts.group.spec.fallback.rollout.type = "OnRestart";
  facts.group.spec.traffic.check = { path: "/healthy", host: "edge.example" };
  lose(facts);
  surge(facts, { start: { ...FROM_SNAPSHOT, finishedMs: facts.nowMs }, vote: "unknown", check: "pass" });
  Object.assign(facts.pods[0], { check: "fail" });
  Object.assign(facts.pods[1], { check: "pass" });
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 60_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test.for<[number | string, number]>([
  [1, 1],
  ["25%", 1],
  [2, 2],
])("no pod can start, and of two a surge of %s is deleted at a time", ([maxSurge, many]) => {
  const { facts } = healthy();
  facts.group.spec.fallback.rollout.maxSurge = maxSurge;
  lose(facts);
  for (const pod of facts.pods)
    Object.assign(pod, { ready: false, restarts: 2, trouble: "CrashLoopBackOff", vote: "unknown" });
  const plan = planOf(facts, held(facts, "Unreachable", 5_000));
  expect(motion(done(plan))).toHaveLength(many);
});

/** Two pods from memory; the only worker of one died while the control plane is away. Is a successor waited for? */
const DEAD = { cores: 1, emptyWorker: true, check: "fail" };
test.for<Row>([
  ["it answers nobody", (f) => Object.assign(f.pods[0], DEAD), ["deletePod edge-1-1"]],
  [
    "both do, and one goes at a time",
    (f) => f.pods.map((pod: Loose) => Object.assign(pod, DEAD)),
    ["deletePod edge-1-1"],
  ],
  [
    "it says that it has its control plane",
    (f) => [Object.assign(f.pods[0], DEAD, { vote: "connected" }), Object.assign(f.pods[1], { vote: "disconnected" })],
    ["scale 2 -> 3"],
  ],
  [
    "nobody knows whether the control plane is there",
    (f) => {
      Object.assign(f.pods[0], DEAD);
      for (const pod of f.pods) pod.vote = "unknown";
      f.controlPlane = { operator: { view: "unknown", detail: "dnsFailure" } };
    },
    ["scale 2 -> 3"],
  ],
  ["it has two workers", (f) => Object.assign(f.pods[0], DEAD, { cores: 2 }), ["scale 2 -> 3"]],
  ["no request shows it", (f) => Object.assign(f.pods[0], DEAD, { check: "unknown" }), ["scale 2 -> 3"]],
  ["a request is answered all the same", (f) => Object.assign(f.pods[0], DEAD, { check: "pass" }), ["scale 2 -> 3"]],
  [
    "an upstream fails, and its worker is well",
    (f) => Object.assign(f.pods[0], DEAD, { emptyWorker: false }),
    ["scale 2 -> 3"],
  ],
  ["it is on its way out", (f) => Object.assign(f.pods[0], DEAD, { deleting: true }), []],
  ["nothing is proven for one like it", (f) => Object.assign(f.pods[0], DEAD, { proofKey: "other" }), []],
  [
    "the control plane answers: its worker loads again",
    (f) => {
      Object.assign(f.pods[0], DEAD);
      for (const pod of f.pods) pod.vote = "connected";
      f.controlPlane = { operator: { view: "readsOk" } };
    },
    [],
  ],
])("a pod whose worker died: %s", ([, change, steps]) => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  facts.group.spec.fallback.rollout.type = "OnRestart";
  lose(facts);
  change(facts);
  const word = facts.controlPlane.operator.view === "readsOk" ? "Reachable" : "Unreachable";
  const plan = planOf(facts, held(facts, word, 60_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test("it is not drained: what is kept to it would go on failing", () => {
  const { facts } = healthy();
  inMode(facts, "Fallback", 60_000);
  lose(facts);
  Object.assign(facts.pods[0], DEAD);
  const [step] = planOf(facts, held(facts, "Unreachable", 60_000)).steps.filter((one: Loose) => one.do === "deletePod");
  expect(step).toMatchObject({ name: "edge-1-1", graceSeconds: 1 });
});

/** In fallback beside a control plane that answers, a pod of the snapshot cannot start: another one would choose the same. */
test.for<["ToFallback" | "Fallback" | "Normal", string[]]>([
  ["ToFallback", []],
  ["Fallback", []],
  ["Normal", ["deletePod edge-1-1"]],
])("a pod that cannot start from the snapshot beside a control plane that answers, in %s", ([mode, steps]) => {
  const { facts } = healthy();
  inMode(facts, mode, 60_000);
  fromSnapshot(facts);
  Object.assign(facts.pods[0], { ready: false, restarts: 2, trouble: "gateway: CrashLoopBackOff" });
  facts.pods[0].createdMs = facts.nowMs; // nothing was proven since, with the keys of now
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test.for([
  ["it names its only worker, and a request shows it", {}, true],
  ["it says that it has its control plane: its worker loads again by itself", { vote: "connected" }, false],
  ["several workers", { cores: 2 }, false],
  ["a request is answered", { check: "pass" }, false],
  ["its worker is well", { emptyWorker: false }, false],
] as const)("does a pod answer nobody? %s", ([, change, expected]) => {
  expect(servesNobody({ ...DEAD, vote: "unknown", ...change } as never)).toBe(expected);
});
