/** The same four people at three stores: in memory, on a real S3 server, on Azurite. */
import { makeStore } from "../../operator/storage/factory.ts";
import type { AzureBlobSettings, S3Settings } from "../../operator/storage/settings.ts";
import type { SnapshotStore } from "../../operator/storage/store.ts";
import { startAzurite } from "../lab/azurite.ts";
import { grants, startS3Server } from "../lab/s3.ts";
import { MemoryStorage } from "../storage/memory-storage.ts";

/** What no error may hold, in any form of it. */
export type Secrets = string[];

export interface Bench {
  /** May do everything. */
  operator: SnapshotStore;
  /** Reads, and cannot list; undefined where the server knows no rights. */
  reader?: SnapshotStore;
  /** Writes, and cannot read; undefined where the server knows no rights. */
  writer?: SnapshotStore;
  /** Genuine name, another secret. */
  wrongSecret: SnapshotStore;
  /** Keys or account that the server has never seen. */
  stranger: SnapshotStore;
  /** Its resource bucket does not exist, its config bucket does. */
  halfMissing: SnapshotStore;
  /** What messages must name: the resource bucket and the server. */
  resourceName: string;
  where: string;
  secrets: Secrets;
  close(): Promise<void>;
}

const MISSING = "acme-gw-nowhere";
const RESOURCE = "acme-gw-resources";
const CONFIG = "acme-gw-config";

async function memory(): Promise<Bench> {
  const server = new MemoryStorage();
  const half = new MemoryStorage();
  half.removeBucket("resource");
  return {
    operator: server.store(),
    reader: server.store({ write: false, list: false }),
    writer: server.store({ read: false, list: false }),
    wrongSecret: server.store({ known: false }),
    stranger: server.store({ known: false }),
    halfMissing: half.store(),
    resourceName: "resource",
    where: "memory",
    secrets: [],
    close: async () => undefined,
  };
}

async function s3(): Promise<Bench> {
  const server = await startS3Server({
    buckets: [RESOURCE, CONFIG],
    users: {
      operator: [grants.operator(RESOURCE), grants.operator(CONFIG)],
      reader: [grants.readOnly(RESOURCE), grants.readOnly(CONFIG)],
      writer: [grants.writeOnly(RESOURCE), grants.writeOnly(CONFIG)],
    },
  });
  const base: Omit<S3Settings, "credentials"> = {
    type: "S3",
    region: server.region,
    endpoint: server.endpoint,
    forcePathStyle: true,
    resourceBucket: RESOURCE,
    configBucket: CONFIG,
  };
  const { operator, reader, writer } = server.keys;
  const wrongSecret = { ...operator, secretAccessKey: "wrong-half-of-the-pair" };
  const stranger = { accessKeyId: "AKNOBODYKNOWS", secretAccessKey: "a-strangers-secret" };
  return {
    operator: makeStore({ ...base, credentials: operator }),
    reader: makeStore({ ...base, credentials: reader }),
    writer: makeStore({ ...base, credentials: writer }),
    wrongSecret: makeStore({ ...base, credentials: wrongSecret }),
    stranger: makeStore({ ...base, credentials: stranger }),
    // The owner of the server: others are refused before anybody looks whether the bucket is there.
    halfMissing: makeStore({ ...base, resourceBucket: MISSING, credentials: server.admin }),
    resourceName: RESOURCE,
    where: server.endpoint,
    secrets: [operator, reader, writer, wrongSecret, stranger].map((keys) => keys.secretAccessKey),
    close: () => server.stop(),
  };
}

async function azurite(): Promise<Bench> {
  const server = await startAzurite(["acmegw", "other"], [RESOURCE, CONFIG]);
  const endpoint = server.endpoint("acmegw");
  const accountKey = server.accountKey("acmegw");
  const otherKey = server.accountKey("other");
  const base: AzureBlobSettings = {
    type: "AzureBlob",
    accountName: "acmegw",
    endpoint,
    resourceContainer: RESOURCE,
    configContainer: CONFIG,
    credentials: { accountKey },
  };
  const strangerKey = Buffer.alloc(64, 7).toString("base64");
  return {
    operator: makeStore(base),
    wrongSecret: makeStore({ ...base, credentials: { accountKey: otherKey } }),
    stranger: makeStore({ ...base, accountName: "nobody", credentials: { accountKey: strangerKey } }),
    halfMissing: makeStore({ ...base, resourceContainer: MISSING }),
    resourceName: RESOURCE,
    where: endpoint,
    secrets: [accountKey, otherKey, strangerKey],
    close: () => server.stop(),
  };
}

export const benches = { memory, "S3 server": s3, Azurite: azurite } as const;
