/** Real servers that hang, die and come back, and real certificates. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeStore } from "../../operator/storage/factory.ts";
import type { StoreSettings } from "../../operator/storage/settings.ts";
import { type SnapshotStore, StorageError } from "../../operator/storage/store.ts";
import { startAzurite } from "../lab/azurite.ts";
import { type Authority, authority } from "../lab/certificates.ts";
import { type Server, temporaryFolder } from "../lab/process.ts";
import { grants, startS3Server } from "../lab/s3.ts";

const signal = new AbortController().signal;
const KEY = "7f3a91";
const LIMITS = { connectTimeoutMs: 2_000, silenceTimeoutMs: 500, callTimeoutMs: 5_000 };

interface Bench {
  process: Server;
  settings: StoreSettings;
  stop(): Promise<void>;
}

async function s3(): Promise<Bench> {
  const buckets = ["acme-a", "acme-b"];
  const server = await startS3Server({
    buckets,
    users: { operator: buckets.map((bucket) => grants.operator(bucket)) },
  });
  const { endpoint, region, keys } = server;
  const names = { resourceBucket: "acme-a", configBucket: "acme-b" };
  const settings = {
    type: "S3",
    endpoint,
    region,
    forcePathStyle: true,
    ...names,
    credentials: keys.operator,
  } as const;
  return { process: server.process, settings, stop: () => server.stop() };
}

async function azurite(): Promise<Bench> {
  const server = await startAzurite(["acme"], ["acme-a", "acme-b"]);
  const credentials = { accountKey: server.accountKey("acme") };
  const names = { resourceContainer: "acme-a", configContainer: "acme-b" };
  const endpoint = server.endpoint("acme");
  const settings = { type: "AzureBlob", accountName: "acme", endpoint, ...names, credentials } as const;
  return { process: server.process, settings, stop: () => server.stop() };
}

async function faultOf(call: Promise<unknown>): Promise<string> {
  const outcome = await call.then(
    () => "no fault",
    (error: unknown) => error,
  );
  return outcome instanceof StorageError ? outcome.fault : String(outcome);
}

describe.each([
  ["S3 server", s3],
  ["Azurite", azurite],
] as const)("%s", (_, start) => {
  let bench: Bench;
  let store: SnapshotStore;
  beforeAll(async () => {
    bench = await start();
    store = makeStore(bench.settings, LIMITS);
    await store.write("resource", KEY, Buffer.from("good"), {}, signal);
  });
  afterAll(async () => {
    store.close();
    await bench.stop();
  });
  const read = () => store.read("resource", KEY, {}, signal);

  test("that hangs is a Timeout, and is read again by the same store when it wakes", async () => {
    bench.process.freeze();
    try {
      expect(await faultOf(read())).toBe("Timeout");
      expect(await faultOf(store.write("resource", KEY, Buffer.from("late"), {}, signal))).toBe("Timeout");
    } finally {
      bench.process.resume();
    }
    expect(await read()).toMatchObject({ state: "found" });
  });

  test("that dies is Unavailable, never absent, and is reached again by the same store when it is back", async () => {
    await read(); // leaves an open connection behind, which the server's end breaks
    await bench.process.kill();
    expect(await faultOf(read())).toBe("Unavailable");
    expect(await faultOf(store.head("resource", KEY, signal))).toBe("Unavailable");
    expect(await faultOf(store.write("resource", KEY, Buffer.from("late"), {}, signal))).toBe("Unavailable");
    await bench.process.start();
    // Azurite lives in memory and comes back without its containers; an answer of its own is what counts here.
    expect(["no fault", "BucketMissing"]).toContain(await faultOf(read()));
  });
});

describe("S3 server", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await s3();
  });
  afterAll(() => bench.stop());

  test.for([
    [
      "another region",
      { region: "eu-west-1" },
      "WrongRegion",
      /in region us-east-1, not in eu-west-1; set the region to us-east-1$/,
    ],
    ["https where http is spoken", { endpoint: "https" }, "Unknown", /check whether the endpoint is http:/],
    ["a name that no bucket can have", { resourceBucket: "Not_A_Bucket" }, "BucketMissing", /InvalidBucketName/],
  ] as const)("refuses %s and says what to do", async ([, change, fault, words]) => {
    const { settings } = bench;
    if (settings.type !== "S3") throw new Error("not S3");
    const endpoint = "endpoint" in change ? settings.endpoint?.replace("http:", "https:") : settings.endpoint;
    const store = makeStore({ ...settings, ...change, ...(endpoint !== undefined && { endpoint }) }, LIMITS);
    const { resource } = await store.check(signal);
    store.close();
    if (resource.state !== "refused") throw new Error("it was accepted");
    expect([resource.error.fault, resource.error.message]).toEqual([fault, expect.stringMatching(words)]);
  });
});

describe("TLS", () => {
  const folder = temporaryFolder("storage-tls");
  let lab: Authority;
  const cleanUp: (() => void)[] = [];
  beforeAll(() => {
    lab = authority(folder.path);
  });
  afterEach(() => {
    for (const step of cleanUp.splice(0)) step();
  });
  afterAll(() => folder.remove());

  /** Answers like an empty S3 and an empty Azure at once: 404 in both their forms. */
  async function serve(name: string, hosts: string[], days?: number): Promise<string> {
    const { certPath, keyPath } = lab.issue({ name, commonName: name, hosts, ...(days !== undefined && { days }) });
    const server = createServer({ cert: readFileSync(certPath), key: readFileSync(keyPath) }, (request, response) => {
      const code = request.headers["x-ms-version"] === undefined ? "NoSuchKey" : "BlobNotFound";
      response.writeHead(404, { "x-ms-error-code": code, "content-type": "application/xml" });
      response.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`);
    });
    await new Promise<void>((done) => {
      server.listen(0, "127.0.0.1", () => done());
    });
    cleanUp.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function stores(endpoint: string, caBundle?: string): SnapshotStore[] {
    const trust = caBundle === undefined ? {} : { caBundle };
    const accountKey = Buffer.alloc(64, 1).toString("base64");
    const keys = { accessKeyId: "AKTEST", secretAccessKey: "test-secret" };
    const buckets = { resourceBucket: "acme-a", configBucket: "acme-b" };
    const containers = { resourceContainer: "acme-a", configContainer: "acme-b" };
    const both: StoreSettings[] = [
      { type: "S3", region: "us-east-1", endpoint, forcePathStyle: true, ...buckets, credentials: keys, ...trust },
      { type: "AzureBlob", accountName: "acme", endpoint, ...containers, credentials: { accountKey }, ...trust },
    ];
    return both.map((settings) => {
      const store = makeStore(settings, LIMITS);
      cleanUp.push(() => store.close());
      return store;
    });
  }

  test("a certificate of an authority in caBundle is trusted", async () => {
    const endpoint = await serve("good", ["127.0.0.1"]);
    for (const store of stores(endpoint, readFileSync(lab.caPath, "utf8"))) {
      expect(await store.read("resource", KEY, {}, signal)).toEqual({ state: "absent" });
    }
  });

  test.for([
    ["of an authority that nobody named", ["127.0.0.1"], undefined, false],
    ["for another host", ["storage.example"], undefined, true],
    ["that has ended", ["127.0.0.1"], -1, true],
  ] as const)("a certificate %s is TlsUntrusted", async ([name, hosts, days, named]) => {
    const endpoint = await serve(name.replaceAll(" ", "-"), [...hosts], days);
    for (const store of stores(endpoint, named ? readFileSync(lab.caPath, "utf8") : undefined)) {
      const error = await store.read("resource", KEY, {}, signal).catch((thrown: unknown) => thrown);
      if (!(error instanceof StorageError)) throw new Error("it was trusted");
      expect([error.fault, error.action]).toEqual(["TlsUntrusted", "tellUser"]);
      expect(error.message).toContain("tls.caBundleRef");
    }
  });
});
