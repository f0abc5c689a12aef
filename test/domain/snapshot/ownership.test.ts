/** Two clusters with one bucket and one short id: the mark names one owner, and the other one does nothing there. */
import { expect, test } from "vitest";
import { done, healthy, held, type Loose, planOf, startTold, told } from "../deciding.ts";
import { candidate, exported, proven } from "./pipeline-facts.ts";

const US = { cluster: "uid-here", namespace: "gateways", name: "edge" };
const THEM = { cluster: "uid-there", namespace: "gateways", name: "edge" };
const another = (facts: Loose) => (facts.snapshot.owner = { is: "another", owner: THEM, etag: '"1"', us: US });
const nobody = (facts: Loose) => (facts.snapshot.owner = { is: "nobody", us: US });
const unknown = (facts: Loose, reason = "StorageDenied") =>
  (facts.snapshot.owner = { is: "unknown", reason, why: "these keys lack the right" });
const take = (facts: Loose, word: string) => (facts.group.annotations = { "holdfast.dev/take-store": word });
const noExporter = (facts: Loose) => facts.children.byName.delete("Deployment/edge-backup");

/** A proven candidate waits to become the verified pair, and the exporter is not there: what is done of it, and said. */
test.for<[string, (facts: Loose) => void, string[], fallback: string, stalled: string]>([
  [
    "ours",
    (f) => (f.snapshot.owner = { is: "ours", sinceMs: 0, etag: '"1"' }),
    ["apply Deployment/edge-backup", "copy candidate -> verified"],
    "Proven",
    "Accepted",
  ],
  ["nobody's: the mark comes first", (f) => nobody(f), ["claimStore "], "Proven", "Accepted"],
  ["another cluster's", (f) => another(f), [], "StoreOwnedByAnother", "StoreOwnedByAnother"],
  [
    "another cluster's, and a word for a third one",
    (f) => {
      another(f);
      take(f, "uid-third/gateways/edge");
    },
    [],
    "StoreOwnedByAnother",
    "StoreOwnedByAnother",
  ],
  [
    "another cluster's, and a person says that it is gone",
    (f) => {
      another(f);
      take(f, "uid-there/gateways/edge");
    },
    ["claimStore "],
    "Proven",
    "Accepted",
  ],
  ["not known, as a right is missing: it holds, and is told", (f) => unknown(f), [], "Proven", "StorageDenied"],
  ["not known, as the store is silent", (f) => unknown(f, "StorageUnavailable"), [], "Proven", "Accepted"],
  ["not known, as this cluster is not", (f) => unknown(f, "StoreOwnerUnknown"), [], "Proven", "StoreOwnerUnknown"],
])("the keys are %s", ([, change, steps, fallback, stalled]) => {
  const { facts } = healthy();
  candidate(facts);
  proven(facts);
  noExporter(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  const inStore = done(plan).filter((step) => /^copy|^claim|backup$/.test(step));
  expect([inStore, told(plan, "FallbackReady"), told(plan, "Stalled"), plan.broken]).toEqual([
    steps,
    fallback,
    stalled,
    [],
  ]);
});

test("of another cluster's keys nothing is published, and no exporter writes there any more", () => {
  const { facts } = healthy();
  another(facts);
  facts.children.byName.get("Deployment/edge-backup").metadata.uid = "uid-backup";
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect(startTold(plan)?.proofs).toEqual({});
  expect(done(plan)).toContain("delete edge-backup");
});

test.for<[string, (facts: Loose) => void, boolean]>([
  ["ours", () => {}, true],
  ["another cluster's", another, false],
])("is a candidate rehearsed that is not proven yet? The keys are %s", ([, change, rehearsed]) => {
  const { facts } = healthy();
  candidate(facts);
  change(facts);
  const { steps } = planOf(facts, held(facts, "Reachable", 5_000));
  expect(steps.some((step) => step.do === "create" && step.object.kind === "Pod")).toBe(rehearsed);
});

test("while nobody knows whose they are, what is published stays, and an exporter that runs goes on", () => {
  const { facts } = healthy();
  unknown(facts);
  const plan = planOf(facts, held(facts, "Reachable", 5_000));
  expect([startTold(plan), done(plan).filter((step) => /backup/.test(step))]).toEqual([undefined, []]);
});

test("a mark that is taken over is written over what was seen, and names this group", () => {
  const { facts } = healthy();
  another(facts);
  take(facts, "uid-there/gateways/edge");
  const { steps } = planOf(facts, held(facts, "Reachable", 5_000));
  expect(steps).toContainEqual(expect.objectContaining({ do: "claimStore", owner: US, over: '"1"' }));
});

test.for<[string, sinceMs: number, string | undefined]>([
  ["written since the mark is ours: another group's export is put aside", -1, "SnapshotForeign"],
  ["left there by somebody before: it is no measure", 1, undefined],
])("a group that is made anew, and the verified pair was %s", ([, sinceMs, quarantine]) => {
  const { facts } = healthy();
  exported(facts);
  facts.snapshot.verified.gatewayGroup = "ours";
  facts.snapshot.raw.gatewayGroup = "theirs";
  facts.group.status = { observedGeneration: -1 };
  facts.group.createdMs = facts.nowMs;
  facts.snapshot.owner = { is: "ours", sinceMs: facts.snapshot.verified.lastModifiedMs + sinceMs, etag: '"1"' };
  expect(told(planOf(facts, held(facts, "Reachable", 5_000)), "SnapshotQuarantined")).toBe(quarantine);
});
