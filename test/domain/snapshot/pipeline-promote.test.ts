/** An export is copied, rehearsed and then copied to where pods read: at rest, and what of it an outage leaves. */
import { expect, test } from "vitest";
import { done, healthy, held, inMode, type Loose, lose, planOf, told } from "../deciding.ts";
import { type AtRest, atRest, candidate, exported, NEW, pipeline, proven, unknown } from "./pipeline-facts.ts";

test.for<AtRest>([
  ["nothing new", () => {}, [], undefined],
  ["a new export is copied first", (f) => exported(f), ["copy raw -> candidate"], undefined],
  ["then it is rehearsed", (f) => candidate(f), ["create Pod/edge-rehearsal"], undefined],
  [
    "a change that was undone: proven before, so it needs no rehearsal, and is brought to where pods read",
    (f) => {
      exported(f);
      proven(f);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "the store lost candidate and verified: the copy that is kept is put back",
    (f) => {
      f.snapshot.candidate = { seen: "absent" };
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy generation -> verified"],
    undefined,
  ],
  [
    "and where no copy is kept, what the exporter writes again is taken, as it was proven",
    (f) => {
      f.snapshot.generations = [];
      exported(f);
      proven(f);
      f.snapshot.candidate = { seen: "absent" };
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "proven: copied to where pods read",
    (f) => {
      candidate(f);
      proven(f);
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  [
    "proven, and what stands in its place has the same content and cannot be used: written again",
    (f) => {
      f.snapshot.generations = [];
      candidate(f);
      proven(f);
      f.snapshot.verified = { ...f.snapshot.verified, digest: NEW, problems: ["Truncated"] };
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  [
    "proven for another template alone: the pair that is proven for this one stays, until it was rehearsed",
    (f) => {
      candidate(f);
      proven(f);
      f.group.status.snapshot.proofs.at(-1).key = "of-another-template";
    },
    ["create Pod/edge-rehearsal"],
    undefined,
  ],
  [
    "proven, in fallback: what it serves from stays",
    (f) => {
      candidate(f);
      proven(f);
      inMode(f, "Fallback");
    },
    [],
    undefined,
  ],
  [
    "proven, and the verified pair cannot be read",
    (f) => {
      candidate(f);
      proven(f);
      f.snapshot.verified = unknown;
    },
    [],
    undefined,
  ],
])("%s", ([, change, steps, quarantine]) => {
  expect(atRest(change)).toEqual({ broken: [], steps, quarantine });
});

/** The control plane was lost a second ago, and the store has something new. Steps. */
test.for<[string, (facts: Loose) => void, string[]]>([
  ["a proven candidate does not take the place of the pair that is proven", (f) => both(f), []],
  ["a new export is left where it is", (f) => exported(f), []],
  [
    "the verified pair was overwritten by half: the former one is put back",
    (f) => {
      both(f);
      f.snapshot.verified = { ...f.snapshot.verified, digest: "unreadable:1", problems: ["TornPair"] };
    },
    ["copy generation -> verified"],
  ],
  [
    "the verified pair was overwritten by half, and no copy of the former one is kept: the new one is made whole",
    (f) => {
      both(f);
      f.snapshot.generations = [];
      f.snapshot.verified = { ...f.snapshot.verified, digest: "unreadable:1", problems: ["TornPair"] };
    },
    ["copy candidate -> verified"],
  ],
  [
    "there is no verified pair, nor a copy: one is made",
    (f) => {
      f.snapshot.generations = [];
      both(f);
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy candidate -> verified"],
  ],
  [
    "there is none, nor a candidate",
    (f) => {
      f.snapshot.generations = [];
      exported(f);
      f.snapshot.verified = { seen: "absent" };
      f.snapshot.candidate = { seen: "absent" };
    },
    ["copy raw -> candidate"],
  ],
  [
    "the verified pair cannot be read",
    (f) => {
      exported(f);
      f.snapshot.verified = unknown;
    },
    [],
  ],
  [
    "a rehearsal is asked for: of what is verified",
    (f) => {
      exported(f);
      f.group.annotations = { "holdfast.dev/rehearse-at": "now" };
    },
    ["create Pod/edge-rehearsal"],
  ],
  [
    "the control plane is only out of sight, and was not lost: that may last for weeks, so exports are taken",
    (f) => {
      exported(f);
      f.controlPlane = { operator: { view: "unknown", detail: "no route" } };
    },
    ["copy raw -> candidate"],
  ],
])("in an outage: %s", ([, change, steps]) => {
  const { facts } = healthy();
  lose(facts);
  change(facts);
  const plan = planOf(facts, held(facts, "Unreachable", 1_000));
  expect(plan.broken).toEqual([]);
  expect(pipeline(done(plan))).toEqual(steps);
});

test("a store that did not take the last copy is left alone until the next try is due, and it is told", () => {
  const next = (paused: boolean) => {
    const { facts } = healthy();
    both(facts);
    const problem = { reason: "StorageUnavailable", field: "spec.fallback.storageRef", message: "Cannot copy" };
    facts.copying = { paused, problem };
    const plan = planOf(facts, held(facts, "Reachable", 5_000));
    return [pipeline(done(plan)), told(plan, "Stalled")];
  };
  expect([next(true), next(false)]).toEqual([
    [[], "StorageUnavailable"],
    [["copy candidate -> verified"], "StorageUnavailable"],
  ]);
});

function both(facts: Loose): void {
  candidate(facts);
  proven(facts);
}
