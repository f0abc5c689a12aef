import { expect, test } from "vitest";
import { census } from "../../../operator/observe/control-plane/correlated-loss.ts";

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;
/** Minutes since each was lost; undefined: it is there. */
const sights = (of: Record<string, number | undefined>) =>
  Object.entries(of).map(([controlPlane, ago]) => ({
    controlPlane: controlPlane.split("#")[0] as string,
    lostSinceMs: ago === undefined ? undefined : NOW - ago * MINUTE,
  }));

type Row = [string, Record<string, number | undefined>, { probed: number; lost: number }];
test.for<Row>([
  ["all are there", { own: undefined, b: undefined, c: undefined }, { probed: 3, lost: 0 }],
  ["all were lost at once", { own: 1, b: 1, c: 1 }, { probed: 3, lost: 3 }],
  ["all were lost at once, an hour ago: still one loss", { own: 60, b: 61, c: 59 }, { probed: 3, lost: 3 }],
  ["two have been lost for days: they show nothing about now", { own: 1, b: 5_000, c: 9_000 }, { probed: 1, lost: 1 }],
  ["ten minutes before this one: together with it", { own: 1, b: 11, c: undefined }, { probed: 3, lost: 2 }],
  ["a little more: apart from it", { own: 1, b: 11.1, c: undefined }, { probed: 2, lost: 1 }],
  ["lost after this one: its network may have gone on failing", { own: 60, b: 1, c: 1 }, { probed: 3, lost: 3 }],
  ["this one is there: others are compared with now", { own: undefined, b: 1, c: 60 }, { probed: 2, lost: 1 }],
  ["two certificates, one gets through", { own: 1, "b#1": 1, "b#2": undefined }, { probed: 2, lost: 1 }],
  ["the same in the other order", { own: 1, "b#1": undefined, "b#2": 1 }, { probed: 2, lost: 1 }],
  ["two certificates: lost when the second was", { own: 1, "b#1": 60, "b#2": 1 }, { probed: 2, lost: 2 }],
  ["this one is not probed yet", { b: 1, c: 60 }, { probed: 1, lost: 1 }],
])("%s", ([, of, expected]) => {
  expect(census(sights(of), "own", NOW)).toEqual(expected);
});
