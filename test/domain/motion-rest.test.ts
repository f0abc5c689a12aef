import { expect, test } from "vitest";
import { done, healthy, held, type Loose, planOf } from "./deciding.ts";
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

function wants(facts: Loose, replicas: number, by = "other"): void {
  facts.group.replicasSetBy = by;
  facts.group.spec.traffic.replicas = replicas;
}
