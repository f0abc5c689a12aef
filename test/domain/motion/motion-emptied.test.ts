import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, planOf } from "../deciding.ts";
import { approve, asked } from "../mode/mode-facts.ts";
import { mark, motion, type Row, surge } from "./motion-facts.ts";

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
    (f) => {
      asked(f, "Regressed");
      approve(f, 0);
    },
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

/** A roll that goes on beside an emptied control plane, as its pods start from the snapshot: whom does it take of the former ones? */
test.for<Row>([
  ["those that follow are marked, and the one that was made anew is not", () => {}, ["markPod edge-1-1"]],
  ["the marks are seen", (f) => mark(f.pods[0]), []],
  ["its route answers: it has content", (f) => (f.pods[0].check = "pass"), []],
  [
    "the control plane holds what it should",
    (f) => (f.controlPlane.counts = { routes: 40, upstreams: 40, services: 40 }),
    [],
  ],
])("in a roll, %s", ([, change, steps]) => {
  const { facts } = healthy();
  const [set] = facts.children.traffic.replicaSets;
  const { proofKey } = set;
  facts.children.traffic.replicaSets = [
    { ...set, replicas: 2, proofKey: "former", templateHash: "former", revision: 0 },
    { ...set, replicas: 1 },
  ];
  const start = { choice: "fallback", reason: "ControlPlaneLacking", finishedMs: facts.nowMs, absent: [] };
  for (const pod of facts.pods) Object.assign(pod, { templateHash: "former", proofKey: "former" });
  facts.pods.push({ ...facts.pods[0], name: "new", uid: "new", templateHash: set.templateHash, proofKey, start });
  facts.pods[1].start = start;
  facts.controlPlane.counts = { routes: 0, upstreams: 0, services: 0 };
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 1_000));
  expect([plan.broken, motion(done(plan))]).toEqual([[], steps]);
});
