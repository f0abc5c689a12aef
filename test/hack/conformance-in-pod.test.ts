/** What a conformance run has inside of its namespace: relay, store, asker; on loopback, with real TLS. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, Watch } from "../../hack/conform/in-pod/asker.mts";
import { Relay } from "../../hack/conform/in-pod/relay.mts";
import { Store } from "../../hack/conform/in-pod/store.mts";
import { authority } from "../lab/certificates.ts";
import { freePort } from "../lab/ports.ts";
import { temporaryFolder } from "../lab/process.ts";

const folder = temporaryFolder("conformance");
const signer = authority(folder.path);
const pem = ({ certPath, keyPath }: { certPath: string; keyPath: string }) => ({
  cert: readFileSync(certPath, "utf8"),
  key: readFileSync(keyPath, "utf8"),
});
const ca = readFileSync(signer.caPath, "utf8");
const server = pem(signer.issue({ name: "server", commonName: "cp", hosts: ["localhost"] }));
const client = pem(signer.issue({ name: "client", commonName: "gateway" }));

/** A control plane that says who asked: it takes the client certificate alone. */
const controlPlane = createServer(
  { ...server, ca, requestCert: true, rejectUnauthorized: true },
  (incoming, answer) => {
    incoming.resume();
    incoming.on("end", () => answer.end(JSON.stringify({ path: incoming.url, count: "3" })));
  },
);
let relay: Relay;
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => controlPlane.listen(0, "127.0.0.1", resolve));
  const { port: behind } = controlPlane.address() as AddressInfo;
  relay = new Relay(server, { endpoint: `https://localhost:${behind}`, ...client, ca });
  port = await freePort();
});
afterAll(async () => {
  await relay.set(port, "cut");
  controlPlane.closeAllConnections();
  controlPlane.close();
  folder.remove();
});

function asGateway(path: string, body?: string, tls: object = client): Promise<number | string> {
  return new Promise((resolve) => {
    const method = body === undefined ? "GET" : "POST";
    const outgoing = request({ host: "localhost", port, path, method, ca, agent: false, ...tls }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
    outgoing.end(body);
  });
}

test("the relay hands requests on with the client certificate, and notes who asked what with which one", async () => {
  await relay.set(port, "open");
  expect(await asGateway("/version")).toBe(200);
  expect(await asGateway("/api/dataplane/heartbeat", '{"running_mode":"backup"}', {})).toBe(200);
  const { fingerprint256 } = new X509Certificate(client.cert);
  expect(relay.rows.map(({ path, certificate, runningMode }) => [path, certificate, runningMode])).toEqual([
    ["/version", fingerprint256, undefined],
    ["/api/dataplane/heartbeat", "", "backup"],
  ]);
  expect(await relay.version()).toBe(200);
  expect(await relay.count("/apisix/routes")).toBe(3);
});

test.for<["readsFail" | "heartbeatsRefused" | "cut" | "open", (number | string)[]]>([
  ["readsFail", [200, 503, 200]],
  ["heartbeatsRefused", [200, 200, 403]],
  ["cut", ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]],
  ["open", [200, 200, 200]],
])("the relay: %s", async ([mode, answers]) => {
  await relay.set(port, mode);
  const asked = [asGateway("/version"), asGateway("/v3/kv/range", "{}"), asGateway("/api/dataplane/heartbeat", "{}")];
  expect(await Promise.all(asked)).toEqual(answers);
});

test("the store speaks S3 with the SDK, lets nobody else in, and notes each request", async () => {
  const store = new Store("KEY");
  const storePort = await freePort();
  await store.listen(storePort);
  const as = (accessKeyId: string) =>
    new S3Client({
      region: "us-east-1",
      endpoint: `http://127.0.0.1:${storePort}`,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey: "x" },
    });
  const object = { Bucket: "resources", Key: "edge-raw" };
  await as("KEY").send(new PutObjectCommand({ ...object, Body: '{"routes":[]}' }));
  expect(store.get("resources", "edge-raw")).toBe('{"routes":[]}');
  const answer = await as("KEY").send(new GetObjectCommand(object));
  expect(await answer.Body?.transformToString()).toBe('{"routes":[]}');
  await expect(as("KEY").send(new GetObjectCommand({ ...object, Key: "none" }))).rejects.toThrow(/NoSuchKey/);
  await expect(as("OTHER").send(new GetObjectCommand(object))).rejects.toThrow(/AccessDenied/);
  expect(await ask({ url: `http://127.0.0.1:${storePort}/resources/edge-raw` })).toMatchObject({ status: 403 });
  expect(store.rows.map(({ method, key, status }) => `${method} ${key} ${status}`)).toEqual([
    ...["PUT edge-raw 200", "GET edge-raw 200", "GET none 404", "GET edge-raw 403", "GET edge-raw 403"],
  ]);
});

test("a watch writes the same answer again and again as one row", async () => {
  const nobody = await freePort();
  const watch = new Watch({ url: `http://127.0.0.1:${nobody}/`, timeoutMs: 500 }, 1);
  for (let waited = 0; (watch.rows[0]?.count ?? 0) < 3 && waited < 200; waited += 1) await sleep(25);
  watch.stop();
  expect(watch.rows.map(({ status }) => status)).toEqual(["ECONNREFUSED"]);
});
