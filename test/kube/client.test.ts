import { rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemClock } from "../../operator/kube/clock.ts";
import { KubeError } from "../../operator/kube/errors.ts";
import { configMaps, defineResource, deployments, namespaces, pods } from "../../operator/kube/resources.ts";
import { gateClosed, openGate, type WriteGate } from "../../operator/kube/write-gate.ts";
import { redact } from "../../operator/log.ts";
import { selfSigned } from "./certificates.ts";
import { FakeClock, settle, until } from "./fake-clock.ts";
import { type Exchange, type Fault, fault, statusBody } from "./stub-exchange.ts";
import { type StubOptions, StubServer } from "./stub-server.ts";

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const echo = (exchange: Exchange) =>
  exchange.json(200, { kind: "Pod", metadata: { name: "x", resourceVersion: "7" }, items: [] });

async function bench(options: Partial<StubOptions> & { gate?: WriteGate } = {}) {
  const clock = new FakeClock();
  const server = await StubServer.start({ answer: echo, ...options });
  const calls: string[] = [];
  const client = KubeClient.create({
    config: { from: "file", path: server.writeConfig() },
    gate: options.gate ?? openGate,
    clock,
    observer: {
      callEnded: (verb, resource, code, _ms, mutating) => calls.push(`${verb} ${resource} ${code} ${mutating}`),
    },
  });
  cleanUp.push(
    () => server.close(),
    () => client.close(),
  );
  return { clock, server, client, calls };
}

async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    (value) => new Error(`succeeded with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof KubeError) return error;
  throw error;
}

test("200 calls go over one TLS connection", async () => {
  const { client, server } = await bench({ tls: selfSigned() });
  for (let n = 0; n < 200; n += 1) await client.get(pods, "a", "b");
  expect(server.requests.length).toBe(200);
  expect(server.connections).toBe(1);
});

test("200 calls at once go over no more than 32 connections, an urgent one does not wait for them", async () => {
  const held: Exchange[] = [];
  const { client, server } = await bench({ answer: (exchange) => void held.push(exchange) });
  const calls = Array.from({ length: 200 }, () => client.get(pods, "a", "b"));
  await until("32 calls at the server", () => held.length === 32);
  const urgent = client.get(pods, "a", "urgent", { urgent: true });
  await until("the urgent call at the server", () => held.length === 33);
  expect(server.connections).toBe(33);
  const answerAll = setInterval(() => {
    for (const exchange of held.splice(0)) echo(exchange);
  }, 1);
  await Promise.all([...calls, urgent]).finally(() => clearInterval(answerAll));
  expect(server.connections).toBeLessThanOrEqual(34);
});

const seen = { namespace: "a", name: "b", resourceVersion: "5", uid: "u" };
const guarded = { name: "b", namespace: "a", resourceVersion: "5", uid: "u" };
const gateways = defineResource("holdfast.dev/v1alpha1", "GatewayGroup", "gatewaygroups");
test.for<[string, (client: KubeClient) => Promise<unknown>, string, string | undefined, unknown]>([
  ["get", (c) => c.get(pods, "a", "b"), "GET /api/v1/namespaces/a/pods/b", undefined, undefined],
  [
    "get of a cluster-scoped kind",
    (c) => c.get(namespaces, undefined, "b"),
    "GET /api/v1/namespaces/b",
    undefined,
    undefined,
  ],
  [
    "list of one page",
    (c) => c.list(pods, { namespace: "a", labelSelector: "x in (y,z)", limit: 500, continue: "t" }),
    "GET /api/v1/namespaces/a/pods?labelSelector=x in (y,z)&limit=500&continue=t",
    undefined,
    undefined,
  ],
  [
    "list of all namespaces",
    (c) => c.list(gateways),
    "GET /apis/holdfast.dev/v1alpha1/gatewaygroups",
    undefined,
    undefined,
  ],
  [
    "create",
    (c) => c.create(configMaps, { metadata: { name: "b", namespace: "a" }, data: { k: "v" } }, { dryRun: true }),
    "POST /api/v1/namespaces/a/configmaps?dryRun=All",
    "application/json",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "a" }, data: { k: "v" } },
  ],
  [
    "strict create",
    (c) => c.create(configMaps, { metadata: { name: "b", namespace: "a" } }, { strict: true, fieldManager: "m" }),
    "POST /api/v1/namespaces/a/configmaps?fieldManager=m&fieldValidation=Strict",
    "application/json",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "a" } },
  ],
  [
    "apply",
    (c) =>
      c.apply(
        deployments,
        { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "b", namespace: "a" } },
        { fieldManager: "holdfast", force: true, dryRun: true },
      ),
    "PATCH /apis/apps/v1/namespaces/a/deployments/b?dryRun=All&fieldManager=holdfast&force=true",
    "application/apply-patch+yaml",
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "b", namespace: "a" } },
  ],
  [
    "replaceStatus",
    (c) => c.replaceStatus(gateways, seen, { mode: "Normal" }),
    "PUT /apis/holdfast.dev/v1alpha1/namespaces/a/gatewaygroups/b/status",
    "application/json",
    { apiVersion: "holdfast.dev/v1alpha1", kind: "GatewayGroup", metadata: guarded, status: { mode: "Normal" } },
  ],
  [
    "getScale",
    (c) => c.getScale(deployments, "a", "b"),
    "GET /apis/apps/v1/namespaces/a/deployments/b/scale",
    undefined,
    undefined,
  ],
  [
    "updateScale",
    (c) => c.updateScale(deployments, seen, 3),
    "PUT /apis/apps/v1/namespaces/a/deployments/b/scale",
    "application/json",
    { apiVersion: "autoscaling/v1", kind: "Scale", metadata: guarded, spec: { replicas: 3 } },
  ],
  [
    "mergePatch",
    (c) => c.mergePatch(pods, seen, { metadata: { annotations: { x: null } } }),
    "PATCH /api/v1/namespaces/a/pods/b",
    "application/merge-patch+json",
    { metadata: { annotations: { x: null }, resourceVersion: "5", uid: "u" } },
  ],
  [
    "jsonPatch",
    (c) => c.jsonPatch(pods, seen, [{ op: "remove", path: "/x" }], { subresource: "status" }),
    "PATCH /api/v1/namespaces/a/pods/b/status",
    "application/json-patch+json",
    [
      { op: "replace", path: "/metadata/resourceVersion", value: "5" },
      { op: "replace", path: "/metadata/uid", value: "u" },
      { op: "remove", path: "/x" },
    ],
  ],
  [
    "delete",
    (c) =>
      c.delete(pods, "a", "b", {
        uid: "u",
        resourceVersion: "5",
        propagationPolicy: "Background",
        gracePeriodSeconds: 7,
      }),
    "DELETE /api/v1/namespaces/a/pods/b",
    "application/json",
    {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: "u", resourceVersion: "5" },
      propagationPolicy: "Background",
      gracePeriodSeconds: 7,
    },
  ],
])("on the wire: %s", async ([, call, line, contentType, body]) => {
  const { client, server } = await bench();
  await call(client);
  const [request] = server.requests;
  const query = Object.entries(request?.query ?? {}).map(([name, value]) => `${name}=${value}`);
  expect(`${request?.method} ${request?.path}${query.length > 0 ? `?${query.join("&")}` : ""}`).toBe(line);
  expect(request?.headers["content-type"]).toBe(contentType);
  expect(request?.body).toEqual(body);
  expect(request?.headers["accept-encoding"]).toBe("identity");
  expect(request?.headers.authorization).toBe("Bearer first-token");
});

test.for<[string, Fault, Partial<KubeError>]>([
  ["400", fault.status(400, "BadRequest"), { fault: "BadRequest", httpCode: 400 }],
  ["403", fault.status(403, "Forbidden"), { fault: "Forbidden" }],
  ["409 on an update", fault.status(409, "Conflict"), { fault: "Conflict" }],
  ["409 on a create", fault.status(409, "AlreadyExists"), { fault: "AlreadyExists" }],
  ["410", fault.status(410, "Expired"), { fault: "Gone" }],
  ["422", fault.status(422, "Invalid"), { fault: "Invalid" }],
  [
    "429 with Retry-After in seconds",
    fault.status(429, "TooManyRequests", {}, { "retry-after": "7" }),
    { fault: "TooManyRequests", retryAfterMs: 7_000 },
  ],
  [
    "429 with retryAfterSeconds in the Status",
    fault.status(429, "TooManyRequests", { retryAfterSeconds: 3 }),
    { fault: "TooManyRequests", retryAfterMs: 3_000 },
  ],
  [
    "429 with Retry-After as a date",
    fault.status(429, "TooManyRequests", {}, { "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" }),
    { fault: "TooManyRequests", retryAfterMs: 9_000 },
  ],
  ["500", fault.status(500, "InternalError"), { fault: "Unavailable", httpCode: 500 }],
  [
    "500 to an apply of a field that the schema does not know: the object is wrong, not the server",
    fault.json(500, {
      kind: "Status",
      message:
        "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.x: field not declared in schema",
      code: 500,
    }),
    { fault: "Invalid", httpCode: 500, message: expect.stringContaining(".spec.x: field not declared") },
  ],
  [
    "503 without a Status",
    fault.text(503, "apiserver not ready"),
    { fault: "Unavailable", message: "Cannot get Pod a/b: HTTP 503: apiserver not ready" },
  ],
  ["504", fault.status(504, "Timeout"), { fault: "Unavailable" }],
  ["404 of the kind", fault.status(404, "NotFound", {}), { fault: "ResourceMissing" }],
  ["404 of the path", fault.text(404, "404 page not found"), { fault: "ResourceMissing" }],
  [
    "an answer that is not JSON",
    fault.text(200, "<html>secret-page"),
    { fault: "Undecodable", message: "Cannot get Pod a/b: the answer of 17 characters is not JSON" },
  ],
])("an answer is a fault: %s", async ([, act, expected]) => {
  const { client, server } = await bench();
  server.next("any", act);
  expect(await failure(client.get(pods, "a", "b"))).toMatchObject(expected);
});

test("only a Status that names the object says that it does not exist", async () => {
  const { client, server } = await bench();
  server.next("any", fault.status(404, "NotFound", { name: "b", kind: "pods" }));
  expect(await client.get(pods, "a", "b")).toBeUndefined();
  server.next("any", fault.status(404, "NotFound", { name: "b", kind: "deployments" }));
  expect(await client.getScale(deployments, "a", "b")).toBeUndefined();
});

test("a write waits longer than a server waits for a webhook: 12 s", async () => {
  const { client, server, clock } = await bench();
  server.next("any", fault.hang);
  const failing = failure(
    client.create(pods, { metadata: { namespace: "a", name: "b" } } as never, { fieldManager: "x" }),
  );
  await until("the request at the server", () => server.requests.length === 1);
  await clock.advance(11_999);
  expect(clock.armed).toBe(1);
  await clock.advance(1);
  expect(await failing).toMatchObject({ fault: "Timeout", message: expect.stringContaining("within 12000 ms") });
});

test("a silent server is given up after 10 s, and nothing is left armed", async () => {
  const { client, server, clock } = await bench();
  server.next("any", fault.hang);
  const failing = failure(client.get(pods, "a", "b"));
  await until("the request at the server", () => server.requests.length === 1);
  await clock.advance(9_999);
  expect(clock.armed).toBe(1);
  await clock.advance(1);
  expect(await failing).toMatchObject({ fault: "Timeout", message: "Cannot get Pod a/b: no answer within 10000 ms" });
  expect(clock.armed).toBe(0);
});

test("an answer that begins and never ends is given up, too", async () => {
  const { client, server, clock } = await bench();
  server.next("any", fault.lines('{"kind":"Pod",'));
  const failing = failure(client.get(pods, "a", "b", { timeoutMs: 2_000 }));
  await until("the request at the server", () => server.requests.length === 1);
  await clock.advance(2_000);
  expect((await failing).fault).toBe("Timeout");
});

test("a server that accepts connections and never completes TLS is given up at the deadline, the write unsent", async () => {
  const { client, server, clock } = await bench({ tls: selfSigned() });
  const { port } = server;
  await server.stop();
  const sockets: Socket[] = [];
  const deaf = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => deaf.listen(port, "127.0.0.1", resolve));
  cleanUp.push(() => new Promise((resolve) => deaf.close(() => resolve())));
  cleanUp.push(async () => sockets.forEach((socket) => void socket.destroy()));
  const failing = failure(client.updateScale(deployments, seen, 1, { timeoutMs: 2_000 }));
  await until("the connection", () => sockets.length === 1);
  await clock.advance(2_000);
  const late = new Promise<string>((resolve) => setTimeout(resolve, 5_000, "still waiting")); // undici's own limit: 10 s
  expect(await Promise.race([failing.then((error) => error.fault), late])).toBe("Timeout");
});

test("waiting for a free slot counts towards the deadline", async () => {
  const { client, server, clock } = await bench({ answer: () => undefined });
  const held = Array.from({ length: 32 }, () => failure(client.get(pods, "a", "b")));
  await until("32 calls at the server", () => server.requests.length === 32);
  const failing = failure(client.get(pods, "a", "b", { timeoutMs: 2_000 }));
  await clock.advance(2_000);
  expect((await failing).fault).toBe("Timeout");
  await clock.advance(8_000);
  expect((await Promise.all(held)).map((error) => error.fault)).toEqual(Array(32).fill("Timeout"));
  expect(server.requests.length).toBe(32);
});

test("a caller who gives up gets Aborted at once", async () => {
  const { client, server } = await bench();
  server.next("any", fault.hang);
  const giveUp = new AbortController();
  const failing = failure(client.get(pods, "a", "b", { signal: giveUp.signal }));
  await until("the request at the server", () => server.requests.length === 1);
  giveUp.abort();
  expect((await failing).fault).toBe("Aborted");
});

test("a read that ran into a closed connection is sent once more, a write never", async () => {
  const { client, server } = await bench();
  server.next("any", fault.reset);
  expect(await client.get(pods, "a", "b")).toBeDefined();
  expect(server.requests.length).toBe(2);
  server.next("any", fault.reset, fault.reset);
  expect((await failure(client.get(pods, "a", "b"))).fault).toBe("Network");
  expect(server.requests.length).toBe(4);
  server.next("any", fault.reset);
  expect((await failure(client.updateScale(deployments, seen, 3))).fault).toBe("Network");
  expect(server.requests.length).toBe(5);
});

test("nobody listens: Network, with the system's word for it", async () => {
  const { client, server } = await bench();
  await server.stop();
  const error = await failure(client.get(pods, "a", "b"));
  expect(error.fault).toBe("Network");
  expect(error.message).toContain("ECONNREFUSED");
});

test("after a 401 the token is read again and the call sent once more", async () => {
  const { client, server, calls } = await bench();
  await client.get(pods, "a", "b");
  server.writeConfig("second-token");
  server.next("any", fault.status(401, "Unauthorized"));
  await client.get(pods, "a", "b");
  expect(server.requests.map((request) => request.headers.authorization)).toEqual([
    "Bearer first-token",
    "Bearer first-token",
    "Bearer second-token",
  ]);
  server.next("any", fault.status(401, "Unauthorized"), fault.status(401, "Unauthorized"));
  expect((await failure(client.get(pods, "a", "b"))).fault).toBe("Unauthorized");
  expect(calls).toEqual(["get pods 200 false", "get pods 200 false", "get pods 401 false"]);
});

test("a token file that is missing for a moment fails calls, not the process, and heals", async () => {
  const { client, server } = await bench();
  rmSync(server.tokenFile);
  expect((await failure(client.get(pods, "a", "b"))).fault).toBe("Credentials");
  expect((await failure(client.get(pods, "a", "b"))).fault).toBe("Credentials");
  expect(server.requests.length).toBe(0);
  writeFileSync(server.tokenFile, "back");
  await client.get(pods, "a", "b");
  expect(server.requests[0]?.headers.authorization).toBe("Bearer back");
});

test("certificates are read again: the pool is rebuilt when they changed, and only then", async () => {
  const [good, other] = [selfSigned(), selfSigned()];
  const { client, server, clock } = await bench({ tls: good });
  await client.get(pods, "a", "b");
  await clock.advance(10_001);
  await client.get(pods, "a", "b");
  expect(server.connections).toBe(1);
  server.writeConfig("first-token", other.ca);
  await clock.advance(10_001);
  expect((await failure(client.get(pods, "a", "b"))).message).toMatch(/self-signed/);
  server.writeConfig("first-token", good.ca);
  await clock.advance(10_001);
  await client.get(pods, "a", "b");
  await until("only the new pool's connection left", () => server.openConnections === 1);
});

test("neither token nor answer of the server appears in an error", async () => {
  const { client, server } = await bench();
  server.next("any", fault.text(200, '{"data":{"password":"aHVudGVyMg=="'));
  const undecodable = await failure(client.get(pods, "a", "b"));
  server.next("any", fault.reset, fault.reset);
  const network = await failure(client.get(pods, "a", "b"));
  for (const error of [undecodable, network]) {
    const shown = JSON.stringify(redact(error, true)) + String(error.stack) + String(error.cause);
    expect(shown).not.toContain("first-token");
    expect(shown).not.toContain("aHVudGVyMg");
  }
});

function switchGate() {
  let open = true;
  const inFlight = new AbortController();
  const gate: WriteGate = {
    isOpen: () => open,
    enter: (what) => {
      if (!open) throw gateClosed(what, "closed by the test");
      return inFlight.signal;
    },
  };
  /** `aborts` false: closed by its clock, and the timer that aborts has not fired yet. */
  const close = (aborts: boolean) => {
    open = false;
    if (aborts) inFlight.abort();
  };
  return { gate, close };
}

test("a closed gate lets reads pass and sends no write", async () => {
  const { gate, close } = switchGate();
  const { client, server, calls } = await bench({ gate });
  close(true);
  await client.get(pods, "a", "b");
  const writes = [
    client.create(pods, { metadata: { name: "b", namespace: "a" } }),
    client.apply(
      deployments,
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "b", namespace: "a" } },
      { fieldManager: "f" },
    ),
    client.replaceStatus(gateways, seen, {}),
    client.updateScale(deployments, seen, 1),
    client.mergePatch(pods, seen, {}),
    client.jsonPatch(pods, seen, []),
    client.delete(pods, "a", "b", { uid: "u" }),
  ];
  for (const write of writes) expect((await failure(write)).fault).toBe("GateClosed");
  expect(server.requests.length).toBe(1);
  expect(calls.filter((call) => call.endsWith("true")).length).toBe(7);
});

test("a gate that closes cuts off the write under way", async () => {
  const { gate, close } = switchGate();
  const { client, server } = await bench({ gate });
  server.next("any", fault.hang);
  const failing = failure(client.updateScale(deployments, seen, 1));
  await until("the write at the server", () => server.requests.length === 1);
  close(true);
  expect((await failing).fault).toBe("GateClosed");
  await until("the connection cut", () => server.openConnections === 0);
});

test("a write that waited for a connection is not sent when the gate closed meanwhile, before any timer fired", async () => {
  const { gate, close } = switchGate();
  const { client, server, clock } = await bench({ gate, tls: selfSigned() });
  server.next("any", fault.hang);
  const held = failure(client.get(pods, "a", "held")); // keeps the one connection busy: a write needs a second
  await until("the held call at the server", () => server.requests.length === 1);
  const failing = failure(client.updateScale(deployments, seen, 1));
  await Promise.resolve();
  close(false);
  expect((await failing).fault).toBe("GateClosed");
  await until("the second connection", () => server.connections === 2);
  await settle();
  expect(server.requests.length).toBe(1);
  await clock.advance(10_000);
  await held;
});

test("withGate shares the connections and not the gate", async () => {
  const { gate, close } = switchGate();
  const { client, server } = await bench({ gate });
  close(true);
  await client.withGate(openGate).updateScale(deployments, seen, 1);
  await client.get(pods, "a", "b");
  expect(server.connections).toBe(1);
});

test("the system clock's deadlines are real", async () => {
  const server = await StubServer.start({ answer: () => undefined });
  const client = KubeClient.create({
    config: { from: "file", path: server.writeConfig() },
    gate: openGate,
    clock: systemClock,
  });
  cleanUp.push(
    () => server.close(),
    () => client.close(),
  );
  expect((await failure(client.get(pods, "a", "b", { timeoutMs: 50 }))).fault).toBe("Timeout");
});

test("a Status body of the stub is one to the client", async () => {
  const { client, server } = await bench();
  server.next("any", fault.json(409, statusBody(409, "Conflict", "the object has been modified")));
  const error = await failure(client.updateScale(deployments, seen, 1));
  expect(error.message).toBe("Cannot updateScale Deployment a/b: HTTP 409: the object has been modified");
  expect(error.status?.reason).toBe("Conflict");
});
