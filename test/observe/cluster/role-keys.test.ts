import { expect, test } from "vitest";
import { FallbackStorageSpec, STORAGE_ROLES, type StorageRole } from "../../../operator/api/fallback-storage.ts";
import { RoleKeys } from "../../../operator/observe/cluster/role-keys.ts";
import type { Content } from "../../../operator/observe/cluster/secrets.ts";
import { readStorageSecret } from "../../../operator/observe/store/stores.ts";
import { Sessions } from "../../../operator/session.ts";
import type { S3Settings, StoreSettings } from "../../../operator/storage/settings.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import { neverCalled } from "../never.ts";
import { type Loose, storage } from "../objects.ts";

const credentials = (name: string) => ({ credentials: { type: "SecretKeys", secretRef: { name } } });
const SPEC = FallbackStorageSpec.parse({
  ...storage("store").spec,
  writer: credentials("w"),
  reader: credentials("r"),
  operator: credentials("o"),
});
const content = (accessKeyId: string): Content => ({
  seen: "present",
  resourceVersion: "1",
  data: { accessKeyId, secretAccessKey: `secret-of-${accessKeyId}` },
});

/** A server that knows some access keys; only the operator's may list. */
function world(known: string[]) {
  const clock = new FakeClock();
  const server = new MemoryStorage(() => new Date(clock.wallMs()));
  const asked: string[] = [];
  const closed: string[] = [];
  const woken: string[] = [];
  const keys: Record<StorageRole, Content> = { writer: content("W"), reader: content("R"), operator: content("O") };
  const make = (settings: StoreSettings) => {
    const { accessKeyId } = (settings as S3Settings).credentials;
    asked.push(accessKeyId);
    const store = server.store({ known: known.includes(accessKeyId), list: accessKeyId === "O" });
    return Object.assign(store, { close: () => void closed.push(accessKeyId) });
  };
  const sessions = new Sessions();
  const roleKeys = new RoleKeys({
    sessions,
    clock,
    make,
    wake: (key) => void woken.push(key),
    onBug: neverCalled,
  });
  const look = (spec = SPEC) => {
    const secrets = STORAGE_ROLES.map((role) => [role, readStorageSecret(spec, role, keys[role])]);
    const judged = roleKeys.judge("gw/store", spec, keys, Object.fromEntries(secrets), undefined);
    return STORAGE_ROLES.flatMap((role) => {
      const secret = judged[role];
      return secret.seen !== "absent" && secret.problem ? [secret.problem] : [];
    });
  };
  return { clock, server, asked, closed, woken, keys, known, look, roleKeys, sessions };
}

test("keys that the store knows are asked about every ten minutes, and need no right to list", async () => {
  const { clock, asked, closed, look } = world(["W", "R", "O"]);
  expect(look()).toEqual([]);
  await clock.advance(0);
  expect(look()).toEqual([]);
  await clock.advance(599_999);
  expect(look()).toEqual([]);
  expect(asked.sort()).toEqual(["R", "W"]);
  await clock.advance(1);
  expect(look()).toEqual([]);
  expect(asked.sort()).toEqual(["R", "R", "W", "W"]);
  expect(closed.sort()).toEqual(asked);
});

test("keys that were known and are revoked in the store are told, and known again by themselves", async () => {
  const { clock, look, known, woken, asked } = world(["W", "R", "O"]);
  look();
  await clock.advance(0);
  known.splice(known.indexOf("R"), 1);
  woken.length = 0;
  await clock.advance(600_000);
  expect(look()).toMatchObject([{ reason: "StorageDenied", field: "FallbackStorage spec.reader.credentials" }]);
  expect(woken).toEqual(["gw/store"]);
  known.push("R");
  await clock.advance(60_000);
  expect(look()).toEqual([]);
  expect(woken).toHaveLength(2);
  asked.length = 0;
  await clock.advance(599_999);
  expect(asked, "and asked about seldom again").toEqual(["W"]);
});

test.for(["Unavailable", "Timeout", "Throttled", "ClockSkew", "BucketMissing", "Unknown"] as const)(
  "what was known of keys stays known while the store says %s",
  async (fault) => {
    const { clock, server, look } = world(["R", "O"]);
    look();
    await clock.advance(0);
    const before = look();
    server.failWith(fault);
    await clock.advance(1_200_000);
    expect(look()).toEqual(before);
    expect(before).toMatchObject([{ field: "FallbackStorage spec.writer.credentials" }]);
  },
);

test.for([
  ["writer", ["R", "O"], "w"],
  ["reader", ["W", "O"], "r"],
] as const)("a %s's keys that it does not know are told by Secret and field", async ([role, known, secret]) => {
  const { clock, woken, look } = world([...known]);
  look();
  await clock.advance(0);
  const [problem, ...others] = look();
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ reason: "StorageDenied", field: `FallbackStorage spec.${role}.credentials` });
  expect(problem?.message).toMatch(
    new RegExp(`^Secret "${secret}": the store refuses the ${role}'s keys\\. Cannot list `),
  );
  expect(problem?.message).not.toContain("secret-of");
  expect(new Set(woken)).toEqual(new Set(["gw/store"]));
});

test("it is asked again until they are right, in the Secret or in the store", async () => {
  const { clock, look, keys, known, asked } = world(["R", "O"]);
  look();
  await clock.advance(0);
  expect(look()).toHaveLength(1);
  known.push("W"); // a new key takes a moment to be known everywhere
  await clock.advance(70_000);
  expect(look()).toEqual([]);
  keys.writer = content("X");
  look();
  await clock.advance(0);
  expect(look()).toHaveLength(1);
  keys.writer = content("W");
  look();
  await clock.advance(0);
  expect(look()).toEqual([]);
  expect(asked.filter((key) => key === "R")).toHaveLength(1);
});

test("a store that does not answer says nothing of the keys, and is asked again", async () => {
  const { clock, server, look, known } = world(["R", "O"]);
  server.failWith("Unavailable");
  look();
  await clock.advance(0);
  expect(look()).toEqual([]);
  server.failWith(undefined);
  await clock.advance(70_000);
  expect(look()).toHaveLength(1);
  expect(known).toEqual(["R", "O"]);
});

test("one Secret for all roles is the operator's to check", async () => {
  const { clock, keys, asked, look } = world([]);
  Object.assign(keys, { writer: content("O"), reader: content("O") });
  look();
  await clock.advance(70_000);
  expect(look()).toEqual([]);
  expect(asked).toEqual([]);
});

test("a Secret that cannot be read for a moment takes back nothing, one that is gone does", async () => {
  const { clock, keys, look, asked } = world(["R", "O"]);
  look();
  await clock.advance(0);
  keys.writer = { seen: "unknown", why: "timeout" };
  expect(look(), "told on").toHaveLength(1);
  keys.writer = content("W");
  expect(look(), "still known to be refused").toHaveLength(1);
  keys.writer = { seen: "absent" };
  look();
  await clock.advance(70_000);
  expect(asked.filter((key) => key === "W")).toHaveLength(1);
});

test.for<[string, (spec: Loose) => void]>([
  ["another Secret", (spec) => (spec.writer.credentials.secretRef.name = "w2")],
  ["another place", (spec) => (spec.s3.region = "eu-west-2")],
])("what is known is not said of %s, while the Secret cannot be read", async ([, change]) => {
  const { clock, keys, look, asked } = world(["R", "O"]);
  look();
  await clock.advance(0);
  expect(look()).toHaveLength(1);
  keys.writer = { seen: "unknown", why: "timeout" };
  const spec = structuredClone(SPEC);
  change(spec);
  expect(look(spec)).toEqual([]);
  asked.length = 0;
  await clock.advance(70_000);
  expect(asked).not.toContain("W");
});

test("a storage that is gone is asked nothing more", async () => {
  const { clock, look, asked, sessions } = world(["O"]);
  look();
  await clock.advance(0);
  sessions.drop("gw/store");
  await clock.advance(600_000);
  expect(asked).toHaveLength(2);
});
