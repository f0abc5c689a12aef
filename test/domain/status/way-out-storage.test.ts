/** Every sentence with which a storage, its Secrets and its keys are refused, as a group tells it. */
import { test } from "vitest";
import { FallbackStorageSpec, type StorageRole } from "../../../operator/api/fallback-storage.ts";
import { RoleKeys } from "../../../operator/observe/cluster/role-keys.ts";
import { StorageReader } from "../../../operator/observe/store/storage.ts";
import { readStorageSecret, StorePool } from "../../../operator/observe/store/stores.ts";
import { Sessions } from "../../../operator/session.ts";
import { FAULT_ACTION, type StorageFault } from "../../../operator/storage/faults.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { neverCalled } from "../../observe/never.ts";
import { caches, storage } from "../../observe/objects.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import type { Loose } from "../deciding.ts";
import { tells } from "./way-out.ts";

const secretRef = { credentials: { type: "SecretKeys", secretRef: { name: "keys" } } };
const S3 = { ...storage("eu").spec, writer: secretRef, reader: secretRef, operator: secretRef };
const AZURE = {
  type: "AzureBlob",
  azureBlob: { accountName: "acme", resourceContainer: "res", configContainer: "cfg" },
};
const SPECS: Loose = { S3, AzureBlob: { ...AZURE, ...secretRef } };

const [id, secret] = ["AKIA", "abcdefgh"];
const KEYS: [what: string, type: "S3" | "AzureBlob", data: Record<string, string>, value: string][] = [
  ["no key at all", "S3", {}, '"accessKeyId" or "AWS_ACCESS_KEY_ID"'],
  ["a key that is missing", "S3", { accessKeyId: id }, '"secretAccessKey" or "AWS_SECRET_ACCESS_KEY"'],
  ["an empty key", "S3", { accessKeyId: "", secretAccessKey: secret }, '"accessKeyId"'],
  [
    "two that differ",
    "S3",
    { accessKeyId: id, AWS_ACCESS_KEY_ID: "B", secretAccessKey: secret },
    '"AWS_ACCESS_KEY_ID"',
  ],
  ["a line break", "S3", { accessKeyId: `${id}\n`, secretAccessKey: secret }, '"accessKeyId"'],
  ["a blank", "S3", { accessKeyId: `${id} x`, secretAccessKey: secret }, '"accessKeyId"'],
  ["a variable", "S3", { accessKeyId: id, secretAccessKey: `x$${"{{HOME}}"}` }, '"secretAccessKey"'],
  ["a session token", "S3", { accessKeyId: id, secretAccessKey: secret, sessionToken: "t" }, '"sessionToken"'],
  ["no key at all", "AzureBlob", {}, '"accountKey" or "AZURE_STORAGE_KEY"'],
  ["an empty key", "AzureBlob", { accountKey: "" }, '"accountKey"'],
  ["no base64", "AzureBlob", { accountKey: "a b" }, '"accountKey"'],
  ["another thing", "AzureBlob", { accountKey: "AccountKey=abc;" }, '"accountKey"'],
];
const HANDED_ON = ["writer", "reader"] as const;
const ofRole = (role: StorageRole) => `FallbackStorage spec.${role}.credentials of "eu": `;

test.for(HANDED_ON)("the Secret of the %s is missing", (role) => {
  tells((f) => (f.secrets[role] = { seen: "absent", name: "keys" }), ofRole(role), 'Secret "keys"');
});

test.for(KEYS)("a Secret with storage keys: %s, %s", async ([, type, data, value]) => {
  const spec = FallbackStorageSpec.parse(SPECS[type]);
  for (const role of HANDED_ON) {
    const read = readStorageSecret(spec, role, { seen: "present", resourceVersion: "1", data });
    tells((f) => (f.secrets[role] = read), ofRole(role), 'Secret "keys"', value);
  }
  tells(await storageSaying({ type, data }), ofRole("operator"), 'Secret "keys"', value);
});

/** What the reader of storages makes of one, with these keys in its Secret and this answer of its server. */
async function storageSaying(it: {
  type?: "S3" | "AzureBlob";
  data?: Record<string, string>;
  fault?: StorageFault;
  ca?: string;
}) {
  const clock = new FakeClock();
  const server = new MemoryStorage();
  server.failWith(it.fault);
  const common = { clock, onBug: neverCalled, wake: () => {} };
  const spec = { ...SPECS[it.type ?? "S3"], ...(it.ca === undefined ? {} : { tls: { caBundleRef: { name: "ca" } } }) };
  const content = (data: object | undefined) =>
    data ? { seen: "present", resourceVersion: "1", data } : { seen: "absent" };
  const reader = new StorageReader({
    sessions: new Sessions(),
    ...common,
    caches: caches({ storages: [storage("eu", (s) => Object.assign(s, spec))] }),
    contents: {
      secret: async () => content(it.data),
      configMap: async () => content(it.ca === "" ? undefined : { "ca.crt": it.ca }),
    } as never,
    pool: new StorePool(() => server.store(), new Sessions()),
    roleKeys: new RoleKeys({ sessions: new Sessions(), ...common, make: neverCalled }),
  });
  await reader.read("gw", "eu");
  await clock.advance(0);
  const { facts } = await reader.read("gw", "eu");
  reader.stop();
  return (f: Loose) => (f.storage = { ...f.storage, ...facts, spec: f.storage.spec });
}

const whole = { accessKeyId: id, secretAccessKey: secret };
test("Holdfast's own Secret is missing", async () =>
  tells(await storageSaying({}), ofRole("operator"), 'Secret "keys"'));

const FAULTS = (Object.keys(FAULT_ACTION) as StorageFault[]).filter((fault) => FAULT_ACTION[fault] === "tellUser");
test.for(FAULTS)("the store says %s", async (fault) => {
  tells(
    await storageSaying({ data: whole, fault }),
    /FallbackStorage "eu", (?:spec\.s3|Secret "keys" of spec\.)/,
    '"resource"',
  );
});

test.for(["", "hello"])("a CA bundle that is missing, or none: %o", async (ca) => {
  tells(await storageSaying({ data: whole, ca }), 'FallbackStorage spec.tls.caBundleRef of "eu": ', 'ConfigMap "ca"');
});

test.for(HANDED_ON)("the store refuses the keys of the %s", async (role) => {
  const clock = new FakeClock();
  const store = new MemoryStorage().store({ known: false });
  const keys = new RoleKeys({ sessions: new Sessions(), clock, make: () => store, wake: () => {}, onBug: neverCalled });
  const spec = FallbackStorageSpec.parse(S3);
  const seen = { seen: "present", resourceVersion: "1", data: whole } as const;
  const contents = { writer: seen, reader: seen, operator: { seen: "absent" } } as const;
  const facts = (of: StorageRole) => readStorageSecret(spec, of, contents[of]);
  const look = () =>
    keys.judge(
      "gw/eu",
      spec,
      contents,
      { writer: facts("writer"), reader: facts("reader"), operator: facts("operator") },
      undefined,
    );
  look();
  await clock.advance(0);
  tells((f) => (f.secrets[role] = look()[role]), ofRole(role), 'Secret "keys"');
  keys.stop();
});
