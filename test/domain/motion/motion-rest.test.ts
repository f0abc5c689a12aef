import { expect, test } from "vitest";
import { done, fromSnapshot, healthy, held, type Loose, planOf } from "../deciding.ts";
import { motion, type Row } from "./motion-facts.ts";

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
      f.group.annotations = { "holdfast.dev/accept-replicas": "0-1-uid-grou" };
    },
    ["scale 2 -> 0"],
  ],
  [
    "to none, and another number is confirmed",
    (f) => {
      wants(f, 0);
      f.group.annotations = { "holdfast.dev/accept-replicas": "1-1-uid-grou" };
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

/** In normal mode both pods came up from the snapshot, and the control plane has answered for the return's 30 s. */
test.for<[string, (start: Loose, nowMs: number) => void, string[]]>([
  ["long ago", () => {}, ["scale 2 -> 3"]],
  ["one a moment ago, as it met nobody", (start, nowMs) => (start.finishedMs = nowMs - 29_999), []],
  [
    "one a moment ago, as it could not tell: the next would do the same",
    (start, nowMs) => {
      start.finishedMs = nowMs - 29_999;
      delete start.controlPlaneAnswered;
    },
    [],
  ],
  [
    "one a moment ago, and as normal, though it met nobody: no proof was there yet",
    (start, nowMs) => Object.assign(start, { finishedMs: nowMs - 29_999, choice: "normal", reason: "NoProof" }),
    [],
  ],
  [
    "one a moment ago, as its kubelet told it of a fallback that is over",
    (start, nowMs) => {
      Object.assign(start, { finishedMs: nowMs - 29_999, reason: "RecordedFallback" });
      delete start.controlPlaneAnswered;
    },
    ["scale 2 -> 3"],
  ],
  ["one for the return's time", (start, nowMs) => (start.finishedMs = nowMs - 30_000), ["scale 2 -> 3"]],
])("back at rest, from the snapshot: %s", ([, change, steps]) => {
  const { facts } = healthy();
  fromSnapshot(facts);
  for (const { start } of facts.pods)
    Object.assign(start, { reason: "ControlPlaneSilent", controlPlaneAnswered: false });
  change(facts.pods[0].start, facts.nowMs);
  const plan = planOf(facts, held(facts, "Reachable", 30_000));
  expect(plan.broken).toEqual([]);
  expect(motion(done(plan))).toEqual(steps);
});

test("back at rest, from the snapshot: not before the control plane has answered for the return's time", () => {
  const { facts } = healthy();
  fromSnapshot(facts);
  const moves = (ms: number) => motion(done(planOf(facts, held(facts, "Reachable", ms))));
  expect([moves(29_999), moves(30_000)]).toEqual([[], ["scale 2 -> 3"]]);
});

function wants(facts: Loose, replicas: number, by = "other"): void {
  facts.group.replicasSetBy = by;
  facts.group.spec.traffic.replicas = replicas;
}
