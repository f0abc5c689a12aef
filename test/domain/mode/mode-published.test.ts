/** What pods that start are told of the snapshot, and what takes it back. */
import { describe, expect, test } from "vitest";
import { healthy, inMode, type Loose, lose, planOf, startTold, told } from "../deciding.ts";
import { refuse, unseen } from "./mode-facts.ts";

describe("what is published to pods that start", () => {
  test.for<[string, (facts: Loose) => void, boolean]>([
    ["a store that cannot be read takes nothing back", (f) => unseen(f), true],
    [
      "a storage object that is gone takes nothing back",
      (f) => unseen(Object.assign(f, { storage: { seen: "absent", name: "eu" } })),
      true,
    ],
    ["new reader keys take nothing back", (f) => (f.secrets.reader.resourceVersion = "2"), true],
    ["reader keys that the store refuses take nothing back", (f) => refuse(f), true],
    ["nor in an outage", (f) => [refuse(f), lose(f)], true],
    ["a verified pair that is gone is", (f) => (f.snapshot.verified = { seen: "absent" }), false],
    ["one that is unusable is", (f) => (f.snapshot.verified.problems = ["NotJson"]), false],
    [
      "one that is unusable is, in an outage, too",
      (f) => {
        lose(f);
        f.snapshot.verified.problems = ["NotJson"];
      },
      false,
    ],
    ["one that is too old is", (f) => (f.snapshot.raw.ageMs = 4_000_000), false],
    [
      "one that is too old is not, while nobody knows whether the control plane is there",
      (f) => {
        f.snapshot.raw.ageMs = 4_000_000;
        f.controlPlane = { operator: { view: "unknown", detail: "dnsFailure: ENOTFOUND" } };
        for (const pod of f.pods) pod.vote = "disconnected";
      },
      true,
    ],
    ["a pair that is gone from a place that no pod reads yet is not", (f) => moved(f, { seen: "absent" }), true],
    [
      "the same place, read by another text that waits: what is gone there is gone",
      (f) => {
        moved(f, { seen: "absent" });
        f.storage.spec.s3.resourceBucket = "res";
      },
      false,
    ],
    [
      "nor one that is unusable there",
      (f) => moved(f, { ...f.snapshot.verified, digest: "sha256:ff", problems: ["NotJson"] }),
      true,
    ],
    ["one that was overwritten is not, while it is put back", (f) => (f.snapshot.verified.digest = "sha256:ff"), true],
    [
      "one that was overwritten is, where nothing can put it back",
      (f) => {
        f.snapshot.verified.digest = "sha256:ff";
        f.snapshot.candidate = { seen: "absent" };
        f.snapshot.generations = [];
      },
      false,
    ],
    [
      "nor where the store does not take it",
      (f) => {
        f.snapshot.verified.digest = "sha256:ff";
        f.copying = { paused: false, problem: { reason: "StorageDenied", field: "", message: "no" } };
      },
      false,
    ],
  ])("%s", ([, change, stays]) => {
    const { facts, memory } = healthy();
    change(facts);
    const start = startTold(planOf(facts, memory));
    if (stays) expect(start).toBeUndefined();
    else expect(start.proofs).toEqual({});
  });
  test("age does not take it back from a group that runs from it", () => {
    const { facts, memory } = healthy();
    inMode(facts, "Fallback", 10_000_000);
    facts.snapshot.raw.ageMs = 10_000_000;
    const plan = planOf(facts, memory);
    expect([Object.keys(startTold(plan).proofs).length, told(plan, "FallbackReady")]).toEqual([1, "Proven"]);
  });
});

/** The ConfigMap of the start is made now, in normal mode. */
test.for<["Auto" | "Observe", number]>([
  ["Auto", 1],
  ["Observe", 0],
])("under %s pods that start find %i proofs", ([policy, many]) => {
  const { facts, memory } = healthy();
  facts.group.spec.modePolicy = policy;
  facts.children.byName.delete("ConfigMap/edge-start");
  expect(Object.keys(startTold(planOf(facts, memory)).proofs)).toHaveLength(many);
});

test.for([
  ["Auto", false, "Normal", false, "Proven", "True"],
  ["Observe", false, "Normal", false, "Unpublished", "False"],
  ["Observe, with proofs from before,", false, "Normal", true, "Proven", "True"],
  ["Observe", false, "Fallback", false, "Proven", "True"],
  ["Auto, suspended,", true, "Normal", false, "Unpublished", "False"],
  ["Auto, suspended, with proofs from before,", true, "Normal", true, "Proven", "True"],
] as const)(
  "under %s fallback is told by what pods would find: %s %s %s %s",
  ([policy, suspend, mode, proofs, word, ready]) => {
    const { facts, memory } = healthy();
    facts.group.spec.modePolicy = policy.startsWith("Observe") ? "Observe" : "Auto";
    facts.group.spec.suspend = suspend;
    facts.group.status.mode = mode;
    if (!proofs) facts.children.byName.delete("ConfigMap/edge-start");
    const { status } = planOf(facts, memory);
    expect(status.fallbackReady).toBe(word);
    expect(status.conditions?.find(({ type }) => type === "FallbackReady")).toMatchObject({
      status: ready,
      reason: word,
    });
  },
);

/** The spec names another store, and pods still start with the configuration of the one before. */
function moved(facts: Loose, verified: object): void {
  facts.storage.spec.s3.resourceBucket = "elsewhere";
  facts.rendered.reader = `${facts.rendered.reader}# elsewhere`;
  facts.snapshot.verified = verified;
  lose(facts);
}
