import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_DEPTH } from "../../../operator/gateway/api7/canonical.ts";
import { missingFrom } from "../../../operator/gateway/api7/item-table.ts";
import { inspectSnapshot, type SnapshotContext } from "../../../operator/gateway/api7/snapshot.ts";

const SECRET = "planted-secret-4711";

/** As an exporter writes them. */
const resource = {
  routes: [
    { id: "1", uri: "/get", upstream_id: "1", status: 1 },
    { id: "2", uri: "/put", service_id: "s" },
  ],
  services: [{ id: "s", upstream_id: "1" }],
  upstreams: [{ id: "1", type: "roundrobin", nodes: { "h:80": 1 } }],
  consumers: [{ id: "jack", plugins: { "key-auth": { key: SECRET } } }],
  plugins: [{ name: "cors" }, { name: "key-auth" }],
};
const config = { config: { config_version: 7, config_payload: { keyring: [SECRET] } } };

const text = (value: unknown): string => JSON.stringify(value);
const faultsOf = async (resourceBody?: string, configBody?: string, context?: SnapshotContext): Promise<string[]> => {
  const { problems } = await inspectSnapshot(resourceBody, configBody, context);
  return problems.map(({ object, fault }) => `${object}: ${fault}`);
};

test("a good pair has no problems, no warnings, its counts and its version", async () => {
  const { digest, sketch, items, ...report } = await inspectSnapshot(text(resource), Buffer.from(text(config)));
  expect(report).toEqual({
    problems: [],
    warnings: [],
    counts: { routes: 2, services: 1, upstreams: 1, consumers: 1, plugins: 2 },
    configVersion: 7,
  });
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(sketch.hashes).toHaveLength(3); // two routes and a service
  expect(sketch.whole).toBe(true);
  expect(missingFrom(items ?? "", ["routes/1"]).names).toEqual(["routes/2", "services/s", "upstreams/1"]);
});

describe("whose it is", () => {
  const of = (value: unknown) => inspectSnapshot(text(value), text(config));
  const routes = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ id: `r${from + i}` }));

  test("the one group that something in it names", async () => {
    expect((await of({ ...resource, services: [{ id: "s", gateway_group_id: "b" }] })).gatewayGroup).toBe("b");
    const named = { config: { ...config.config, gateway_group_id: "c" } };
    expect((await inspectSnapshot(text(resource), text(named))).gatewayGroup).toBe("c");
    expect((await of(resource)).gatewayGroup).toBeUndefined();
  });
  test("its sketch does not change with what the items hold, nor with their order", async () => {
    const other = { ...resource, routes: resource.routes.map(({ id }) => ({ id, uri: "/other" })).reverse() };
    expect((await of(other)).sketch).toEqual((await of(resource)).sketch);
    expect((await of({ ...resource, upstreams: [] })).sketch).toEqual((await of(resource)).sketch);
  });
  test("the same id in another kind is another item", async () => {
    const { hashes } = (await of({ routes: [{ id: "1" }], services: [{ id: "1" }] })).sketch;
    expect(hashes).toHaveLength(2);
  });
  test("of many items the smallest hashes stand for all, and are among those of a part of them", async () => {
    const many = (await of({ routes: routes(4000) })).sketch;
    expect([many.hashes.length, many.whole]).toEqual([1024, false]);
    expect([...many.hashes].sort((a, b) => a - b)).toEqual(many.hashes);
    expect(many.hashes.every(Number.isSafeInteger)).toBe(true);
    const half = new Set((await of({ routes: routes(2000) })).sketch.hashes);
    const shared = many.hashes.filter((hash) => half.has(hash));
    expect(shared.length).toBeGreaterThan(256);
    expect((await of({ routes: routes(1024) })).sketch.whole).toBe(true);
  });
  test("a pair that cannot be parsed has none", async () => {
    expect((await inspectSnapshot("{", text(config))).sketch).toEqual({ hashes: [], whole: true });
  });
});

describe("problems", () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 0, 0, second));
  const foreign = { ...resource, services: [{ id: "s", gateway_group_id: "b" }] };
  test.for([
    ["no resource object", undefined, text(config), {}, ["resource: MissingResource"]],
    ["no config object", text(resource), undefined, {}, ["config: MissingConfig"]],
    ["an empty body", "", text(config), {}, ["resource: Truncated"]],
    ["a body cut in the middle", text(resource).slice(0, 50), text(config), {}, ["resource: Truncated"]],
    ["a config cut in the middle", text(resource), text(config).slice(0, 20), {}, ["config: Truncated"]],
    ["no JSON", "<html>}", text(config), {}, ["resource: NotJson"]],
    ["JSON, and a list", "[]", text(config), {}, ["resource: UnknownShape"]],
    ["JSON, and null", "null", text(config), {}, ["resource: UnknownShape"]],
    ["an error message of the store", '{"message":"no"}', text(config), {}, ["resource: UnknownShape"]],
    ["lists of nothing known", '{"a":[{"id":"1"}]}', text(config), {}, ["resource: UnknownShape"]],
    ["a kind that is no list", text({ ...resource, routes: {} }), text(config), {}, ["resource: UnknownShape"]],
    ["an item that is no object", text({ ...resource, routes: [1] }), text(config), {}, ["resource: UnknownShape"]],
    [
      "an item without an id",
      text({ ...resource, routes: [{ uri: "/" }] }),
      text(config),
      {},
      ["resource: UnknownShape"],
    ],
    ["nested beyond reason", deep(MAX_DEPTH + 1), text(config), {}, ["resource: UnknownShape"]],
    ["an empty object", "{}", text(config), {}, ["resource: Empty"]],
    ["plugins alone serve nothing", text({ plugins: [{ name: "cors" }] }), text(config), {}, ["resource: Empty"]],
    ["lists without items", text({ routes: [], services: [] }), text(config), {}, ["resource: Empty"]],
    ["stream routes alone do serve", text({ stream_routes: [{ id: "1" }] }), text(config), {}, []],
    ["a config without its block", text(resource), "{}", {}, ["config: UnknownShape"]],
    [
      "a config without a payload",
      text(resource),
      text({ config: { config_version: 1 } }),
      {},
      ["config: ConfigIncomplete"],
    ],
    [
      "a config with an empty payload and no version",
      text(resource),
      text({ config: { config_payload: {} } }),
      {},
      ["config: ConfigIncomplete", "config: ConfigIncomplete"],
    ],
    ["both missing", undefined, undefined, {}, ["resource: MissingResource", "config: MissingConfig"]],
    ["written together", text(resource), text(config), { resourceModifiedAt: at(0), configModifiedAt: at(5) }, []],
    [
      "the config written long before",
      text(resource),
      text(config),
      { resourceModifiedAt: at(6), configModifiedAt: at(0) },
      ["config: TornPair"],
    ],
    [
      "the resource written long before",
      text(resource),
      text(config),
      { resourceModifiedAt: at(0), configModifiedAt: at(6) },
      ["resource: TornPair"],
    ],
    ["it names a group", text(foreign), text(config), {}, []],
    [
      "it names two groups",
      text({ ...foreign, routes: [{ id: "1", gateway_group_id: "a" }] }),
      text(config),
      {},
      ["resource: OtherGroup"],
    ],
  ] as [string, string | undefined, string | undefined, SnapshotContext, string[]][])(
    "%s",
    async ([, resourceBody, configBody, context, faults]) => {
      expect(await faultsOf(resourceBody, configBody, context)).toEqual(faults);
    },
  );
  test("without a readable pair there is no digest", async () => {
    for (const [r, c] of [
      [undefined, text(config)],
      [text(resource), undefined],
      ["{", text(config)],
    ] as const) {
      expect((await inspectSnapshot(r, c)).digest).toBeUndefined();
    }
  });
  test("whatever the store holds, it is inspected and never throws", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.string(), async (json, junk) => {
        await inspectSnapshot(json, junk);
        await inspectSnapshot(text({ routes: [] }).replace("[]", json), json);
      }),
    );
  });
});

describe("warnings", () => {
  const warningsOf = async (value: object) =>
    (await inspectSnapshot(text(value), text(config))).warnings.map(({ message }) => message);
  test("dangling references are counted, with three examples", async () => {
    const routes = [1, 2, 3, 4].map((id) => ({ id: String(id), upstream_id: "gone", service_id: "s" }));
    expect(await warningsOf({ ...resource, routes })).toEqual([
      "4 of routes: upstream_id names nothing in upstreams (1, 2, 3, ...)",
    ]);
  });
  test("a reference by number finds an id that is text", async () => {
    expect(await warningsOf({ ...resource, routes: [{ id: 1, upstream_id: 1 }] })).toEqual([]);
  });
  test("a kind that a newer gateway may bring is no reason to refuse", async () => {
    expect(await faultsOf(text({ ...resource, novelties: [{ id: "1" }] }), text(config))).toEqual([]);
    expect(await warningsOf({ ...resource, novelties: [] })).toEqual([
      'the key "novelties" is not a kind that is known',
    ]);
  });
});

test("no report repeats a value out of the snapshot", async () => {
  const bodies = [text(resource), text(config), text(resource).slice(0, -9), `${text(config)}x`, text({ [SECRET]: 1 })];
  for (const r of bodies.slice(0, 4)) {
    for (const c of bodies.slice(0, 4)) expect(text(await inspectSnapshot(r, c))).not.toContain(SECRET);
  }
});

describe("the digest", () => {
  const digestOf = (r: unknown, c: unknown = config) =>
    inspectSnapshot(text(r), text(c)).then((report) => report.digest);
  const shuffled = (value: object) => Object.fromEntries(Object.entries(value).reverse());
  test("does not change with the order of kinds, items and keys", async () => {
    const routes = resource.routes.map(shuffled).reverse();
    expect(await digestOf(shuffled({ ...resource, routes }))).toBe(await digestOf(resource));
  });
  test("sees into a key named __proto__", async () => {
    const named = (value: number) => `{"routes":[{"id":"1","__proto__":{"a":${value}}}]}`;
    const digest = async (value: number) => (await inspectSnapshot(named(value), text(config))).digest;
    expect(await digest(1)).not.toBe(await digest(2));
  });
  test("does not tell an absent kind from one without items", async () => {
    expect(await digestOf({ ...resource, ssls: [] })).toBe(await digestOf(resource));
  });
  test.for([
    ["a changed value", { ...resource, routes: [{ ...resource.routes[0], uri: "/new" }, resource.routes[1]] }, config],
    ["an item less", { ...resource, routes: resource.routes.slice(1) }, config],
    ["an item in another kind", { ...resource, plugins: [], custom_plugins: resource.plugins }, config],
    ["another configuration", resource, { config: { ...config.config, config_version: 8 } }],
    ["another order within an item's list", { ...resource, routes: [{ id: "1", hosts: ["b", "a"] }] }, config],
  ] as const)("changes with %s", async ([, r, c]) => {
    const before =
      r.routes[0] && "hosts" in r.routes[0] ? { ...resource, routes: [{ id: "1", hosts: ["a", "b"] }] } : resource;
    expect(await digestOf(r, c)).not.toBe(await digestOf(before));
  });
});
