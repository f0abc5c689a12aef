import os from "node:os";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { giveAdminKey, lacksAdminKey } from "./gateway/admin-key.ts";
import { parseConfig, roleOf, workerCount } from "./gateway/config.ts";
import { nginxTimeMs } from "./gateway/nginx-time.ts";
import { readSettings, speaksPathStyle } from "./gateway/settings.ts";

const etcd = { host: ["https://cp:7943"], prefix: "/apisix" };
const s3 = { region: "eu", resource_bucket: "r", config_bucket: "c" };
const normal = { role: "traditional", role_traditional: { config_provider: "etcd" }, etcd };
const reader = { role: "data_plane", role_data_plane: { config_provider: "json" } };
const parse = (deployment: object, rest: object = {}) => parseConfig(stringify({ deployment, ...rest }), {});

test.for<[string, object, string]>([
  ["traditional over etcd is normal", normal, "normal"],
  ["with fallback_cp write it is the exporter", { ...normal, fallback_cp: { mode: "write", aws_s3: s3 } }, "exporter"],
  ["data_plane with fallback_cp read is a reader", { ...reader, fallback_cp: { mode: "read", aws_s3: s3 } }, "reader"],
  ["data_plane json alone serves a file", reader, "file"],
  [
    "data_plane over etcd is normal",
    { role: "data_plane", role_data_plane: { config_provider: "etcd" }, etcd },
    "normal",
  ],
])("role: %s", ([, deployment, expected]) => {
  expect(roleOf(parse(deployment))).toBe(expected);
});

test.for<[string, object, RegExp]>([
  ["read mode over etcd", { ...normal, fallback_cp: { mode: "read", aws_s3: s3 } }, /fallback_cp.mode read needs/],
  ["normal without etcd", { ...normal, etcd: undefined }, /needs deployment.etcd/],
  ["an unknown mode", { ...reader, fallback_cp: { mode: "readwrite", aws_s3: s3 } }, /"deployment.fallback_cp.mode"/],
  ["two stores at once", { ...reader, fallback_cp: { mode: "read", aws_s3: s3, azure_blob: {} } }, /azure_blob/],
  ["no store", { ...reader, fallback_cp: { mode: "read" } }, /exactly one of aws_s3, azure_blob/],
  [
    "a bucket that is missing",
    { ...reader, fallback_cp: { mode: "read", aws_s3: { region: "eu" } } },
    /resource_bucket/,
  ],
  [
    "a key that became a number",
    { ...reader, fallback_cp: { mode: "read", aws_s3: { ...s3, secret_key: 123 } } },
    /secret_key.*expected string/,
  ],
  [
    "an endpoint without a scheme",
    { ...reader, fallback_cp: { mode: "read", aws_s3: { ...s3, endpoint: "s3:9000" } } },
    /endpoint/,
  ],
  ["no deployment", undefined as unknown as object, /"deployment"/],
])("refused: %s", ([, deployment, message]) => {
  expect(() => roleOf(parse(deployment))).toThrow(message);
});

test("a file that is not YAML is refused, without its content", () => {
  expect(() => parseConfig("deployment: [", {})).toThrow(/invalid config.yaml file/);
});

test.for<[string, unknown, Record<string, string>, number]>([
  ["the number that config.yaml says", 3, {}, 3],
  ["auto counts the host's cores", "auto", {}, os.cpus().length],
  ["the environment wins", 3, { APISIX_WORKER_PROCESSES: "5" }, 5],
])("workers: %s", ([, worker_processes, env, expected]) => {
  expect(workerCount(parse(normal, { nginx_config: { worker_processes } }), env)).toBe(expected);
});

test.for<[string | number, number]>([
  ["240s", 240_000],
  ["4m", 240_000],
  ["500ms", 500],
  [60, 60_000],
  ["1h", 3_600_000],
])("nginx time %s is %i ms", ([value, expected]) => {
  expect(nginxTimeMs(value)).toBe(expected);
});

test.for<[string, boolean]>([
  ["3.9.12", false],
  ["3.9.13", true],
  ["3.9.14", true],
  ["3.8.99", false],
  ["3.10.0", true],
  ["4.0.0", true],
])("gateway %s speaks path style: %s", ([version, expected]) => {
  expect(speaksPathStyle(version)).toBe(expected);
});

test("an empty short id is none", () => {
  expect(readSettings({ API7_GATEWAY_GROUP_SHORT_ID: "" }).shortId).toBeUndefined();
});

test.for<[string, object, boolean]>([
  ["no admin block", normal, true],
  ["an empty key", { ...normal, admin: { admin_key: [{ name: "admin", key: "", role: "admin" }] } }, true],
  ["a key", { ...normal, admin: { admin_key: [{ name: "admin", key: "x", role: "admin" }] } }, false],
  ["an empty list", { ...normal, admin: { admin_key: [] } }, false],
  ["a reader", reader, false],
])("is an admin key made, and written into config.yaml? %s: %s", ([, deployment, made]) => {
  const written: string[] = [];
  giveAdminKey("config.yaml", parse(deployment), (_path, text) => void written.push(String(text)));
  expect(written).toHaveLength(made ? 1 : 0);
  if (made) expect(lacksAdminKey(parseConfig(written[0] ?? "", {}))).toBe(false);
});

test("what was taken from the environment is written in clear; a file that is mounted read-only ends the start", () => {
  const config = parseConfig(stringify({ deployment: normal, plugin_attr: { x: `$${"{{SECRET}}"}` } }), {
    SECRET: "s3",
  });
  let text = "";
  giveAdminKey("config.yaml", config, (_path, written) => {
    text = String(written);
  });
  expect(text).toContain("x: s3");
  const readOnly = () => {
    throw Object.assign(new Error("read-only"), { code: "EROFS" });
  };
  expect(() => giveAdminKey("config.yaml", config, readOnly)).toThrow(/failed to update the admin key.*EROFS/);
});
