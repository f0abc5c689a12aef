import { expect, test } from "vitest";
import type { JsonObject } from "../../../operator/gateway/api7/render.ts";
import { chartDefaults } from "../../../operator/gateway/api7/render-defaults.ts";
import { shapeProblems, unknownBlocks } from "../../../operator/gateway/api7/render-shape.ts";

const zones = (...all: object[]) => ({ apisix: { proxy_cache: { zones: all } } });
const disk = { name: "d", memory_size: "1m", disk_size: "1G", disk_path: "/tmp/d", cache_levels: "1:2" };
const VARIABLE = `$${"{{IPV6}}"}`;

test.for<[sentence: string, config: object, refused: string[]]>([
  ["what Holdfast renders itself", chartDefaults(2, true), []],
  ["a switch in quotes", { apisix: { enable_ipv6: "false" } }, ["apisix.enable_ipv6"]],
  ["a switch that is a number", { apisix: { enable_ipv6: 0 } }, ["apisix.enable_ipv6"]],
  ["a switch from the environment", { apisix: { enable_ipv6: VARIABLE } }, []],
  ["a switch", { apisix: { enable_ipv6: false } }, []],
  ["a switch taken away", { apisix: { enable_ipv6: null } }, []],
  [
    "an on without quotes, which YAML made a boolean",
    { nginx_config: { http: { underscores_in_headers: true } } },
    ["nginx_config.http.underscores_in_headers"],
  ],
  ["a size for a number", { nginx_config: { http: { client_max_body_size: "10m" } } }, []],
  ["a time without a unit", { nginx_config: { http: { send_timeout: 10 } } }, []],
  ["a text for a list", { nginx_config: { http: { real_ip_from: "10.0.0.0/8" } } }, ["nginx_config.http.real_ip_from"]],
  ["a list for an object", { nginx_config: { http: { lua_shared_dict: [] } } }, ["nginx_config.http.lua_shared_dict"]],
  ["a key without a default", { nginx_config: { http: { mine: "x" } }, plugin_attr: { mine: true } }, []],
  ["no variables for nginx", { nginx_config: { envs: [] } }, ["nginx_config.envs"]],
  ["variables for nginx", { nginx_config: { envs: ["TZ"] } }, []],
  ["a cache zone without its size", zones({ name: "m" }), ["apisix.proxy_cache.zones.0"]],
  [
    "the second cache zone without its sizes",
    zones(disk, { name: "e", disk_path: "/tmp/e", memory_size: "1m" }),
    ["apisix.proxy_cache.zones.1"],
  ],
  ["cache zones in memory and on disk", zones(disk, { name: "m", memory_size: "50m" }), []],
  ["a cache zone that is none", zones("x" as never), ["apisix.proxy_cache.zones.0"]],
])("the gateway refuses: %s", ([, config, refused]) => {
  expect(shapeProblems(config as JsonObject).map(({ path }) => path)).toEqual(refused);
});

test.for<[string, string | undefined]>([
  ["nginx_conf", "nginx_config"],
  ["nginx-config", "nginx_config"],
  ["plugin_attrs", "plugin_attr"],
  ["my_plugin", undefined],
])("no gateway knows the block %s; meant is %s", ([path, meant]) => {
  expect(unknownBlocks({ [path]: {} })).toEqual([meant === undefined ? { path } : { path, meant }]);
});

test("the blocks that Holdfast renders are known", () => {
  expect(unknownBlocks(chartDefaults(1, true))).toEqual([]);
});
