import { expect, test } from "vitest";
import type { JsonObject } from "../../../operator/gateway/api7/render.ts";
import { ownedKeyProblems } from "../../../operator/gateway/api7/render-owned.ts";

const STORED_KEY = `$${"{{"}HOLDFAST_STORE_SECRET_KEY}}`;

test.for([
  ["nothing overridden", {}, []],
  ["keys that are free", { nginx_config: { http: { send_timeout: "5s" } }, plugins: [] }, []],
  ["the deployment block", { deployment: { role: "data_plane" } }, ["deployment"]],
  ["the deployment block removed", { deployment: null }, ["deployment"]],
  ["workers", { nginx_config: { worker_processes: "auto" } }, ["nginx_config.worker_processes"]],
  ["the development mode, which sets the workers", { apisix: { enable_dev_mode: true } }, ["apisix.enable_dev_mode"]],
  ["the workers' end", { nginx_config: { worker_shutdown_timeout: "1h" } }, ["nginx_config.worker_shutdown_timeout"]],
  ["ports", { apisix: { node_listen: [8080], ssl: { listen: [] } } }, ["apisix.node_listen", "apisix.ssl.listen"]],
  ["an object within an owned key", { api7ee: { status_endpoint: { port: 1 } } }, ["api7ee.status_endpoint"]],
  ["other keys beside an owned one", { apisix: { ssl: { ssl_protocols: "TLSv1.3" } } }, []],
  ["a parent removed takes owned keys along", { nginx_config: null }, ["nginx_config"]],
  ["a parent made a list takes owned keys along", { apisix: { ssl: [] } }, ["apisix.ssl"]],
  ["a parent made a text, told once for all keys in it", { apisix: "x" }, ["apisix"]],
  ["admin", { apisix: { enable_admin: true, admin_key: [] } }, ["apisix.admin_key", "apisix.enable_admin"]],
  ["where a rehearsal counts", { apisix: { enable_control: false } }, ["apisix.enable_control"]],
  ["a gateway without http", { apisix: { stream_proxy: { only: true, tcp: [9100] } } }, ["apisix.stream_proxy.only"]],
  ["a storage key named by a value of their own", { plugin_attr: { x: ["a", STORED_KEY] } }, ["plugin_attr.x.1"]],
  ["an inherited name is no key", JSON.parse('{"apisix":{"toString":1}}'), []],
] as [string, JsonObject, string[]][])("%s", ([, overrides, paths]) => {
  const problems = ownedKeyProblems(overrides);
  expect(problems.map(({ path }) => path)).toEqual(paths);
  for (const { why, instead } of problems) expect(why.length * instead.length).toBeGreaterThan(0);
});

test("a refusal never repeats a value", () => {
  const text = JSON.stringify(ownedKeyProblems({ deployment: { etcd: { password: "hunter2" } } }));
  expect(text).not.toContain("hunter2");
});
