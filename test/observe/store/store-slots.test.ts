import { expect, test } from "vitest";
import { sleep } from "../../../operator/kube/clock.ts";
import { StoreTurns } from "../../../operator/observe/store/store-slots.ts";
import { FakeClock } from "../../kube/fake-clock.ts";

const { signal } = new AbortController();

const always = () => true;
const never = () => false;

/** Asks a place again and again, as its groups do, each time for `ms`. */
function asks(
  clock: FakeClock,
  turns: StoreTurns,
  location: string,
  ms: number,
  answers: (sinceMs: number) => boolean,
) {
  const waits: number[] = [];
  const place = turns.enter(location);
  const enteredMs = clock.monotonicMs();
  const one = async (): Promise<void> => {
    const fromMs = clock.monotonicMs();
    const ended = await place.take(signal, () => false);
    waits.push(clock.monotonicMs() - fromMs);
    await place.ask(
      () => sleep(clock, ms, signal),
      () => answers(clock.monotonicMs() - enteredMs),
    );
    ended();
    return await one();
  };
  for (let i = 0; i < 12; i += 1) void one();
  return waits;
}

test("fifty stores that hang keep one that answers from nothing for long", async () => {
  const clock = new FakeClock();
  const turns = new StoreTurns(clock);
  for (let i = 0; i < 50; i += 1) asks(clock, turns, `hanging${i}`, 10_000, never);
  await clock.advance(25_000);
  const waits = asks(clock, turns, "good", 100, always);
  await clock.advance(120_000);
  expect(waits.length).toBeGreaterThan(100);
  expect(Math.max(...waits), "one turn of those that hang").toBeLessThanOrEqual(10_000);
  // Twelve at a time, 100 ms each: half of what it could take alone.
  expect(waits.length, "and from then on it hardly waits").toBeGreaterThan(6_000);
});

test.for<[string, (sinceMs: number) => boolean]>([
  ["that is new here", always],
  ["that answered nothing for two seconds", (sinceMs) => sinceMs > 2_000],
])("a store %s gets its turn beside others that answer slowly and are never at rest", async ([, answers]) => {
  const clock = new FakeClock();
  const turns = new StoreTurns(clock);
  for (let i = 0; i < 8; i += 1) asks(clock, turns, `busy${i}`, 2_000, always);
  await clock.advance(25_000);
  const waits = asks(clock, turns, "other", 100, answers);
  await clock.advance(200_000);
  expect(waits.length).toBeGreaterThan(100);
  expect(Math.max(...waits.slice(0, 100))).toBeLessThanOrEqual(30_000);
});
