import { expect, test } from "vitest";
import { WorkQueue } from "../../operator/kube/queue.ts";
import { FakeClock, settle } from "./fake-clock.ts";

function bench(options: { backoffBaseMs?: number; backoffCapMs?: number } = {}) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, ...options });
  const taken: string[] = [];
  /** Takes without waiting for what is not due. */
  const takeDue = async (): Promise<string[]> => {
    const before = taken.length;
    for (let free = 20; free > 0; free -= 1) void queue.take().then((key) => key !== undefined && taken.push(key));
    await settle();
    return taken.slice(before);
  };
  return { clock, queue, taken, takeDue };
}

test("keys come out in the order of their time", async () => {
  const { clock, queue, takeDue } = bench();
  queue.addAfter("late", 300);
  queue.addAfter("early", 100);
  queue.add("now");
  queue.addAfter("middle", 200);
  expect(await takeDue()).toEqual(["now"]);
  await clock.advance(1_000);
  expect(queue.size()).toEqual({ due: 0, delayed: 0, running: 4 });
});

test("a key that waits is handed out once, however often it was added", async () => {
  const { queue, takeDue } = bench();
  for (let times = 0; times < 5; times += 1) queue.add("a");
  expect(await takeDue()).toEqual(["a"]);
});

test("a key that is worked on is not handed to a second worker, and comes again once after done", async () => {
  const { queue, taken, takeDue } = bench();
  queue.add("a");
  expect(await takeDue()).toEqual(["a"]);
  queue.add("a");
  queue.add("a");
  await settle();
  expect(taken).toEqual(["a"]);
  queue.done("a");
  await settle();
  expect(taken).toEqual(["a", "a"]);
  queue.done("a");
  await settle();
  expect(taken).toEqual(["a", "a"]);
});

test.for([
  ["an earlier time replaces a later one", [500, 100], 100],
  ["a later time does not postpone an earlier one", [100, 500], 100],
] as const)("%s", async ([, delays, dueMs]) => {
  const { clock, queue, taken, takeDue } = bench();
  for (const delayMs of delays) queue.addAfter("a", delayMs);
  await takeDue();
  await clock.advance(dueMs - 1);
  expect(taken).toEqual([]);
  await clock.advance(1);
  expect(taken).toEqual(["a"]);
  queue.done("a");
  await clock.advance(10_000);
  expect(taken).toEqual(["a"]);
});

test("the earliest time wins while the key is worked on, too", async () => {
  const { clock, queue, taken, takeDue } = bench();
  queue.add("a");
  await takeDue();
  queue.addAfter("a", 5_000);
  queue.addAfter("a", 1_000);
  queue.addAfter("a", 9_000);
  queue.done("a");
  await clock.advance(999);
  expect(taken).toEqual(["a"]);
  await clock.advance(1);
  expect(taken).toEqual(["a", "a"]);
});

test("a time that passed while the key was worked on is due at once", async () => {
  const { clock, queue, taken, takeDue } = bench();
  queue.add("a");
  await takeDue();
  queue.addAfter("a", 100);
  await clock.advance(500);
  expect(taken).toEqual(["a"]);
  queue.done("a");
  await settle();
  expect(taken).toEqual(["a", "a"]);
});

test("the back-off doubles up to its cap, jitters in full, and starts anew after success", () => {
  const { clock, queue } = bench({ backoffBaseMs: 100, backoffCapMs: 1_000 });
  clock.nextRandom = () => 1;
  const steps = [1, 2, 3, 4, 5, 6].map(() => queue.retry("a"));
  expect(steps).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(queue.retry("b")).toBe(100);
  queue.forget("a");
  expect(queue.retry("a")).toBe(100);
  clock.nextRandom = () => 0.25;
  expect(queue.retry("a")).toBe(50);
});

test("a server that asks to stay away longer is obeyed", () => {
  const { queue } = bench({ backoffBaseMs: 100 });
  expect(queue.retry("a", 7_000)).toBe(7_000);
});

test("a change beats the back-off: the key is looked at when it changes", async () => {
  const { clock, queue, takeDue } = bench({ backoffBaseMs: 60_000 });
  queue.retry("a");
  queue.add("a");
  expect(await takeDue()).toEqual(["a"]);
  queue.done("a");
  await clock.advance(120_000);
  expect(queue.size()).toEqual({ due: 0, delayed: 0, running: 0 });
});

test("close wakes all who wait and hands out nothing more", async () => {
  const { clock, queue } = bench();
  const waiting = [queue.take(), queue.take()];
  queue.addAfter("a", 10);
  queue.close();
  expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
  queue.add("b");
  expect(await queue.take()).toBeUndefined();
  expect(clock.armed).toBe(0);
});

test("memory holds keys that wait, not every time ever asked for", () => {
  const { queue } = bench();
  for (let delayMs = 100_000; delayMs > 0; delayMs -= 1) queue.addAfter("a", delayMs);
  expect(queue.size()).toEqual({ due: 0, delayed: 1, running: 0 });
  expect(queue.held).toBeLessThan(100);
});

test("ten thousand keys with random times come out sorted", async () => {
  const { clock, queue } = bench();
  let seed = 7;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed;
  };
  const due = new Map<string, number>();
  for (let n = 0; n < 10_000; n += 1) {
    const key = `k${random() % 5_000}`;
    const delayMs = random() % 60_000;
    queue.addAfter(key, delayMs);
    due.set(key, Math.min(delayMs, due.get(key) ?? Number.POSITIVE_INFINITY));
  }
  clock.jump(60_000);
  const order: number[] = [];
  for (let left = due.size; left > 0; left -= 1) order.push(due.get((await queue.take()) ?? "") ?? -1);
  expect(order).toEqual([...due.values()].sort((a, b) => a - b));
});
