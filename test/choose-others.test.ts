// The other two commands of the bundle, and the one case that needs a network of its own.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildChoose, type Pod, startJson, startPod } from "./choose-run.ts";
import { type Certificates, controlPlane, makeCertificates, nobody, Stubs } from "./gateway/api7/control-plane-stub.ts";

const stubs = new Stubs();
let made: Certificates;
let bundle: string;
beforeAll(() => {
  made = makeCertificates(stubs);
  bundle = buildChoose(stubs);
}, 60_000);
afterAll(() => stubs[Symbol.asyncDispose]());

const certificate = () => ({
  "cp-cert/tls.crt": made.client.cert,
  "cp-cert/tls.key": made.client.key,
  "cp-cert/ca.crt": made.ca,
});

describe("a witness", () => {
  const ask = (endpoint: string, files: Record<string, string>) =>
    startPod(stubs, bundle, { files, env: { HOLDFAST_CP_ENDPOINT: endpoint }, args: ["--probe"] }).ended;
  test("says that the control plane answers", async () => {
    const { endpoint } = await controlPlane(stubs, made);
    const { exitCode, message } = await ask(endpoint, certificate());
    expect([exitCode, message]).toMatchObject([0, { probe: { version: "ok", read: "ok" } }]);
  });
  test("tells a dead database from a dead front", async () => {
    const { endpoint } = await controlPlane(stubs, made, { range: { status: 503 } });
    expect((await ask(endpoint, certificate())).message?.["probe"]).toEqual({ version: "ok", read: "serverError" });
  });
  test("does not ask to read where nothing tells its version", async () => {
    const { exitCode, message } = await ask(await nobody(), certificate());
    expect([exitCode, message?.["probe"]]).toEqual([0, { version: "refused" }]);
  });
  test("without a certificate it says why it knows nothing", async () => {
    expect((await ask(await nobody(), {})).message?.["probe"]).toEqual({ version: "tlsLocal" });
  });
  test("writes no configuration: it starts no gateway", async () => {
    const { config } = await ask(await nobody(), { "normal/config.yaml": "a: 1", ...certificate() });
    expect(config).toBeUndefined();
  });
});

describe("a rehearsal", () => {
  async function controlAPI(routes: number): Promise<string> {
    const server = createServer((request, response) => {
      const count = request.url === "/v1/routes" ? routes : 0;
      response.end(JSON.stringify(Array.from({ length: count }, () => ({}))));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stubs.closeLater(() => new Promise((resolve) => server.close(resolve)));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const rehearse = (env: Record<string, string>, files: Record<string, string> = {}) =>
    startPod(stubs, bundle, { files, env: { HOLDFAST_REHEARSAL_SECONDS: "1", ...env }, args: ["--rehearse"] }).ended;

  test("all is loaded: exit 0 and the counts", async () => {
    const env = { HOLDFAST_CONTROL_API: await controlAPI(3), HOLDFAST_EXPECTED_COUNTS: '{"routes":3}' };
    const { exitCode, message } = await rehearse(env);
    expect([exitCode, message]).toMatchObject([0, { loaded: true, counts: { routes: 3, services: 0, upstreams: 0 } }]);
  });
  test("a route was dropped: exit 1, what was expected and what was seen", async () => {
    const env = { HOLDFAST_CONTROL_API: await controlAPI(2), HOLDFAST_EXPECTED_COUNTS: '{"routes":3}' };
    const { exitCode, message } = await rehearse(env);
    const said = { loaded: false, why: "FewerThanExpected", expected: { routes: 3 }, seen: { routes: 2 } };
    expect([exitCode, message]).toMatchObject([1, said]);
  });
  test("the gateway does not come up: exit 1", async () => {
    const gone = (await nobody()).replace("https", "http");
    const { exitCode, message } = await rehearse({
      HOLDFAST_CONTROL_API: gone,
      HOLDFAST_EXPECTED_COUNTS: '{"routes":3}',
    });
    expect([exitCode, message]).toMatchObject([1, { loaded: false, why: "NoAnswer" }]);
  });
  test.for([
    ["nothing", undefined],
    ["no JSON", "{"],
    ["no numbers", '{"routes":"3"}'],
    ["a list", "[3]"],
  ] as const)("expects %s: nothing would be proven, exit 1", async ([, expected]) => {
    const given = expected === undefined ? {} : { HOLDFAST_EXPECTED_COUNTS: expected };
    const { exitCode, message } = await rehearse({ HOLDFAST_CONTROL_API: await controlAPI(3), ...given });
    expect([exitCode, message]).toMatchObject([1, { loaded: false, why: "NothingExpected" }]);
  });
  test("an empty control plane is loaded as soon as the gateway answers", async () => {
    const { exitCode } = await rehearse({ HOLDFAST_CONTROL_API: await controlAPI(0), HOLDFAST_EXPECTED_COUNTS: "{}" });
    expect(exitCode).toBe(0);
  });
  test("expectations come in a file, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-expected-"));
    stubs.closeLater(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "expected.json");
    writeFileSync(file, '{"routes":3}');
    const { exitCode } = await rehearse({
      HOLDFAST_CONTROL_API: await controlAPI(3),
      HOLDFAST_EXPECTED_COUNTS_FILE: file,
    });
    expect(exitCode).toBe(0);
  });
});

const ownNetwork = spawnSync("unshare", ["-m", "-n", "true"]).status === 0;

// A resolver that says nothing: name look-ups cannot be called off, and process.exit waits for them.
test.skipIf(!ownNetwork)("a dead resolver delays a start by the probe's limit and no longer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-dns-"));
  stubs.closeLater(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "resolv.conf"), "nameserver 127.0.0.1\nsearch a.test b.test c.test\noptions ndots:5\n");
  const mute = 'require("dgram").createSocket("udp4").bind(53,"127.0.0.1",()=>console.log("up"))';
  writeFileSync(
    join(folder, "inside.sh"),
    `set -e
    mount --make-rprivate /
    mount --bind ${folder}/resolv.conf /etc/resolv.conf
    ip link set lo up
    mkfifo ${folder}/up
    ${process.execPath} -e '${mute}' > ${folder}/up & mute=$!
    read -r _ < ${folder}/up
    date +%s%N > ${folder}/from
    ${process.execPath} ${bundle}; code=$?
    date +%s%N > ${folder}/to
    kill $mute; exit $code`,
  );
  const pod: Pod = {
    files: {
      "normal/config.yaml": "role: normal\n",
      "fallback/config.yaml": "role: fallback\n",
      "start/start.json": startJson("Normal"),
      ...certificate(),
    },
    env: { HOLDFAST_CP_ENDPOINT: "https://api7-dp-manager.api7.svc:7943" },
  };
  const running = startPod(stubs, bundle, { ...pod, env: {} });
  await running.ended;
  const log = join(folder, "message");
  const env = {
    ...process.env,
    ...pod.env,
    HOLDFAST_ROOT: running.root,
    HOLDFAST_TERMINATION_LOG: log,
    HOLDFAST_TEMPLATE_HASH: "7c9f",
  };
  execFileSync("unshare", ["-m", "-n", "bash", join(folder, "inside.sh")], { env, stdio: "pipe" });
  const message = JSON.parse(readFileSync(log, "utf8"));
  expect(message).toMatchObject({ choice: "fallback", probe: { version: "dnsFailure", read: "dnsFailure" } });
  const [from, to] = ["from", "to"].map((name) => BigInt(readFileSync(join(folder, name), "utf8").trim()));
  // The probe's limit is 4 s, what is left is for a busy machine; a process that waits for the look-up before it ends takes
  // 20 s. A start that its own limit of 9 s ended would have no probe to tell of, above.
  expect(Number((to ?? 0n) - (from ?? 0n)) / 1e6).toBeLessThan(10_000);
});
