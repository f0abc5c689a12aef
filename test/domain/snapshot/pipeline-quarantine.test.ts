/** An export that lost too much, or cannot be used, is kept out until a person accepts it or a better one comes. */
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
  [
    "lost 30 % of many: fine",
    (f) => exported(f, { routes: 28, upstreams: 5, services: 5 }),
    ["copy raw -> candidate"],
    undefined,
  ],
  ["lost more", (f) => exported(f, { routes: 27, upstreams: 5, services: 5 }), [], "SnapshotShrunken"],
  [
    "lost more, in two steps of which each is allowed",
    (f) => {
      exported(f, { routes: 28, upstreams: 5, services: 5 });
      formerly(f, { routes: 55, upstreams: 5, services: 5 }, 23);
    },
    [],
    "SnapshotShrunken",
  ],
  [
    "lost more than a pair had that was replaced a day ago",
    (f) => {
      exported(f, { routes: 28, upstreams: 5, services: 5 });
      formerly(f, { routes: 55, upstreams: 5, services: 5 }, 24);
    },
    ["copy raw -> candidate"],
    undefined,
  ],
  ["no route is left of two", (f) => small(f, { routes: 2, upstreams: 1 }, { upstreams: 1 }), [], "SnapshotShrunken"],
  [
    "10 of each -> 1 of each",
    (f) => small(f, { routes: 10, upstreams: 10, services: 10 }, { routes: 1, upstreams: 1, services: 1 }),
    [],
    "SnapshotShrunken",
  ],
  [
    "one route of two is removed",
    (f) => small(f, { routes: 2, upstreams: 2 }, { routes: 1, upstreams: 1 }),
    ["copy raw -> candidate"],
    undefined,
  ],
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
    "lost much, accepted by its digest alone, as earlier versions had it",
    (f) => {
      exported(f, { routes: 0 });
      f.group.annotations = { "holdfast.dev/accept-snapshot": NEW };
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

function formerly(facts: Loose, counts: object, hoursAgo: number): void {
  const until = new Date(facts.nowMs - hoursAgo * 3_600_000).toISOString();
  facts.group.status.snapshot.baseline = [{ until, counts }];
}
function small(facts: Loose, before: object, after: object): void {
  facts.group.status.snapshot.counts = before;
  facts.snapshot.verified.counts = before;
  exported(facts, after);
}
