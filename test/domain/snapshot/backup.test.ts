import { expect, test } from "vitest";
import { done, healthy, type Loose, lose, planOf, told } from "../deciding.ts";

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
      facts.peers.keyConflict = { group: "gateways/older", foreign: false };
    },
    false,
  ],
])("%s", ([, bend, applied]) => {
  const { facts, memory } = healthy();
  bend(facts);
  expect(done(planOf(facts, memory)).includes(BACKUP)).toBe(applied);
});

test.for([
  [
    "the younger of two exporters on one key goes: each would take the other's exports for its own",
    { foreign: false },
    true,
  ],
  ["also where the control planes differ", { foreign: true }, true],
] as const)("%s", ([, conflict]) => {
  const { facts, memory } = healthy();
  facts.peers.keyConflict = { group: "gateways/older", ...conflict };
  facts.children.byName.get("Deployment/edge-backup").metadata.uid = "u";
  expect(done(planOf(facts, memory))).toContain("delete edge-backup");
});

test("what another control plane's group exports is never proven for this one; what was proven before stays", () => {
  const { facts, memory } = healthy();
  facts.snapshot.raw.digest = `sha256:${"f".repeat(64)}`;
  delete facts.group.status.snapshot.lastRehearsal; // it is due
  const proving = () => done(planOf(facts, memory)).filter((step) => /copy|rehearsal/.test(step));
  expect(proving(), "of its own control plane it would be").toEqual(["copy raw -> candidate"]);
  facts.peers.keyConflict = { group: "gateways/older", foreign: true };
  const plan = planOf(facts, memory);
  expect(proving()).toEqual([]);
  expect(told(plan, "FallbackReady")).toBe("Proven");
  expect(told(plan, "Stalled")).toBe("ObjectKeyShared");
  facts.group.status.snapshot = {};
  facts.snapshot.verified = { seen: "absent" };
  expect(told(planOf(facts, memory), "FallbackReady")).toBe("ObjectKeyShared");
});

test("a backup pod that does not come up is named where its export is missed", () => {
  const { facts, memory } = healthy();
  facts.children.backup = structuredClone(facts.children.traffic);
  facts.children.backup.trouble = "edge-backup-1: gateway: CrashLoopBackOff";
  facts.snapshot.raw.ageMs = 1_000_000;
  const { conditions = [] } = planOf(facts, memory).status;
  const ready = conditions.find((one) => one.type === "FallbackReady");
  expect(ready).toMatchObject({
    reason: "ExportLate",
    message: expect.stringContaining("edge-backup-1: gateway: Crash"),
  });
});
