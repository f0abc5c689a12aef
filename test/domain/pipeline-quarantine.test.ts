/** An export that lost too much, or cannot be used, is kept out until a person accepts it or a better one comes. */
import { expect, test } from "vitest";
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
  [
    "lost 30 % of many: fine",
    (f) => exported(f, { routes: 28, upstreams: 5, services: 5 }),
    ["copy raw -> candidate"],
    undefined,
  ],
  ["lost more", (f) => exported(f, { routes: 27, upstreams: 5, services: 5 }), [], "SnapshotShrunken"],
  ["a kind became empty", (f) => exported(f, { routes: 40, upstreams: 0, services: 5 }), [], "SnapshotShrunken"],
  [
    "lost much, accepted",
    (f) => {
      exported(f, { routes: 0 });
      accept(f, NEW);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  [
    "lost much, another one accepted",
    (f) => {
      exported(f, { routes: 0 });
      accept(f, "sha256:ffffffffffffffff");
    },
    [],
    "SnapshotShrunken",
  ],
  [
    "lost much, accepted by too short a word",
    (f) => {
      exported(f, { routes: 0 });
      accept(f, NEW.slice(0, 18));
    },
    [],
    "SnapshotShrunken",
  ],
  [
    "unusable",
    (f) => {
      exported(f);
      f.snapshot.raw.problems = ["NotJson"];
    },
    [],
    "SnapshotInvalid",
  ],
  [
    "a shrunken candidate is not promoted, whoever put it there",
    (f) => {
      candidate(f, { routes: 0 });
      proven(f);
      f.snapshot.raw = unknown;
    },
    [],
    undefined,
  ],
  [
    "a quarantine outlives an unreadable store",
    (f) => {
      quarantined(f);
      f.snapshot.raw = unknown;
    },
    [],
    "SnapshotShrunken",
  ],
  ["and ends with a good export", (f) => quarantined(f), [], undefined],
])("%s", ([, change, steps, quarantine]) => {
  expect(atRest(change)).toEqual({ broken: [], steps, quarantine });
});
