import { Registry } from "prom-client";
import { afterEach, expect, test, vi } from "vitest";
import { systemClock } from "../operator/kube/clock.ts";
import { Controller } from "../operator/kube/controller.ts";
import { prometheusMetrics } from "../operator/kube/metrics.ts";
import { createLog } from "../operator/log.ts";
import { type ReadinessProblem, type RunningServer, startServer, watchProblems } from "../operator/server.ts";

const log = createLog({ write: () => undefined });
let server: RunningServer | undefined;
afterEach(async () => {
  await server?.close();
});

async function get(path: string, method = "GET") {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, { method });
  return { code: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

const start = async (problems: () => ReadinessProblem[], registry = new Registry()) => {
  server = await startServer({ host: "127.0.0.1", port: 0, registry, log, readinessProblems: problems });
};

test("ready is 200, not ready is 503 with each reason on a line; alive all the while", async () => {
  let problems: ReadinessProblem[] = [];
  await start(() => problems);
  expect(await get("/readyz")).toMatchObject({ code: 200, text: "ok\n" });
  problems = [
    { what: "watch Pod in edge", why: "no sign of the API server for 200 s" },
    { what: "lease", why: "not known" },
  ];
  expect(await get("/readyz?verbose")).toMatchObject({
    code: 503,
    text: "not ready: watch Pod in edge: no sign of the API server for 200 s\nnot ready: lease: not known\n",
  });
  expect(await get("/livez")).toMatchObject({ code: 200 });
});

test.for<[string, string, number]>([
  ["/", "GET", 404],
  ["/metrics", "POST", 405],
  ["/livez", "HEAD", 200],
])("%s %s: %i", async ([path, method, code]) => {
  await start(() => []);
  expect((await get(path, method)).code).toBe(code);
});

test("a namespace that is left out is told, and the others are ready all the same", async () => {
  let problems: ReadinessProblem[] = [{ what: "watch Pod in b", why: "refused: no", leftOut: true }];
  await start(() => problems);
  expect(await get("/readyz")).toMatchObject({ code: 200, text: "ok\nleft out: watch Pod in b: refused: no\n" });
  problems = [...problems, { what: "watch Pod in a", why: "blind" }];
  expect(await get("/readyz")).toMatchObject({
    code: 503,
    text: "left out: watch Pod in b: refused: no\nnot ready: watch Pod in a: blind\n",
  });
});

test("a check that throws is a 500, not the end of the server", async () => {
  await start(() => {
    throw new Error("bug");
  });
  expect((await get("/readyz")).code).toBe(500);
  expect((await get("/livez")).code).toBe(200);
});

test("a port that is taken is an error at start", async () => {
  await start(() => []);
  const port = server?.port ?? 0;
  const again = startServer({ host: "127.0.0.1", port, registry: new Registry(), log, readinessProblems: () => [] });
  await expect(again).rejects.toThrow("EADDRINUSE");
});

const health = (name: string, synced: boolean, staleForMs: number, lastError?: string, refused = false) => ({
  name,
  synced,
  refused,
  staleForMs,
  lastError,
});
test.for<[string, ReturnType<typeof health>[], string[]]>([
  ["all synced and fresh", [health("Pod", true, 1_000)], []],
  ["stale at the limit is not yet blind", [health("Pod", true, 180_000)], []],
  [
    "stale beyond it is",
    [health("Pod", true, 180_001, "ECONNREFUSED")],
    ["watch Pod: no sign of the API server for 180 s: ECONNREFUSED"],
  ],
  [
    "not synced is",
    [health("A", true, 0), health("B", false, Number.POSITIVE_INFINITY)],
    ["watch B: the first list has not ended yet"],
  ],
  [
    "not synced, and the reason is known",
    [health("B", false, 0, "Cannot list B: HTTP 403: no")],
    ["watch B: the first list has not ended yet: Cannot list B: HTTP 403: no"],
  ],
  [
    "one of two that is refused is left out",
    [health("A in a", true, 0), health("A in b", false, Number.POSITIVE_INFINITY, "HTTP 403", true)],
    ["(left out) watch A in b: refused: HTTP 403"],
  ],
  [
    "also one that was there before",
    [health("A in a", true, 0), health("A in b", true, 999_999, "HTTP 403", true)],
    ["(left out) watch A in b: refused: HTTP 403"],
  ],
  [
    "where all are refused there is nothing left",
    [health("A in a", false, 0, "HTTP 403", true), health("A in b", false, 0, "HTTP 403", true)],
    [
      "watch A in a: the first list has not ended yet: HTTP 403",
      "watch A in b: the first list has not ended yet: HTTP 403",
    ],
  ],
])("blind: %s", ([, watches, expected]) => {
  const problems = watchProblems([{ health: () => watches }]);
  expect(problems.map(({ what, why, leftOut }) => `${leftOut ? "(left out) " : ""}${what}: ${why}`)).toEqual(expected);
});

test("/metrics shows the runtime's own", async () => {
  const registry = new Registry();
  const metrics = prometheusMetrics(registry, { ...systemClock, wallMs: () => 1_000_000 });
  const controller = new Controller({
    name: "groups",
    workers: 1,
    reconcile: (key) =>
      key === "running" ? new Promise(() => undefined) : Promise.resolve({ recheckAfterMs: 60_000 }),
    clock: systemClock,
    log,
  });
  for (const key of ["delayed", "running", "due"]) controller.enqueue(key);
  controller.start();
  await vi.waitFor(() => expect(controller.depth()).toEqual({ due: 1, delayed: 1, running: 1 }));
  metrics.controller(controller);
  metrics.watch({
    health: () => [
      health("Pod in edge", true, 4_000),
      health("Secret", false, Number.POSITIVE_INFINITY, "HTTP 403", true),
    ],
  });
  metrics.leader(() => true);
  metrics.callEnded("apply", "deployments", "200", 12, true);
  metrics.callEnded("apply", "deployments", "GateClosed", 0, true);
  metrics.callEnded("get", "pods", "404", 12, false);
  metrics.reconcileEnded("groups", "success", 30);
  await start(() => [], registry);
  const { text, type } = await get("/metrics");
  expect(type).toContain("text/plain");
  for (const line of [
    'holdfast_kube_requests_total{verb="apply",resource="deployments",code="200"} 1',
    'holdfast_watch_refused{watch="Pod in edge"} 0',
    'holdfast_watch_refused{watch="Secret"} 1',
    'holdfast_kube_requests_total{verb="apply",resource="deployments",code="GateClosed"} 1',
    'holdfast_kube_requests_total{verb="get",resource="pods",code="404"} 1',
    'holdfast_kube_writes_total{verb="apply",resource="deployments"} 1', // what the gate held back was no write
    'holdfast_watch_last_activity_seconds{watch="Pod in edge"} 996',
    'holdfast_watch_last_activity_seconds{watch="Secret"} 0',
    'holdfast_workqueue_depth{controller="groups",state="due"} 1',
    'holdfast_workqueue_depth{controller="groups",state="delayed"} 1',
    'holdfast_reconcile_duration_seconds_count{controller="groups",outcome="success"} 1',
    "holdfast_leader 1",
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  await controller.stop(0, 0);
});
