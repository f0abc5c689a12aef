import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, classifyVersionRead, type OperatorView } from "../../operator/gateway/api7-answer.ts";
import {
  type ControlPlaneTarget,
  countKinds,
  probeControlPlane,
  probeInParallel,
} from "../../operator/gateway/api7-probe.ts";
import {
  type Behaviour,
  blackHole,
  type Certificates,
  controlPlane,
  hangUpServer,
  makeCertificates,
  muteServer,
  nobody,
  plainTextServer,
  RANGE,
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
const AMPLE = { versionTimeoutMs: 10_000, readTimeoutMs: 10_000 };

/** An answer without its duration, as one line. */
const words = (answer: Answer | undefined): string => {
  if (answer === undefined) return "-";
  const { kind, ms: _, ...rest } = answer;
  const details = Object.entries(rest).filter(([key]) => key !== "lagMs");
  return [kind, ...details.map(([, value]) => value)].join(" ");
};
const view = (seen: OperatorView): string => Object.values(seen).join(" ");

const scripted = (behaviour: Behaviour) => async () =>
  target((await controlPlane(stubs, made, behaviour)).endpoint, made);
const up = scripted({});
const at = (endpoint: Promise<string>) => async () => target(await endpoint, made);

type Row = [
  sentence: string,
  make: () => Promise<ControlPlaneTarget>,
  version: string,
  read: string,
  seen: string,
  short?: true,
];

describe("what a probe sees", () => {
  test.for<Row>([
    ["a control plane that is up", up, "ok", "ok", "up answered"],
    [
      "an empty one: no kvs, no count",
      scripted({ range: { json: { header: { revision: "1" } } } }),
      "ok",
      "ok",
      "up answered",
    ],
    ["slow, within the limit", scripted({ range: { json: RANGE, afterMs: 500 } }), "ok", "ok", "up answered"],
    ["its database is silent", scripted({ range: "silence" }), "ok", "timeout answer", "up timedOut", true],
    ["its database fails", scripted({ range: { status: 500 } }), "ok", "serverError 500", "up serverError"],
    [
      "its database fails within a 200",
      scripted({ range: { json: { error: "etcdserver: no leader", code: 14 } } }),
      "ok",
      "serverError 200",
      "up serverError",
    ],
    ["the read is cut off", scripted({ range: "cut" }), "ok", "reset", "unknown reset"],
    ["the read is forbidden", scripted({ range: { status: 403 } }), "ok", "denied 403", "misconfigured denied"],
    [
      "the read answers something else",
      scripted({ range: { text: "<html>" } }),
      "ok",
      "malformed 200",
      "misconfigured malformed",
    ],
    [
      "the read counts nonsense",
      scripted({ range: { json: { header: {}, count: "many" } } }),
      "ok",
      "malformed 200",
      "misconfigured malformed",
    ],
    [
      "a load balancer without a dp-manager",
      scripted({ version: { status: 503 } }),
      "serverError 503",
      "-",
      "down serverError",
    ],
    ["we are not let in", scripted({ version: { status: 401 } }), "denied 401", "-", "misconfigured denied"],
    [
      "a web server that knows no /version",
      scripted({ version: { status: 404 } }),
      "malformed 404",
      "-",
      "misconfigured malformed",
    ],
    ["a redirect", scripted({ version: { status: 302 } }), "malformed 302", "-", "misconfigured malformed"],
    [
      "JSON of somebody else",
      scripted({ version: { json: { name: "grafana" } } }),
      "malformed 200",
      "-",
      "misconfigured malformed",
    ],
    [
      "a body without end",
      scripted({ version: { text: "x".repeat(300_000) } }),
      "malformed 200",
      "-",
      "misconfigured malformed",
    ],
    ["/version is silent", scripted({ version: "silence" }), "timeout answer", "-", "down timeout", true],
    ["/version is cut off", scripted({ version: "cut" }), "reset", "-", "down reset"],
    ["nobody listens", at(nobody()), "refused", "-", "down refused"],
    ["packets vanish", at(blackHole(stubs)), "timeout connect", "-", "down timeout", true],
    ["it accepts and says nothing", at(muteServer(stubs)), "timeout tls", "-", "down timeout", true],
    ["it accepts and hangs up", at(hangUpServer(stubs)), "reset", "-", "down reset"],
    ["it speaks another protocol", at(plainTextServer(stubs)), "tlsRemote HandshakeFailed", "-", "down tlsRemote"],
    [
      "its certificate has expired",
      async () => scripted({ server: made.expiredServer })(),
      "tlsRemote ServerCertificateExpired",
      "-",
      "down tlsRemote",
    ],
    [
      "its certificate is of another authority",
      async () => scripted({ server: made.stranger.server })(),
      "tlsLocal UnknownCA",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our CA is another one",
      async () => change(up, { tls: { ...made.client, ca: made.stranger.ca } }),
      "tlsLocal UnknownCA",
      "-",
      "unknown tlsLocal",
    ],
    ["we have no CA", async () => change(up, { tls: made.client }), "tlsLocal UnknownCA", "-", "unknown tlsLocal"],
    [
      "its certificate names somebody else",
      async () => change(up, { serverName: "elsewhere" }),
      "tlsLocal WrongServerName",
      "-",
      "unknown tlsLocal",
    ],
    [
      "its certificate names the server name given",
      async () => change(up, { serverName: "dp-manager" }),
      "ok",
      "ok",
      "up answered",
    ],
    [
      "our certificate is not there",
      async () => change(up, { tls: undefined }),
      "tlsLocal CertificateAbsent",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our certificate is no PEM",
      async () => change(up, { tls: { cert: "x", key: "y" } }),
      "tlsLocal CertificateUnreadable",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our key is of another certificate",
      async () => change(up, { tls: { cert: made.client.cert, key: made.stranger.client.key } }),
      "tlsLocal CertificateUnreadable",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our CA is no PEM",
      async () => change(up, { tls: { ...made.client, ca: "x" } }),
      "tlsLocal UnknownCA",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our certificate has expired, TLS 1.2",
      async () => expired(strictServer(stubs, made, "-tls1_2")),
      "tlsLocal CertificateExpired",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our certificate has expired, TLS 1.3",
      async () => expired(strictServer(stubs, made, "-tls1_3")),
      "tlsLocal CertificateExpired",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our certificate has expired, and it hangs up without a word",
      async () => change(up, { tls: { ...made.expiredClient, ca: made.ca } }),
      "tlsLocal CertificateExpired",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our certificate is of another authority, TLS 1.2",
      async () => stranger(strictServer(stubs, made, "-tls1_2")),
      "tlsLocal CertificateRefused",
      "-",
      "unknown tlsLocal",
    ],
    [
      "our certificate is of another authority, TLS 1.3",
      async () => stranger(strictServer(stubs, made, "-tls1_3")),
      "tlsLocal CertificateRefused",
      "-",
      "unknown tlsLocal",
    ],
    [
      "the name does not resolve",
      async () => target("https://dp-manager.invalid:7943", made),
      "dnsFailure ENOTFOUND",
      "-",
      "unknown dnsFailure",
    ],
    [
      "the endpoint is no URL",
      async () => target("dp-manager", made),
      "dnsFailure ERR_INVALID_URL",
      "-",
      "unknown dnsFailure",
    ],
    [
      "the endpoint is not https",
      async () => target("http://127.0.0.1:1", made),
      "dnsFailure ERR_INVALID_PROTOCOL",
      "-",
      "unknown dnsFailure",
    ],
  ])("%s", async ([, make, version, read, seen, short]) => {
    const probe = await probeControlPlane(await make(), short ? SHORT : AMPLE);
    expect([words(probe.version), words(probe.read)]).toEqual([version, read]);
    expect(view(classifyVersionRead(probe.version, probe.read))).toBe(seen);
  });

  async function change(make: () => Promise<ControlPlaneTarget>, with_: Partial<ControlPlaneTarget>) {
    return { ...(await make()), ...with_ };
  }
  const expired = async (endpoint: Promise<string>) =>
    target(await endpoint, made, { tls: { ...made.expiredClient, ca: made.ca } });
  const stranger = async (endpoint: Promise<string>) =>
    target(await endpoint, made, { tls: { ...made.stranger.client, ca: made.ca } });
});

describe("how it asks", () => {
  test("/version first, then one key of the prefix without its value, on connections of their own", async () => {
    const stub = await controlPlane(stubs, made);
    const { revision } = await probeControlPlane(target(stub.endpoint, made), AMPLE);
    expect(stub.asked).toEqual(["GET /version", "POST /v3/kv/range"]);
    const key = Buffer.from("/apisix").toString("base64");
    const end = Buffer.from("/apisiy").toString("base64");
    expect(stub.reads).toEqual([{ key, range_end: end, limit: 1, keys_only: true }]);
    expect(revision).toBe("42");
  });
  test("a control plane that does not tell its version is not asked to read", async () => {
    const stub = await controlPlane(stubs, made, { version: { status: 503 } });
    await probeControlPlane(target(stub.endpoint, made), AMPLE);
    expect(stub.asked).toEqual(["GET /version"]);
  });
  test("for a start both are asked at once: a silent version does not keep the read from telling", async () => {
    const stub = await controlPlane(stubs, made, { version: "silence" });
    const { version, read } = await probeInParallel(target(stub.endpoint, made), 500);
    expect([version.kind, read.kind]).toEqual(["timeout", "ok"]);
  });
  test("a start waits for both no longer than its limit", async () => {
    const stub = await controlPlane(stubs, made, { version: "silence", range: "silence" });
    const startedAt = performance.now();
    await probeInParallel(target(stub.endpoint, made), 300);
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(3_000);
  });
  test("the caller's signal ends it at once, as unknown", async () => {
    const stub = await controlPlane(stubs, made, { version: "silence" });
    const limits = { ...AMPLE, signal: AbortSignal.timeout(100) };
    const { version, read } = await probeControlPlane(target(stub.endpoint, made), limits);
    expect(view(classifyVersionRead(version, read))).toBe("unknown aborted");
    expect(version.ms).toBeLessThan(5_000);
  });
  test("a signal that came before lets nothing out", async () => {
    const stub = await controlPlane(stubs, made);
    await probeControlPlane(target(stub.endpoint, made), { ...AMPLE, signal: AbortSignal.abort() });
    expect(stub.asked).toEqual([]);
  });
});

test("a time-out that our own process came too late to judge says nothing of the control plane", () => {
  const late: Answer = { kind: "timeout", phase: "answer", lagMs: 1_500, ms: 5_500 };
  const ok: Answer = { kind: "ok", ms: 3 };
  expect(classifyVersionRead(late, undefined)).toEqual({ seen: "unknown", why: "operatorLagging" });
  expect(classifyVersionRead(ok, late)).toEqual({ seen: "unknown", why: "operatorLagging" });
  expect(classifyVersionRead(ok, { ...late, lagMs: 900 })).toEqual({ seen: "up", reads: "timedOut" });
});

describe("counting the kinds of a control plane", () => {
  const counting = (counts: Record<string, unknown>) => (_: unknown, body: string) => {
    const [, , kind = ""] = Buffer.from(JSON.parse(body).key, "base64").toString().split("/");
    const count = counts[kind];
    return count === undefined ? { header: {} } : { header: {}, count };
  };
  test("one count_only read per kind; kinds without objects are left out", async () => {
    const stub = await controlPlane(stubs, made, { range: counting({ routes: "12", ssls: "1" }) });
    expect(await countKinds(target(stub.endpoint, made), 5_000)).toEqual({ counts: { routes: 12, ssls: 1 } });
    expect(stub.reads.length).toBe(12);
    const [first] = stub.reads;
    const decoded = [first?.["key"], first?.["range_end"]].map((v) => Buffer.from(String(v), "base64").toString());
    expect([...decoded, first?.["count_only"]]).toEqual(["/apisix/routes/", "/apisix/routes0", true]);
  });
  test("a store that ignores count_only is counted by its keys", async () => {
    const range = () => ({ header: {}, kvs: [{ key: "a" }, { key: "b" }] });
    const stub = await controlPlane(stubs, made, { range });
    expect(await countKinds(target(stub.endpoint, made), 5_000)).toMatchObject({ counts: { routes: 2 } });
  });
  test("the first failure ends it: half a count is none", async () => {
    const stub = await controlPlane(stubs, made, { range: { status: 500 } });
    expect(await countKinds(target(stub.endpoint, made), 5_000)).toMatchObject({
      failed: { kind: "serverError" },
      kind: "routes",
    });
    expect(stub.reads.length).toBe(1);
  });
});

test("no answer holds a text of the other side or of a key", async () => {
  const stub = await controlPlane(stubs, made, { version: { text: "planted-4711" } });
  const bad = { cert: "planted-4711", key: "planted-4711" };
  for (const asked of [target(stub.endpoint, made), target(stub.endpoint, made, { tls: bad })]) {
    expect(JSON.stringify(await probeControlPlane(asked, AMPLE))).not.toContain("planted");
  }
});
