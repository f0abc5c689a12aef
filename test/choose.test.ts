import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StartMessage } from "../operator/domain/choice.ts";
import {
  buildChoose,
  type Change,
  FALLBACK,
  FILLED,
  groupPod,
  KEY,
  NORMAL,
  startJson,
  startPod,
} from "./choose-run.ts";
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
} from "./gateway/api7/control-plane-stub.ts";

const stubs = new Stubs();
let made: Certificates;
let bundle: string;
beforeAll(() => {
  made = makeCertificates(stubs);
  bundle = buildChoose(stubs);
}, 60_000);
afterAll(() => stubs[Symbol.asyncDispose]());

const scripted = (behaviour: Behaviour) => async () => (await controlPlane(stubs, made, behaviour)).endpoint;
const up = scripted({});
const strict = () => strictServer(stubs, made, "-tls1_3");
const startFile = (text: string | undefined) => ({ files: { "start/start.json": text } });
const mode = (recorded: string) => startFile(startJson(recorded));
const without = (...paths: string[]) => ({ files: Object.fromEntries(paths.map((path) => [path, undefined])) });
const noKeys = without("store/accessKeyId");
const slow = (ms: number) => scripted({ version: { json: VERSION, afterMs: ms } });
const slowStore = scripted({ range: { json: RANGE, afterMs: 1_500 } });
const forbidden = scripted({ version: { status: 403 }, range: { status: 403 } });
const notProven = startFile(JSON.stringify({ mode: "Normal", epoch: 3 }));
const withoutKeysAndProof = { files: { ...noKeys.files, ...notProven.files } };
const noCertificate = without("cp-cert/tls.crt", "cp-cert/tls.key", "cp-cert/ca.crt");

/** Said: choice, reason, both answers (or - when it was not asked), and what was absent. */
type Row = [sentence: string, endpoint: () => Promise<string>, change: Change | "stranger", said: string];

describe("a pod starts", () => {
  test.concurrent.for<Row>([
    ["control plane up", up, {}, "normal ControlPlaneAnswered ok/ok"],
    [
      "up, by its server name",
      up,
      { env: { HOLDFAST_CP_SERVER_NAME: "dp-manager" } },
      "normal ControlPlaneAnswered ok/ok",
    ],
    ["slow, within the limit", slow(1_500), {}, "normal ControlPlaneAnswered ok/ok"],
    ["slower than the limit", slow(7_000), {}, "fallback ControlPlaneSilent timeout/ok"],
    ["down", nobody, {}, "fallback ControlPlaneSilent refused/refused"],
    ["blackholed", () => blackHole(stubs), {}, "fallback ControlPlaneSilent timeout/timeout"],
    ["front up, store dead", scripted({ range: { status: 500 } }), {}, "fallback ControlPlaneSilent ok/serverError"],
    ["front up, store silent", scripted({ range: "silence" }), {}, "fallback ControlPlaneSilent ok/timeout"],
    ["front up, store slow", slowStore, {}, "normal ControlPlaneAnswered ok/ok"],
    ["certificate refused by TLS", strict, "stranger", "fallback ControlPlaneSilent tlsLocal/tlsLocal"],
    ["certificate refused by an answer", forbidden, {}, "fallback ControlPlaneRefusedUs denied/denied"],
    [
      "certificate absent",
      up,
      noCertificate,
      "fallback ControlPlaneSilent tlsLocal/tlsLocal clientCertificate,clientCA",
    ],
    [
      "key absent",
      up,
      without("cp-cert/tls.key"),
      "fallback ControlPlaneSilent tlsLocal/tlsLocal clientCertificate,clientCA",
    ],
    ["down, nothing proven", nobody, notProven, "normal NoProof refused/refused"],
    ["down, another template proven", nobody, startFile(startJson("Normal", "x")), "normal NoProof refused/refused"],
    ["down, no start ConfigMap", nobody, without("start/start.json"), "normal NoProof refused/refused start"],
    ["down, start.json cut short", nobody, startFile('{"mode":"Fal'), "normal NoProof refused/refused"],
    [
      "down, no fallback configuration",
      nobody,
      without("fallback/config.yaml"),
      "normal NoFallbackConfig refused/refused fallbackConfig",
    ],
    ["no normal configuration", up, without("normal/config.yaml"), "fallback NoNormalConfig - normalConfig"],
    ["recorded Fallback: not even asked", up, mode("Fallback"), "fallback RecordedFallback -"],
    ["recorded ToFallback: not even asked", up, mode("ToFallback"), "fallback RecordedFallback -"],
    [
      "recorded Fallback, another template proven, up",
      up,
      startFile(startJson("Fallback", "x")),
      "normal ControlPlaneAnswered ok/ok",
    ],
    ["recorded ToNormal, up", up, mode("ToNormal"), "normal ControlPlaneAnswered ok/ok"],
    ["recorded ToNormal, down", nobody, mode("ToNormal"), "fallback ControlPlaneSilent refused/refused"],
    ["a mode of a newer operator, down", nobody, mode("Hibernating"), "fallback ControlPlaneSilent refused/refused"],
    [
      "recorded Fallback, keys absent, up",
      up,
      { files: { ...mode("Fallback").files, ...noKeys.files } },
      "normal ReaderKeyAbsent ok/ok readerKeys",
    ],
    [
      "keys empty, down",
      nobody,
      { files: { "store/accessKeyId": "" } },
      "fallback ReaderKeyAbsent refused/refused readerKeys",
    ],
    [
      "keys under the other name, down",
      nobody,
      { files: { "store/accessKeyId": undefined, "store/AWS_ACCESS_KEY_ID": KEY } },
      "fallback ControlPlaneSilent refused/refused",
    ],
    [
      "keys absent, down, nothing proven: no matter",
      nobody,
      withoutKeysAndProof,
      "normal NoProof refused/refused readerKeys",
    ],
    ["keys absent, up: no matter", up, noKeys, "normal ControlPlaneAnswered ok/ok readerKeys"],
    [
      "no endpoint: nothing is known",
      nobody,
      { env: { HOLDFAST_CP_ENDPOINT: undefined } },
      "normal ProbeAborted aborted/aborted endpoint",
    ],
  ])("%s", async ([, endpoint, change, said]) => {
    const { cert, key } = made.stranger.client;
    const stranger = { files: { "cp-cert/tls.crt": cert, "cp-cert/tls.key": key } };
    const given = groupPod(made, await endpoint(), change === "stranger" ? stranger : change);
    const ended = await startPod(stubs, bundle, given).ended;
    // With neither control plane nor keys no gateway could start: it fails, so that the kubelet lets it choose again.
    const vain = said.startsWith("fallback ReaderKeyAbsent");
    expect(ended.exitCode).toBe(vain ? 1 : 0);
    expect(summary(ended.message)).toBe(said);
    const snapshot = said.startsWith("fallback") && !vain;
    expect([ended.config, ended.configMode]).toEqual(snapshot ? [FILLED, "440"] : [NORMAL, "644"]);
    expect(ended.tookMs).toBeLessThan(15_000);
    expect(JSON.stringify([ended.message, ended.output])).not.toContain(KEY);
  });
  test("which template and which epoch it was is told, too", async () => {
    const { message } = await startPod(stubs, bundle, groupPod(made, await nobody())).ended;
    expect(message).toMatchObject({ template: "7c9f", epoch: 3 });
  });
});

describe("what has nothing to choose is configured", () => {
  const configured = (change: Change = {}) => {
    const pod = groupPod(made, "https://127.0.0.1:1", {
      ...change,
      files: { "normal/config.yaml": undefined, ...change.files },
    });
    return startPod(stubs, bundle, { ...pod, args: ["choose", "--configure"] }).ended;
  };

  test("its keys get into its configuration and nowhere else", async () => {
    const ended = await configured();
    expect([ended.exitCode, ended.config, ended.configMode]).toEqual([0, FILLED, "440"]);
    expect(ended.message).toMatchObject({ configured: true });
    expect(JSON.stringify([ended.message, ended.output])).not.toContain(KEY);
  });

  test.for<[sentence: string, change: Change, why: string]>([
    ["without a Secret", noKeys, "the storage Secret has no usable accessKeyId or AWS_ACCESS_KEY_ID"],
    [
      "with a key that is none",
      { files: { "store/accessKeyId": `${KEY}\n` } },
      "the storage Secret has no usable accessKeyId",
    ],
    ["without a configuration", without("fallback/config.yaml"), "there is no configuration for this gateway"],
  ])("%s it fails, says why, and starts no gateway", async ([, change, why]) => {
    const ended = await configured(change);
    expect([ended.exitCode, ended.config]).toEqual([1, undefined]);
    expect(ended.message).toMatchObject({ loaded: false, why: expect.stringContaining(why) });
    expect(JSON.stringify([ended.message, ended.output])).not.toContain(KEY);
  });
});

function summary(message: Record<string, unknown> = {}): string {
  const { choice, reason, probe, absent } = message as unknown as StartMessage;
  const answers = probe === undefined ? "-" : `${probe.version}/${probe.read}`;
  return [choice, reason, answers, ...(absent.length === 0 ? [] : [absent.join(",")])].join(" ");
}

test.for([
  ["reads them there, as before", KEY, "fallback ControlPlaneSilent"],
  ["lacks them there", "", "fallback ReaderKeyAbsent"],
] as const)("a pod made when gateways read the keys from their environment %s", async ([, key, expected]) => {
  const change = { files: { "store/accessKeyId": undefined }, env: { HOLDFAST_STORE_ACCESS_KEY: key } };
  const { exitCode, message, config } = await startPod(stubs, bundle, groupPod(made, await nobody(), change)).ended;
  expect(`${message?.["choice"]} ${message?.["reason"]}`).toBe(expected);
  // The gateway puts the key in by itself: the file names the variable, and the key is nowhere.
  if (key !== "") expect([exitCode, config]).toEqual([0, FALLBACK]);
});
