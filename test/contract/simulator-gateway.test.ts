/** The simulated gateway in its normal role against a real etcd: section 3 and 8 of what is known about the real one. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { loadedCommand } from "../../operator/gateway/api7/loaded-probe.ts";
import { makeCertificates } from "../simulator/certificates.ts";
import type { FaultOrder } from "../simulator/control-plane/faults.ts";
import { begin, type GatewayProcess } from "../simulator/processes.ts";
import { startWorld, status, until, type World } from "../simulator/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(() => world.reset());
afterAll(() => world?.stop());

/** What a row of requests gets, one connection each: the two workers answer in turn. */
const four = async (gateway: GatewayProcess, path = "/r1"): Promise<number[]> => {
  const seen: number[] = [];
  for (let i = 0; i < 4; i += 1) seen.push(await status(gateway.url.http + path));
  return seen;
};
const all = (code: number): number[] => [code, code, code, code];
const half = [200, 200, 404, 404];
const ready = (gateway: GatewayProcess): Promise<number> => status(`${gateway.url.status}/status/ready`);
const addRoute = (id: string) =>
  world.controlPlane.put({ routes: [{ id, uri: `/${id}`, upstream: { nodes: world.nodes } }] });
const serves = (gateway: GatewayProcess, path: string) => async () =>
  (await four(gateway, path)).join() === all(200).join();

/** Kills one worker and waits until another one has taken its place. */
async function killWorker({ prefix }: GatewayProcess): Promise<void> {
  const pids = () => JSON.parse(readFileSync(join(prefix, "logs/workers.json"), "utf8")) as number[];
  const [victim = 0] = pids();
  process.kill(victim, "SIGKILL");
  await until("a new worker", () => pids().length === 2 && !pids().includes(victim));
  await sleep(1_000); // until it has had its first, failing, look at the control plane
}

test("it loads, serves, reports its workers as cores and says what it loaded", async () => {
  const gateway = await world.gateway({ config: world.normal(), files: { "conf/apisix.uid": "uid-1" } });
  expect(await four(gateway)).toEqual(all(200));
  expect(await four(gateway, "/nowhere")).toEqual(all(404));
  expect(world.controlPlane.heartbeats()).toContainEqual(
    expect.objectContaining({ instance_id: "uid-1", running_mode: "standard", cores: 2, version: "3.9.14" }),
  );
  const routes = (await (await fetch(`${gateway.url.control}/v1/routes`)).json()) as unknown[];
  expect(routes).toHaveLength(3);
  expect([await status(`${gateway.url.status}/status`), await ready(gateway)]).toEqual([200, 200]);
});

test.for<[string, FaultOrder, RegExp]>([
  ["refuses", { mode: "refuse" }, /^all etcd nodes are unavailable$/],
  ["never answers", { mode: "freeze" }, /^all etcd nodes are unavailable$/],
  ["denies", { mode: "denied" }, /^all etcd nodes are unavailable$/],
  ["has lost its database", { mode: "storeDead" }, /^heartbeat refused 3 times: .* status 503$/],
])("a start dies when the control plane %s", async ([, fault, lastWords]) => {
  await world.controlPlane.setFault(fault);
  const ended = await world.dying({ config: world.normal() });
  expect(ended).toEqual({ code: 1, lastWords: expect.stringMatching(lastWords) });
});

test("a start dies with a certificate of another authority, and when it is newer than the control plane", async () => {
  const stranger = makeCertificates(join(world.folder, "stranger"), ["127.0.0.1"]);
  const etcd = (world.normal() as { deployment: { etcd: object } }).deployment.etcd;
  const tls = { cert: stranger.paths.clientCert, key: stranger.paths.clientKey, verify: true, sni: "localhost" };
  const wrong = world.normal({ deployment: { etcd: { ...etcd, tls } } });
  expect(await world.dying({ config: wrong })).toEqual({ code: 1, lastWords: "all etcd nodes are unavailable" });
  const newer = await world.dying({ config: world.normal(), env: { SIM_VERSION: "3.11.0" } });
  expect(newer).toEqual({ code: 1, lastWords: expect.stringMatching(/^heartbeat refused 3 times: .* status 403$/) });
});

test("of two hosts one is dead: the vendor's starts, the open-source one does not", async () => {
  const { etcd } = (world.normal() as { deployment: { etcd: { host: string[] } } }).deployment;
  const config = world.normal({ deployment: { etcd: { ...etcd, host: [...etcd.host, "https://127.0.0.1:1"] } } });
  expect((await world.dying({ config, env: { SIM_FLAVOUR: "opensource" } })).lastWords).toBe(
    "all etcd nodes are unavailable",
  );
  expect(await status((await world.gateway({ config })).url.http)).toBe(404);
});

test.for<[flavour: string, fault: FaultOrder, readyInOutage: number]>([
  ["vendor", { mode: "refuse" }, 503],
  ["opensource", { mode: "refuse" }, 200],
  ["vendor", { mode: "storeDead" }, 200], // it asks /version only: it does not speak for the database
])(
  "%s, %o: it serves from memory, and catches up when the control plane is back",
  async ([flavour, fault, readyInOutage]) => {
    const gateway = await world.gateway({ config: world.normal(), env: { SIM_FLAVOUR: flavour } });
    const reachable = async () =>
      /^apisix_etcd_reachable (\d)$/m.exec(
        await (await fetch(`${gateway.url.prometheus}/apisix/prometheus/metrics`)).text(),
      )?.[1];
    expect(await reachable(), "for the first interval there is none").toBeUndefined();
    await until("the first refresh", async () => (await reachable()) === "1");
    await world.controlPlane.setFault(fault);
    await addRoute("late");
    if (fault.mode === "refuse") await until("the metric tells it", async () => (await reachable()) === "0");
    expect(await ready(gateway)).toBe(readyInOutage);
    expect(await four(gateway)).toEqual(all(200));
    expect(await four(gateway, "/late")).toEqual(all(404));
    await world.controlPlane.setFault({ mode: "none" });
    await until("it has caught up", serves(gateway, "/late"));
    await until("the metric tells it", async () => (await reachable()) === "1");
  },
);

test("a metric of a lost control plane: stays 1 while it refuses us; while it hangs stays 1, then 500; 0 when it is gone", async () => {
  const gateway = await world.gateway({ config: world.normal(), env: { SIM_METRIC_HANG_SECONDS: "3" } });
  const metric = async () => {
    const answer = await fetch(`${gateway.url.prometheus}/apisix/prometheus/metrics`);
    return answer.ok ? (/^apisix_etcd_reachable (\d)$/m.exec(await answer.text())?.[1] ?? "none") : answer.status;
  };
  const says = (expected: string | number) => until(`it says ${expected}`, async () => (await metric()) === expected);
  const stays = async (expected: string, ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end; ) expect(await metric()).toBe(expected);
  };
  await says("1");
  await world.controlPlane.setFault({ mode: "denied" });
  await stays("1", 2_500);
  await world.controlPlane.setFault({ mode: "freeze" });
  await stays("1", 2_000);
  await says(500);
  await world.controlPlane.setFault({ mode: "none" });
  await says("1");
  await world.controlPlane.setFault({ mode: "refuse" });
  await says("0");
});

test("an address that the certificate holds is not looked for: only a name fits", async () => {
  const { etcd } = (world.normal() as { deployment: { etcd: { tls: object } } }).deployment;
  const config = world.normal({ deployment: { etcd: { ...etcd, tls: { ...etcd.tls, sni: undefined } } } });
  expect(await world.dying({ config })).toEqual({ code: 1, lastWords: "all etcd nodes are unavailable" });
});

test("a store without directory markers: the port is open before the workers have read", async () => {
  await world.controlPlane.setFault({ mode: "slow", ms: 1_000 });
  const gateway = await world.gateway({ config: world.normal(), env: { SIM_LOAD_AFTER_LISTEN: "1" } });
  expect(await four(gateway)).toEqual(all(404));
  await until("it has loaded", serves(gateway, "/r1"));
});

/** What a startup probe would see of this gateway, run by this machine's shell. */
function hasLoaded({ prefix, url }: GatewayProcess): Promise<number | null> {
  const port = (name: "http" | "status" | "control") => Number(new URL(url[name]).port);
  const [program = "", ...args] = loadedCommand({
    configPath: join(prefix, "conf/config.yaml"),
    readyPath: "/status/ready",
    ports: { http: port("http"), status: port("status"), control: port("control") },
    pid: process.pid,
    emptySeconds: 1_000,
    oldSeconds: 10_000,
  });
  return new Promise((resolve) => spawn(program, args, { stdio: "ignore" }).on("close", resolve));
}

test.for(["opensource", "vendor"])("%s: the startup probe waits for as long as the window is open", async (flavour) => {
  await world.controlPlane.setFault({ mode: "slow", ms: 1_000 });
  const env = { SIM_LOAD_AFTER_LISTEN: "1", SIM_FLAVOUR: flavour };
  const gateway = await world.gateway({ config: world.normal(), env });
  expect(await four(gateway)).toEqual(all(404));
  expect(await hasLoaded(gateway)).toBe(1);
  await until("it says that it has loaded", async () => (await hasLoaded(gateway)) === 0);
  if (flavour === "opensource") expect(await four(gateway)).toEqual(all(200));
  else
    await until(
      "the vendor's meaning names no worker: one of them has loaded, the other soon has",
      serves(gateway, "/r1"),
    );
  await world.controlPlane.setFault({ mode: "refuse" });
  expect(await hasLoaded(gateway), "a control plane that is lost later changes nothing").toBe(0);
});

test.for<[flavour: string, apisix: object, ready: number]>([
  ["vendor", {}, 503],
  ["opensource", { worker_startup_time_threshold: 0 }, 503],
])(
  "%s: a worker that is killed in the outage comes back empty, and heals with the control plane",
  async ([flavour, more, code]) => {
    const apisix = { ...(world.normal() as { apisix: object }).apisix, ...more };
    const gateway = await world.gateway({ config: world.normal({ apisix }), env: { SIM_FLAVOUR: flavour } });
    await world.controlPlane.setFault({ mode: "refuse" });
    await killWorker(gateway);
    expect((await four(gateway)).sort()).toEqual(half);
    expect(await ready(gateway)).toBe(code);
    const routes = (await (await fetch(`${gateway.url.control}/v1/routes`)).json()) as unknown[];
    expect(routes, "the control API answers from a process that has them").toHaveLength(3);
    await world.controlPlane.setFault({ mode: "none" });
    await until("the new worker has loaded", serves(gateway, "/r1"));
  },
);

test("open source: the 503 of readiness names the worker", async () => {
  const apisix = { ...(world.normal() as { apisix: object }).apisix, worker_startup_time_threshold: 0 };
  const gateway = await world.gateway({ config: world.normal({ apisix }), env: { SIM_FLAVOUR: "opensource" } });
  expect(await ready(gateway)).toBe(200);
  await world.controlPlane.setFault({ mode: "refuse" });
  await killWorker(gateway);
  expect(await (await fetch(`${gateway.url.status}/status/ready`)).text()).toMatch(
    /worker-\d has not received configuration/,
  );
});

test("open source: within the start-up threshold a new worker inherits what was read at the start", async () => {
  const gateway = await world.gateway({ config: world.normal(), env: { SIM_FLAVOUR: "opensource" } });
  await addRoute("late");
  await until("both workers have it", serves(gateway, "/late"));
  await world.controlPlane.setFault({ mode: "refuse" });
  await killWorker(gateway);
  expect(await four(gateway)).toEqual(all(200));
  expect((await four(gateway, "/late")).sort(), "later changes are missing").toEqual(half);
});

test("while the control plane hangs it serves, and the metrics endpoint answers", async () => {
  const gateway = await world.gateway({ config: world.normal() });
  await world.controlPlane.setFault({ mode: "freeze" });
  await sleep(1_500); // the metric is refreshed each second
  expect(await four(gateway)).toEqual(all(200));
  expect(await status(`${gateway.url.prometheus}/apisix/prometheus/metrics`, 1_000)).toBe(200);
  expect(await ready(gateway)).toBe(503);
  await world.controlPlane.setFault({ mode: "none" });
  expect(await status(`${gateway.url.prometheus}/apisix/prometheus/metrics`)).toBe(200);
});

test("TLS is spoken with the certificate that the ssls hold for the name, and with no other", async () => {
  const { cert, key } = world.certificates.server;
  await world.controlPlane.put({ ssls: [{ id: "1", snis: ["localhost"], cert, key }] });
  const apisix = { ...(world.normal() as { apisix: { ssl: object } }).apisix };
  const ssl = { ...apisix.ssl, enable: true };
  const gateway = await world.gateway({ config: world.normal({ apisix: { ...apisix, ssl } }) });
  const get = (servername: string) =>
    new Promise<number | string>((resolve) => {
      https
        .get(`${gateway.url.https}/r1`, { ca: world.certificates.ca, servername, agent: false }, (response) => {
          response.resume().on("end", () => resolve(response.statusCode ?? 0));
        })
        .on("error", () => resolve("no handshake"));
    });
  expect([await get("localhost"), await get("example.org")]).toEqual([200, "no handshake"]);
  const unanswered = await get("example.org"); // the worker lives on
  expect([unanswered, await get("localhost"), await get("localhost")]).toEqual(["no handshake", 200, 200]);
});

test("the command that kills a worker, for a container without a shell", async () => {
  const gateway = await world.gateway({ config: world.normal() });
  await world.controlPlane.setFault({ mode: "refuse" });
  const killer = begin(["kill-worker", "1"], { SIM_PREFIX: gateway.prefix });
  expect(await killer.exited).toBe(0);
  await until("half of the requests fail", async () => (await four(gateway)).sort().join() === half.join());
  expect(await begin(["kill-worker", "7"], { SIM_PREFIX: gateway.prefix }).exited).toBe(1);
});

test("a reload in the outage leaves nothing: 404 for all", async () => {
  const gateway = await world.gateway({ config: world.normal() });
  await world.controlPlane.setFault({ mode: "refuse" });
  gateway.child.kill("SIGHUP");
  await until("new workers", async () => (await four(gateway)).join() === all(404).join());
});

test("an emptied prefix is 404 for all at once", async () => {
  const gateway = await world.gateway({ config: world.normal() });
  await world.controlPlane.setFault({ mode: "empty" });
  await until("the routes are gone", async () => (await four(gateway)).join() === all(404).join());
  expect(await ready(gateway)).toBe(200);
});

test("a wiped store leaves it with its old routes and deaf, until the revision passes the old one", async () => {
  for (let i = 0; i < 20; i += 1) await addRoute("often"); // the old revision is well above that of a fresh store
  const gateway = await world.gateway({ config: world.normal() });
  await world.controlPlane.setFault({ mode: "wipe" });
  await addRoute("new");
  await sleep(3_000); // the back-off is 1 s, then 2 s: it is connected again
  expect(await four(gateway)).toEqual(all(200));
  expect(await four(gateway, "/new"), "deaf").toEqual(all(404));
  expect(await ready(gateway)).toBe(200);
  for (let i = 0; i < 200; i += 1) await addRoute("often");
  await addRoute("heard");
  await until("it hears again", serves(gateway, "/heard"));
  expect(await four(gateway, "/new"), "what it missed stays missed").toEqual(all(404));
  const fresh = await world.gateway({ config: world.normal() });
  expect(await four(fresh, "/r1"), "a new gateway has what is there").toEqual(all(404));
  expect(await four(fresh, "/new")).toEqual(all(200));
});

test("data_plane over etcd starts in the outage and serves 404 until the control plane answers", async () => {
  await world.controlPlane.setFault({ mode: "refuse" });
  const deployment = { role: "data_plane", role_data_plane: { config_provider: "etcd" } };
  const gateway = await world.gateway({ config: world.normal({ deployment }) });
  expect(await four(gateway)).toEqual(all(404));
  await world.controlPlane.setFault({ mode: "none" });
  await until("it has loaded", serves(gateway, "/r1"));
});
