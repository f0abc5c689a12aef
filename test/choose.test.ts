import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildChoose, FALLBACK, NORMAL, type Pod, startJson, startPod } from "./choose-run.ts";
import {
  type Behaviour,
  blackHole,
  type Certificates,
  controlPlane,
  makeCertificates,
  nobody,
  RANGE,
  Stubs,
  strictServer,
  VERSION,
} from "./gateway/control-plane-stub.ts";

const stubs = new Stubs();
let made: Certificates;
let bundle: string;
beforeAll(() => {
  made = makeCertificates(stubs);
  bundle = buildChoose(stubs);
}, 60_000);
afterAll(() => stubs[Symbol.asyncDispose]());

const KEY = "planted-storage-key-4711";

/** A pod of a group in Normal with everything at hand. `undefined` takes a file or a variable away. */
async function pod(
  endpoint: string,
  change: { files?: Record<string, string | undefined>; env?: Record<string, string | undefined> } = {},
): Promise<Pod> {
  const files = {
    "normal/config.yaml": NORMAL,
    "fallback/config.yaml": FALLBACK,
    "start/start.json": startJson("Normal"),
    "cp-cert/tls.crt": made.client.cert,
    "cp-cert/tls.key": made.client.key,
    "cp-cert/ca.crt": made.ca,
    ...change.files,
  };
  const env = { HOLDFAST_CP_ENDPOINT: endpoint, HOLDFAST_STORE_ACCESS_KEY: KEY, ...change.env };
  return { files: present(files), env: present(env) };
}
const present = (all: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));

const scripted = (behaviour: Behaviour) => async () => (await controlPlane(stubs, made, behaviour)).endpoint;
const up = scripted({});
const mode = (recorded: string) => ({ files: { "start/start.json": startJson(recorded) } });
const without = (...paths: string[]) => ({ files: Object.fromEntries(paths.map((path) => [path, undefined])) });

type Row = [
  sentence: string,
  endpoint: () => Promise<string>,
  change: Parameters<typeof pod>[1],
  choice: "normal" | "fallback",
  expected: Record<string, unknown>,
];

describe("a pod starts", () => {
  test.concurrent.for<Row>([
    [
      "control plane up",
      up,
      {},
      "normal",
      { reason: "ControlPlaneAnswered", absent: [], epoch: 3, probe: { version: "ok", read: "ok" } },
    ],
    [
      "control plane up, its certificate names the server name",
      up,
      { env: { HOLDFAST_CP_SERVER_NAME: "dp-manager" } },
      "normal",
      { reason: "ControlPlaneAnswered" },
    ],
    [
      "control plane slow, within the limit",
      scripted({ version: { json: VERSION, afterMs: 1_500 } }),
      {},
      "normal",
      { reason: "ControlPlaneAnswered" },
    ],
    [
      "control plane slower than the limit",
      scripted({ version: { json: VERSION, afterMs: 7_000 } }),
      {},
      "fallback",
      { reason: "ControlPlaneSilent", probe: { version: "timeout", read: "ok" } },
    ],
    [
      "control plane down",
      nobody,
      {},
      "fallback",
      { reason: "ControlPlaneSilent", probe: { version: "refused", read: "refused" } },
    ],
    [
      "control plane blackholed",
      () => blackHole(stubs),
      {},
      "fallback",
      { reason: "ControlPlaneSilent", probe: { version: "timeout", read: "timeout" } },
    ],
    [
      "front up, store dead",
      scripted({ range: { status: 500 } }),
      {},
      "fallback",
      { probe: { version: "ok", read: "serverError" } },
    ],
    [
      "front up, store silent",
      scripted({ range: "silence" }),
      {},
      "fallback",
      { probe: { version: "ok", read: "timeout" } },
    ],
    [
      "front up, store slow",
      scripted({ range: { json: RANGE, afterMs: 1_500 } }),
      {},
      "normal",
      { reason: "ControlPlaneAnswered" },
    ],
    [
      "certificate refused by TLS",
      () => strictServer(stubs, made, "-tls1_3"),
      { files: { "cp-cert/tls.crt": "stranger", "cp-cert/tls.key": "stranger" } },
      "fallback",
      { reason: "ControlPlaneSilent", probe: { version: "tlsLocal", read: "tlsLocal" } },
    ],
    [
      "certificate refused by an answer",
      scripted({ version: { status: 403 }, range: { status: 403 } }),
      {},
      "fallback",
      { reason: "ControlPlaneRefusedUs" },
    ],
    [
      "certificate Secret absent",
      up,
      without("cp-cert/tls.crt", "cp-cert/tls.key", "cp-cert/ca.crt"),
      "fallback",
      { absent: ["clientCertificate", "clientCA"], probe: { version: "tlsLocal", read: "tlsLocal" } },
    ],
    [
      "certificate without its key",
      up,
      without("cp-cert/tls.key"),
      "fallback",
      { absent: ["clientCertificate", "clientCA"] },
    ],
    [
      "control plane down, nothing proven",
      nobody,
      { files: { "start/start.json": JSON.stringify({ mode: "Normal", epoch: 3 }) } },
      "normal",
      { reason: "NoProof" },
    ],
    [
      "control plane down, another template proven",
      nobody,
      { files: { "start/start.json": startJson("Normal", "other") } },
      "normal",
      { reason: "NoProof" },
    ],
    [
      "control plane down, no start ConfigMap",
      nobody,
      without("start/start.json"),
      "normal",
      { reason: "NoProof", absent: ["start"] },
    ],
    [
      "control plane down, start.json cut in the middle",
      nobody,
      { files: { "start/start.json": '{"mode":"Fallb' } },
      "normal",
      { reason: "NoProof" },
    ],
    [
      "control plane down, no fallback configuration",
      nobody,
      without("fallback/config.yaml"),
      "normal",
      { reason: "NoFallbackConfig", absent: ["fallbackConfig"] },
    ],
    [
      "no normal configuration",
      up,
      without("normal/config.yaml"),
      "fallback",
      { reason: "NoNormalConfig", absent: ["normalConfig"] },
    ],
    [
      "recorded Fallback: not even asked",
      up,
      mode("Fallback"),
      "fallback",
      { reason: "RecordedFallback", probe: undefined },
    ],
    [
      "recorded ToFallback: not even asked",
      up,
      mode("ToFallback"),
      "fallback",
      { reason: "RecordedFallback", probe: undefined },
    ],
    [
      "recorded Fallback, another template proven, control plane up",
      up,
      { files: { "start/start.json": startJson("Fallback", "other") } },
      "normal",
      { reason: "ControlPlaneAnswered" },
    ],
    ["recorded ToNormal, control plane up", up, mode("ToNormal"), "normal", { reason: "ControlPlaneAnswered" }],
    ["recorded ToNormal, control plane down", nobody, mode("ToNormal"), "fallback", { reason: "ControlPlaneSilent" }],
    [
      "a mode of a newer operator, control plane down",
      nobody,
      mode("Hibernating"),
      "fallback",
      { reason: "ControlPlaneSilent", epoch: undefined },
    ],
    [
      "recorded Fallback, reader keys absent, control plane up",
      up,
      { ...mode("Fallback"), env: { HOLDFAST_STORE_ACCESS_KEY: undefined } },
      "normal",
      { reason: "ReaderKeyAbsent", absent: ["readerKeys"] },
    ],
    [
      "reader keys empty, control plane down",
      nobody,
      { env: { HOLDFAST_STORE_ACCESS_KEY: "" } },
      "fallback",
      { reason: "ReaderKeyAbsent", absent: ["readerKeys"] },
    ],
    [
      "reader keys absent, control plane up: no matter",
      up,
      { env: { HOLDFAST_STORE_ACCESS_KEY: undefined } },
      "normal",
      { reason: "ControlPlaneAnswered", absent: ["readerKeys"] },
    ],
    [
      "no endpoint given: cannot ask, so nothing is known",
      nobody,
      { env: { HOLDFAST_CP_ENDPOINT: undefined } },
      "normal",
      { reason: "ProbeAborted", absent: ["endpoint"] },
    ],
  ])("%s", async ([, endpoint, change, choice, expected]) => {
    const { files, env } = await pod(await endpoint(), change);
    for (const path of ["cp-cert/tls.crt", "cp-cert/tls.key"]) {
      if (files[path] === "stranger")
        files[path] = path.endsWith("crt") ? made.stranger.client.cert : made.stranger.client.key;
    }
    const ended = await startPod(stubs, bundle, { files, env }).ended;
    expect(ended.exitCode).toBe(0);
    expect(ended.message).toMatchObject({ choice, template: "7c9f", ...present(expected as Record<string, string>) });
    for (const key of Object.keys(expected))
      if (expected[key] === undefined) expect(ended.message).not.toHaveProperty(key);
    expect(ended.config).toBe(choice === "normal" ? NORMAL : FALLBACK);
    expect(ended.tookMs).toBeLessThan(9_000);
    expect(JSON.stringify(ended)).not.toContain(KEY);
  });
});

describe("whatever happens to it, the normal configuration is there", () => {
  const silent = scripted({ version: "silence", range: "silence" });
  test("killed in the middle of its probe", async () => {
    const running = startPod(stubs, bundle, await pod(await silent()));
    await until(() => existsSync(join(running.root, "conf/config.yaml")));
    process.kill(running.pid, "SIGKILL");
    const { signal, config, message } = await running.ended;
    expect([signal, config, message]).toEqual(["SIGKILL", NORMAL, undefined]);
  });
  test("the pod is deleted in the middle of its probe: it goes at once", async () => {
    const running = startPod(stubs, bundle, await pod(await silent()));
    await until(() => existsSync(join(running.root, "conf/config.yaml")));
    process.kill(running.pid, "SIGTERM");
    const { exitCode, config, message, tookMs } = await running.ended;
    expect([exitCode, config]).toEqual([0, NORMAL]);
    expect(message).toMatchObject({ choice: "normal", reason: "OwnFailure", failure: "SIGTERM" });
    expect(tookMs).toBeLessThan(4_000);
  });
  const patch = (how: string) => `
    import https from "node:https"; import { syncBuiltinESMExports } from "node:module";
    ${how}; syncBuiltinESMExports();`;
  const never = `const later = globalThis.setTimeout;
    globalThis.setTimeout = (run, ms) => later(run, ms === 4000 ? 3600000 : ms / 20);`;
  test.for([
    ["a bug throws", patch('https.request = () => { throw new RangeError("bug") }'), "RangeError"],
    [
      "a bug throws out of a callback",
      patch(
        'https.request = () => { setImmediate(() => { throw new TypeError("bug") }); return { on() {}, end() {}, destroy() {} } }',
      ),
      "TypeError",
    ],
    [
      "a promise is rejected that nobody awaits",
      patch(
        'https.request = () => { Promise.reject(new TypeError("bug")); return { on() {}, end() {}, destroy() {} } }',
      ),
      "TypeError",
    ],
    [
      "the probe never ends",
      patch(`${never} https.request = () => ({ on() {}, end() {}, destroy() {} })`),
      "HardLimit",
    ],
  ] as const)("%s", async ([, preload, failure]) => {
    const ended = await startPod(stubs, bundle, { ...(await pod(await nobody())), preload }).ended;
    expect([ended.exitCode, ended.config]).toEqual([0, NORMAL]);
    expect(ended.message).toMatchObject({ choice: "normal", reason: "OwnFailure", failure });
  });
  test("frozen through its own deadline, it does not blame the control plane", async () => {
    const stub = await controlPlane(stubs, made, { version: "silence", range: "silence" });
    const running = startPod(stubs, bundle, await pod(stub.endpoint));
    await until(() => stub.asked.length === 2);
    process.kill(running.pid, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 6_500));
    process.kill(running.pid, "SIGCONT");
    const { message, config } = await running.ended;
    expect(message).toMatchObject({ choice: "normal", reason: "ProbeAborted" });
    expect(config).toBe(NORMAL);
  });
});

describe("what it cannot write", () => {
  test("no room for a configuration: it says so and still exits 0", async () => {
    const { files, env } = await pod(await nobody());
    const ended = await startPod(stubs, bundle, { files: { ...files, "conf/config.yaml/in-the-way": "" }, env }).ended;
    expect(ended.exitCode).toBe(0);
    expect(ended.message).toMatchObject({ reason: "OwnFailure", failure: "EISDIR" });
  });
  test("no termination message: the choice stands all the same, and the log has it", async () => {
    const given = await pod(await nobody());
    const env = { ...given.env, HOLDFAST_TERMINATION_LOG: "/proc/no/such/place" };
    const ended = await startPod(stubs, bundle, { ...given, env }).ended;
    expect([ended.exitCode, ended.config]).toEqual([0, FALLBACK]);
    expect(ended.output).toContain("ControlPlaneSilent");
  });
});

test("a configuration is replaced in one step: a reader holds the old file or the new one", async () => {
  const running = startPod(stubs, bundle, await pod(await nobody()));
  const seen = new Set<string>();
  const path = join(running.root, "conf/config.yaml");
  let over = false;
  void running.ended.then(() => (over = true));
  while (!over) {
    if (existsSync(path)) seen.add(readFileSync(path, "utf8"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const text of seen) expect([NORMAL, FALLBACK]).toContain(text);
  expect(existsSync(`${path}.next`)).toBe(false);
});

async function until(holds: () => boolean): Promise<void> {
  for (let left = 500; left > 0 && !holds(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
}
