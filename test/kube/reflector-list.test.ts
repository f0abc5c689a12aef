/** When everything is listed, and which list is taken in. */
import { expect, test } from "vitest";
import type { KubeObject } from "../../operator/kube/resources.ts";
import { settle } from "./fake-clock.ts";
import { bench, configMap } from "./reflector-bench.ts";
import { type Fault, fault } from "./stub-exchange.ts";

test("the first list is tried until it succeeds, ever more slowly, up to 30 s", async () => {
  const { clock, server, start, eventually, informer } = await bench();
  clock.nextRandom = () => 1;
  server.next("list", ...Array<Fault>(9).fill(fault.status(500, "InternalError")));
  const starting = start();
  await eventually("the last refusal", () => server.count("list") === 9, 200_000);
  expect(informer.synced()).toBe(false);
  await eventually("synced", () => informer.synced());
  await starting;
  const callDeadlineMs = 10_000;
  const waits = clock.delays.filter((delayMs) => delayMs !== callDeadlineMs).slice(0, 9);
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("a list comes in pages, all of one state; 410 in the middle begins again", async () => {
  const { server, start, paint, same, eventually, changes } = await bench({ times: { pageSize: 2 } });
  for (const name of ["a", "b", "c", "d", "e"]) paint(name, "red");
  server.next((request) => request.query["continue"] === "2", fault.status(410, "Expired"));
  const starting = start();
  await eventually("synced", same);
  await starting;
  expect(
    server.requests.filter((request) => !request.query["watch"]).map((request) => request.query["continue"]),
  ).toEqual([undefined, "2", undefined, "2", "4"]);
  expect(changes.length).toBe(5);
});

test("a page that fails leaves the store as it was: half a list is no list", async () => {
  const { server, clock, start, paint, cached, eventually, same, world } = await bench({ times: { pageSize: 2 } });
  for (const name of ["a", "b", "c"]) paint(name, "red");
  await start();
  server.next("watch", fault.status(410, "Expired"));
  server.next((request) => request.query["continue"] === "2", fault.hang);
  world.endWatches();
  await eventually("the second page asked for", () => server.requests.at(-1)?.query["continue"] === "2");
  await settle();
  expect(Object.keys(cached())).toEqual(["a/a", "a/b", "a/c"]);
  world.remove("a");
  await clock.advance(10_000);
  await eventually("the store like the world", same);
});

test("every 10 minutes, +-20 %, a true list repairs what the watch never told", async () => {
  const { clock, server, world, start, paint, cached, eventually, informer, changes } = await bench({
    times: { silenceMs: 10_000_000 },
  });
  clock.nextRandom = () => 0;
  paint("one", "red");
  await start();
  world.objects.delete("a/one");
  world.version += 1;
  await clock.advance(479_000);
  expect(server.count("list")).toBe(1);
  await clock.advance(2_000);
  await eventually("a second list", () => server.count("list") === 2 && world.openWatches === 1);
  expect(cached()).toEqual({});
  expect(changes.at(-1)).toBe("a/one red>-");
  expect(informer.synced()).toBe(true);
});

test("a periodic list that fails does not end the watching", async () => {
  const { clock, server, world, start, paint, same, eventually } = await bench({ times: { silenceMs: 10_000_000 } });
  await start();
  server.next("list", fault.status(429, "TooManyRequests"));
  await clock.advance(610_000);
  await eventually("the list refused, a watch again", () => server.count("list") === 2 && world.openWatches === 1);
  paint("one", "red");
  await eventually("the store follows", same);
});

test("a list older than what was seen is refused for a minute, then taken as a restored etcd", async () => {
  const { clock, server, world, start, paint, cached, same, eventually, logs } = await bench();
  paint("one", "red");
  paint("one", "green");
  await start();
  server.next("watch", fault.status(410, "Expired"));
  world.version = 50;
  world.compact();
  world.objects.set("a/one", configMap("one", 40) as KubeObject);
  world.endWatches();
  await eventually("refused", () => logs.some((line) => line.includes("is older than")));
  await clock.advance(30_000);
  expect(cached()).toEqual({ "a/one": "green" });
  await eventually("taken in", same, 120_000);
  expect(cached()).toEqual({ "a/one": "ghost" });
  expect(logs.some((line) => line.includes("was etcd restored?"))).toBe(true);
});

test("no request asks for resourceVersion 0, and no list for any version", async () => {
  const { server, world, start, eventually } = await bench();
  await start();
  server.next("watch", fault.status(410, "Expired"));
  world.endWatches();
  await eventually("listed again", () => server.count("list") === 2 && world.openWatches === 1);
  for (const { query } of server.requests) {
    expect(query["resourceVersion"]).not.toBe("0");
    if (query["watch"] === undefined) expect(query["resourceVersion"]).toBeUndefined();
    else expect(query["resourceVersion"]).toMatch(/^[1-9]\d*$/);
  }
});
