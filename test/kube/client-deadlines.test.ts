/** No call outlasts its deadline, whatever it waits for. */
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemClock } from "../../operator/kube/clock.ts";
import { deployments, pods } from "../../operator/kube/resources.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { selfSigned } from "./certificates.ts";
import { cleanUp } from "./clean-up.ts";
import { bench, failure, seen } from "./client-bench.ts";
import { until } from "./fake-clock.ts";
import { fault } from "./stub-exchange.ts";
import { StubServer } from "./stub-server.ts";

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
