import { expect, test } from "vitest";
import { CopyTurns } from "../../../operator/observe/store/copy-slots.ts";
import { Sessions } from "../../../operator/session.ts";
import { FakeClock } from "../../kube/fake-clock.ts";

function world(workers = 8) {
  const clock = new FakeClock();
  const woken: string[] = [];
  const sessions = new Sessions();
  return {
    clock,
    woken,
    sessions,
    turns: new CopyTurns({ sessions, clock, workers, wake: (key) => void woken.push(key) }),
  };
}

test.for([
  [8, 2],
  [3, 2],
  [2, 1],
  [1, 1],
])("with %i loops %i copy at a time", ([workers = 0, most = 0]) => {
  const { turns } = world(workers);
  const begun = ["a", "b", "c", "d"].filter((key) => turns.begin(key, key));
  expect(begun).toHaveLength(most);
});

test("who waits is woken in order of arrival, as many as there is place for", () => {
  const { turns, woken } = world();
  for (const key of ["a", "b", "c", "d", "e"]) turns.begin(key, "here");
  turns.ended("a");
  expect(woken).toEqual(["c"]);
  expect(["c", "d", "e"].map((key) => turns.begin(key, "here"))).toEqual([true, false, false]);
  turns.ended("b");
  turns.ended("c");
  expect(woken).toEqual(["c", "d", "e"]);
});

test("a place that nobody takes up is there for whoever looks", () => {
  const { turns, woken } = world();
  for (const key of ["a", "b", "c", "d"]) turns.begin(key, "here");
  turns.ended("a");
  expect(woken).toEqual(["c"]); // which wants no copy any more
  expect(turns.isWaiting("d")).toBe(false);
  expect(turns.begin("d", "here")).toBe(true);
});

test("a slow store has one place, and keeps the other one free for others", async () => {
  const { clock, turns, woken } = world();
  expect(turns.begin("slow1", "slow")).toBe(true);
  expect(turns.begin("slow2", "slow")).toBe(true);
  expect(turns.begin("slow3", "slow")).toBe(false);
  expect(turns.begin("good", "good")).toBe(false);
  await clock.advance(50_000);
  turns.ended("slow1");
  expect(woken).toEqual(["good"]);
  expect(turns.begin("slow3", "slow")).toBe(false);
  expect([turns.isWaiting("slow3"), turns.begin("good", "good")]).toEqual([true, true]);
});

test("a group that is gone is woken no more", () => {
  const { turns, woken, sessions } = world();
  for (const key of ["a", "b", "c"]) turns.begin(key, "here");
  sessions.drop("c");
  turns.ended("a");
  expect(woken).toEqual([]);
});
