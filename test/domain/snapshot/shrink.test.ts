/** What counts as having lost too much, and on what it is measured. */
import { expect, test } from "vitest";
import {
  baselineOf,
  baselineWithoutStatus,
  type Counts,
  mostVerified,
  nextBaseline,
  shrunkenKinds,
} from "../../../operator/domain/snapshot/shrink.ts";

const HOUR = 3_600_000;
const at = (hours: number) => Date.parse("2026-01-01T00:00:00Z") + hours * HOUR;

test.for<[string, before: Counts, after: Counts, shrunken: string[]]>([
  ["2 routes, and none is left", { routes: 2 }, {}, ["routes"]],
  ["one route, and none is left", { routes: 1, upstreams: 1 }, { upstreams: 1 }, ["routes"]],
  ["the last stream route is gone", { stream_routes: 1 }, {}, ["stream_routes"]],
  ["one of two routes", { routes: 2 }, { routes: 1 }, []],
  ["the last upstream, and nothing else", { routes: 5, upstreams: 1 }, { routes: 5 }, []],
  [
    "10 of each -> 1 of each",
    { routes: 10, upstreams: 10, services: 10 },
    { routes: 1, upstreams: 1, services: 1 },
    ["routes", "upstreams", "services"],
  ],
  [
    "a small group: one of each, three in all",
    { routes: 3, upstreams: 3, services: 3 },
    { routes: 2, upstreams: 2, services: 2 },
    ["routes", "upstreams", "services"],
  ],
  ["two objects in all", { routes: 3, upstreams: 3 }, { routes: 2, upstreams: 2 }, []],
  ["exactly the allowed share of many", { routes: 100 }, { routes: 70 }, []],
  ["one more", { routes: 100 }, { routes: 69 }, ["routes"]],
  ["a kind that grew makes up for nothing", { routes: 40, services: 5 }, { routes: 90, services: 1 }, ["services"]],
  ["nothing was there", {}, { routes: 5 }, []],
  ["nothing changed", { routes: 2 }, { routes: 2 }, []],
])("%s", ([, before, after, shrunken]) => {
  expect(shrunkenKinds(before, after, 30).map(({ kind }) => kind)).toEqual(shrunken);
});

test("where any share may vanish, the last route may not", () => {
  expect(shrunkenKinds({ routes: 9, upstreams: 9 }, {}, 100).map(({ kind }) => kind)).toEqual(["routes"]);
});

const routes = (...counts: number[]) => counts.map((count) => ({ routes: count }));
/** Pairs that were verified one after the other, at these hours; what the next one is measured on at the last hour. */
function measured(pairs: readonly Counts[], hours: readonly number[], nowHours: number) {
  let snapshot: Parameters<typeof nextBaseline>[0] = {};
  for (const [index, counts] of pairs.entries())
    snapshot = { counts, baseline: nextBaseline(snapshot, counts, at(hours[index] ?? 0)) };
  return { on: baselineOf(snapshot, at(nowHours)), kept: snapshot.baseline?.length };
}

test.for<[string, Counts[], hours: number[], nowHours: number, on: Counts | undefined]>([
  ["nothing was verified", [], [], 0, undefined],
  ["one pair", routes(40), [0], 900, { routes: 40 }],
  ["many small steps are one large one", routes(400, 288, 207), [0, 1, 2], 3, { routes: 400 }],
  ["also where the first stood for long", routes(400, 288), [-900, 1], 2, { routes: 400 }],
  ["for 24 hours since it was replaced", routes(400, 288), [0, 1], 24.9, { routes: 400 }],
  ["and no longer", routes(400, 288), [0, 1], 25, { routes: 288 }],
  ["what grew is measured on the new", routes(40, 60), [0, 1], 2, { routes: 60 }],
  [
    "of each kind the most, in whichever pair",
    [{ routes: 9, upstreams: 1 }, { routes: 5, upstreams: 4 }, { routes: 5 }],
    [0, 1, 2],
    3,
    { routes: 9, upstreams: 4 },
  ],
])("%s", ([, pairs, hours, nowHours, on]) => {
  expect(measured(pairs, hours, nowHours).on).toEqual(on);
});

test("what is kept is bounded, though a pair comes every quarter of an hour; and it is forgotten, at most 4 hours late", () => {
  const falling = routes(...Array.from({ length: 200 }, (_, index) => 1_000 - index));
  const hours = falling.map((_, index) => index / 4);
  const day = measured(falling.slice(0, 96), hours, 23.9);
  expect(day).toEqual({ on: { routes: 1_000 }, kept: expect.any(Number) });
  const twoDays = measured(falling, hours, 49.9);
  expect(twoDays.on?.["routes"]).toBeLessThanOrEqual(1_000 - (49.9 - 28) * 4 + 1);
  expect(twoDays.on?.["routes"]).toBeGreaterThanOrEqual(1_000 - (49.9 - 24) * 4);
  expect(Math.max(day.kept ?? 0, twoDays.kept ?? 0)).toBeLessThanOrEqual(8);
});

test("a clock that was set back keeps the list bounded and lets it be forgotten", () => {
  const ahead = routes(...Array.from({ length: 50 }, (_, index) => 1_000 - index));
  const hours = [...ahead.map((_, index) => 100 + 4 * index), 0];
  expect(measured([...ahead, { routes: 900 }], hours, 25)).toEqual({ on: { routes: 900 }, kept: expect.any(Number) });
  expect(measured([...ahead, { routes: 900 }], hours, 0).kept).toBeLessThanOrEqual(8);
});

/** The status is lost, or was never there; what stands in the store, and what is then recorded. */
test.for<[string, snapshot: Parameters<typeof nextBaseline>[0], verified: Counts | undefined, on: Counts | undefined]>([
  ["nothing is on record: what stands in the store", {}, { routes: 40 }, { routes: 40 }],
  ["nothing is on record, and the store was not read", {}, undefined, undefined],
  ["what is on record", { counts: { routes: 28 } }, { routes: 40 }, { routes: 28 }],
])("made anew, an export is measured on: %s", ([, snapshot, verified, on]) => {
  const baseline = baselineWithoutStatus(snapshot, verified, at(0));
  const now = baseline === undefined ? snapshot : { ...snapshot, baseline };
  expect(baselineOf(now, at(1))).toEqual(on);
});

test("made anew, two steps of 30 % within a day are one of half", () => {
  const baseline = baselineWithoutStatus({}, { routes: 40 }, at(0));
  const next = {
    counts: { routes: 28 },
    baseline: nextBaseline({ ...(baseline ? { baseline } : {}) }, { routes: 28 }, at(1)),
  };
  expect([baselineOf(next, at(2)), baselineOf(next, at(25))]).toEqual([{ routes: 40 }, { routes: 28 }]);
});

test("what is published of it does not change with time, and forgets nothing too early", () => {
  const baseline = [{ until: new Date(at(0)).toISOString(), counts: { routes: 40 } }];
  expect(mostVerified({ counts: { routes: 28, services: 3 }, baseline })).toEqual({ routes: 40, services: 3 });
  expect(mostVerified({})).toBeUndefined();
});

test("growing leaves nothing behind", () => {
  expect(measured(routes(...Array.from({ length: 50 }, (_, index) => index)), [], 0).kept).toBe(0);
});
