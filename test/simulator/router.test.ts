import { expect, test } from "vitest";
import { emptyObjects, type Objects, parseResources, toResources } from "./gateway/objects.ts";
import { buildRouter, nextNode } from "./gateway/router.ts";

const nodes = { "10.0.0.1:80": 1 };
const load = (resources: object): Objects => parseResources(JSON.stringify(resources)) ?? emptyObjects();
const routes = [
  { id: "exact", uri: "/a", upstream: { nodes } },
  { id: "prefix", uri: "/a/*", upstream: { nodes } },
  { id: "longer", uri: "/a/b/*", upstream: { nodes } },
  { id: "hosted", uri: "/a", host: "Shop.example.com", upstream: { nodes } },
  { id: "wild", uri: "/w", hosts: ["*.example.com"], upstream: { nodes } },
  { id: "post", uri: "/m", methods: ["POST"], upstream: { nodes } },
  { id: "first", uri: "/p", priority: 10, upstream: { nodes } },
  { id: "second", uri: "/p", priority: 1, upstream: { nodes } },
  { id: "off", uri: "/off", status: 0, upstream: { nodes } },
  { id: "several", uris: ["/s1", "/s2"], upstream: { nodes } },
];

test.for<[string, string, string, string, string | undefined]>([
  ["an exact uri", "GET", "x", "/a", "exact"],
  ["a prefix", "GET", "x", "/a/1", "prefix"],
  ["the longest prefix wins", "GET", "x", "/a/b/1", "longer"],
  ["a route with the host wins, in any case", "GET", "shop.example.com", "/a", "hosted"],
  ["a wildcard host", "GET", "a.example.com", "/w", "wild"],
  ["another host is no match", "GET", "example.org", "/w", undefined],
  ["a method that is allowed", "POST", "x", "/m", "post"],
  ["a method that is not", "GET", "x", "/m", undefined],
  ["the higher priority", "GET", "x", "/p", "first"],
  ["a disabled route is not there", "GET", "x", "/off", undefined],
  ["each of several uris", "GET", "x", "/s2", "several"],
  ["the prefix itself needs its slash", "GET", "x", "/ab", undefined],
  ["anything else", "GET", "x", "/", undefined],
])("route: %s", ([, method, host, path, expected]) => {
  expect(buildRouter(load({ routes })).match(method, host, path)?.id).toBe(expected);
});

test.for<[string, object, string[]]>([
  ["inline", { upstream: { nodes } }, ["10.0.0.1:80"]],
  ["by id", { upstream_id: "u1" }, ["10.0.0.2:81"]],
  ["by a service's inline upstream", { service_id: "s1" }, ["10.0.0.3:80"]],
  ["by a service's upstream id", { service_id: "s2" }, ["10.0.0.2:81"]],
  ["as a list of nodes", { upstream: { nodes: [{ host: "h", port: 1, weight: 1 }] } }, ["h:1"]],
  ["a node of weight 0 gets nothing", { upstream: { nodes: { "a:1": 0, "b:2": 1 } } }, ["b:2"]],
  ["IPv6", { upstream: { nodes: { "[::1]:8080": 1 } } }, ["::1:8080"]],
  ["a dangling id is no upstream", { upstream_id: "gone" }, []],
])("upstream: %s", ([, route, expected]) => {
  const objects = load({
    routes: [{ id: "r", uri: "/", ...route }],
    upstreams: [{ id: "u1", nodes: { "10.0.0.2:81": 1 } }],
    services: [
      { id: "s1", upstream: { nodes: { "10.0.0.3": 1 } } },
      { id: "s2", upstream_id: "u1" },
    ],
  });
  const upstream = buildRouter(objects).match("GET", "x", "/")?.upstream;
  expect(upstream?.nodes.map(({ host, port }) => `${host}:${port}`) ?? []).toEqual(expected);
});

test("round robin goes by weight and without bursts", () => {
  const objects = load({ routes: [{ id: "r", uri: "/", upstream: { nodes: { "a:1": 2, "b:1": 1 } } }] });
  const upstream = buildRouter(objects).match("GET", "x", "/")?.upstream;
  const turns = Array.from({ length: 6 }, () => upstream && nextNode(upstream)?.host);
  expect(turns).toEqual(["a", "b", "a", "a", "b", "a"]);
});

test("ten thousand routes are matched without looking at each", () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({ id: `r${n}`, uri: `/r${n}/*`, upstream: { nodes } }));
  const router = buildRouter(load({ routes: many }));
  expect(router.match("GET", "x", "/r9999/deep/path")?.id).toBe("r9999");
});

test.for<[string, string, number | undefined]>([
  ["not JSON", "{", undefined],
  ["empty", "", undefined],
  ["a list", "[]", undefined],
  ["an empty object is valid: nothing is configured", "{}", 0],
  ["one invalid item is dropped, the rest stays", '{"routes":[{"id":"1"},{"id":"2","uri":"/"},7]}', 1],
  ["a plugin's configuration that is not valid", '{"routes":[{"id":"1","uri":"/","plugins":{"limit-count":{}}}]}', 0],
  ["a valid one", '{"routes":[{"id":"1","uri":"/","plugins":{"limit-count":{"count":1}}}]}', 1],
  [
    "one variable that is not set refuses all",
    `{"routes":[{"id":"1","uri":"/"},{"id":"2","uri":"$${"{{X}}"}"}]}`,
    undefined,
  ],
  ["one that is set", `{"routes":[{"id":"1","uri":"$${"{{SET}}"}"}]}`, 1],
])("resources: %s", ([, text, expected]) => {
  expect(parseResources(text, { SET: "/set" })?.routes.size).toBe(expected);
});

test("a resource object leaves absent kinds and the two time stamps out, and adds the id", () => {
  const objects = load({
    routes: [{ id: 7, uri: "/", create_time: 1, update_time: 2 }],
    ssls: [{ id: "c", sni: "x" }],
  });
  const { plugins, ...kinds } = toResources(objects);
  expect(kinds).toEqual({ routes: [{ id: "7", uri: "/" }], ssls: [{ id: "c", sni: "x" }] });
  expect(plugins).toContainEqual({ name: "prometheus" });
});
