import { expect, test } from "vitest";
import { done, healthy, type Loose, lose, planOf } from "./deciding.ts";

const BACKUP = "apply Deployment/edge-backup";
const changed = (facts: Loose) => {
  facts.group.spec.backup.exportIntervalSeconds = 61;
  facts.rendered.exporter = "exporter: 2";
};

test.for<[string, (facts: Loose) => void, boolean]>([
  ["an exporter that is as wanted is left alone", () => {}, false],
  ["a change of it is applied while the control plane answers", changed, true],
  [
    "in an outage the change waits: a new exporter could not start",
    (facts) => {
      changed(facts);
      lose(facts);
    },
    false,
  ],
  [
    "an exporter that is missing is made even then",
    (facts) => {
      facts.children.byName = new Map(facts.children.byName);
      facts.children.byName.delete("Deployment/edge-backup");
      lose(facts);
    },
    true,
  ],
  [
    "of two groups on one key the younger one's is not made",
    (facts) => {
      changed(facts);
      facts.peers.keyConflict = "gateways/older";
    },
    false,
  ],
])("%s", ([, bend, applied]) => {
  const { facts, memory } = healthy();
  bend(facts);
  expect(done(planOf(facts, memory)).includes(BACKUP)).toBe(applied);
});
