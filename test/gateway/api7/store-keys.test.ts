import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { STORE_KEYS } from "../../../operator/gateway/api7/facts.ts";
import { renderGatewayConfig } from "../../../operator/gateway/api7/render.ts";
import { withStoreKeys } from "../../../operator/gateway/api7/store-keys.ts";
import { CREDENTIAL_KEYS } from "../../../operator/storage/credentials.ts";

const controlPlane = { endpoint: "https://dp-manager:7943" };
const S3 = { type: "S3", region: "r", forcePathStyle: false, resourceBucket: "a", configBucket: "b" } as const;
const AZURE = { type: "AzureBlob", accountName: "n", resourceContainer: "a", configContainer: "b" } as const;
const reader = (store: typeof S3 | typeof AZURE, overrides = {}) =>
  renderGatewayConfig({ role: "reader", controlPlane, store, workers: 1, overrides });
const filled = (secret: Record<string, string>, config = reader(S3)) => withStoreKeys(config, (name) => secret[name]);
const variable = (name: string) => `$${"{{"}${name}}}`;
const fallbackOf = (text: string) => parse(text).deployment.fallback_cp;

test("whatever a key looks like, the gateway reads the same text, and nothing else of the file changes", () => {
  const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((n) => String.fromCharCode(n)) });
  const odd = fc.constantFrom(
    "123",
    "1e10",
    "0x1F",
    "true",
    "null",
    "~",
    "a:b",
    "#x",
    "'",
    '"',
    "\\",
    "\\n",
    "$&",
    "- x",
  );
  const key = fc.oneof(printable, odd).map((text) => text.replaceAll(" ", "") || "k");
  fc.assert(
    fc.property(key, key, (id, secret) => {
      fc.pre(!id.includes(variable("").slice(0, 3)) && !secret.includes(variable("").slice(0, 3)));
      const { text, missing } = filled({ accessKeyId: id, secretAccessKey: secret });
      const expected = parse(reader(S3));
      Object.assign(expected.deployment.fallback_cp.aws_s3, { access_key: id, secret_key: secret });
      expect(parse(text)).toEqual(expected);
      expect(missing).toEqual([]);
    }),
  );
});

test.for<[sentence: string, secret: Record<string, string>, missing: string[]]>([
  ["the documented names", { accessKeyId: "i", secretAccessKey: "s" }, []],
  ["the names of the AWS tools", { AWS_ACCESS_KEY_ID: "i", AWS_SECRET_ACCESS_KEY: "s" }, []],
  ["one of each", { accessKeyId: "i", AWS_SECRET_ACCESS_KEY: "s" }, []],
  ["one that is empty beside one that is not", { accessKeyId: "", AWS_ACCESS_KEY_ID: "i", secretAccessKey: "s" }, []],
  ["one key alone", { accessKeyId: "i" }, ["secretAccessKey or AWS_SECRET_ACCESS_KEY"]],
  ["an empty Secret", {}, ["accessKeyId or AWS_ACCESS_KEY_ID", "secretAccessKey or AWS_SECRET_ACCESS_KEY"]],
  ["a line break", { accessKeyId: "i\n", secretAccessKey: "s" }, ["accessKeyId or AWS_ACCESS_KEY_ID"]],
  [
    "a variable for the gateway",
    { accessKeyId: variable("HOME"), secretAccessKey: "s" },
    ["accessKeyId or AWS_ACCESS_KEY_ID"],
  ],
])("a Secret with %s", ([, secret, missing]) => {
  const done = filled(secret);
  expect(done.missing).toEqual(missing);
  const left = done.text.match(/\$\{\{\w+\}\}/g) ?? [];
  expect(left).toHaveLength(missing.length);
  if (missing.length === 0) expect(fallbackOf(done.text).aws_s3).toMatchObject({ access_key: "i", secret_key: "s" });
});

test("Azure's key, under either name", () => {
  for (const name of ["accountKey", "AZURE_STORAGE_KEY"])
    expect(fallbackOf(filled({ [name]: "a==" }, reader(AZURE)).text).azure_blob.account_key).toBe("a==");
});

test("a variable of the user's own is the gateway's to replace", () => {
  const overrides = { plugin_attr: { mine: { token: variable("MY_TOKEN") } } };
  const { text } = filled({ accessKeyId: "i", secretAccessKey: "s" }, reader(S3, overrides));
  expect(parse(text).plugin_attr.mine.token).toBe(variable("MY_TOKEN"));
});

test("the names accepted here are those of the storage boundary", () => {
  expect(Object.values(STORE_KEYS)).toEqual(Object.values({ ...CREDENTIAL_KEYS.S3, ...CREDENTIAL_KEYS.AzureBlob }));
});
