import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, classifyVersionRead, type OperatorView } from "../../../operator/gateway/api7/answer.ts";
import type { ControlPlaneTarget } from "../../../operator/gateway/api7/https.ts";
import { probeControlPlane } from "../../../operator/gateway/api7/probe.ts";
import { classifyFailure } from "../../../operator/gateway/api7/tls-faults.ts";
import {
  type Behaviour,
  blackHole,
  type Certificates,
  controlPlane,
  hangUpServer,
  makeCertificates,
  muteServer,
  nobody,
  type Pem,
  plainTextServer,
  RANGE,
  type Script,
  Stubs,
  strictServer,
  target,
} from "./control-plane-stub.ts";

const stubs = new Stubs();
let made: Certificates;
beforeAll(() => {
  made = makeCertificates(stubs);
});
afterAll(() => stubs[Symbol.asyncDispose]());

const SHORT = { versionTimeoutMs: 300, readTimeoutMs: 300 };
const NO_PEM = { cert: "x", key: "y" };
const NONSENSE = { header: {}, count: "many" };
const ENDLESS = "x".repeat(300_000);
const AMPLE = { versionTimeoutMs: 10_000, readTimeoutMs: 10_000 };

/** An answer without its duration, as one line. */
const words = (answer: Answer | undefined): string => {
  if (answer === undefined) return "-";
  const { kind, ms: _, ...rest } = answer;
  const details = Object.entries(rest).filter(([key]) => key !== "lagMs" && key !== "code");
  return [kind, ...details.map(([, value]) => value)].join(" ");
};
const view = (seen: OperatorView): string => Object.values(seen).join(" ");

type Make = () => Promise<ControlPlaneTarget>;
const at =
  (endpoint: () => string | Promise<string>, change: () => Partial<ControlPlaneTarget> = () => ({})): Make =>
  async () =>
    target(await endpoint(), made, change());
const scripted = (behaviour: () => Behaviour, change?: () => Partial<ControlPlaneTarget>): Make =>
  at(async () => (await controlPlane(stubs, made, behaviour())).endpoint, change);
/** A control plane that is up, asked with something changed on our side. */
const ours = (change: () => Partial<ControlPlaneTarget>): Make => scripted(() => ({}), change);
const version = (script: Script): Make => scripted(() => ({ version: script }));
const range = (script: Script): Make => scripted(() => ({ range: script }));
const serverOf = (server: () => Pem): Make => scripted(() => ({ server: server() }));
const strict12 = () => strictServer(stubs, made, "-tls1_2");
const strict13 = () => strictServer(stubs, made, "-tls1_3");
const expired = () => ({ tls: { ...made.expiredClient, ca: made.ca } });
const stranger = () => ({ tls: { ...made.stranger.client, ca: made.ca } });
const foreignCA = () => ({ tls: { ...made.client, ca: made.stranger.ca } });
const mixed = () => ({ tls: { cert: made.client.cert, key: made.stranger.client.key } });

describe("what a probe sees", () => {
  test.for<[sentence: string, make: Make, answers: string, seen: string, short?: "short"]>([
    ["a control plane that is up", ours(() => ({})), "ok, ok", "up answered"],
    ["an empty one: no kvs, no count", range({ json: { header: { revision: "1" } } }), "ok, ok", "up answered"],
    ["slow, within the limit", range({ json: RANGE, afterMs: 500 }), "ok, ok", "up answered"],
    ["its database is silent", range("silence"), "ok, timeout answer", "up timedOut", "short"],
    ["its database fails", range({ status: 500 }), "ok, serverError 500", "up serverError"],
    ["its database fails in a 200", range({ json: { error: "x", code: 14 } }), "ok, serverError 200", "up serverError"],
    ["the read is cut off", range("cut"), "ok, reset", "unknown reset"],
    ["the read is forbidden", range({ status: 403 }), "ok, denied 403", "misconfigured denied"],
    ["the read answers HTML", range({ text: "<html>" }), "ok, malformed 200", "misconfigured malformed"],
    ["the read counts nonsense", range({ json: NONSENSE }), "ok, malformed 200", "misconfigured malformed"],
    ["a balancer without a dp-manager", version({ status: 503 }), "serverError 503, -", "down serverError"],
    ["we are not let in", version({ status: 401 }), "denied 401, -", "misconfigured denied"],
    ["a web server without /version", version({ status: 404 }), "malformed 404, -", "misconfigured malformed"],
    ["a redirect", version({ status: 302 }), "malformed 302, -", "misconfigured malformed"],
    ["JSON of somebody else", version({ json: { name: "x" } }), "malformed 200, -", "misconfigured malformed"],
    ["a body without end", version({ text: ENDLESS }), "malformed 200, -", "misconfigured malformed"],
    ["/version is silent", version("silence"), "timeout answer, -", "down timeout", "short"],
    ["/version is cut off", version("cut"), "reset, -", "down reset"],
    ["nobody listens", at(nobody), "refused, -", "down refused"],
    ["packets vanish", at(() => blackHole(stubs)), "timeout connect, -", "down timeout", "short"],
    ["it accepts and says nothing", at(() => muteServer(stubs)), "timeout tls, -", "down timeout", "short"],
    ["it accepts and hangs up", at(() => hangUpServer(stubs)), "reset, -", "down reset"],
    ["another protocol", at(() => plainTextServer(stubs)), "tlsRemote HandshakeFailed, -", "down tlsRemote"],
    [
      "its certificate expired",
      serverOf(() => made.expiredServer),
      "tlsRemote ServerCertificateExpired, -",
      "down tlsRemote",
    ],
    ["its authority is another", serverOf(() => made.stranger.server), "tlsLocal UnknownCA, -", "unknown tlsLocal"],
    ["our CA is another", ours(foreignCA), "tlsLocal UnknownCA, -", "unknown tlsLocal"],
    ["we have no CA", ours(() => ({ tls: made.client })), "tlsLocal UnknownCA, -", "unknown tlsLocal"],
    ["it has another name", ours(() => ({ serverName: "x" })), "tlsLocal WrongServerName, -", "unknown tlsLocal"],
    ["it has the name given", ours(() => ({ serverName: "dp-manager" })), "ok, ok", "up answered"],
    ["we have no certificate", ours(() => ({ tls: undefined })), "tlsLocal CertificateAbsent, -", "unknown tlsLocal"],
    ["ours is no PEM", ours(() => ({ tls: NO_PEM })), "tlsLocal CertificateUnreadable, -", "unknown tlsLocal"],
    ["our key is of another", ours(mixed), "tlsLocal CertificateUnreadable, -", "unknown tlsLocal"],
    [
      "our CA is no PEM",
      ours(() => ({ tls: { ...made.client, ca: "x" } })),
      "tlsLocal UnknownCA, -",
      "unknown tlsLocal",
    ],
    ["ours expired, TLS 1.2", at(strict12, expired), "tlsLocal CertificateExpired, -", "unknown tlsLocal"],
    ["ours expired, TLS 1.3", at(strict13, expired), "tlsLocal CertificateExpired, -", "unknown tlsLocal"],
    ["ours expired, it just hangs up", ours(expired), "tlsLocal CertificateExpired, -", "unknown tlsLocal"],
    ["ours is a stranger's, TLS 1.2", at(strict12, stranger), "tlsLocal CertificateRefused, -", "unknown tlsLocal"],
    ["ours is a stranger's, TLS 1.3", at(strict13, stranger), "tlsLocal CertificateRefused, -", "unknown tlsLocal"],
    ["the name does not resolve", at(() => "https://dp-manager.invalid:7943"), "dnsFailure, -", "unknown dnsFailure"],
    ["the endpoint is no URL", at(() => "dp-manager"), "dnsFailure, -", "unknown dnsFailure"],
    ["the endpoint's user is no text", at(() => "https://u%ZZ@127.0.0.1:1"), "dnsFailure, -", "unknown dnsFailure"],
    [
      "the name given is no name",
      ours(() => ({ serverName: "x\u0000" })),
      "tlsLocal WrongServerName, -",
      "unknown tlsLocal",
    ],
    ["the endpoint is not https", at(() => "http://127.0.0.1:1"), "dnsFailure, -", "unknown dnsFailure"],
  ])("%s", async ([, make, answers, seen, short]) => {
    const probe = await probeControlPlane(await make(), short ? SHORT : AMPLE);
    expect(`${words(probe.version)}, ${words(probe.read)}`).toBe(answers);
    expect(view(classifyVersionRead(probe.version, probe.read))).toBe(seen);
  });
  test("no answer holds a text of the other side or of a key", async () => {
    const stub = await controlPlane(stubs, made, { version: { text: "planted-4711" } });
    const bad = { cert: "planted-4711", key: "planted-4711" };
    for (const asked of [target(stub.endpoint, made), target(stub.endpoint, made, { tls: bad })]) {
      expect(JSON.stringify(await probeControlPlane(asked, AMPLE))).not.toContain("planted");
    }
  });
});

test("a time-out that our own process came too late to judge says nothing of the control plane", () => {
  const late: Answer = { kind: "timeout", phase: "answer", lagMs: 1_500, ms: 5_500 };
  const ok: Answer = { kind: "ok", ms: 3 };
  expect(classifyVersionRead(late, undefined)).toEqual({ seen: "unknown", why: "operatorLagging" });
  expect(classifyVersionRead(ok, late)).toEqual({ seen: "unknown", why: "operatorLagging" });
  expect(classifyVersionRead(ok, { ...late, lagMs: 900 })).toEqual({ seen: "up", reads: "timedOut" });
});

test.for([
  ["EMFILE", "aborted"],
  ["ENOBUFS", "aborted"],
  ["ENOMEM", "aborted"],
  ["a bug without a code", "aborted"],
  ["EPROTO", "tlsRemote"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "tlsRemote"],
  ["CERT_NOT_YET_VALID", "tlsLocal"],
  ["ECONNREFUSED", "refused"],
  ["EHOSTUNREACH", "noRoute"],
] as const)("%s: what is no word of the other side is not taken for one", ([code, kind]) => {
  expect(classifyFailure(Object.assign(new Error("x"), { code }), "tls").kind).toBe(kind);
});
