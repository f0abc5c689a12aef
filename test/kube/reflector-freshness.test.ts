/** What is a sign of life, and how old the cache counts without one. */
import { expect, test } from "vitest";
import { BEHIND_MAX_MS } from "../../operator/kube/store.ts";
import { bench, configMap, event } from "./reflector-bench.ts";
import { type Fault, fault, statusBody } from "./stub-exchange.ts";
import type { StubServer } from "./stub-server.ts";

test("silence for 70 s restarts the watch from where it was", async () => {
  const { clock, server, start, paint, eventually, same } = await bench();
  await start();
  await clock.advance(69_900);
  expect(server.count("watch")).toBe(1);
  paint("one", "red");
  await eventually("the event", same, 0);
  await clock.advance(69_900);
  expect(server.count("watch")).toBe(1);
  await clock.advance(200);
  await eventually("a second watch", () => server.count("watch") === 2);
  expect(server.count("list")).toBe(1);
});

test("a bookmark is a sign of life, and what a restart resumes from", async () => {
  const { clock, server, world, start, eventually, informer } = await bench();
  await start();
  await clock.advance(60_000);
  expect(informer.staleForMs()).toBe(60_000);
  world.bookmark();
  await eventually("fresh", () => informer.staleForMs() < 1_000, 0);
  world.compact(); // history up to here is gone: only the bookmark's version is still good
  world.endWatches();
  await eventually("a second watch", () => world.openWatches === 1 && server.count("watch") === 2);
  expect(server.requests.at(-1)?.query["resourceVersion"]).toBe(String(world.version));
  expect(server.count("list")).toBe(1);
});

test("while the server is silent or gone the watch is stale, and says since when and why", async () => {
  const { clock, server, start, informer, eventually } = await bench();
  await start();
  await server.stop();
  await eventually("the error known", () => informer.health()[0]?.lastError !== undefined);
  await clock.advance(120_000);
  expect(informer.synced()).toBe(true);
  expect(informer.staleForMs()).toBeGreaterThanOrEqual(120_000);
  expect(informer.health()[0]?.lastError).toContain("ECONNREFUSED");
});

/** A healthy watch never gets as old as a cache that counts as blind, however quiet its kind is. */
test("a kind without events and bookmarks is never taken for blind", async () => {
  const { clock, start, world, informer, eventually } = await bench();
  clock.nextRandom = () => 0.999_999;
  await start();
  let oldestMs = 0;
  for (let second = 0; second < 300; second += 1) {
    await clock.advance(1_000);
    oldestMs = Math.max(oldestMs, informer.staleForMs());
    if (world.openWatches === 0) await eventually("the watch again", () => world.openWatches === 1, 5_000);
  }
  expect(oldestMs).toBeGreaterThan(69_000);
  expect(oldestMs).toBeLessThan(BEHIND_MAX_MS - 10_000);
});

const longGone = statusBody(500, "InternalError", "etcd");
test.for<[string, (server: StubServer) => void]>([
  [
    "lists refused, while single calls go through",
    (server) => {
      server.next("watch", fault.status(410, "Expired"));
      server.next("list", ...Array<Fault>(40).fill(fault.status(429, "TooManyRequests")));
    },
  ],
  [
    "lists that break off after their first page",
    (server) => {
      server.next("watch", fault.status(410, "Expired"));
      const first = fault.json(200, { metadata: { resourceVersion: "1", continue: "2" }, items: [] });
      const halves = Array.from({ length: 40 }, () => [first, fault.status(410, "Expired")]);
      server.next("list", ...halves.flat());
    },
  ],
  [
    "watches that open and say nothing but an error",
    (server) => server.next("watch", ...Array<Fault>(40).fill(fault.linesThenEnd(event("ERROR", longGone)))),
  ],
])("no sign of life: %s", async ([, act]) => {
  const { clock, server, world, start, informer } = await bench();
  await start();
  act(server);
  world.endWatches();
  for (let step = 0; step < 500; step += 1) {
    await clock.advance(250);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(informer.staleForMs()).toBeGreaterThan(BEHIND_MAX_MS);
});

test("a write of ours that the watch does not show brings a list, once a minute, and the watch goes on", async () => {
  const { clock, server, start, informer, world, paint, same, eventually } = await bench();
  await start();
  // The server knows of it and the watch was never told.
  const one = { ...configMap("one", world.version + 1) };
  world.objects.set("a/one", one as never);
  world.version += 1;
  informer.store.expect("a/one", String(world.version));
  await clock.advance(9_000);
  expect([informer.store.isBehind("a/one"), server.count("list")]).toEqual([true, 1]);
  await clock.advance(1_000);
  expect(informer.store.isBehind("a/one")).toBe(true);
  await eventually("listed", () => server.count("list") === 2 && world.openWatches === 1);
  expect([informer.store.isBehind("a/one"), same()]).toEqual([false, true]);
  informer.store.expect("a/two", "999999"); // never to be seen
  await clock.advance(20_000);
  expect(informer.store.isBehind("a/two")).toBe(true);
  await clock.advance(5_000);
  expect(server.count("list"), "not again so soon").toBe(2);
  await clock.advance(36_000);
  expect(informer.store.isBehind("a/two")).toBe(true);
  await eventually("listed", () => server.count("list") === 3 && world.openWatches === 1);
  expect(informer.store.isBehind("a/two"), "a list that was begun after it says all that there is").toBe(false);
  paint("three", "red");
  await eventually("the store follows", same);
});

test("a write that is not shown makes the cache that old, however alive the watch is; only its own namespace's", async () => {
  const { clock, informer, start } = await bench();
  await start();
  informer.store.expect("a/one", "999999");
  await clock.advance(5_000);
  expect(informer.staleForMs()).toBeGreaterThanOrEqual(5_000);
  const two = await bench({ namespaces: ["a", "b"] });
  two.informer.store.expect("b/one", "9");
  expect(two.informer.health("b").map(({ name }) => name)).toEqual(["ConfigMap in b"]);
});
