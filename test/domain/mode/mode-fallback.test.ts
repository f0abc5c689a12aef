/** When a group goes into fallback, and which mode one without a status is in. */
import { describe, expect, test } from "vitest";
import { fromSnapshot, healthy, held, type Loose, lose, planOf, told } from "../deciding.ts";
import { override, type Row, refuse, unseen } from "./mode-facts.ts";

/** After 20 s of loss the group goes; each row changes one thing. Mode that is recorded, reason that is held or waited for. */
test.for<Row>([
  ["lost for long enough, proven", () => {}, 20_000, "ToFallback", undefined],
  ["a millisecond short", () => {}, 19_999, undefined, "WaitingOutage"],
  ["the store cannot be read", (f) => unseen(f), 20_000, undefined, "NoProof"],
  ["no proof for this template", (f) => proofs(f, (p) => (p.key = "other")), 20_000, undefined, "NoProof"],
  ["no proof for this digest", (f) => proofs(f, (p) => (p.digest = "sha256:00")), 20_000, undefined, "NoProof"],
  [
    "other reader keys than those proven",
    (f) => (f.secrets.reader.resourceVersion = "2"),
    20_000,
    undefined,
    "NoProof",
  ],
  [
    "the reader's Secret cannot be read: the proof stays",
    (f) => (f.secrets.reader = { seen: "unknown", name: "keys", why: "403" }),
    20_000,
    "ToFallback",
    undefined,
  ],
  ["the store refuses the reader's keys", (f) => refuse(f), 20_000, undefined, "NoProof"],
  [
    "the last export is as old as allowed at the loss",
    (f) => (f.snapshot.raw.ageMs = 3_600_000 + 20_000),
    20_000,
    "ToFallback",
    undefined,
  ],
  ["it is older", (f) => (f.snapshot.raw.ageMs = 3_600_001 + 20_000), 20_000, undefined, "NoProof"],
  ["one gateway is connected", (f) => (f.pods[0].vote = "connected"), 20_000, undefined, undefined],
  ["gateways cut off alone: not after the simple time", (f) => cutOff(f), 39_999, undefined, "WaitingOutage"],
  ["gateways cut off alone: after twice the time", (f) => cutOff(f), 40_000, "ToFallback", undefined],
  ["half of the control planes lost", (f) => peers(f, 4, 2), 20_000, "ToFallback", undefined],
  ["more than half of three lost", (f) => peers(f, 3, 2), 20_000, undefined, "SelfSuspicion"],
  ["both of two lost", (f) => peers(f, 2, 2), 20_000, "ToFallback", undefined],
  ["modePolicy Normal", (f) => (f.group.spec.modePolicy = "Normal"), 20_000, undefined, undefined],
  ["modePolicy Observe", (f) => (f.group.spec.modePolicy = "Observe"), 20_000, undefined, "WouldMove"],
  ["suspended", (f) => (f.group.spec.suspend = true), 20_000, undefined, "Suspended"],
  ["Hold", (f) => override(f, "Hold until=2030-01-01T00:00:00Z"), 20_000, undefined, "HoldOrdered"],
  ["Hold that has expired", (f) => override(f, "Hold until=2020-01-01T00:00:00Z"), 20_000, "ToFallback", undefined],
  ["an override that cannot be read", (f) => override(f, "Hold for ever"), 20_000, undefined, "OverrideInvalid"],
  ["the group is being deleted", (f) => (f.group.deleting = true), 20_000, undefined, undefined],
  ["a watch is quiet", (f) => (f.watches.staleForMs = 109_999), 20_000, "ToFallback", undefined],
  ["a watch is blind", (f) => (f.watches.staleForMs = 110_000), 20_000, undefined, "WatchesBlind"],
])("into fallback: %s", ([, change, heldMs, mode, why]) => {
  const { facts } = healthy();
  lose(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", heldMs));
  expect(plan.broken).toEqual([]);
  expect(plan.recordsMode ? plan.status.mode : undefined).toBe(mode);
  if (why !== undefined) expect([told(plan, "Held"), told(plan, "Reconciling")]).toContain(why);
});

/** What the group's next return waits for, by doublings. */
test.for<[string, { level: number; agoMs: number } | undefined, number]>([
  ["the first", undefined, 0],
  ["a second within the hour", { level: 0, agoMs: 3_599_999 }, 1],
  ["a third within the hour", { level: 1, agoMs: 3_599_999 }, 2],
  ["many", { level: 6, agoMs: 1_000 }, 6],
  ["one after an hour of quiet", { level: 2, agoMs: 3_600_000 }, 0],
])("a flip that comes soon after the last makes the return wait: %s", ([, before, level]) => {
  const { facts } = healthy();
  if (before)
    facts.group.status.penalty = { level: before.level, at: new Date(facts.nowMs - before.agoMs).toISOString() };
  lose(facts);
  const { status } = planOf(facts, held(facts, "Unreachable", 20_000));
  expect([status.mode, status.penalty]).toEqual(["ToFallback", { level, at: new Date(facts.nowMs).toISOString() }]);
});

describe("without a status", () => {
  test("a new group is normal", () => {
    const { facts, memory } = healthy();
    facts.group.status = { observedGeneration: -1 };
    expect(planOf(facts, memory).status.mode).toBe("Normal");
  });
  test("pods that serve from the snapshot tell the mode", () => {
    const { facts, memory } = healthy();
    facts.group.status = { observedGeneration: -1 };
    fromSnapshot(facts);
    expect([planOf(facts, memory).status.mode, planOf(facts, memory).status.modeReason]).toEqual([
      "Fallback",
      "ModeAdopted",
    ]);
  });
});

function proofs(facts: Loose, change: (proof: Loose) => void): void {
  for (const proof of facts.group.status.snapshot.proofs) change(proof);
}
function cutOff(facts: Loose): void {
  facts.controlPlane.operator = { view: "readsOk" };
}
function peers(facts: Loose, controlPlanes: number, controlPlanesLost: number): void {
  Object.assign(facts.peers, { controlPlanes, controlPlanesLost });
}
