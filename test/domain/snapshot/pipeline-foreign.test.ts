/** An export that names another group, or that shares nothing with what is verified, is another group's. */
import { expect, test } from "vitest";
import type { Loose } from "../deciding.ts";
import {
  type AtRest,
  accept,
  atRest,
  candidate,
  exported,
  NEW,
  proven,
  quarantined,
  unknown,
} from "./pipeline-facts.ts";

test.for<AtRest>([
  ["another group's", (f) => foreign(f), [], "SnapshotForeign"],
  [
    "another group's, accepted",
    (f) => {
      foreign(f);
      accept(f, NEW);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "another group's, as a candidate that was proven",
    (f) => {
      foreign(f);
      candidate(f);
      proven(f);
      f.snapshot.raw = unknown;
    },
    [],
    undefined,
  ],
  [
    "of what lay there before the group was made and the keys were ours, which may be another's: its own export goes on",
    (f) => {
      foreign(f);
      f.group.createdMs = f.snapshot.verified.lastModifiedMs;
      f.snapshot.owner = { is: "ours", sinceMs: f.snapshot.verified.lastModifiedMs + 1, etag: "mark" };
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "another group's, and status was lost: what lies under our own keys is the measure all the same",
    (f) => {
      exported(f);
      f.snapshot.verified.gatewayGroup = "mine";
      f.snapshot.raw.gatewayGroup = "theirs";
      f.group.status = { observedGeneration: -1, mode: "Normal" };
    },
    ["create Pod/edge-rehearsal"],
    "SnapshotForeign",
  ],
  [
    "another group's, told before, and the verified pair cannot be seen: it stays told",
    (f) => {
      foreign(f);
      toldForeign(f);
      f.snapshot.verified = unknown;
    },
    [],
    "SnapshotForeign",
  ],
  [
    "another group's, told before, and the verified pair is gone",
    (f) => {
      foreign(f);
      toldForeign(f);
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy candidate -> verified"], // the last good one is still there
    "SnapshotForeign",
  ],
  [
    "another group's, told before and accepted since, and the verified pair is gone",
    (f) => {
      foreign(f);
      toldForeign(f);
      accept(f, NEW);
      f.snapshot.verified = { seen: "absent" };
    },
    ["copy candidate -> verified"],
    undefined,
  ],
  ["it shares one item", (f) => foreign(f, ["b1", "b2", "b3", "a2"]), ["copy raw -> candidate"], undefined],
  ["too few items to tell", (f) => foreign(f, ["b1", "b2"]), ["copy raw -> candidate"], undefined],
  [
    "there were too few items to tell",
    (f) => {
      foreign(f);
      f.snapshot.verified.sketch = sketch(["a1", "a2"]);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "one of many more, of which the sketch ends before anything that could be shared",
    (f) => {
      foreign(f);
      f.snapshot.raw.sketch = sketch(["a0", "a11", "a12"], false);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "another group's, of which the sketch ends after what could be shared",
    (f) => {
      foreign(f);
      f.snapshot.raw.sketch = sketch(["a0", "a11", "b1"], false);
    },
    [],
    "SnapshotForeign",
  ],
  [
    "it names another group, whatever it holds",
    (f) => {
      foreign(f, ["a1", "a2", "a3"]);
      f.snapshot.verified.gatewayGroup = "ours";
      f.snapshot.raw.gatewayGroup = "theirs";
    },
    [],
    "SnapshotForeign",
  ],
  [
    "it names our group, and all in it is new",
    (f) => {
      foreign(f);
      f.snapshot.verified.gatewayGroup = "ours";
      f.snapshot.raw.gatewayGroup = "ours";
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "what stands under the verified key is not what was proven: nothing is measured on it",
    (f) => {
      foreign(f);
      f.snapshot.verified.digest = "sha256:somebody";
    },
    ["copy candidate -> verified"],
    undefined,
  ],
])("%s", ([, change, steps, quarantine]) => {
  expect(atRest(change)).toEqual({ broken: [], steps, quarantine });
});

/** In this order, as hashes are. */
const ITEMS = ["a0", "a1", "a11", "a12", "a2", "a3", "b1", "b2", "b3"];
const sketch = (items: string[], whole = true) => ({ hashes: items.map((item) => ITEMS.indexOf(item)), whole });
function foreign(facts: Loose, items = ["b1", "b2", "b3"]): void {
  exported(facts);
  facts.snapshot.verified.sketch = sketch(["a1", "a2", "a3"]);
  facts.snapshot.raw.sketch = sketch(items);
}
function toldForeign(facts: Loose): void {
  quarantined(facts);
  facts.group.status.conditions.at(-1).reason = "SnapshotForeign";
}
