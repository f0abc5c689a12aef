import { expect, test } from "vitest";
import { Poller } from "../../operator/observe/poller.ts";
import { FakeClock } from "../kube/fake-clock.ts";

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
