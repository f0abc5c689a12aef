/** A table of fixed size tells which of many items somebody else does not have. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { missingFrom, tableOf } from "../../../operator/gateway/api7/item-table.ts";

const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `routes/${(n + from) * 7919}`);

test("nothing is missing", () => {
  expect(missingFrom(tableOf(names(100)), names(100).reverse())).toEqual({ names: [], strange: 0, whole: true });
  expect(missingFrom(tableOf([]), [])).toEqual({ names: [], strange: 0, whole: true });
});

test("any few of any many are named", () => {
  const some = fc.uniqueArray(fc.nat({ max: 5_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(some, fc.nat({ max: 9 }), (missing, extra) => {
      const all = names(5_001);
      const present = [...all.filter((_, n) => !missing.includes(n)), ...names(extra, 9_000)];
      const { names: found, whole } = missingFrom(tableOf(all), present);
      // A table that cannot be read back says so; it never names another item.
      const wanted = missing.map((n) => all[n] ?? "").sort();
      expect(found.every((name) => wanted.includes(name))).toBe(true);
      if (whole) expect(found).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});

test("of a thousand times that twenty are missing all are read back in 990", () => {
  let read = 0;
  for (let round = 0; round < 1_000; round += 1)
    read += Number(missingFrom(tableOf(names(20, round * 1_000)), []).whole);
  expect(read).toBeGreaterThan(990);
});

test("too many: it says that it does not know", () => {
  const { whole, names: found } = missingFrom(tableOf(names(300)), []);
  expect([whole, found.length < 300]).toEqual([false, true]);
});

test("its size does not depend on what is in it", () => {
  expect([tableOf([]).length, tableOf(names(60_000)).length]).toEqual([5_976, 5_976]);
});

test("long names stay apart and short, and control characters do not come back", () => {
  const long = (end: string) => `routes/${"x".repeat(200)}${end}`;
  const { names: found } = missingFrom(tableOf([long("a"), long("b"), "routes/a\nb"]), [long("a")]);
  expect(found).toEqual(["routes/a?b", expect.stringMatching(/^routes\/x{28}~[0-9a-f]{12}$/)]);
});

test("what is no table tells nothing", () => {
  for (const junk of ["", "x", tableOf([]).slice(4)])
    expect(missingFrom(junk, ["a"])).toEqual({ names: [], strange: 0, whole: false });
});

test("a table of junk does not hold the reader for ever, whatever it says", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4_480, maxLength: 4_480 }), (bytes) => {
      missingFrom(Buffer.from(bytes).toString("base64"), []);
    }),
  );
});
