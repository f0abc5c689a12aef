/** Otherwise than is assumed, where no process is needed to see it; the rest: test/e2e/conformance.test.ts. */
import { expect, test } from "vitest";
import { parseConfig } from "./gateway/config.ts";
import type { Difference } from "./gateway/differences.ts";
import { statusHandler } from "./gateway/endpoints.ts";
import { parseResources } from "./gateway/objects.ts";
import { readSettings } from "./gateway/settings.ts";
import { refuseForms } from "./gateway/unassumed.ts";
import { emptyWhereUnset } from "./gateway/variables.ts";

const CONFIG = `
deployment: {role: data_plane, role_data_plane: {config_provider: json}, admin: {admin_key: []}}
apisix: {ssl: {ssl_trusted_certificate: "system,/ca.crt", listen: [{port: 9443, enable_http2: true}]}}
nginx_config: {http: {custom_lua_shared_dict: {nacos: 64m}}}
`;

test.for<Difference>(["refuses-admin-list", "refuses-trusted-list", "refuses-http2", "refuses-dictionaries"])(
  "%s: that form alone",
  (name) => {
    const settings = readSettings({ SIM_DIFFERS: name });
    expect(() => refuseForms(parseConfig(CONFIG, {}), settings)).toThrow(/a form that this build refuses/);
    const other = {
      "refuses-admin-list": "admin: {admin_key: []}",
      "refuses-trusted-list": "system,",
      "refuses-http2": ", enable_http2: true",
    };
    const without = CONFIG.replace(
      (other as Record<string, string>)[name] ?? "custom_lua_shared_dict: {nacos: 64m}",
      "",
    );
    expect(() => refuseForms(parseConfig(without, {}), settings)).not.toThrow();
    expect(() => refuseForms(parseConfig(CONFIG, {}), readSettings({}))).not.toThrow();
  },
);

test.for<[Difference | "", string, boolean, number]>([
  ["", "/status/ready", false, 200],
  ["never-ready", "/status/ready", false, 503],
  ["", "/status/ready", true, 503],
  ["reader-ready", "/status/ready", true, 200],
  ["", "/status", false, 200],
  ["no-status", "/status", false, 404],
])('"%s": %s, from a file: %s', async ([name, path, fromFile, status]) => {
  const { differs } = readSettings({ SIM_DIFFERS: name });
  const controlPlaneAnswers = () => Promise.resolve(true);
  const handler = statusHandler({ differs, flavour: "vendor", fromFile, controlPlaneAnswers, emptyWorkers: () => [] });
  expect((await handler(path)).status).toBe(status);
});

test("an unknown plugin is kept, an unset variable is empty: only where that is asked for", () => {
  const text = JSON.stringify({ plugins: [{ name: "a" }], routes: [{ id: "1", uri: "/", plugins: { b: {} } }] });
  expect(parseResources(text)?.routes.size).toBe(0);
  expect(parseResources(text, {}, ["reader-keeps-unknown-plugins"])?.routes.size).toBe(1);
  const unset = JSON.stringify({ routes: [{ id: "1", uri: "/", desc: "$" + "{{X}}" }] });
  expect(parseResources(unset)).toBeUndefined();
  expect(parseResources(unset, emptyWhereUnset({}))?.routes.size).toBe(1);
});
