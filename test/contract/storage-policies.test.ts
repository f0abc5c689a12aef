/** The three policies of docs/storage.md, as people copy them, on a real S3 server: enough for each role, and no more. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { COPY_LIMITS_MS, copySnapshot } from "../../operator/act/copy-snapshot.ts";
import { storeKey } from "../../operator/api/names.ts";
import type { PairName } from "../../operator/domain/plan.ts";
import { moment } from "../../operator/kube/clock.ts";
import { LeaseGate } from "../../operator/kube/lease-gate.ts";
import { makeStore } from "../../operator/storage/factory.ts";
import type { SnapshotStore } from "../../operator/storage/store.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import { type S3Server, startS3Server } from "../lab/s3.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/storage.md"), "utf8");
const ROLES = ["exporter", "reader", "operator"] as const;
type Role = (typeof ROLES)[number];
const BUCKETS = { resource: "team-gw-resources", config: "team-gw-config" };
const SHORT_ID = "c0ffee";
const GENERATION = storeKey.generation(SHORT_ID, "good");
const KEYS = [storeKey.raw(SHORT_ID), storeKey.candidate(SHORT_ID), storeKey.verified(SHORT_ID), GENERATION] as const;
const [RAW, CANDIDATE, VERIFIED] = KEYS;
const OTHER_GROUP = "a11ce5";
const OWNER = storeKey.owner(SHORT_ID);

/** One right of one role: what can be left out of a policy. */
type Right = [role: Role, action: string, resource: string];

/** Out of the page: the first block of JSON after the role's name, with the buckets and the short id of a user. */
function documented(role: Role): Right[] {
  const title = `**${role[0]!.toUpperCase()}${role.slice(1)}**`;
  const block = PAGE.split(title)[1]?.split("```json\n")[1]?.split("```")[0] ?? "nothing";
  const own = block
    .replaceAll("acme-gw-resources", BUCKETS.resource)
    .replaceAll("acme-gw-config", BUCKETS.config)
    .replaceAll("7f3a91", SHORT_ID);
  const { Statement } = JSON.parse(own) as { Statement: Record<string, string | string[]>[] };
  return Statement.flatMap(({ Effect, Action, Resource, ...rest }) => {
    expect([Effect, rest]).toEqual(["Allow", {}]); // a condition would be lost on the way to this server
    return [Action!].flat().flatMap((action) => [Resource!].flat().map((resource): Right => [role, action, resource]));
  });
}

const RIGHTS = ROLES.flatMap(documented);
let server: S3Server<Role>;
const stores = {} as Record<Role, SnapshotStore>;
const { signal } = new AbortController();

/** This server knows policies of buckets, not of users: each right becomes a statement with its user as principal. */
async function grant(rights: readonly Right[]): Promise<void> {
  const owner = server.client(server.admin);
  for (const bucket of Object.values(BUCKETS)) {
    const own = rights.filter(([, , resource]) => /^arn:aws:s3:::([^/]+)/.exec(resource)?.[1] === bucket);
    const Statement = own.map(([role, Action, Resource]) => {
      return { Effect: "Allow", Principal: { AWS: [server.keys[role].accessKeyId] }, Action, Resource };
    });
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }
  owner.destroy();
}

beforeAll(async () => {
  const users = { exporter: [], reader: [], operator: [] };
  server = await startS3Server<Role>({ buckets: Object.values(BUCKETS), users });
  const { region, endpoint } = server;
  const where = { region, endpoint, resourceBucket: BUCKETS.resource, configBucket: BUCKETS.config };
  for (const role of ROLES)
    stores[role] = makeStore({ type: "S3", forcePathStyle: true, ...where, credentials: server.keys[role] });
  await grant(RIGHTS);
});
afterAll(async () => {
  for (const role of ROLES) stores[role]?.close();
  await server?.stop();
});
beforeEach(async () => {
  const owner = server.client(server.admin);
  for (const Bucket of Object.values(BUCKETS)) {
    for (const Key of [...KEYS, OTHER_GROUP, OWNER])
      await owner.send(new PutObjectCommand({ Bucket, Key, Body: "{}" }));
    // The first copies find nothing under their keys: what S3 answers then depends on the rights, too.
    for (const Key of [CANDIDATE, VERIFIED, GENERATION, OWNER])
      await owner.send(new DeleteObjectCommand({ Bucket, Key }));
  }
  owner.destroy();
});

async function copy(from: PairName, to: Exclude<PairName, "raw">): Promise<unknown> {
  const clock = new FakeClock();
  const gate = new LeaseGate(clock, 8_000);
  gate.renewed(moment(clock));
  const digestOf = async () => "good";
  const deps = { store: stores.operator, shortID: SHORT_ID, digestOf, clock, gate, limitsMs: COPY_LIMITS_MS.inDoubt };
  return copySnapshot(
    { ...deps, halfWritten: () => {}, rolledBack: () => {} },
    { do: "copySnapshot", from, to, digest: "good", why: "" },
    signal,
  );
}

const COPIES = [
  ["raw", "candidate"],
  ["candidate", "verified"],
  ["verified", "generation"],
  ["generation", "verified"],
] as const;
let serial = 0;
/** The exporter has written something else. */
async function rewrite(key: string | undefined): Promise<void> {
  if (key === undefined) return;
  serial += 1;
  const owner = server.client(server.admin);
  for (const Bucket of Object.values(BUCKETS))
    await owner.send(new PutObjectCommand({ Bucket, Key: key, Body: `{"serial":${serial}}` }));
  owner.destroy();
}

const both = (run: (which: "resource" | "config") => Promise<unknown>) => Promise.all([run("resource"), run("config")]);

/** All that each role does to the store, by the code that does it. Whatever is refused throws, or is another word. */
const WORK: Record<Role, () => Promise<unknown>> = {
  exporter: () => both((which) => stores.exporter.write(which, RAW, Buffer.from("{}"), {}, signal)),
  reader: async () => {
    await copy("raw", "candidate");
    await copy("candidate", "verified");
    const found = [CANDIDATE, VERIFIED].map((key) => both((which) => stores.reader.read(which, key, {}, signal)));
    expect((await Promise.all(found)).flat()).toMatchObject(Array(4).fill({ state: "found" }));
  },
  operator: async () => {
    const { resource, config } = await stores.operator.check(signal);
    expect([resource.state, config.state]).toEqual(["reachable", "reachable"]);
    for (const key of [CANDIDATE, VERIFIED])
      expect(await both((which) => stores.operator.head(which, key, signal))).toEqual(
        Array(2).fill({ state: "absent" }),
      );
    await stores.operator.write("resource", OWNER, Buffer.from("{}"), { ifNoneMatch: "*" }, signal);
    expect(await stores.operator.read("resource", OWNER, {}, signal)).toMatchObject({ state: "found" });
    // Twice: where nothing is (If-None-Match), and over what is there (If-Match).
    for (const _ of [1, 2])
      for (const [from, to] of COPIES) {
        // Other bytes than before, or nothing would be written.
        await rewrite(from === "raw" ? RAW : undefined);
        expect([from, to, await copy(from, to)]).toEqual([from, to, "done"]);
      }
    for (const key of [RAW, CANDIDATE, VERIFIED, GENERATION]) {
      const seen = await both((which) => stores.operator.head(which, key, signal));
      const read = await both((which) => stores.operator.read(which, key, {}, signal));
      expect([...seen, ...read]).toMatchObject(Array(4).fill({ state: "found" }));
    }
    expect(await both((which) => stores.operator.list(which, storeKey.generation(SHORT_ID, ""), signal))).toMatchObject(
      Array(2).fill([{ key: GENERATION }]),
    );
    await both((which) => stores.operator.remove(which, GENERATION, signal));
  },
};

test("the page names rights of three roles, and no wildcard among them but for kept copies", () => {
  expect(ROLES.map((role) => RIGHTS.filter(([of]) => of === role).length)).toEqual([2, 4, 20]);
  for (const [, action, resource] of RIGHTS) expect(`${action} ${resource}`.replace("-gen-*", "")).not.toContain("*");
});

test.for(ROLES)("%s: the page's policy is enough for all that it does", async (role) => {
  await WORK[role]();
});

test.for(RIGHTS)("%s: without %s on %s it is not enough", async (right) => {
  await grant(RIGHTS.filter((other) => other !== right));
  try {
    await expect(WORK[right[0]]()).rejects.toThrow();
  } finally {
    await grant(RIGHTS);
  }
});

const CALLS = {
  "s3:GetObject": (Bucket: string, Key: string) => new GetObjectCommand({ Bucket, Key }),
  "s3:PutObject": (Bucket: string, Key: string) => new PutObjectCommand({ Bucket, Key, Body: "{}" }),
  "s3:DeleteObject": (Bucket: string, Key: string) => new DeleteObjectCommand({ Bucket, Key }),
};

test.for(ROLES)("%s: what the page does not grant is refused, key by key", async (role) => {
  for (const [from, to] of COPIES) await copy(from, to);
  await stores.operator.write("resource", OWNER, Buffer.from("{}"), {}, signal);
  const client = server.client(server.keys[role]);
  const answer = (call: object) =>
    client.send(call as GetObjectCommand).then(
      () => "done",
      (error: Error) => error.name,
    );
  const wanted: Record<string, string> = {};
  const seen: Record<string, string> = {};
  const ask = async (action: string, resource: string, call: object) => {
    const granted = RIGHTS.some(
      (right) => right.join() === [role, action, resource].join().replace("-gen-good", "-gen-*"),
    );
    wanted[`${action} ${resource}`] = granted ? "done" : "AccessDenied";
    seen[`${action} ${resource}`] = await answer(call);
  };
  for (const bucket of Object.values(BUCKETS)) {
    const arn = `arn:aws:s3:::${bucket}`;
    for (const [action, call] of Object.entries(CALLS))
      for (const key of [...KEYS, OTHER_GROUP, OWNER]) await ask(action, `${arn}/${key}`, call(bucket, key));
    await ask("s3:ListBucket", arn, new ListObjectsV2Command({ Bucket: bucket }));
  }
  client.destroy();
  expect(seen).toEqual(wanted);
});
