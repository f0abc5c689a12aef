import { afterEach, expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { Informer, type InformerOptions } from "../../operator/kube/informer.ts";
import type { ReflectorTimes } from "../../operator/kube/reflector.ts";
import { type ConfigMap, configMaps, type KubeObject } from "../../operator/kube/resources.ts";
import { BEHIND_MAX_MS } from "../../operator/kube/store.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { createLog } from "../../operator/log.ts";
import { FakeClock, settle, until } from "./fake-clock.ts";
import { type Fault, fault, statusBody } from "./stub-exchange.ts";
import { StubServer } from "./stub-server.ts";
import { StubWorld } from "./stub-world.ts";

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

type Note = { color: string };
type Options = Partial<InformerOptions<ConfigMap, Note>> & { times?: Partial<ReflectorTimes> };

async function bench(options: Options = {}) {
  const clock = new FakeClock();
  const world = new StubWorld();
  const server = await StubServer.start({ answer: world.answer });
  const client = KubeClient.create({ config: { from: "file", path: server.writeConfig() }, gate: openGate, clock });
  const changes: string[] = [];
  const logs: string[] = [];
  const informer = new Informer<ConfigMap, Note>({
    client,
    resource: configMaps,
    project: (object) => ({ color: object.data?.["color"] ?? "" }),
    indexers: { color: (entry) => [entry.value.color] },
    onChange: (key, before, after) => changes.push(`${key} ${before?.value.color ?? "-"}>${after?.value.color ?? "-"}`),
    clock,
    log: createLog({ write: (line) => logs.push(line), level: "debug" }),
    ...options,
  });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  const start = async () => {
    running = informer.run(stop.signal);
    // Two timers, silence limit and next list: the client, too, has the answer's headers.
    await until("the watch open", () => world.openWatches === 1 && clock.armed === 2);
  };
  cleanUp.push(async () => {
    stop.abort();
    await running;
    await client.close();
    await server.close();
  });
  /** Turns the clock in small steps until it has come about, so that back-offs pass and nothing longer does. */
  const eventually = async (what: string, condition: () => boolean, limitMs = 40_000) => {
    for (let passedMs = 0; passedMs < limitMs && !condition(); passedMs += 250) {
      await clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await until(what, condition, 2_000);
  };
  const paint = (name: string, color: string, uid?: string) => world.set(name, { data: { color } }, uid);
  const cached = () => Object.fromEntries([...informer.store.values()].map((entry) => [entry.key, entry.value.color]));
  const actual = () =>
    Object.fromEntries([...world.objects].map(([key, object]) => [key, (object as ConfigMap).data?.["color"]]));
  const same = () =>
    JSON.stringify(Object.entries(cached()).sort()) === JSON.stringify(Object.entries(actual()).sort());
  return { clock, world, server, client, informer, changes, logs, stop, start, eventually, paint, cached, same };
}

const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const configMap = (name: string, version: number) => ({
  metadata: { name, namespace: "a", uid: `uid-${name}`, resourceVersion: String(version) },
  data: { color: "ghost" },
});

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
test.for<[string, "resumes" | "resumes, the client itself tried twice" | "lists", Fault]>([
  ["ended by the server at once", "resumes", fault.linesThenEnd()],
  ["refused with 500", "resumes", fault.status(500, "InternalError")],
  ["refused with 503 and no Status", "resumes", fault.text(503, "not ready")],
  ["refused with 429", "resumes", fault.status(429, "TooManyRequests", {}, { "retry-after": "3" })],
  ["refused with 403", "resumes", fault.status(403, "Forbidden")],
  ["refused with 401", "resumes, the client itself tried twice", fault.status(401, "Unauthorized")],
  ["reset before the answer", "resumes", fault.reset],
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
  server.next("watch", ...(how === "resumes, the client itself tried twice" ? [act, act] : [act]));
  world.endWatches();
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

test("the same name with another uid is an end and a beginning, not a change", async () => {
  const { start, world, paint, changes, eventually, informer } = await bench();
  paint("one", "red");
  await start();
  const lost = world.objects.get("a/one");
  world.objects.delete("a/one");
  expect(lost).toBeDefined();
  paint("one", "blue", "uid-second");
  await eventually("told", () => changes.length === 3);
  expect(changes).toEqual(["a/one ->red", "a/one red>-", "a/one ->blue"]);
  expect(informer.store.get("a/one")?.uid).toBe("uid-second");
  expect(informer.store.byIndex("color", "red")).toEqual([]);
});

test("an event told twice is one change", async () => {
  const { start, world, paint, changes, eventually } = await bench();
  await start();
  const one = paint("one", "red");
  world.say(event("ADDED", one));
  world.say(event("MODIFIED", one));
  paint("two", "red");
  await eventually("both", () => changes.includes("a/two ->red"));
  expect(changes).toEqual(["a/one ->red", "a/two ->red"]);
});

test("lines may be cut anywhere, inside a character too", async () => {
  const { start, world, eventually, cached } = await bench();
  await start();
  const bytes = Buffer.from(event("ADDED", { ...configMap("one", world.version + 1), data: { color: "grün" } }));
  const cut = bytes.indexOf("grün") + 3; // in the middle of the ü
  // @ts-expect-error bytes, not text: half a character has no text
  world.say(bytes.subarray(0, cut));
  await new Promise((resolve) => setTimeout(resolve, 10));
  // @ts-expect-error as above
  world.say(bytes.subarray(cut));
  await eventually("the event", () => cached()["a/one"] === "grün");
});

test("a handler that throws is told in the log and hurts nobody", async () => {
  const { start, paint, same, eventually, logs } = await bench({
    onChange: () => {
      throw new Error("handler broke");
    },
  });
  await start();
  paint("one", "red");
  paint("two", "blue");
  await eventually("the store follows", same);
  expect(logs.filter((line) => line.includes("handler broke")).length).toBe(2);
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

test("namespaces are watched one by one, each list speaks for its own only", async () => {
  const { clock, world, server, informer, eventually, stop } = await bench({ namespaces: ["a", "b"] });
  const full = world.answer;
  expect(full).toBeDefined();
  server.next(
    (request) => request.path.includes("/namespaces/b/") && request.query["watch"] === undefined,
    fault.json(200, {
      metadata: { resourceVersion: "100" },
      items: [{ metadata: { name: "one", namespace: "b", uid: "u", resourceVersion: "9" }, data: { color: "red" } }],
    }),
  );
  const running = informer.run(stop.signal);
  await eventually("two watches", () => world.openWatches === 2);
  expect(informer.synced()).toBe(true);
  expect(informer.health().map((watch) => watch.name)).toEqual(["ConfigMap in a", "ConfigMap in b"]);
  expect([...informer.store.values()].map((entry) => entry.key)).toEqual(["b/one"]);
  expect(clock.armed).toBe(4);
  stop.abort();
  await running;
});

const inB = (request: { path: string; query: Record<string, string> }) =>
  request.path.includes("/namespaces/b/") && request.query["watch"] === undefined;

test("a namespace that may not be read is not waited for, asked for on and on, and taken in when it may be", async () => {
  const { world, server, informer, eventually, stop, logs } = await bench({ namespaces: ["a", "b"] });
  for (let i = 0; i < 3; i += 1) server.next(inB, fault.status(403, "Forbidden"));
  server.next(inB, fault.json(200, { metadata: { resourceVersion: "100" }, items: [] }));
  const running = informer.run(stop.signal);
  await eventually("refused", () => informer.health()[1]?.refused === true && world.openWatches === 1);
  expect([informer.synced(), informer.keeps("a"), informer.keeps("b"), informer.keeps("c")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(logs.some((line) => line.includes("ConfigMap in b") && line.includes("403"))).toBe(true);
  await eventually("taken in", () => informer.keeps("b") && world.openWatches === 2);
  expect(informer.health()[1]).toMatchObject({ refused: false, lastError: undefined });
  stop.abort();
  await running;
});

test.for<[string, readonly string[] | undefined, number, string]>([
  ["all namespaces refused", ["a", "b"], 403, "Forbidden"],
  ["the only one refused", ["a"], 403, "Forbidden"],
  ["the whole cluster refused", undefined, 403, "Forbidden"],
])("nothing is synced: %s", async ([, namespaces, code, reason]) => {
  const { server, informer, eventually, stop } = await bench({ namespaces });
  for (let i = 0; i < 8; i += 1) server.next("list", fault.status(code, reason));
  const running = informer.run(stop.signal);
  await eventually("refused", () => informer.health().every((watch) => watch.refused));
  expect(informer.synced()).toBe(false);
  stop.abort();
  await running;
});

test("a namespace whose list fails for another reason is waited for", async () => {
  const { server, world, informer, eventually, stop } = await bench({ namespaces: ["a", "b"] });
  for (let i = 0; i < 3; i += 1) server.next(inB, fault.status(500, "InternalError"));
  server.next(inB, fault.json(200, { metadata: { resourceVersion: "100" }, items: [] }));
  const running = informer.run(stop.signal);
  await eventually("failed", () => informer.health()[1]?.lastError !== undefined && world.openWatches === 1);
  expect(informer.synced()).toBe(false);
  await eventually("synced", () => informer.synced());
  stop.abort();
  await running;
});

test("what is cached cannot be changed by those who read it", async () => {
  const { start, paint, informer } = await bench();
  paint("one", "red");
  await start();
  const value = informer.store.get("a/one")?.value as { color: string };
  expect(() => {
    value.color = "blue";
  }).toThrow(TypeError);
});
