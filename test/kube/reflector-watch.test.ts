/** A list, then a watch, and a watch again however one ends, until it is stopped. */
import { expect, test } from "vitest";
import { settle, until } from "./fake-clock.ts";
import { bench, configMap, event } from "./reflector-bench.ts";
import { type Fault, fault, statusBody } from "./stub-exchange.ts";

test("first a list, then a watch from its version; changes reach the store and the handler", async () => {
  const { informer, server, world, start, paint, changes, cached, eventually } = await bench();
  paint("one", "red");
  expect(informer.synced()).toBe(false);
  expect(informer.staleForMs()).toBe(Number.POSITIVE_INFINITY);
  await start();
  expect(informer.synced()).toBe(true);
  const version = world.version;
  paint("two", "blue");
  paint("one", "green");
  world.remove("two");
  await eventually("four changes", () => changes.length === 4);
  expect(changes).toEqual(["a/one ->red", "a/two ->blue", "a/one red>green", "a/two blue>-"]);
  expect(cached()).toEqual({ "a/one": "green" });
  const [list, watch] = server.requests;
  expect(list?.query).toEqual({ limit: "500" });
  expect(watch?.query).toMatchObject({ watch: "1", allowWatchBookmarks: "true", resourceVersion: String(version) });
  expect(Number(watch?.query["timeoutSeconds"])).toBe(360);
});

test.for<[string, number, number]>([
  ["at the least 240 s", 0, 240],
  ["at the most 480 s", 0.999_999, 480],
])("the server is asked to keep a watch %s", async ([, random, seconds]) => {
  const { clock, server, start } = await bench();
  clock.nextRandom = () => random;
  await start();
  expect(server.requests.find((request) => request.query["watch"])?.query["timeoutSeconds"]).toBe(String(seconds));
});

// Whatever happens to a watch, what changed meanwhile is in the store afterwards.
test.for<[string, "resumes" | "resumes, the client itself tried twice" | "lists", Fault | "resetAll"]>([
  ["ended by the server at once", "resumes", fault.linesThenEnd()],
  ["refused with 500", "resumes", fault.status(500, "InternalError")],
  ["refused with 503 and no Status", "resumes", fault.text(503, "not ready")],
  ["refused with 429", "resumes", fault.status(429, "TooManyRequests", {}, { "retry-after": "3" })],
  ["refused with 403", "resumes", fault.status(403, "Forbidden")],
  ["refused with 401", "resumes, the client itself tried twice", fault.status(401, "Unauthorized")],
  ["reset before the answer", "resumes", fault.reset],
  ["reset with every other connection", "resumes", "resetAll"],
  ["reset in the middle of a line", "resumes", fault.linesThenReset('{"type":"ADD')],
  ["answered with 410", "lists", fault.status(410, "Expired")],
  ["ended by a 410 inside", "lists", fault.linesThenEnd(event("ERROR", statusBody(410, "Expired", "too old")))],
  ["ended by a 500 inside", "resumes", fault.linesThenEnd(event("ERROR", statusBody(500, "InternalError", "etcd")))],
  [
    "told that its version is too large",
    "lists",
    fault.status(504, "Timeout", { causes: [{ reason: "ResourceVersionTooLarge" }] }),
  ],
  ["a line that is not JSON", "lists", fault.lines("<html>\n")],
  ["a clean end in the middle of a line", "lists", fault.linesThenEnd('{"type":"ADDED","obj')],
  ["an event without an object", "lists", fault.lines('{"type":"ADDED"}\n')],
  ["an event of an unknown type", "lists", fault.lines(event("MOVED", configMap("x", 999)))],
  [
    "an object without a uid",
    "lists",
    fault.lines(event("ADDED", { metadata: { name: "x", resourceVersion: "999" } })),
  ],
  ["an event from the past", "lists", fault.lines(event("MODIFIED", configMap("one", 3)))],
  ["a delete from the past", "lists", fault.lines(event("DELETED", configMap("one", 3)))],
])("a watch that is %s: %s", async ([, how, act]) => {
  const { server, world, start, paint, same, eventually, informer, clock } = await bench();
  paint("one", "red");
  await start();
  const lists = server.count("list");
  if (act === "resetAll") server.resetAll();
  else {
    server.next("watch", ...(how === "resumes, the client itself tried twice" ? [act, act] : [act]));
    world.endWatches();
  }
  await until("the first watch gone", () => world.openWatches === 0);
  paint("two", "blue");
  world.remove("one");
  await eventually("a watch again", () => world.openWatches === 1);
  await eventually("the store like the world", same);
  paint("three", "green");
  await eventually("the store follows", same);
  expect(server.count("list") - lists).toBe(how === "lists" ? 1 : 0);
  expect(informer.health()[0]?.lastError).toBeUndefined();
  await settle();
  expect(clock.armed).toBe(2); // the silence limit and the time of the next list: nothing leaks with each restart
});

test("a server that asks to stay away is left alone for so long", async () => {
  const { clock, server, world, start, eventually } = await bench();
  clock.nextRandom = () => 0;
  await start();
  server.next("watch", fault.status(429, "TooManyRequests", {}, { "retry-after": "30" }));
  world.endWatches();
  await eventually("the refusal", () => server.count("watch") === 2);
  await clock.advance(29_000);
  expect(server.count("watch")).toBe(2);
  await clock.advance(2_000);
  await until("the watch open", () => world.openWatches === 1);
});

test.for<[string, (b: Awaited<ReturnType<typeof bench>>) => Promise<void>]>([
  ["while the watch is open", async () => undefined],
  [
    "in the back-off after an error",
    async ({ server, world, eventually, informer }) => {
      server.next("watch", fault.status(500, "InternalError"));
      world.endWatches();
      await eventually("the refusal", () => server.count("watch") === 2);
      await until("noted", () => informer.health()[0]?.lastError !== undefined);
    },
  ],
])("stopped %s, it ends and asks nothing more", async ([, before]) => {
  const all = await bench();
  await all.start();
  await before(all);
  const asked = all.server.requests.length;
  all.stop.abort();
  await settle();
  await all.clock.advance(1_000_000);
  expect(all.server.requests.length).toBe(asked);
  expect(all.clock.armed).toBe(0);
});
