/** What the operator renders is what the simulated gateway reads: the two are written apart, from the same contract. */
import { expect, test } from "vitest";
import { type GatewayRole, type RenderStore, renderGatewayConfig } from "../../operator/gateway/api7/render.ts";
import { lacksAdminKey } from "./gateway/admin-key.ts";
import { parseConfig, type Role, roleOf, workerCount } from "./gateway/config.ts";

const s3: RenderStore = {
  type: "S3",
  region: "eu",
  forcePathStyle: true,
  endpoint: "http://s3:7070",
  resourceBucket: "r",
  configBucket: "c",
};
const azure: RenderStore = { type: "AzureBlob", accountName: "acme", resourceContainer: "r", configContainer: "c" };
const text = (role: GatewayRole, store?: RenderStore): string =>
  renderGatewayConfig({
    role,
    controlPlane: { endpoint: "https://cp:7943" },
    ...(store ? { store } : {}),
    workers: 3,
    overrides: {},
  });

test.for<[GatewayRole, RenderStore | undefined, Role]>([
  ["normal", undefined, "normal"],
  ["exporter", s3, "exporter"],
  ["exporter", azure, "exporter"],
  ["reader", s3, "reader"],
  ["reader", azure, "reader"],
])("%s, %o", ([role, store, expected]) => {
  const config = parseConfig(text(role, store), variablesOf(text(role, store)));
  expect(roleOf(config)).toBe(expected);
  expect(workerCount(config, {})).toBe(3);
  expect(config.api7ee.status_endpoint?.enabled).toBe(true);
  expect(config.apisix.node_listen).toEqual([{ ip: "0.0.0.0", port: 9080 }]);
});

test.for<[GatewayRole, RenderStore | undefined]>([
  ["normal", undefined],
  ["exporter", s3],
  ["reader", s3],
])("%s: the gateway has nothing to write into its file, which is mounted read-only", ([role, store]) => {
  expect(lacksAdminKey(parseConfig(text(role, store), variablesOf(text(role, store))))).toBe(false);
});

test("the normal configuration names no variable: a missing Secret cannot keep it from starting", () => {
  expect(roleOf(parseConfig(text("normal"), {}))).toBe("normal");
});

/** Whatever the operator names its variables, each has a value that stays text. */
function variablesOf(config: string): Record<string, string> {
  const names = [...config.matchAll(/\$\{\{\s*(\w+)/g)].map(([, name = ""]) => name);
  return Object.fromEntries(names.map((name) => [name, `value-of-${name}`]));
}
