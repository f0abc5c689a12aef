import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, inMode, type Loose, planOf } from "../deciding.ts";
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
    (f) => (f.group.annotations = { "holdfast.dev/approve-return": `${f.group.status.epoch}-uid-grou` }),
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
