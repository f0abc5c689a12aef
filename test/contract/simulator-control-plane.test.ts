/** What a data plane sees of the simulated control plane, over a real etcd, in each of its faults. */
import https from "node:https";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { FaultOrder } from "../simulator/control-plane/faults.ts";
import { startWorld, type World } from "../simulator/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => world.reset());
afterAll(() => world?.stop());

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const RANGE = { key: base64("/apisix"), range_end: base64("/apisiy") };
const HEARTBEAT = { instance_id: "a", hostname: "a", version: "3.9.14", cores: 2, running_mode: "standard" };
const NO_ANSWER_MS = 700;

/** The status, the error's code, or "no answer". */
function ask(
  path: string,
  body?: object,
  certificate = true,
): Promise<{ status: number | string; json: Record<string, unknown> }> {
  const { ca, client } = world.certificates;
  return new Promise((resolve) => {
    const request = https.request(
      {
        host: "127.0.0.1",
        port: world.controlPlane.port,
        path,
        method: body ? "POST" : "GET",
        ca,
        agent: false,
        ...(certificate ? { cert: client.cert, key: client.key } : {}),
        signal: AbortSignal.timeout(NO_ANSWER_MS),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", () => undefined);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) }));
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ status: error.name === "AbortError" ? "no answer" : (error.code ?? "?"), json: {} }),
    );
    request.end(body && JSON.stringify(body));
  });
}

test.for<[string, FaultOrder, version: number | string, range: number | string, heartbeat: number | string]>([
  ["healthy", { mode: "none" }, 200, 200, 200],
  ["its database dead", { mode: "storeDead" }, 200, 503, 503],
  ["its database hanging", { mode: "storeDead", how: "hang" }, 200, "no answer", "no answer"],
  ["refusing", { mode: "refuse" }, "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"],
  ["frozen", { mode: "freeze" }, "no answer", "no answer", "no answer"],
  ["denying", { mode: "denied" }, 403, 403, 403],
  ["not knowing us", { mode: "denied", status: 401 }, 401, 401, 401],
  ["a little slow", { mode: "slow", ms: 100 }, 200, 200, 200],
  ["too slow", { mode: "slow", ms: 5_000 }, "no answer", "no answer", "no answer"],
  ["emptied", { mode: "empty" }, 200, 200, 200],
])("%s", async ([, fault, ...expected]) => {
  await world.controlPlane.setFault(fault);
  const answers = await Promise.all([
    ask("/version"),
    ask("/v3/kv/range", RANGE),
    ask("/api/dataplane/heartbeat", HEARTBEAT),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(expected);
  await world.controlPlane.setFault({ mode: "none" });
  expect((await ask("/version")).status, "healed").toBe(200);
});

test("the range read holds the keys that were seeded, none after they were emptied", async () => {
  await world.reset();
  const keys = async () =>
    ((await ask("/v3/kv/range", RANGE)).json["kvs"] as { key: string }[] | undefined)?.map(({ key }) =>
      Buffer.from(key, "base64").toString(),
    );
  expect(await keys()).toEqual([
    "/apisix/routes/r1",
    "/apisix/routes/r2",
    "/apisix/routes/r3",
    "/apisix/services/s1",
    "/apisix/upstreams/u1",
  ]);
  await world.controlPlane.setFault({ mode: "empty" });
  expect(await keys()).toBeUndefined();
});

test("a wiped store begins at revision 1 again", async () => {
  const revision = async () =>
    Number(((await ask("/v3/kv/range", RANGE)).json["header"] as { revision: string }).revision);
  await world.reset();
  expect(await revision()).toBeGreaterThan(1);
  await world.controlPlane.setFault({ mode: "wipe" });
  expect(await revision()).toBe(1);
});

test("without a client certificate nobody gets past the handshake", async () => {
  expect((await ask("/version", undefined, false)).status).not.toBe(200);
});

test.for(["/v3/kv/put", "/v3/kv/deleterange", "/v3/kv/txn", "/v3/auth/enable"])(
  "a data plane may not ask for %s",
  async (path) => {
    expect((await ask(path, { key: base64("/apisix/x"), value: base64("x") })).status).toBe(403);
  },
);

test.for<[string, object, number]>([
  ["of this version", {}, 200],
  ["of a gateway newer than the control plane", { version: "3.11.0" }, 403],
  ["without an instance", { instance_id: "" }, 400],
])("a heartbeat %s: %s", async ([, change, expected]) => {
  const answer = await ask("/api/dataplane/heartbeat", { ...HEARTBEAT, ...change });
  expect(answer.status).toBe(expected);
  if (expected === 200)
    expect(answer.json["config"]).toMatchObject({ config_version: 1, config_payload: expect.anything() });
});
