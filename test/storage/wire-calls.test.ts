/** How a call is made and ended: its connection, its headers, its caller's signal. */
import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { refusal } from "./refusal.ts";
import { cleanUp, object, read, signal, talkTo } from "./talking.ts";
import { OBJECT, startWire, VENDORS } from "./wire.ts";

describe.each(VENDORS)("%s", (vendor) => {
  test("the caller's signal ends a call that hangs, whatever its limits", async () => {
    const { store } = await talkTo(vendor, () => undefined, {});
    const caller = new AbortController();
    const call = refusal(store.read("resource", "7f3a91", {}, caller.signal));
    setTimeout(() => caller.abort(), 100);
    const error = await call;
    expect([error.fault, error.message]).toEqual([
      "Timeout",
      expect.stringContaining("the operator ended the attempt"),
    ]);
  });

  test("a caller's signal that lives as long as the process keeps no listener of a call", async () => {
    const { store } = await talkTo(vendor, object);
    const life = new AbortController();
    for (let n = 0; n < 3; n++) await store.read("resource", "7f3a91", {}, life.signal);
    expect(getEventListeners(life.signal, "abort")).toEqual([]);
  });

  test("connections are used again", async () => {
    const { wire, store } = await talkTo(vendor, object);
    for (let n = 0; n < 5; n++) await read(store);
    expect([wire.requests.length, wire.connections()]).toEqual([5, 1]);
  });

  test("HTTP_PROXY is not followed: the gateway would not follow it either", async () => {
    const proxy = await startWire((_, response) => void response.writeHead(502).end());
    cleanUp.push(proxy.close, () => {
      delete process.env["HTTP_PROXY"];
      delete process.env["HTTPS_PROXY"];
    });
    process.env["HTTP_PROXY"] = proxy.url;
    process.env["HTTPS_PROXY"] = proxy.url;
    const { store } = await talkTo(vendor, object);
    expect(await read(store)).toMatchObject({ state: "found" });
    expect(proxy.requests).toEqual([]);
  });
});

describe("what the server says", () => {
  test("S3-compatible servers get no checksum trailer that they might not know", async () => {
    let headers: Record<string, unknown> = {};
    const { store } = await talkTo("S3", (request, response) => {
      headers = request.headers;
      response.writeHead(200, OBJECT).end();
    });
    await store.write("resource", "7f3a91", new Uint8Array([1, 2]), {}, signal);
    expect(headers).toMatchObject({ "content-length": "2", "content-type": "application/json" });
    expect(Object.keys(headers).filter((name) => /trailer|checksum|content-encoding/.test(name))).toEqual([]);
    expect(headers["x-amz-content-sha256"]).toMatch(/^[0-9a-f]{64}$/);
  });
});
