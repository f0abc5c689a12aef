import { expect, test } from "vitest";
import { sleep } from "../../operator/kube/clock.ts";
import { Poller } from "../../operator/observe/poller.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import { neverCalled } from "./never.ts";

test("a question that cannot even be asked is told, and asked again: it does not end the process", async () => {
  const clock = new FakeClock();
  const bugs: unknown[] = [];
  let asked = 0;
  const poller = new Poller<number>({
    clock,
    intervalMs: 1_000,
    ask: async () => {
      asked += 1;
      if (asked === 2) throw new TypeError("a bug");
      return asked;
    },
    same: (a, b) => a === b,
    onChange: () => undefined,
    onBug: (error) => void bugs.push((error as Error).message),
  });
  await clock.advance(0);
  expect(poller.latest()?.value).toBe(1);
  const seenAtMs = poller.latest()?.atMs;
  await clock.advance(1_200);
  expect([bugs, poller.latest()], "the last value stays, and ages").toEqual([["a bug"], { value: 1, atMs: seenAtMs }]);
  await clock.advance(1_200);
  expect(poller.latest()?.value).toBe(3);
  poller.stop();
});

test("what is asked while it is being changed is dropped; behind is who was not asked since", async () => {
  const clock = new FakeClock();
  let content = "old";
  const told: string[] = [];
  const poller = new Poller<string>({
    clock,
    intervalMs: 1_000,
    ask: async () => {
      const seen = content;
      await sleep(clock, 300, new AbortController().signal);
      return seen;
    },
    same: (a, b) => a === b,
    onChange: (value) => void told.push(value),
    onBug: neverCalled,
  });
  await clock.advance(400);
  expect([poller.latest()?.value, poller.isBehind()]).toEqual(["old", false]);

  poller.hold();
  content = "half";
  await clock.advance(1_500);
  expect([poller.latest()?.value, poller.isBehind()], "asked and answered within the change").toEqual(["old", true]);
  for (let i = 0; i < 20 && content === "half"; i += 1) {
    // One question is on its way when the change ends: it saw the middle.
    await clock.advance(100);
    if (i === 10) content = "new";
  }
  poller.again();
  expect(poller.isBehind(), "it was not asked since").toBe(true);
  await clock.advance(700);
  expect([poller.latest()?.value, poller.isBehind()]).toEqual(["new", false]);
  expect(told, "nobody was told of the middle").toEqual(["old", "new"]);
  poller.stop();
});

test("what is asked again without a change is told in any case", async () => {
  const clock = new FakeClock();
  let content = "old";
  const poller = new Poller<string>({
    clock,
    intervalMs: 10_000,
    ask: async () => {
      await sleep(clock, 300, new AbortController().signal);
      return content;
    },
    same: (a, b) => a === b,
    onChange: () => undefined,
    onBug: neverCalled,
  });
  await clock.advance(400);
  poller.again();
  await clock.advance(100);
  content = "new";
  poller.again();
  await clock.advance(200);
  expect([poller.latest()?.value, poller.isBehind()]).toEqual(["new", true]);
  await clock.advance(400);
  expect(poller.isBehind()).toBe(false);
  poller.stop();
});
