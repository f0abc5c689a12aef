import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import { RoleKeys } from "../../../operator/observe/cluster/role-keys.ts";
import type { Content } from "../../../operator/observe/cluster/secrets.ts";
import { StorageReader } from "../../../operator/observe/store/storage.ts";
import { StorePool } from "../../../operator/observe/store/stores.ts";
import { Sessions } from "../../../operator/session.ts";
import type { StoreSettings } from "../../../operator/storage/settings.ts";
import type { SnapshotStore } from "../../../operator/storage/store.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import { neverCalled } from "../never.ts";
import { caches, type Loose, storage } from "../objects.ts";

const keysOf = (id: string): Content => ({
  seen: "present",
  resourceVersion: "1",
  data: { accessKeyId: id, secretAccessKey: "abc" },
});
const KEYS = keysOf("AKIA");

function world(objects: Loose[] = [storage()], askKeys: (settings: StoreSettings) => SnapshotStore = neverCalled) {
  const clock = new FakeClock();
  const server = new MemoryStorage(() => new Date(clock.wallMs()));
  const made: StoreSettings[] = [];
  const sessions = new Sessions();
  const pool = new StorePool((settings) => {
    made.push(settings);
    return server.store();
  }, sessions);
  const woken: string[] = [];
  let keys: Content = KEYS;
  let ca: Content = { seen: "absent" };
  const contents = {
    secret: async (_namespace: string, name: string) => (name === "keys" ? keys : keysOf(name)),
    configMap: async () => ca,
  };
  const reader = new StorageReader({
    sessions,
    onBug: neverCalled,
    clock,
    caches: caches({ storages: objects }),
    contents: contents as never,
    pool,
    // With one Secret for all roles no other keys are asked about.
    roleKeys: new RoleKeys({
      sessions,
      onBug: neverCalled,
      clock,
      make: askKeys,
      wake: (key) => void woken.push(key),
    }),
    wake: (key) => void woken.push(key),
  });
  const read = () => reader.read("gw", "store");
  return {
    clock,
    server,
    made,
    woken,
    reader,
    sessions,
    read,
    say: (next: Content) => (keys = next),
    trust: (next: Content) => (ca = next),
  };
}

test("a storage that can be used", async () => {
  const { clock, read, made, woken } = world();
  expect((await read()).access).toBe("pending");
  await clock.advance(0);
  const seen = await read();
  expect(seen.facts).toMatchObject({ seen: "present", name: "store" });
  expect(seen.facts).not.toHaveProperty("fault");
  expect(seen.access).toEqual({ problems: [] });
  expect(made).toEqual([expect.objectContaining({ type: "S3", forcePathStyle: false, resourceBucket: "res" })]);
  expect(woken).toEqual(["gw/store"]);
});

test.for([
  ["it does not exist", [], KEYS, { seen: "absent", name: "store" }],
  ["it cannot be read", [storage("store", (s) => (s.type = "Tape"))], KEYS, { seen: "unknown" }],
  ["its Secret is missing", [storage()], { seen: "absent" }, { fault: { reason: "StorageSecretMissing" } }],
  [
    "its Secret cannot be read",
    [storage()],
    { seen: "unknown", why: "403" },
    { fault: { reason: "StorageUnavailable" } },
  ],
  [
    "a key in it is missing",
    [storage()],
    { seen: "present", resourceVersion: "1", data: { accessKeyId: "AKIA" } },
    { fault: { reason: "StorageSecretMissing" } },
  ],
] as const)("%s", async ([, objects, keys, expected]) => {
  const { read, say } = world([...objects]);
  say(keys as Content);
  const seen = await read();
  expect(seen.facts).toMatchObject(expected);
  expect(seen.store).toBeUndefined();
  expect(seen.access).toBe("notAsked");
});

test("a Secret that cannot be read for a moment keeps the store that is open", async () => {
  const { clock, read, say, made } = world();
  await read();
  await clock.advance(0);
  say({ seen: "unknown", why: "timeout" });
  expect((await read()).store).toBeDefined();
  expect(made).toHaveLength(1);
});

test("new keys open a new store, and it is checked anew", async () => {
  const { clock, read, say, made } = world();
  await read();
  await clock.advance(0);
  say({ ...KEYS, data: { accessKeyId: "AKIB", secretAccessKey: "def" } } as Content);
  expect((await read()).access).toBe("pending");
  expect(made).toHaveLength(2);
});

test("access is checked again and again, and a change wakes", async () => {
  const { clock, server, read, woken } = world();
  await read();
  await clock.advance(0);
  server.failWith("AccessDenied");
  await clock.advance(70_000);
  expect(woken).toHaveLength(2);
  const field = expect.stringMatching(/FallbackStorage "store", Secret ".+" of spec\.operator\.credentials/);
  expect((await read()).facts).toMatchObject({ fault: { reason: "StorageDenied", field } });
  server.failWith(undefined);
  await clock.advance(70_000);
  expect((await read()).facts).not.toHaveProperty("fault");
});

const PEM = `${rootCertificates[0]}\n`;
const BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const bundle = (pem: string): Content => ({ seen: "present", resourceVersion: "1", data: { "ca.crt": pem } });
const withCA = () => [storage("store", (s) => (s.tls = { caBundleRef: { name: "ca" } }))];
test("a CA bundle that is not there is told, and nothing is asked without it", async () => {
  const { read, made, trust } = world(withCA());
  expect((await read()).caProblem).toMatchObject({ reason: "StorageMisconfigured", field: "spec.tls.caBundleRef" });
  expect(made).toEqual([]);
  trust(bundle(PEM));
  expect(await read()).not.toHaveProperty("caProblem");
  expect(made).toEqual([expect.objectContaining({ caBundle: PEM })]);
});

test.for([
  ["it holds no certificate in PEM form", "hello"],
  ["certificate 1 of 2 in it cannot be read, so neither it nor any after it is trusted", `${BROKEN}${PEM}`],
])(
  "a CA bundle of which nothing can be trusted is told as such, and nothing is asked with it: %s",
  async ([says, pem = ""]) => {
    const { read, made, trust } = world(withCA());
    trust(bundle(pem));
    const { caProblem, facts, access } = await read();
    expect(caProblem).toMatchObject({ reason: "StorageMisconfigured", field: "spec.tls.caBundleRef" });
    expect(caProblem?.message).toContain(`ConfigMap "ca", key ca.crt: ${says}`);
    expect(caProblem?.message).toMatch(
      /: put the certificate of the authority that signed the store's there, in PEM form$/,
    );
    expect(facts).toMatchObject({ fault: caProblem });
    expect([access, made]).toEqual(["notAsked", []]);
  },
);

test("a CA bundle that can be read in part is told at the storage, and used", async () => {
  const { clock, read, made, trust } = world(withCA());
  trust(bundle(`${PEM}${BROKEN}`));
  await read();
  await clock.advance(0);
  const { caProblem, facts, access } = await read();
  expect(caProblem?.message).toContain('ConfigMap "ca", key ca.crt: certificate 2 of 2 in it cannot be read');
  expect([access, made.length]).toEqual([{ problems: [] }, 1]);
  expect(facts).not.toHaveProperty("fault");
});

const UNREADABLE: Content = { seen: "unknown", why: "Cannot get ConfigMap gw/ca: Timeout" };
test("a CA bundle that cannot be read for a moment is told, and keeps the store that is open", async () => {
  const { clock, read, made, trust } = world(withCA());
  trust(bundle(PEM));
  await read();
  await clock.advance(0);
  trust(UNREADABLE);
  const { store, access, caProblem, facts } = await read();
  expect([store !== undefined, made.length, access]).toEqual([true, 1, { problems: [] }]);
  expect(caProblem).toMatchObject({ reason: "StorageUnavailable", message: "Cannot get ConfigMap gw/ca: Timeout" });
  expect(facts).not.toHaveProperty("fault");
});

const withReader = () =>
  storage("store", (s) => (s.reader = { credentials: { type: "SecretKeys", secretRef: { name: "reader" } } }));
test("the first word of the reader's keys is waited for as that of the store is: nothing is Proven in between", async () => {
  const server = new MemoryStorage();
  const answer = Promise.withResolvers<void>();
  const stranger = server.store({ known: false });
  const check = (signal: AbortSignal) => answer.promise.then(() => stranger.check(signal));
  const { clock, read } = world([withReader()], () => Object.assign(Object.create(stranger), { check }));
  await read();
  await clock.advance(0);
  expect((await read()).access).toBe("pending");
  answer.resolve();
  await clock.advance(0);
  const { access, secrets } = await read();
  expect([access, secrets.reader]).toMatchObject([{ problems: [] }, { problem: { reason: "StorageDenied" } }]);
});

test("a store that says nothing of them is not waited for for ever", async () => {
  const hanging = Object.assign(new MemoryStorage().store(), { check: () => new Promise<never>(() => {}) });
  const { clock, read } = world([withReader()], () => hanging);
  await read();
  await clock.advance(5_999);
  expect((await read()).access).toBe("pending");
  await clock.advance(1);
  const { access, secrets } = await read();
  expect([access, "problem" in secrets.reader]).toEqual([{ problems: [] }, false]);
});

test("a storage that is gone is asked no more", async () => {
  const { clock, read, sessions } = world();
  await read();
  await clock.advance(0);
  sessions.drop("gw/store");
  expect(clock.armed).toBe(0);
});
