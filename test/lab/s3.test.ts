/** The S3 server of the tests refuses what its grants do not say: else "access denied" would never be tested. */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grants, type Keys, type S3Server, startS3Server } from "./s3.ts";

type User = "exporter" | "gateway" | "operator" | "nobody";
let s3: S3Server<User>;

beforeAll(async () => {
  s3 = await startS3Server<User>({
    buckets: ["resources", "configs"],
    users: {
      exporter: [grants.writeOnly("resources", "*-raw")],
      gateway: [grants.readOnly("resources")],
      operator: [grants.operator("resources")],
      nobody: [],
    },
  });
  await s3.client(s3.admin).send(new PutObjectCommand({ Bucket: "resources", Key: "edge-raw", Body: "{}" }));
});

afterAll(() => s3?.stop());

const put = (key: string, bucket = "resources") => new PutObjectCommand({ Bucket: bucket, Key: key, Body: "{}" });
const get = (key: string, bucket = "resources") => new GetObjectCommand({ Bucket: bucket, Key: key });
const list = () => new ListObjectsV2Command({ Bucket: "resources" });

type Command = ReturnType<typeof put> | ReturnType<typeof get> | ReturnType<typeof list>;
const answer = (keys: Keys, command: Command): Promise<string> =>
  s3
    .client(keys)
    .send(command as PutObjectCommand)
    .then(
      () => "done",
      (error: Error) => error.name,
    );

test.for<[string, User, Command, string]>([
  ["the exporter writes its raw key", "exporter", put("edge-raw"), "done"],
  ["the exporter cannot write the verified key", "exporter", put("edge"), "AccessDenied"],
  ["the exporter cannot read back", "exporter", get("edge-raw"), "AccessDenied"],
  ["a gateway reads", "gateway", get("edge-raw"), "done"],
  ["a gateway cannot write", "gateway", put("edge-raw"), "AccessDenied"],
  ["a gateway cannot list", "gateway", list(), "AccessDenied"],
  ["a gateway cannot read another bucket", "gateway", get("edge-raw", "configs"), "AccessDenied"],
  ["the operator lists", "operator", list(), "done"],
  ["the operator is told of a missing key", "operator", get("missing"), "NoSuchKey"],
  ["the operator is told of a missing bucket", "operator", get("edge", "missing"), "NoSuchBucket"],
  ["a user without a grant reads nothing", "nobody", get("edge-raw"), "AccessDenied"],
])("%s", async ([, user, command, expected]) => {
  expect(await answer(s3.keys[user], command)).toBe(expected);
});

test("a wrong secret is another answer than an unknown key", async () => {
  const wrong = { ...s3.keys.operator, secretAccessKey: "wrong" };
  expect(await answer(wrong, list())).toBe("SignatureDoesNotMatch");
  expect(await answer({ ...wrong, accessKeyId: "AKUNKNOWN" }, list())).toBe("InvalidAccessKeyId");
});

test("data and rights outlive a restart, and a right that is taken away is gone at once", async () => {
  await s3.restart();
  expect(await answer(s3.keys.gateway, get("edge-raw"))).toBe("done");
  await s3.grant({ exporter: [], gateway: [], operator: [grants.operator("resources")], nobody: [] });
  expect(await answer(s3.keys.gateway, get("edge-raw"))).toBe("AccessDenied");
});
