import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifyVersionRead } from "../../../operator/gateway/api7/answer.ts";
import { countKinds, probeControlPlane, probeInParallel } from "../../../operator/gateway/api7/probe.ts";
import { type Certificates, controlPlane, makeCertificates, Stubs, target } from "./control-plane-stub.ts";

const stubs = new Stubs();
let made: Certificates;
beforeAll(() => {
  made = makeCertificates(stubs);
});
afterAll(() => stubs[Symbol.asyncDispose]());

const AMPLE = { versionTimeoutMs: 10_000, readTimeoutMs: 10_000 };

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
    expect(classifyVersionRead(version, read)).toEqual({ seen: "unknown", why: "aborted" });
    expect(version.ms).toBeLessThan(5_000);
  });
  test("a signal that came before lets nothing out", async () => {
    const stub = await controlPlane(stubs, made);
    await probeControlPlane(target(stub.endpoint, made), { ...AMPLE, signal: AbortSignal.abort() });
    expect(stub.asked).toEqual([]);
  });
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
