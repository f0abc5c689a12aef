/** One pool of connections: how many there are, when a call is sent once more, when pool or token are made anew. */
import { rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { deployments, pods } from "../../operator/kube/resources.ts";
import { selfSigned } from "./certificates.ts";
import { bench, echo, failure, seen } from "./client-bench.ts";
import { until } from "./fake-clock.ts";
import { type Exchange, fault } from "./stub-exchange.ts";

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
