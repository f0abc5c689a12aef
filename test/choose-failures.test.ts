// What becomes of a gateway's configuration when the start choice itself fails.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildChoose, FILLED, groupPod, NORMAL, type Pod, startPod } from "./choose-run.ts";
import { type Certificates, controlPlane, makeCertificates, nobody, Stubs } from "./gateway/api7/control-plane-stub.ts";

const stubs = new Stubs();
let made: Certificates;
let bundle: string;
beforeAll(() => {
  made = makeCertificates(stubs);
  bundle = buildChoose(stubs);
}, 60_000);
afterAll(() => stubs[Symbol.asyncDispose]());

const pod = (endpoint: string): Pod => groupPod(made, endpoint);

describe("whatever happens to it, the normal configuration is there", () => {
  const silent = async () => (await controlPlane(stubs, made, { version: "silence", range: "silence" })).endpoint;
  test("killed in the middle of its probe", async () => {
    const running = startPod(stubs, bundle, pod(await silent()));
    await until(() => existsSync(join(running.root, "conf/config.yaml")));
    process.kill(running.pid, "SIGKILL");
    const { signal, config, message } = await running.ended;
    expect([signal, config, message]).toEqual(["SIGKILL", NORMAL, undefined]);
  });
  test("the pod is deleted in the middle of its probe: it goes at once", async () => {
    const running = startPod(stubs, bundle, pod(await silent()));
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
    const ended = await startPod(stubs, bundle, { ...pod(await nobody()), preload }).ended;
    expect([ended.exitCode, ended.config]).toEqual([0, NORMAL]);
    expect(ended.message).toMatchObject({ choice: "normal", reason: "OwnFailure", failure });
  });
  test("frozen through its own deadline, it does not blame the control plane", async () => {
    const stub = await controlPlane(stubs, made, { version: "silence", range: "silence" });
    const running = startPod(stubs, bundle, pod(stub.endpoint));
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
    const { files, env } = pod(await nobody());
    const ended = await startPod(stubs, bundle, { files: { ...files, "conf/config.yaml/in-the-way": "" }, env }).ended;
    expect(ended.exitCode).toBe(0);
    expect(ended.message).toMatchObject({ reason: "OwnFailure", failure: "EISDIR" });
  });
  test("no termination message: the choice stands all the same, and the log has it", async () => {
    const given = pod(await nobody());
    const env = { ...given.env, HOLDFAST_TERMINATION_LOG: "/proc/no/such/place" };
    const ended = await startPod(stubs, bundle, { ...given, env }).ended;
    expect([ended.exitCode, ended.config]).toEqual([0, FILLED]);
    expect(ended.output).toContain("ControlPlaneSilent");
  });
});

test("a configuration is replaced in one step: a reader holds the old file or the new one", async () => {
  const running = startPod(stubs, bundle, pod(await nobody()));
  const seen = new Set<string>();
  const path = join(running.root, "conf/config.yaml");
  let over = false;
  void running.ended.then(() => (over = true));
  while (!over) {
    if (existsSync(path)) seen.add(readFileSync(path, "utf8"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(seen.size).toBeGreaterThan(0);
  for (const text of seen) expect([NORMAL, FILLED]).toContain(text);
  expect(existsSync(`${path}.next`)).toBe(false);
});

async function until(holds: () => boolean): Promise<void> {
  for (let left = 500; left > 0 && !holds(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
}
