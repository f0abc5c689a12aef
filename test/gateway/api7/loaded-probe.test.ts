/** The program that says whether a gateway has loaded, run by this machine's shell against ports that answer on order. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { GATEWAY_PROFILE } from "../../../operator/gateway/api7/facts.ts";
import { type LoadedProbe, loadedCommand } from "../../../operator/gateway/api7/loaded-probe.ts";
import { type RenderInput, renderGatewayConfig } from "../../../operator/gateway/api7/render.ts";

type Answer = { code: number; body: string } | "hangs" | "closed";
const OK: Answer = { code: 200, body: '{"status":"ok"}' };
const NO_CONFIG: Answer = { code: 503, body: '{"error":"worker id: 9 has not received configuration"}' };
const NOT_UP: Answer = { code: 503, body: '{"error":"worker count: 2 but status report count: 1"}' };
const NO_CONTROL_PLANE: Answer = { code: 503, body: '{"error":"no dp-manager endpoint answers"}' };
/** 200 routes are more than one read, and than the socket's buffers. */
const routes = (many: number): Answer => ({
  code: 200,
  body: JSON.stringify(Array.from({ length: many }, (_, id) => ({ value: { id, uri: `/${"x".repeat(50_000)}` } }))),
});
/** Lua's encoder writes an empty list as an object. */
const NO_ROUTES: Answer = { code: 200, body: "{}\n" };

const input: RenderInput = {
  role: "normal",
  controlPlane: { endpoint: "https://dp-manager.api7.svc:7943" },
  workers: 2,
  overrides: {},
};
const store = { type: "S3", region: "r", forcePathStyle: false, resourceBucket: "a", configBucket: "b" } as const;

const servers: Server[] = [];
/** Closed once all ports are given out, so that no other port is the same. */
const closing: Server[] = [];
let folder: string;
/** Stands in for the container's first process. */
let young: ChildProcess;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-loaded-"));
  writeFileSync(join(folder, "normal.yaml"), renderGatewayConfig(input));
  writeFileSync(join(folder, "reader.yaml"), renderGatewayConfig({ ...input, role: "reader", store }));
  mkdirSync(join(folder, "no-bash"));
  symlinkSync("/bin/sh", join(folder, "no-bash/sh"));
});
afterEach(() => {
  young?.kill("SIGKILL");
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function port(answer: Answer): Promise<number> {
  const server = createServer((_request, response) => {
    if (answer === "hangs" || answer === "closed") return;
    response.writeHead(answer.code, { "content-type": "application/json" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: number } = server.address() as AddressInfo;
  servers.push(server);
  if (answer === "closed") closing.push(server);
  return number;
}

interface Case {
  ready: Answer;
  routes: Answer;
  http?: Answer;
  config?: string;
  limits?: Partial<Pick<LoadedProbe, "emptySeconds" | "oldSeconds">>;
  path?: string;
}

/** The exit code: 0 lets the pod take requests. */
async function loaded({
  ready,
  routes: known,
  http = OK,
  config = "normal.yaml",
  limits,
  path,
}: Case): Promise<number> {
  young = spawn("sleep", ["60"], { stdio: "ignore" });
  const [program = "", ...args] = loadedCommand({
    configPath: join(folder, config),
    readyPath: "/status/ready",
    ports: { http: await port(http), status: await port(ready), control: await port(known) },
    pid: young.pid ?? 0,
    emptySeconds: 20,
    oldSeconds: 360,
    ...limits,
  });
  for (const server of closing.splice(0)) await new Promise((resolve) => server.close(resolve));
  const child = spawn(program, args, { stdio: "inherit", env: { PATH: path ?? process.env["PATH"] ?? "" } });
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? -1)));
}

test.for<[what: string, of: Case, exit: 0 | 1]>([
  ["open source, each worker has its configuration", { ready: OK, routes: routes(200) }, 0],
  ["open source, a small answer", { ready: OK, routes: { code: 200, body: '[{"value":{}}]' } }, 0],
  ["open source, a worker has none", { ready: NO_CONFIG, routes: routes(1) }, 1],
  ["open source, a worker is not up", { ready: NOT_UP, routes: routes(1) }, 1],
  [
    "the port is open, nothing is loaded, and /status/ready speaks of the control plane",
    { ready: OK, routes: NO_ROUTES },
    1,
  ],
  ["the same, and the list is one", { ready: OK, routes: { code: 200, body: "[]" } }, 1],
  ["loaded, and the control plane is gone again", { ready: NO_CONTROL_PLANE, routes: routes(1) }, 0],
  ["one worker has loaded, and the status port is not open yet", { ready: "closed", routes: routes(1) }, 1],
  ["the same, and the status port hangs", { ready: "hangs", routes: routes(1) }, 1],
  ["the control API answers an error", { ready: OK, routes: { code: 500, body: '[{"a":1}]' } }, 1],
  ["neither answers: not up yet", { ready: "closed", routes: "closed" }, 1],
  ["the http port is not open yet", { http: "closed", ready: OK, routes: routes(1) }, 1],
  [
    "from the snapshot: loaded before the port opens",
    { config: "reader.yaml", ready: NO_CONFIG, routes: NO_ROUTES },
    0,
  ],
  [
    "a configuration that cannot be read is a normal one",
    { config: "none.yaml", ready: NO_CONFIG, routes: routes(1) },
    1,
  ],
])("%s", async ([, of, exit]) => {
  expect(await loaded(of)).toBe(exit);
});

test("what it does not understand holds no pod back for longer than an empty group waits", async () => {
  const limits = { emptySeconds: 0 };
  expect(await loaded({ ready: OK, routes: NO_ROUTES, limits })).toBe(0);
  expect(await loaded({ ready: "closed", routes: "closed", limits })).toBe(0);
  expect(await loaded({ ready: "hangs", routes: routes(1), limits })).toBe(0);
  expect(await loaded({ ready: { code: 404, body: "" }, routes: { code: 404, body: "" }, limits })).toBe(0);
});

test("a worker that is named holds it back for longer; a port that is not open, too", async () => {
  const limits = { emptySeconds: 0 };
  expect(await loaded({ ready: NO_CONFIG, routes: routes(1), limits })).toBe(1);
  expect(await loaded({ http: "closed", ready: OK, routes: routes(1), limits })).toBe(1);
});

test("one that has run for long is never held back: a kubelet that restarts asks it again, also in an outage", async () => {
  const asked = loaded({ ready: NO_CONFIG, routes: NO_ROUTES, limits: { oldSeconds: -1 } });
  expect(await asked).toBe(0);
});

test("the age is that of the container's first process", async () => {
  const limits = { emptySeconds: 2 };
  expect(await loaded({ ready: OK, routes: NO_ROUTES, limits })).toBe(1);
  const [program = "", ...args] = loadedCommand({
    configPath: join(folder, "normal.yaml"),
    readyPath: "/status/ready",
    ports: { http: await port(OK), status: await port(OK), control: await port(NO_ROUTES) },
    pid: young.pid ?? 0,
    emptySeconds: 2,
    oldSeconds: 360,
  });
  await sleep(3_100);
  const code = await new Promise((resolve) => spawn(program, args).on("close", resolve));
  expect(code).toBe(0);
});

test("an image without bash has no gate", async () => {
  expect(await loaded({ ready: NO_CONFIG, routes: NO_ROUTES, path: join(folder, "no-bash") })).toBe(0);
});

test("what pods get asks the gateway's own ports; no variable of a pod is expanded in it", () => {
  const [, , , script = ""] = GATEWAY_PROFILE.loadedCommand;
  expect(script).toContain(":2378 00000000:0000 0A"); // 9080
  expect(script).toContain("ask 7085 /status/ready\n");
  expect(script).toContain("ask 9090 /v1/routes;");
  expect(script).toContain("/usr/local/apisix/conf/config.yaml");
  expect(script, "the kubelet reads $$ as $, and $(NAME) as a variable").not.toMatch(/\$\$|\$\([A-Za-z_]/);
});
