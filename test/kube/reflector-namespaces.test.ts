/** Namespaces that are watched one by one, those that may not be read among them. */
import { expect, test } from "vitest";
import { bench } from "./reflector-bench.ts";
import { fault } from "./stub-exchange.ts";

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
