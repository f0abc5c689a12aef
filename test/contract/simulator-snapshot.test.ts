/** The simulated exporter and reader on a real S3 server and on Azurite: sections 1, 3 and 4 of what is known. */
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type AzuriteServer, startAzurite } from "../lab/azurite.ts";
import { grants, type S3Server, startS3Server } from "../lab/s3.ts";
import { startWorld, status, until, type World } from "../simulator/world.ts";

type User = "exporter" | "reader" | "nobody";
let world: World;
let s3: S3Server<User>;
let azurite: AzuriteServer;
const ACCOUNT = "acmegw";
const buckets = ["resources", "configs"] as const;

beforeAll(async () => {
  const forEach = (grant: typeof grants.readOnly) => buckets.map((bucket) => grant(bucket));
  [world, s3, azurite] = await Promise.all([
    startWorld(),
    startS3Server<User>({
      buckets: [...buckets],
      users: { exporter: forEach(grants.writeOnly), reader: forEach(grants.readOnly), nobody: [] },
    }),
    startAzurite([ACCOUNT], [...buckets]),
  ]);
});
beforeEach(() => world.reset());
afterAll(() => Promise.all([world?.stop(), s3?.stop(), azurite?.stop()]));

type Object_ = { bucket: (typeof buckets)[number]; key: string };
const put = (object: Object_, body: string) =>
  s3.client(s3.admin).send(new PutObjectCommand({ Bucket: object.bucket, Key: object.key, Body: body }));
const get = async ({ bucket, key }: Object_): Promise<string | undefined> =>
  s3
    .client(s3.admin)
    .send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    .then(
      (answer) => answer.Body?.transformToString(),
      () => undefined,
    );
const routesIn = async (key: string): Promise<number | undefined> => {
  const text = await get({ bucket: "resources", key });
  return text === undefined ? undefined : ((JSON.parse(text) as { routes?: unknown[] }).routes ?? []).length;
};
/** A whole pair under the key: one route to the upstream. */
async function snapshot(
  key: string,
  resources: string = JSON.stringify({ routes: [{ id: "r1", uri: "/r1", upstream: { nodes: world.nodes } }] }),
) {
  await put({ bucket: "resources", key }, resources);
  await put({ bucket: "configs", key }, JSON.stringify({ config: { config_version: 1, config_payload: {} } }));
}

const store = (user: User, more: object = {}) => ({
  aws_s3: {
    region: s3.region,
    endpoint: s3.endpoint,
    use_path_style: true,
    resource_bucket: "resources",
    config_bucket: "configs",
    access_key: s3.keys[user].accessKeyId,
    secret_key: s3.keys[user].secretAccessKey,
    ...more,
  },
});
const azureStore = () => ({
  azure_blob: {
    account_name: ACCOUNT,
    account_key: azurite.accountKey(ACCOUNT),
    endpoint: azurite.endpoint(ACCOUNT),
    resource_container: "resources",
    config_container: "configs",
  },
});
const exporter = (from: object, interval = 1) =>
  world.normal({ deployment: { fallback_cp: { mode: "write", interval, ...from } } });
const reader = (from: object) => ({
  deployment: {
    role: "data_plane",
    role_data_plane: { config_provider: "json" },
    fallback_cp: { mode: "read", ...from },
  },
  apisix: { status: { ip: "127.0.0.1", port: 7085 } },
  api7ee: { status_endpoint: { enabled: true } },
  nginx_config: { worker_processes: 1 },
});
const short = (id: string) => ({ API7_GATEWAY_GROUP_SHORT_ID: id });
const exports = ({ log }: { log: readonly { message: string }[] }, message = "exported") =>
  log.filter((line) => line.message === message).length;

test("the exporter writes both objects under the bare short id, opens no listener, and is not counted", async () => {
  const before = world.controlPlane.licenseView();
  const gateway = await world.gateway({ config: exporter(store("exporter")), env: short("edge-raw") });
  await until("an export", () => exports(gateway) > 0);
  expect(gateway.ports).toMatchObject({ http: [], https: [] });
  const resources = JSON.parse((await get({ bucket: "resources", key: "edge-raw" })) ?? "{}") as Record<
    string,
    object[]
  >;
  expect(Object.keys(resources)).toEqual(["routes", "services", "upstreams", "plugins"]);
  expect(resources["routes"]?.[0]).toEqual({
    id: "r1",
    name: "route 1",
    uris: ["/r1", "/r1/*"],
    upstream_id: "u1",
    status: 1,
  });
  expect(JSON.parse((await get({ bucket: "configs", key: "edge-raw" })) ?? "{}")).toMatchObject({
    config: { config_version: 1 },
  });
  const { licensedCores, backup, backupCores } = world.controlPlane.licenseView();
  expect({ licensedCores, backup, backupCores }).toEqual({
    licensedCores: before.licensedCores,
    backup: before.backup + 1,
    backupCores: before.backupCores + 2,
  });
  expect([await status(`${gateway.url.status}/status`), await status(`${gateway.url.status}/status/ready`)]).toEqual([
    200, 200,
  ]);
});

test("an emptied control plane overwrites the good snapshot; one that is away leaves it", async () => {
  const gateway = await world.gateway({ config: exporter(store("exporter")), env: short("plain") });
  await until("an export", async () => (await routesIn("plain")) === 3);
  await world.controlPlane.setFault({ mode: "refuse" });
  await until("it skips", () => exports(gateway, "failed to export") > 1);
  expect(await routesIn("plain")).toBe(3);
  await world.controlPlane.setFault({ mode: "none" });
  await world.controlPlane.setFault({ mode: "empty" });
  await until("emptiness is exported", async () => (await routesIn("plain")) === 0);
});

test.for<[string, Record<string, string>, key: string]>([
  [
    "that ignores the suffix writes over the verified key",
    { ...short("ignored-raw"), SIM_IGNORE_SHORT_ID_SUFFIX: "1" },
    "ignored",
  ],
  ["without it writes where it is told", short("obeyed-raw"), "obeyed-raw"],
])("an exporter %s", async ([, env, key]) => {
  await world.gateway({ config: exporter(store("exporter")), env });
  await until("an export", async () => (await routesIn(key)) === 3);
});

test("an exporter without a short id never exports, one without the right says so and lives", async () => {
  const silent = await world.gateway({ config: exporter(store("exporter")) });
  const denied = await world.gateway({ config: exporter(store("reader")), env: short("denied") });
  await until("three intervals", () => exports(denied, "failed to export") > 2);
  expect(exports(silent)).toBe(0);
  expect(denied.log.find(({ message }) => message === "failed to export")).toMatchObject({
    error: expect.stringContaining("403"),
  });
  expect(denied.child.exitCode).toBeNull();
});

test("a reader serves the snapshot, is never ready by its status port, and sends no heartbeat", async () => {
  await snapshot("edge");
  const before = world.controlPlane.heartbeats().length;
  const gateway = await world.gateway({ config: reader(store("reader")), env: short("edge") });
  expect(await status(`${gateway.url.http}/r1`)).toBe(200);
  expect([await status(`${gateway.url.status}/status`), await status(`${gateway.url.status}/status/ready`)]).toEqual([
    200, 503,
  ]);
  expect(await (await fetch(`${gateway.url.prometheus}/apisix/prometheus/metrics`)).text()).not.toContain(
    "etcd_reachable",
  );
  await put({ bucket: "resources", key: "edge" }, "{}");
  expect(world.controlPlane.heartbeats()).toHaveLength(before);
  expect(await status(`${gateway.url.http}/r1`), "it reads the store once").toBe(200);
});

test("a reader starts EMPTY without its short id, on invalid JSON, and serves all but an invalid item", async () => {
  await snapshot("broken", '{"routes":[');
  await snapshot(
    "partly",
    JSON.stringify({ routes: [{ id: "bad" }, { id: "r1", uri: "/r1", upstream: { nodes: world.nodes } }] }),
  );
  const start = (env: Record<string, string>) => world.gateway({ config: reader(store("reader")), env });
  const [nameless, broken, partly] = await Promise.all([start({}), start(short("broken")), start(short("partly"))]);
  expect(await Promise.all([nameless, broken, partly].map(({ url }) => status(`${url.http}/r1`)))).toEqual([
    404, 404, 200,
  ]);
});

test.for<[string, () => Promise<object>, env: Record<string, string>, RegExp]>([
  [
    "the resource object is missing",
    async () => store("reader"),
    short("missing"),
    /resource object "missing": NoSuchKey/,
  ],
  [
    "the config object is missing",
    async () => {
      await put({ bucket: "resources", key: "torn" }, "{}");
      return store("reader");
    },
    short("torn"),
    /config object "torn": NoSuchKey/,
  ],
  ["it may not read", async () => store("nobody"), short("edge"), /AccessDenied/],
  ["its secret is wrong", async () => store("reader", { secret_key: "wrong" }), short("edge"), /SignatureDoesNotMatch/],
  ["the store is down", async () => store("reader", { endpoint: "http://127.0.0.1:1" }), short("edge"), /ECONNREFUSED/],
  [
    "it is too old for path style",
    // by name: the SDK puts no bucket name before an IP address
    async () => store("reader", { endpoint: s3.endpoint.replace("127.0.0.1", "localhost") }),
    { ...short("edge"), SIM_VERSION: "3.9.12" },
    /failed to read the resource object/,
  ],
])("a reader does not start when %s", async ([, from, env, lastWords]) => {
  await snapshot("edge");
  const ended = await world.dying({ config: reader(await from()), env });
  expect(ended).toEqual({ code: 1, lastWords: expect.stringMatching(lastWords) });
});

test("on Azure too: what one exports another one serves; a missing blob ends the start", async () => {
  const writer = await world.gateway({ config: exporter(azureStore()), env: short("edge") });
  await until("an export", () => exports(writer) > 0);
  const gateway = await world.gateway({ config: reader(azureStore()), env: short("edge") });
  expect([await status(`${gateway.url.http}/r1`), await status(`${gateway.url.http}/r2/x`)]).toEqual([200, 200]);
  const ended = await world.dying({ config: reader(azureStore()), env: short("missing") });
  expect(ended).toEqual({ code: 1, lastWords: expect.stringMatching(/resource object "missing": .*404/) });
});
