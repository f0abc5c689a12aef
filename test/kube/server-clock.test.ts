import { expect, test } from "vitest";
import { ServerClock } from "../../operator/kube/server-clock.ts";
import { FakeClock } from "./fake-clock.ts";

const SERVER_MS = Date.parse("2026-05-01T12:00:00Z");
const at = (ms: number) => new Date(SERVER_MS + ms).toUTCString();

function world() {
  const clock = new FakeClock();
  const server = new ServerClock(clock);
  const told = async (date: string | undefined, tookMs = 0) => {
    const askedMs = clock.monotonicMs();
    await clock.advance(tookMs);
    server.told(date, askedMs);
  };
  return { clock, server, told, sinceMs: () => (server.nowMs() ?? Number.NaN) - SERVER_MS };
}

test("not known before the server has answered with a time", async () => {
  const { server, told } = world();
  for (const date of [undefined, "", "soon"]) await told(date);
  expect(server.nowMs()).toBeUndefined();
});

test("it goes on by the monotonic clock, whatever this machine's wall clock says", async () => {
  const { clock, told, sinceMs } = world();
  await told(at(0));
  await clock.advance(90_000);
  expect(sinceMs()).toBe(90_500);
});

/** Ten seconds after the first answer comes another one: what time is it then, since the first? */
test.for<[string, number, number, number]>([
  ["the same time, rounded down", 9_000, 0, 10_500],
  ["two seconds more: rounding and the way of the answer", 12_000, 0, 10_500],
  ["the server's clock was set", 70_000, 0, 70_500],
  ["back, too", -50_000, 0, -49_500],
  ["an answer that was long on its way says nothing of now", 3_000, 2_001, 12_501],
])("another answer: %s", async ([, statedMs, tookMs, expected]) => {
  const { clock, told, sinceMs } = world();
  await told(at(0));
  await clock.advance(10_000);
  await told(at(statedMs), tookMs);
  expect(sinceMs()).toBe(expected);
});

test("a first answer that was long on its way is better than none", async () => {
  const { told, sinceMs } = world();
  await told(at(0), 5_000);
  expect(sinceMs()).toBe(500);
});
