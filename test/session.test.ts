import { expect, test } from "vitest";
import { Sessions } from "../operator/session.ts";

test("one drop forgets all that is remembered of a key, and ends it once", () => {
  const sessions = new Sessions();
  const ended: unknown[] = [];
  const texts = sessions.memory<string>((...what) => ended.push(what));
  const counts = sessions.memory<number>();
  sessions.onDrop((key) => ended.push(key));
  texts.set("gw/edge", "one");
  counts.set("gw/edge", 0);
  texts.set("gw/other", "two");
  sessions.drop("gw/edge");
  sessions.drop("gw/edge");
  expect([texts.get("gw/edge"), counts.get("gw/edge"), texts.get("gw/other")]).toEqual([undefined, undefined, "two"]);
  expect(ended).toEqual([["one", "gw/edge"], "gw/edge", "gw/edge"]);
});

test("memories are apart, and a value that is replaced is not ended", () => {
  const sessions = new Sessions();
  const ended: string[] = [];
  const one = sessions.memory<string>((value) => ended.push(value));
  const two = sessions.memory<string>();
  one.set("k", "a");
  one.set("k", "b");
  two.set("k", "c");
  expect([one.get("k"), two.get("k"), ended]).toEqual(["b", "c", []]);
  one.delete("k");
  expect([one.get("k"), two.get("k"), ended]).toEqual([undefined, "c", ["b"]]);
});

test("undefined is a value like any other", () => {
  const sessions = new Sessions();
  const ended: string[] = [];
  const memory = sessions.memory<undefined>((_value, key) => ended.push(key));
  memory.set("k", undefined);
  expect(memory.entries()).toEqual([["k", undefined]]);
  memory.clear();
  expect([memory.entries(), ended]).toEqual([[], ["k"]]);
});
