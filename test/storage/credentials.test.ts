import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCredentials } from "../../operator/storage/credentials.ts";

const ID = "AKIAIOSFODNN7EXAMPLE";
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const ACCOUNT_KEY = Buffer.alloc(64, 5).toString("base64");

describe("S3 keys", () => {
  const credentials = { accessKeyId: ID, secretAccessKey: SECRET };
  test.for([
    ["under the documented names", { accessKeyId: ID, secretAccessKey: SECRET }],
    ["under the names of the AWS tools", { AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET }],
    ["under one name of each kind", { accessKeyId: ID, AWS_SECRET_ACCESS_KEY: SECRET }],
    ["under both names with the same value", { accessKeyId: ID, AWS_ACCESS_KEY_ID: ID, secretAccessKey: SECRET }],
    ["beside keys of others", { accessKeyId: ID, secretAccessKey: SECRET, region: "eu-west-1" }],
    ["beside an empty session token", { accessKeyId: ID, secretAccessKey: SECRET, sessionToken: "" }],
  ] as const)("are found %s", ([, data]) => {
    expect(parseCredentials("S3", data)).toEqual({ ok: true, credentials });
  });

  test.for([
    [
      "a missing one",
      { accessKeyId: ID },
      /^key "secretAccessKey" or "AWS_SECRET_ACCESS_KEY" is missing: add it; .*"accessKeyId"/,
    ],
    ["an empty Secret", {}, /the Secret has no keys$/],
    ["another spelling", { access_key: ID, secret_key: SECRET }, /the Secret has "access_key", "secret_key"$/],
    [
      "an empty value",
      { accessKeyId: "", secretAccessKey: SECRET },
      /^key "accessKeyId" is empty: put the key's text there$/,
    ],
    [
      "two values for one",
      { accessKeyId: ID, AWS_ACCESS_KEY_ID: "AKIAOTHER", secretAccessKey: SECRET },
      /^keys "accessKeyId" and "AWS_ACCESS_KEY_ID" differ: keep one/,
    ],
    [
      "a line break at the end",
      { accessKeyId: ID, secretAccessKey: `${SECRET}\n` },
      /"secretAccessKey" ends with a line break/,
    ],
    ["a blank inside", { accessKeyId: `${ID} x`, secretAccessKey: SECRET }, /"accessKeyId" holds blanks/],
    ["a byte that is no text", { accessKeyId: ID, secretAccessKey: `${SECRET}\uFFFD` }, /outside printable ASCII/],
    [
      "a variable for the gateway",
      { accessKeyId: ID, secretAccessKey: `a$${"{{HOME}}"}` },
      /"secretAccessKey" holds "\$\{\{", which the gateway takes for one of its variables/,
    ],
    [
      "a session token",
      { accessKeyId: ID, secretAccessKey: SECRET, AWS_SESSION_TOKEN: "t" },
      /"AWS_SESSION_TOKEN" is a session token: the gateway ignores it, use a long-lived access key/,
    ],
  ] as const)("are refused with the reason: %s", ([, data, words]) => {
    const parsed = parseCredentials("S3", data);
    expect(parsed).toEqual({ ok: false, problem: expect.stringMatching(words) });
  });

  // They go into config.yaml quoted, and no longer through the gateway's environment, which retyped them.
  test.for(["1234567890123456789012", "1e10", "0x1F", "true", "null", "~", "a:b", "#", "it's", '"', "\\"])(
    "are taken as they are, whatever YAML would read: %s",
    (secretAccessKey) => {
      expect(parseCredentials("S3", { accessKeyId: ID, secretAccessKey })).toEqual({
        ok: true,
        credentials: { accessKeyId: ID, secretAccessKey },
      });
    },
  );

  test("a Secret of many keys is not listed without end", () => {
    const data = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`key${n}`, "x"]));
    const parsed = parseCredentials("S3", data);
    expect(parsed).toEqual({ ok: false, problem: expect.stringMatching(/and 480 more$/) });
  });
});

describe("Azure keys", () => {
  test.for([
    ["under the documented name", { accountKey: ACCOUNT_KEY }],
    ["under the name of the Azure tools", { AZURE_STORAGE_KEY: ACCOUNT_KEY }],
  ] as const)("are found %s", ([, data]) => {
    expect(parseCredentials("AzureBlob", data)).toEqual({ ok: true, credentials: { accountKey: ACCOUNT_KEY } });
  });

  test.for([
    [
      "a missing one",
      { key: ACCOUNT_KEY },
      /^key "accountKey" or "AZURE_STORAGE_KEY" is missing: add it; the Secret has "key"$/,
    ],
    [
      "a connection string",
      { accountKey: `AccountName=a;AccountKey=${ACCOUNT_KEY}` },
      /is not base64: .*not a connection string/,
    ],
    ["a shared access signature", { accountKey: "sv=2025-01-05&sig=abc" }, /is not base64/],
    ["a key cut short", { accountKey: ACCOUNT_KEY.slice(0, -1) }, /is not base64/],
    ["a line break at the end", { accountKey: `${ACCOUNT_KEY}\n` }, /ends with a line break/],
  ] as const)("are refused with the reason: %s", ([, data, words]) => {
    expect(parseCredentials("AzureBlob", data)).toEqual({ ok: false, problem: expect.stringMatching(words) });
  });
});

describe("a problem", () => {
  test("never holds a value of the Secret", () => {
    // Longer than any word of ours, so that a hit is a leak and not chance.
    const value = fc.string({ unit: "grapheme", minLength: 12, maxLength: 60 });
    const name = fc.constantFrom(
      "accessKeyId",
      "AWS_ACCESS_KEY_ID",
      "secretAccessKey",
      "sessionToken",
      "accountKey",
      "other",
    );
    fc.assert(
      fc.property(fc.constantFrom("S3", "AzureBlob"), fc.dictionary(name, value), (type, data) => {
        const parsed = parseCredentials(type, data);
        const problem = parsed.ok ? "" : parsed.problem;
        for (const secret of Object.values(data)) expect(problem).not.toContain(secret.trim() || "\0");
      }),
    );
  });
});
