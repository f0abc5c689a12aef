import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeTemplate } from "../../../operator/domain/objects/merge.ts";
import type { JsonObject } from "../../../operator/domain/values/json.ts";

fc.configureGlobal({ seed: 20261121 }); // 60,000 others were run once; a red test must stay red

const container = (name: string, more = {}) => ({ name, image: `${name}:1`, ...more });

test.for<[string, JsonObject, JsonObject, JsonObject]>([
  ["objects merge", { a: { b: 1, c: 2 } }, { a: { c: 3, d: 4 } }, { a: { b: 1, c: 3, d: 4 } }],
  ["null removes", { a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: null } }, { b: { d: 3 } }],
  ["null of what is not there removes nothing", {}, { a: null, b: { c: null } }, { b: {} }],
  [
    "lists with names merge by name",
    { l: [container("a"), container("b")] },
    { l: [{ name: "b", x: 1 }] },
    {
      l: [container("a"), container("b", { x: 1 })],
    },
  ],
  [
    "what is new in a list comes last",
    { l: [container("a")] },
    { l: [container("z"), { name: "a", x: 1 }] },
    {
      l: [container("a", { x: 1 }), container("z")],
    },
  ],
  ["null removes within an item", { l: [container("a")] }, { l: [{ name: "a", image: null }] }, { l: [{ name: "a" }] }],
  ["other lists replace", { l: [1, 2] }, { l: [3] }, { l: [3] }],
  ["lists of objects without names replace", { l: [{ k: 1 }] }, { l: [{ k: 2, n: null }] }, { l: [{ k: 2 }] }],
  ["an empty list empties", { l: [container("a")] }, { l: [] }, { l: [] }],
  [
    "mounts merge by path: their name is the volume's",
    {
      volumeMounts: [
        { name: "conf", mountPath: "/a" },
        { name: "conf", mountPath: "/b" },
      ],
    },
    { volumeMounts: [{ name: "conf", mountPath: "/b", readOnly: true }] },
    {
      volumeMounts: [
        { name: "conf", mountPath: "/a" },
        { name: "conf", mountPath: "/b", readOnly: true },
      ],
    },
  ],
  ["an object replaces what is none", { a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
])("%s", ([, base, override, expected]) => {
  expect(mergeTemplate(base, override)).toEqual(expected);
});

// Keys and names from a small set, so that base and override meet; `__proto__` as JSON.parse makes it.
const key = fc.constantFrom("a", "b", "name", "containers", "__proto__");
const anyObject: fc.Arbitrary<JsonObject> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, 0, 1, "x", "", true),
    tie("object"),
    fc.array(fc.oneof(fc.constantFrom(1, "x", null), tie("object")), { maxLength: 3 }),
    fc.uniqueArray(fc.record({ name: fc.constantFrom("p", "q", "r"), v: tie("value") }), {
      maxLength: 3,
      selector: ({ name }) => name,
    }),
  ),
  object: fc
    .uniqueArray(fc.tuple(key, tie("value")), { maxLength: 4, selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries)),
})).object as fc.Arbitrary<JsonObject>;
/** As a base never has one: what the merge made, or what Holdfast renders. */
const withoutNull = anyObject.map((object) => mergeTemplate({}, object));

function holdsNull(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "object" && value !== undefined && Object.values(value as object).some(holdsNull);
}
const inLists = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.some((item) => item === null || inLists(item))
    : typeof value === "object" && value !== null && Object.values(value).some(inLists);

test("an override applied twice is applied once", () => {
  fc.assert(
    fc.property(withoutNull, anyObject, (base, override) => {
      const once = mergeTemplate(base, override);
      expect(mergeTemplate(once, override)).toEqual(once);
    }),
    { numRuns: 500 },
  );
});

test("nothing given changes nothing, and no null gets through where it means removal", () => {
  fc.assert(
    fc.property(withoutNull, anyObject, (base, override) => {
      expect(mergeTemplate(base, {})).toEqual(base);
      fc.pre(!inLists(base) && !inLists(override));
      expect(holdsNull(mergeTemplate(base, override))).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("a merge changes neither of its arguments, and no prototype", () => {
  fc.assert(
    fc.property(withoutNull, anyObject, (base, override) => {
      const before = JSON.stringify([base, override]);
      const merged = mergeTemplate(base, override);
      expect(JSON.stringify([base, override])).toBe(before);
      expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    }),
  );
});
