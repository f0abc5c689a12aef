import http from "node:http";
import net, { type AddressInfo, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type LoadOptions, type LoadSummary, startLoad } from "./load.ts";

const servers: (http.Server | Server)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    if (server instanceof http.Server) server.closeAllConnections();
  }
});

async function listen(server: http.Server | Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
const answering = (listener: http.RequestListener) => listen(http.createServer({ keepAliveTimeout: 60_000 }, listener));
async function run(url: string, options: Partial<LoadOptions> = {}, ms = 500): Promise<LoadSummary> {
  const load = startLoad({ url, rate: 100, connections: 4, timeoutMs: 300, ...options });
  await sleep(ms);
  return load.stop();
}

test("what is answered as expected is ok, told by pod, and the share of fresh connections is kept", async () => {
  const sockets = new Set<unknown>();
  const url = await answering((request, response) => {
    sockets.add(request.socket);
    response.setHeader("server-pod", "pod-1").end("hello");
  });
  const summary = await run(url, { freshShare: 0.5 });
  expect(summary.failed).toBe(0);
  expect(summary.ok).toBe(summary.sent);
  expect(summary.ok).toBeGreaterThan(20);
  expect(summary.pods).toEqual({ "pod-1": summary.ok });
  // Half of the requests brought a connection each, the others shared four at most.
  expect(sockets.size).toBeGreaterThanOrEqual(Math.floor(summary.ok / 2));
  expect(sockets.size).toBeLessThanOrEqual(Math.ceil(summary.ok / 2) + 4);
  expect(summary.latencyMs.p50).toBeGreaterThan(0);
  expect(summary.latencyMs.p99).toBeLessThanOrEqual(summary.latencyMs.max);
});

test("two URLs are taken in turn", async () => {
  const paths: string[] = [];
  const url = await answering((request, response) => {
    paths.push(request.url ?? "");
    response.end();
  });
  await run(url, { url: [`${url}a`, `${url}b`] });
  expect(new Set(paths)).toEqual(new Set(["/a", "/b"]));
});

test.for<[string, () => Promise<string>, keyof LoadSummary["failures"]]>([
  ["another status", () => answering((_request, response) => void response.writeHead(404).end()), "status"],
  ["nobody listens", async () => "http://127.0.0.1:1/", "refused"],
  ["no answer in time", () => answering(() => undefined), "timeout"],
  ["an answer that never ends", () => answering((_request, response) => void response.write("begin")), "timeout"],
  [
    "an answer that is cut short",
    () =>
      answering((_request, response) => {
        response.writeHead(200, { "content-length": 100 }).write("begin", () => response.destroy());
      }),
    "reset",
  ],
  [
    "a new connection that is closed without an answer",
    () => listen(net.createServer((socket) => socket.resume().once("data", () => socket.destroy()))),
    "reset",
  ],
])("failure: %s", async ([, serve, kind]) => {
  const summary = await run(await serve(), { freshShare: 1 });
  expect(summary.sent).toBeGreaterThan(20);
  expect(summary.failures).toEqual({ [kind]: summary.sent });
  expect(summary.failed).toBe(summary.sent);
  expect(summary.examples[0]).toMatchObject({ kind, at: summary.firstFailureAt });
});

/** Answers the first request of a connection and closes it, without a byte, when the second one arrives. */
function closingOnReuse(afterMs: number): Promise<string> {
  return listen(
    net.createServer((socket) => {
      let requests = 0;
      socket.on("error", () => undefined);
      socket.on("data", () => {
        requests += 1;
        if (requests === 1)
          socket.write("HTTP/1.1 200 OK\r\nserver-pod: pod-1\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
        else setTimeout(() => socket.destroy(), afterMs);
      });
    }),
  );
}

test("a connection that closes as it is used again is counted apart, neither ok nor failed", async () => {
  const summary = await run(await closingOnReuse(0), { freshShare: 0 });
  expect(summary.staleConnection).toBeGreaterThan(10);
  expect(summary.failed).toBe(0);
  expect(summary.ok + summary.staleConnection).toBe(summary.sent);
  expect(summary.stale).toHaveLength(summary.staleConnection);
  expect(new Set(summary.stale.map(({ pod }) => pod)), "who had answered on it").toEqual(new Set(["pod-1"]));
});

test("so is one that went straight to a request that waited for it", async () => {
  let open = 0;
  const url = await listen(
    net.createServer((socket) => {
      open += 1;
      let requests = 0;
      socket.on("error", () => undefined);
      socket.on("data", () => {
        requests += 1;
        const answer = "HTTP/1.1 200 OK\r\nserver-pod: pod-1\r\ncontent-length: 0\r\n\r\n";
        // Slower than requests come: from the second on, each waits for the one connection to be free.
        if (requests < 3) setTimeout(() => socket.write(answer), 30);
        else socket.destroy();
      });
    }),
  );
  const summary = await run(url, { freshShare: 0, connections: 1, timeoutMs: 5_000 }, 2_000);
  expect(open, "connections were closed, and others opened").toBeGreaterThan(3);
  expect(summary.staleConnection).toBeGreaterThan(3);
  expect(summary.failures).toEqual({});
});

test("with resendStale the request is sent once more, and that outcome counts", async () => {
  const summary = await run(await closingOnReuse(0), { freshShare: 0, resendStale: true });
  expect(summary.staleConnection).toBeGreaterThan(10);
  expect(summary.ok).toBe(summary.sent);
});

test("a server that held the request before it closed was not idle: a failure", async () => {
  const summary = await run(await closingOnReuse(600), { freshShare: 0, connections: 32, timeoutMs: 3_000 });
  expect(summary.staleConnection).toBe(0);
  expect(summary.failures.reset).toBeGreaterThan(5);
  expect(summary.failedPods, "a kept connection names its pod").toEqual({ "pod-1": summary.failed });
});

test("a failure on a connection of its own names nobody, unless an answer did", async () => {
  const refused = await run("http://127.0.0.1:1/", { freshShare: 1 });
  expect([refused.failed > 0, refused.failedPods]).toEqual([true, {}]);
  const url = await answering((_request, response) => void response.writeHead(404, { "server-pod": "pod-2" }).end());
  const empty = await run(url, { freshShare: 1 });
  expect(empty.failedPods).toEqual({ "pod-2": empty.failed });
});

test("a second is told as it passes", async () => {
  const url = await answering((_request, response) => void response.end());
  const seconds: number[] = [];
  const summary = await run(url, { onSecond: ({ ok }) => seconds.push(ok) }, 2_300);
  expect(seconds).toHaveLength(2);
  expect(seconds.reduce((sum, ok) => sum + ok, 0)).toBeLessThanOrEqual(summary.ok);
  expect(Math.min(...seconds)).toBeGreaterThan(0);
});
