import { expect, test } from "vitest";
import type { KubeObject } from "../../operator/kube/resources.ts";
import { Store } from "../../operator/kube/store.ts";
import { compareVersions, isOlder } from "../../operator/kube/versions.ts";
import { FakeClock } from "./fake-clock.ts";

type Value = { owner: string };

function bench() {
  const clock = new FakeClock();
  const overdue: string[] = [];
  const store = new Store<Value>(
    (object) => ({ owner: object.metadata.labels?.["owner"] ?? "" }),
    { owner: (entry) => (entry.value.owner === "" ? [] : [entry.value.owner]) },
    clock,
    (key) => void overdue.push(key),
  );
  const put = (name: string, version: number, owner = "", more: Partial<KubeObject["metadata"]> = {}) =>
    store.put(
      store.entryOf({
        metadata: {
          name,
          namespace: "a",
          uid: `u-${name}`,
          resourceVersion: String(version),
          labels: { owner },
          ...more,
        },
      }),
    );
  const owned = (owner: string) => store.byIndex("owner", owner).map((entry) => entry.name);
  return { clock, store, put, owned, overdue };
}

test("the index follows every change of an entry", () => {
  const { store, put, owned } = bench();
  put("one", 1, "x");
  put("two", 2, "x");
  put("three", 3);
  expect(owned("x")).toEqual(["one", "two"]);
  put("one", 4, "y");
  expect([owned("x"), owned("y")]).toEqual([["two"], ["one"]]);
  store.remove("a/two", "5");
  expect(owned("x")).toEqual([]);
  expect(() => store.byIndex("color", "x")).toThrow('index "color"');
});

test.for<[string, (b: ReturnType<typeof bench>) => void, boolean]>([
  ["a write that the cache has not seen leaves it behind", ({ store }) => store.expect("a/one", "9"), true],
  [
    "a write that the cache has seen already does not",
    ({ store, put }) => [put("one", 9), store.expect("a/one", "9")],
    false,
  ],
  ["the write's own event ends it", ({ store, put }) => [store.expect("a/one", "9"), put("one", 9)], false],
  ["a later event ends it", ({ store, put }) => [store.expect("a/one", "9"), put("one", 10)], false],
  ["an earlier event does not", ({ store, put }) => [store.expect("a/one", "9"), put("one", 8)], true],
  [
    "9 is before 10, although not by the alphabet",
    ({ store, put }) => [store.expect("a/one", "10"), put("one", 9)],
    true,
  ],
  ["another object's event does not", ({ store, put }) => [store.expect("a/one", "9"), put("two", 10)], true],
  [
    "a list at that version ends it, even of an object that is gone",
    ({ store }) => [store.expect("a/one", "9"), store.advanced("9", () => true)],
    false,
  ],
  [
    "a list of another namespace does not",
    ({ store }) => [store.expect("a/one", "9"), store.advanced("9", (key) => key.startsWith("b/"))],
    true,
  ],
  ["an older list does not", ({ store }) => [store.expect("a/one", "9"), store.advanced("8", () => true)], true],
  [
    "its deletion after the write ends it",
    ({ store, put }) => [put("one", 5), store.expect("a/one", "9"), store.remove("a/one", "12")],
    false,
  ],
  [
    "a deletion before the write does not: it was created anew",
    ({ store, put }) => [put("one", 5), store.expect("a/one", "9"), store.remove("a/one", "7")],
    true,
  ],
  [
    "a delete of ours leaves it behind while the object shows",
    ({ store, put }) => [put("one", 5), store.expectGone("a/one", "u-one")],
    true,
  ],
  [
    "...until it is gone",
    ({ store, put }) => [put("one", 5), store.expectGone("a/one", "u-one"), store.remove("a/one", "6")],
    false,
  ],
  [
    "...or marked as deleted",
    ({ store, put }) => [
      put("one", 5),
      store.expectGone("a/one", "u-one"),
      put("one", 6, "", { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    ],
    false,
  ],
  [
    "...or another of its name has come",
    ({ store, put }) => [put("one", 5), store.expectGone("a/one", "u-one"), put("one", 6, "", { uid: "second" })],
    false,
  ],
  ["...and does not wait for what was not there", ({ store }) => store.expectGone("a/one", "u-one"), false],
  [
    "versions that do not compare: any event of the object counts as the write's",
    ({ store, put }) => [store.expect("a/one", "x9"), put("one", 10)],
    false,
  ],
])("own writes: %s", ([, act, behind]) => {
  const all = bench();
  act(all);
  expect(all.store.isBehind("a/one")).toBe(behind);
});

test("an expectation that is not met in 10 s asks for a list, and stays: the cache is known to be that old", () => {
  const { store, clock, overdue, put } = bench();
  const all = () => true;
  store.expect("a/one", "9");
  clock.jump(9_999);
  expect([store.isBehind("a/one"), store.unseenForMs(all), overdue]).toEqual([true, 9_999, []]);
  clock.jump(1);
  expect([store.isBehind("a/one"), overdue]).toEqual([true, ["a/one"]]);
  clock.jump(99_999);
  expect(store.isBehind("a/one")).toBe(true);
  clock.jump(1);
  expect(store.isBehind("a/one"), "from now on it is decided on, as blind").toBe(false);
  expect([store.unseenForMs(all), store.unseenForMs((key) => key.startsWith("b/"))]).toEqual([110_000, 0]);
  put("one", 9);
  expect(store.unseenForMs(all)).toBe(0);
});

test("another write that is not shown makes the cache no younger, and a list from between the two does not end it", () => {
  const { store, clock } = bench();
  store.expect("a/one", "9");
  clock.jump(20_000);
  const betweenMs = clock.monotonicMs();
  clock.jump(1);
  store.expect("a/one", "12");
  expect(store.unseenForMs(() => true)).toBe(20_001);
  store.advanced("10", () => true, betweenMs);
  expect(store.isBehind("a/one")).toBe(true);
});

test.for([
  ["that was begun after our write ends waiting for what it does not show", 1_000, false],
  ["that was begun before does not", -1, true],
] as const)("a list %s", ([, afterMs, behind]) => {
  const { store, clock } = bench();
  const listedMs = clock.monotonicMs() + afterMs;
  store.expect("a/one", "9");
  store.advanced("8", () => true, listedMs);
  expect(store.isBehind("a/one")).toBe(behind);
});

test.for<[string, string, number | undefined]>([
  ["5", "5", 0],
  ["9", "10", -1],
  ["10", "9", 1],
  ["18446744073709551615", "18446744073709551614", 1],
  ["", "5", undefined],
  ["0", "5", undefined],
  ["abc", "5", undefined],
])("versions %s and %s", ([a, b, order]) => {
  const got = compareVersions(a, b);
  expect(got === undefined ? undefined : Math.sign(got)).toBe(order);
  expect(isOlder(a, b)).toBe(order === -1);
});
