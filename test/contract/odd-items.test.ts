/**
 * One odd item must not cost the group its proof: exporter, store, inspection, reader and `choose --rehearse` as processes, with
 * 24 routes of which a normal gateway loads 23 and a reader 21.
 */
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { inspectSnapshot } from "../../operator/gateway/api7/snapshot.ts";
import type { SnapshotReport } from "../../operator/gateway/api7/snapshot-report.ts";
import { buildChoose, startPod } from "../choose-run.ts";
import { Stubs } from "../gateway/api7/control-plane-stub.ts";
import { grants, type S3Server, startS3Server } from "../lab/s3.ts";
import { startWorld, until, type World } from "../simulator/world.ts";

const buckets = ["resources", "configs"] as const;
const stubs = new Stubs();
let world: World;
let s3: S3Server<"exporter" | "reader">;
let bundle: string;

beforeAll(async () => {
  const forEach = (grant: typeof grants.readOnly) => buckets.map((bucket) => grant(bucket));
  bundle = buildChoose(stubs);
  [world, s3] = await Promise.all([
    startWorld(),
    startS3Server<"exporter" | "reader">({
      buckets: [...buckets],
      users: { exporter: forEach(grants.writeOnly), reader: forEach(grants.readOnly) },
    }),
  ]);
}, 60_000);
beforeEach(() => world.reset());
afterAll(() => Promise.all([world?.stop(), s3?.stop(), stubs[Symbol.asyncDispose]()]));

const store = (user: "exporter" | "reader") => ({
  aws_s3: {
    region: s3.region,
    endpoint: s3.endpoint,
    use_path_style: true,
    resource_bucket: "resources",
    config_bucket: "configs",
    access_key: s3.keys[user].accessKeyId,
    secret_key: s3.keys[user].secretAccessKey,
  },
});
const reader = () => ({
  deployment: {
    role: "data_plane",
    role_data_plane: { config_provider: "json" },
    fallback_cp: { mode: "read", ...store("reader") },
  },
  nginx_config: { worker_processes: 1 },
});
const KEY = { API7_GATEWAY_GROUP_SHORT_ID: "edge-raw" };

const get = async (Bucket: string): Promise<string> => {
  const answer = await s3.client(s3.admin).send(new GetObjectCommand({ Bucket, Key: "edge-raw" }));
  return (await answer.Body?.transformToString()) ?? "";
};

/** What the control plane holds, as exported and as Holdfast reads it. */
async function exported(routes: number): Promise<SnapshotReport> {
  const config = world.normal({ deployment: { fallback_cp: { mode: "write", interval: 1, ...store("exporter") } } });
  const gateway = await world.gateway({ config, env: KEY });
  const count = async () => (JSON.parse(await get("resources").catch(() => "{}")) as { routes?: [] }).routes?.length;
  await until("an export", async () => (await count()) === routes);
  await gateway.stop("SIGTERM");
  return inspectSnapshot(await get("resources"), await get("configs"));
}

/** The termination message of a rehearsal beside that gateway. */
async function rehearsed(controlAPI: string, { counts, items }: SnapshotReport) {
  const env = {
    HOLDFAST_CONTROL_API: controlAPI,
    HOLDFAST_EXPECTED_COUNTS: JSON.stringify(counts),
    HOLDFAST_EXPECTED_ITEMS: items ?? "",
    HOLDFAST_REHEARSAL_SECONDS: "2",
  };
  const { message, exitCode, output } = await startPod(stubs, bundle, { files: {}, env, args: ["--rehearse"] }).ended;
  return { message, exitCode, bytes: Buffer.byteLength(output.trim()) };
}

const odd = (id: string, plugins: object) => ({ id, uri: `/${id}`, upstream_id: "u1", plugins });
const variable = `costs $${"{{price}}"}`;

test("a reader drops two items that a normal gateway serves, and one that none does: each is named", async () => {
  await world.controlPlane.seed({ routes: 21, nodes: world.nodes, catchAll: false });
  await world.controlPlane.put({
    routes: [
      odd("not-enabled-1", { "my-plugin": {} }),
      odd("not-enabled-2", { "my-plugin": {} }),
      odd("not-valid", { "limit-count": { count: "many" } }),
    ],
  });
  const report = await exported(24);
  expect(report.counts).toMatchObject({ routes: 24 });
  expect(report.warnings.map(({ reason, kind, id }) => `${reason} ${kind}/${id}`)).toEqual([
    "PluginNotListed routes/not-enabled-1",
    "PluginNotListed routes/not-enabled-2",
  ]);
  const normal = await world.gateway({ config: world.normal() });
  const fromSnapshot = await world.gateway({ config: reader(), env: KEY });
  expect((await rehearsed(normal.url.control ?? "", report)).message).toMatchObject({
    seen: { routes: 23 },
    missing: ["routes/not-valid"],
    more: 0,
  });
  const { message, exitCode } = await rehearsed(fromSnapshot.url.control ?? "", report);
  expect([exitCode, message]).toMatchObject([
    1,
    {
      loaded: false,
      why: "FewerThanExpected",
      seen: { routes: 21 },
      missing: ["routes/not-enabled-1", "routes/not-enabled-2", "routes/not-valid"],
      more: 0,
    },
  ]);
});

test("one variable that is not set: the whole snapshot is refused, and the item is named before", async () => {
  await world.controlPlane.put({ routes: [odd("template", { "response-rewrite": { body: variable } })] });
  const report = await exported(4);
  expect(report.warnings[0]).toMatchObject({
    reason: "VariableInSnapshot",
    kind: "routes",
    id: "template",
    path: "plugins.response-rewrite.body",
  });
  // Listed as the plugins of this gateway are: else the item alone would be dropped.
  const resources = JSON.parse(await get("resources")) as { plugins: object[] };
  resources.plugins.push({ name: "response-rewrite" });
  const Body = JSON.stringify(resources);
  await s3.client(s3.admin).send(new PutObjectCommand({ Bucket: "resources", Key: "edge-raw", Body }));
  const unset = await world.gateway({ config: reader(), env: KEY });
  expect((await rehearsed(unset.url.control ?? "", report)).message).toMatchObject({ seen: { routes: 0 } });
  const set = await world.gateway({ config: reader(), env: { ...KEY, price: "nothing" } });
  expect((await rehearsed(set.url.control ?? "", report)).message).toMatchObject({ loaded: true });
});

test("of thirty missing items twenty are named, within the limit of a termination message", async () => {
  const long = (n: number) => odd(`3f2504e0-4f89-11d3-9a0c-03052c33${1000 + n}`, { "my-plugin": {} });
  await world.controlPlane.put({ routes: Array.from({ length: 30 }, (_, n) => long(n)) });
  const report = await exported(33);
  const fromSnapshot = await world.gateway({ config: reader(), env: KEY });
  const { message, bytes } = await rehearsed(fromSnapshot.url.control ?? "", report);
  expect([message?.["more"], bytes < 4_096]).toEqual([10, true]);
  expect(message?.["missing"]).toHaveLength(20);
});
