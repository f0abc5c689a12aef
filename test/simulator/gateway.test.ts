/** The gateway as processes on loopback, serving a file: what it does with connections, workers, signals and its file. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GatewayProcess, runGatewayToItsEnd, startGateway } from "./processes.ts";
import { startUpstream } from "./upstream.ts";

let upstream: Awaited<ReturnType<typeof startUpstream>>;
const running: GatewayProcess[] = [];

beforeEach(async () => {
  upstream = await startUpstream({ name: "echo", port: 0, ip: "127.0.0.1" });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((gateway) => gateway.stop("SIGTERM")));
  upstream.close();
});

const config = {
  deployment: { role: "data_plane", role_data_plane: { config_provider: "json" } },
  nginx_config: { worker_processes: 2 },
  apisix: { status: { ip: "127.0.0.1", port: 7085 } },
  api7ee: { status_endpoint: { enabled: true } },
};
const oneRoute = () =>
  JSON.stringify({ routes: [{ id: "1", uri: "/*", upstream: { nodes: { [`127.0.0.1:${upstream.port}`]: 1 } } }] });

async function gateway(resources: string | undefined, env: Record<string, string> = {}): Promise<GatewayProcess> {
  const started = await startGateway({
    config,
    env,
    files: resources === undefined ? {} : { "conf/apisix.json": resources },
  });
  running.push(started);
  return started;
}
const status = async (url: string): Promise<number> => (await fetch(url)).status;
async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await ask()) return;
    await sleep(50);
  }
  throw new Error(`not in time: ${what}`);
}

test("it proxies method, path, query and body, and says who answers", async () => {
  const { url } = await gateway(oneRoute(), { SIM_EXPOSE_POD: "1", HOSTNAME: "pod-1" });
  const answer = await fetch(`${url.http}/a/b?status=201`, { method: "POST", body: "x".repeat(100_000) });
  expect(answer.status).toBe(201);
  expect(answer.headers.get("server-pod")).toBe("pod-1");
  expect(await answer.json()).toEqual({ upstream: "echo", path: "/a/b", method: "POST", bytes: 100_000 });
});

test.for<[string, object | undefined, number]>([
  ["no route matches", { routes: [{ id: "1", uri: "/other", upstream: { nodes: { "127.0.0.1:1": 1 } } }] }, 404],
  ["no upstream behind the route", { routes: [{ id: "1", uri: "/*", upstream_id: "gone" }] }, 503],
  [
    "nobody listens at the upstream",
    { routes: [{ id: "1", uri: "/*", upstream: { nodes: { "127.0.0.1:1": 1 } } }] },
    502,
  ],
  ["no file at all: it starts, its port is open", undefined, 404],
])("%s: %s", async ([, resources, expected]) => {
  const { url } = await gateway(resources && JSON.stringify(resources));
  expect(await status(`${url.http}/`)).toBe(expected);
});

test("a node that refuses is passed over for one that answers", async () => {
  const nodes = { "127.0.0.1:1": 1, [`127.0.0.1:${upstream.port}`]: 1 };
  const { url } = await gateway(JSON.stringify({ routes: [{ id: "1", uri: "/*", upstream: { nodes } }] }));
  expect(await Promise.all([1, 2, 3, 4].map(() => status(`${url.http}/`)))).toEqual([200, 200, 200, 200]);
});

test("its file is read again each second: what is invalid or gone changes nothing, {} drops all routes", async () => {
  const { url, prefix, log } = await gateway("{");
  const file = join(prefix, "conf/apisix.json");
  const both = async () => [await status(`${url.http}/`), await status(`${url.http}/`)]; // the two workers, in turn
  const complaints = () => log.filter(({ message }) => message === "failed to read the resources").length;
  const complainedBy = (count: number) => until("master and workers looked", async () => complaints() >= count);
  expect(await both(), "invalid at the start: empty, the port open").toEqual([404, 404]);
  writeFileSync(file, oneRoute());
  await until("healed", async () => (await both()).join() === "200,200");
  const before = complaints();
  writeFileSync(file, "{");
  await complainedBy(before + 3);
  expect(await both(), "invalid later").toEqual([200, 200]);
  rmSync(file);
  await complainedBy(before + 6);
  expect(await both(), "removed").toEqual([200, 200]);
  writeFileSync(file, "{}");
  await until("all routes dropped", async () => (await both()).join() === "404,404");
});

test.for<[string, object]>([
  ["api7ee.status_endpoint alone", { apisix: {} }],
  ["apisix.status alone", { api7ee: {} }],
])("the status port stays closed with %s", async ([, change]) => {
  const started = await startGateway({ config: { ...config, ...change } });
  running.push(started);
  expect(started.ports).not.toHaveProperty("status");
});

test("what serves a file is never ready by its status port, in open source neither, though every worker has loaded", async () => {
  const { url } = await gateway(oneRoute(), { SIM_FLAVOUR: "opensource" });
  expect([await status(`${url.http}/`), await status(`${url.http}/`)]).toEqual([200, 200]);
  expect([await status(`${url.status}/status`), await status(`${url.status}/status/ready`)]).toEqual([200, 503]);
});

test("a gateway that loads fewer routes than there are says so on its control API only", async () => {
  const nodes = { [`127.0.0.1:${upstream.port}`]: 1 };
  const routes = [1, 2, 3].map((id) => ({ id: String(id), uri: `/${id}`, upstream: { nodes } }));
  const { url } = await gateway(JSON.stringify({ routes }), { SIM_LOAD_FEWER: "1" });
  const loaded = (await (await fetch(`${url.control}/v1/routes`)).json()) as { value: { id: string } }[];
  expect(loaded.map(({ value }) => value.id)).toEqual(["1", "2"]);
  expect([await status(`${url.http}/2`), await status(`${url.http}/3`)]).toEqual([200, 404]);
});

test("an item with a plugin that the file does not list is dropped whole; without a list none is", async () => {
  const nodes = { [`127.0.0.1:${upstream.port}`]: 1 };
  const route = (id: string, plugins: object) => ({ id, uri: `/${id}`, upstream: { nodes }, plugins });
  const routes = [route("a", { cors: {} }), route("b", { cors: {}, mine: {} })];
  const served = async (file: object) => {
    const { url } = await gateway(JSON.stringify(file));
    return [await status(`${url.http}/a`), await status(`${url.http}/b`)];
  };
  expect(await served({ routes, plugins: [{ name: "cors" }] })).toEqual([200, 404]);
  expect(await served({ routes })).toEqual([200, 200]);
});

test("a worker that is killed is replaced, its port stays open", async () => {
  const { url, child, prefix } = await gateway(oneRoute());
  const workers = () => JSON.parse(readFileSync(join(prefix, "logs/workers.json"), "utf8")) as number[];
  const [victim = 0, other = 0] = workers();
  process.kill(victim, "SIGKILL");
  await until("another worker", async () => workers().length === 2 && !workers().includes(victim));
  expect(workers()).toContain(other);
  expect(await status(`${url.http}/`)).toBe(200);
  expect(child.exitCode).toBeNull();
});

/** A keep-alive connection of its own, with what becomes of it. */
function connection(url: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const closed = Promise.withResolvers<void>();
  const get = (path: string): Promise<number | string> =>
    new Promise((resolve) => {
      const request = http.get(url + path, { agent }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", () => resolve("cut"));
      });
      request.on("socket", (socket) => socket.once("close", () => closed.resolve()));
      request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    });
  return { get, closed: closed.promise };
}

test("SIGQUIT ends gracefully: idle connections close at once, what is in flight is answered, new ones are refused", async () => {
  const { url, stop } = await gateway(oneRoute());
  const idle = connection(url.http);
  expect(await idle.get("/")).toBe(200);
  const busy = connection(url.http);
  const answer = busy.get("/?delay=1500");
  await sleep(300); // until the request is with the upstream
  const exited = stop("SIGQUIT");
  await idle.closed;
  expect(await connection(url.http).get("/")).toBe("ECONNREFUSED");
  expect(await answer).toBe(200);
  expect(await exited).toBe(0);
});

test("SIGTERM cuts what is in flight", async () => {
  const { url, stop } = await gateway(oneRoute());
  const answer = connection(url.http).get("/?delay=5000");
  await sleep(300);
  expect(await stop("SIGTERM")).toBe(0);
  expect(await answer).toBe("ECONNRESET");
});

test("an unset variable ends the start with 1 and its name", async () => {
  const broken = { ...config, unknown_block: { any: "${" + "{NOT_SET}}" } };
  const { code, log } = await runGatewayToItsEnd({ config: broken });
  expect(code).toBe(1);
  expect(log.at(-1)?.message).toMatch(/can't find environment variable NOT_SET/);
});

test("a trusted certificate that is not there ends the start with 1", async () => {
  const broken = { ...config, apisix: { ssl: { ssl_trusted_certificate: "system,/nowhere/ca.crt" } } };
  const { code, log } = await runGatewayToItsEnd({ config: broken });
  expect(code).toBe(1);
  expect(log.at(-1)?.message).toMatch(/cannot load ssl_trusted_certificate "\/nowhere\/ca.crt"/);
});
