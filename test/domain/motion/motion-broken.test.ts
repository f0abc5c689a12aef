/** Pods that serve badly, or not at all: how many of them go at a time, and when. */
import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, lose, planOf } from "../deciding.ts";
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
