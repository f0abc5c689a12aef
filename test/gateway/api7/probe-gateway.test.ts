import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { tableOf } from "../../../operator/gateway/api7/item-table.ts";
import { countLoaded, probeGatewayStatus, rehearse } from "../../../operator/gateway/api7/probe-gateway.ts";
import { nobody, Stubs } from "./control-plane-stub.ts";

const stubs = new Stubs();
afterAll(() => stubs[Symbol.asyncDispose]());

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stubs.closeLater(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const closedPort = async (): Promise<number> => Number(new URL(await nobody()).port);
const text = (status: number, body: string) => () => serve((_, response) => response.writeHead(status).end(body));
const silent = () => serve(() => undefined);

const METRICS = [
  "# HELP apisix_etcd_reachable Config server etcd reachable from APISIX, 0 is unreachable",
  "# TYPE apisix_etcd_reachable gauge",
  "apisix_etcd_reachable 1",
  "apisix_http_requests_total 7",
].join("\n");
const ok = text(200, '{"status":"ok"}');
const metrics = (value: string) => text(200, METRICS.replace("reachable 1", `reachable ${value}`));

type Row = [
  string,
  () => Promise<number>,
  () => Promise<number>,
  ready: unknown,
  emptyWorker: boolean,
  reachable: unknown,
];

describe("what a gateway says of itself", () => {
  test.for<Row>([
    ["connected", ok, metrics("1"), 200, false, 1],
    [
      "it lost its control plane, vendor's meaning",
      text(503, '{"error":"no control plane"}'),
      metrics("0"),
      503,
      false,
      0,
    ],
    ["open source: 200 all through the outage, the metric tells", ok, metrics("0"), 200, false, 0],
    [
      "a worker without configuration",
      text(503, '{"error":"worker id: 1 has not received configuration"}'),
      metrics("1"),
      503,
      true,
      1,
    ],
    [
      "a worker that is not up yet",
      text(503, '{"error":"worker count: 16 but status report count: 15"}'),
      metrics("1"),
      503,
      true,
      1,
    ],
    [
      "a reader's 503 names no worker",
      text(503, '{"error":"unknown config provider: json"}'),
      metrics("1"),
      503,
      false,
      1,
    ],
    ["a 200 that speaks of workers is no empty worker", text(200, "worker id: 1 is fine"), metrics("1"), 200, false, 1],
    ["the metric with labels and decimals", ok, text(200, 'apisix_etcd_reachable{node="a"} 1.0\n'), 200, false, 1],
    ["another metric that begins so", ok, text(200, "apisix_etcd_reachable_total 1\n"), 200, false, "unknown"],
    ["the metric at the very end", ok, text(200, "other 7\napisix_etcd_reachable 0"), 200, false, 0],
    ["metrics off", ok, closedPort, 200, false, "unknown"],
    ["metrics hang with etcd", ok, silent, 200, false, "unknown"],
    ["metrics answer an error", ok, text(500, METRICS), 200, false, "unknown"],
    ["the status port says something else", text(404, ""), metrics("1"), "unknown", false, 1],
    ["nothing answers", closedPort, closedPort, "unknown", false, "unknown"],
    ["everything hangs", silent, silent, "unknown", false, "unknown"],
  ])("%s", async ([, status, metric, ready, emptyWorker, etcdReachable]) => {
    const ports = { statusPort: await status(), metricsPort: await metric() };
    expect(await probeGatewayStatus("127.0.0.1", ports, 400)).toEqual({ ready, emptyWorker, etcdReachable });
  });
  /** Limits that no test outlives: who waits for what hangs is red. */
  const PATIENT_MS = 60_000;
  const lost = text(503, '{"error":"no control plane"}');
  const hangsAfter = (body: string) => () => serve((_, response) => void response.writeHead(200).write(body));
  const slow = (body: string, ms: number) => () =>
    serve((_, response) => void setTimeout(() => response.end(body), ms).unref());
  test.concurrent.for<Row>([
    ["it lost its control plane, and its metrics hang with it", lost, silent, 503, false, "unknown"],
    ["they hang after the metric was told", lost, hangsAfter(`${METRICS}\nmore`), 503, false, 1],
    ["they hang in the middle of it", lost, hangsAfter("apisix_etcd_reachable 1"), 503, false, "unknown"],
    ["they hang before it", lost, hangsAfter("# TYPE apisix_etcd_reachable gauge\n"), 503, false, "unknown"],
    ["it is read from the top: what follows is not waited for", ok, hangsAfter(`${METRICS}\n`), 200, false, 1],
  ])("503 is word enough: %s", async ([, status, metric, ready, emptyWorker, etcdReachable]) => {
    const ports = { statusPort: await status(), metricsPort: await metric() };
    expect(await probeGatewayStatus("127.0.0.1", ports, PATIENT_MS)).toEqual({ ready, emptyWorker, etcdReachable });
  });
  test.concurrent.for<Row>([
    [
      "a 503 that names a worker is no word about the control plane",
      text(503, "worker id: 1 has not received configuration"),
      slow(METRICS, 1_500),
      503,
      true,
      1,
    ],
    ["nor is a 200", ok, slow(METRICS.replace("reachable 1", "reachable 0"), 1_500), 200, false, 0],
    ["nor is silence", closedPort, slow(METRICS, 1_500), "unknown", false, 1],
  ])("slow metrics are waited for: %s", async ([, status, metric, ready, emptyWorker, etcdReachable]) => {
    const ports = { statusPort: await status(), metricsPort: await metric() };
    expect(await probeGatewayStatus("127.0.0.1", ports, PATIENT_MS)).toEqual({ ready, emptyWorker, etcdReachable });
  });
  test("the caller's signal ends it", async () => {
    const port = await silent();
    const signal = AbortSignal.timeout(50);
    const status = await probeGatewayStatus("127.0.0.1", { statusPort: port, metricsPort: port }, 60_000, signal);
    expect(status).toEqual({ ready: "unknown", emptyWorker: false, etcdReachable: "unknown" });
  });
});

/** A gateway's control API that holds what it is given. */
const controlAPI = async (loaded: () => Record<string, unknown>): Promise<string> => {
  const port = await serve((request, response) => {
    const items = loaded()[request.url?.replace("/v1/", "") ?? ""];
    if (items === undefined) response.writeHead(404).end();
    else response.end(JSON.stringify(items));
  });
  return `http://127.0.0.1:${port}`;
};
const items = (n: number) => Array.from({ length: n }, (_, id) => ({ value: { id: String(id) } }));

describe("what a gateway has loaded", () => {
  test.for([
    ["plain lists", { routes: items(3), services: items(1), upstreams: [] }, { routes: 3, services: 1, upstreams: 0 }],
    ["Lua's empty table", { routes: items(3), services: {}, upstreams: {} }, { routes: 3, services: 0, upstreams: 0 }],
    ["an endpoint missing", { routes: items(3), services: [] }, undefined],
    ["an object that is no list", { routes: { error: "x" }, services: [], upstreams: [] }, undefined],
  ] as const)("%s", async ([, loaded, counts]) => {
    expect((await countLoaded(await controlAPI(() => loaded), 2_000))?.counts).toEqual(counts);
  });
  test("a gateway that is not there", async () => {
    expect(await countLoaded(`http://127.0.0.1:${await closedPort()}`, 2_000)).toBeUndefined();
  });
});

describe("a rehearsal", () => {
  const expected = { routes: 2, services: 1, upstreams: 0 };
  const wanted = { counts: expected };
  const limits = { deadlineMs: 600, pollMs: 20 };
  const all = { routes: items(2), services: items(1), upstreams: [] };
  test("everything is loaded", async () => {
    const result = await rehearse(await controlAPI(() => all), wanted, limits);
    expect(result).toMatchObject({ loaded: true, counts: expected });
  });
  test("it is loaded after a while", async () => {
    let asked = 0;
    const api = await controlAPI(() => (asked++ < 10 ? { ...all, routes: [] } : all));
    expect(await rehearse(api, wanted, { ...limits, deadlineMs: 10_000 })).toMatchObject({ loaded: true });
  });
  test("an invalid item was dropped without a word: not loaded", async () => {
    const result = await rehearse(await controlAPI(() => ({ ...all, routes: items(1) })), wanted, limits);
    expect(result).toMatchObject({ loaded: false, why: "FewerThanExpected", expected, seen: { routes: 1 } });
  });
  test("items of the gateway's own do no harm", async () => {
    const result = await rehearse(await controlAPI(() => ({ ...all, upstreams: items(1) })), wanted, limits);
    expect(result).toMatchObject({ loaded: true, counts: { upstreams: 1 } });
  });
  test("kinds that the control API does not count are not waited for", async () => {
    const counts = { ...expected, consumers: 7, ssls: 1 };
    expect(await rehearse(await controlAPI(() => all), { counts }, limits)).toMatchObject({ loaded: true });
  });
  test("no gateway answers", async () => {
    const result = await rehearse(`http://127.0.0.1:${await closedPort()}`, wanted, limits);
    expect(result).toMatchObject({ loaded: false, why: "NoAnswer", expected });
  });
  test("a gateway that hangs holds it no longer than its deadline", async () => {
    const result = await rehearse(`http://127.0.0.1:${await silent()}`, wanted, limits);
    expect(result).toMatchObject({ loaded: false, why: "NoAnswer" });
    expect(result.ms).toBeLessThan(5_000);
  });
  test.for<[string, object[], string[], number]>([
    ["the one that is missing", [{ value: { id: "a" } }, { value: { id: 17 } }], ["routes/b"], 0],
    ["ids from the keys", [{ key: "/apisix/routes/a" }, { key: "/apisix/routes/b" }], ["routes/17"], 0],
    ["not where no id is told", [{}, { value: { id: "a" } }], [], 1],
    ["nor where all ids are others", [{ value: { id: "x" } }, { value: { id: "y" } }], [], 1],
    ["none is there", [], ["routes/17", "routes/a", "routes/b"], 0],
    [
      "beside an item of its own, which hides one",
      [{ value: { id: "own" } }, { value: { id: "a" } }],
      ["routes/17", "routes/b"],
      0,
    ],
  ])("names what is missing: %s", async ([, routes, missing, more]) => {
    const names = ["routes/a", "routes/b", "routes/17"];
    const api = await controlAPI(() => ({ routes, services: [], upstreams: [] }));
    const result = await rehearse(api, { counts: { routes: 3 }, items: tableOf(names) }, limits);
    expect(result).toMatchObject({ loaded: false, why: "FewerThanExpected", missing, more });
  });
  test.for<[string, number, number, number]>([
    ["twenty are named, and the rest is counted", 30, 20, 10],
    ["so many that they cannot be read back", 500, 20, 480],
  ])("%s", async ([, many, named, more]) => {
    const names = Array.from({ length: many }, (_, n) => `routes/r${n}`);
    const api = await controlAPI(() => ({ routes: [], services: [], upstreams: [] }));
    const result = await rehearse(api, { counts: { routes: many }, items: tableOf(names) }, limits);
    const { missing = [], more: left } = result.loaded ? {} : result;
    expect([missing.length <= named, missing.length + (left ?? 0), JSON.stringify(result).length < 3_500]).toEqual([
      true,
      named + more,
      true,
    ]);
  });
  test("without the snapshot's table nothing is named, nor what is no table", async () => {
    const api = await controlAPI(() => ({ routes: [], services: [], upstreams: [] }));
    expect(await rehearse(api, { counts: { routes: 1 } }, limits)).not.toHaveProperty("missing");
    expect(await rehearse(api, { counts: { routes: 1 }, items: "x" }, limits)).toMatchObject({
      missing: [],
      more: 1,
    });
  });
  test("what a gateway cannot tell is not named as expected", async () => {
    const api = await controlAPI(() => ({ routes: [], services: [], upstreams: [] }));
    expect(await rehearse(api, { counts: { routes: 1, consumers: 3 } }, limits)).toMatchObject({
      expected: { routes: 1 },
    });
  });
});
