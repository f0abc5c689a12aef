/** What every store promises, asked of each of them on a real server. */
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SnapshotStore, StorageFault } from "../../operator/storage/store.ts";
import { refusal } from "../storage/refusal.ts";
import { type Bench, benches } from "./storage-benches.ts";

const signal = new AbortController().signal;
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (body: Uint8Array) => Buffer.from(body).toString();

let serial = 0;
/** A short id nobody used before. */
const newKey = () => `7f3a${(serial++).toString(16).padStart(2, "0")}`;

async function faultOf(call: Promise<unknown>): Promise<StorageFault> {
  return (await refusal(call)).fault;
}

/** Every way to ask for one object. */
const calls = (store: SnapshotStore, key: string) => ({
  read: () => store.read("resource", key, {}, signal),
  head: () => store.head("resource", key, signal),
  write: () => store.write("resource", key, bytes("{}"), {}, signal),
  remove: () => store.remove("resource", key, signal),
});

describe.each(Object.entries(benches))("%s", (_, start) => {
  let bench: Bench;
  let store: SnapshotStore;
  beforeAll(async () => {
    bench = await start();
    store = bench.operator;
  });
  afterAll(async () => {
    const { operator, reader, writer, wrongSecret, stranger, halfMissing } = bench;
    for (const each of [operator, reader, writer, wrongSecret, stranger, halfMissing]) each?.close();
    await bench.close();
  });

  const put = (key: string, body: string | Uint8Array) =>
    store.write("resource", key, typeof body === "string" ? bytes(body) : body, {}, signal);
  const readFound = async (key: string, maxBytes?: number) => {
    const result = await store.read("resource", key, maxBytes === undefined ? {} : { maxBytes }, signal);
    if (result.state !== "found") throw new Error(`expected to find ${key}, it is ${result.state}`);
    return result;
  };

  describe("an object", () => {
    test("that is missing is absent, not an error", async () => {
      const key = newKey();
      expect(await store.read("resource", key, {}, signal)).toEqual({ state: "absent" });
      expect(await store.read("resource", key, { ifNoneMatch: '"0"' }, signal)).toEqual({ state: "absent" });
      expect(await store.head("resource", key, signal)).toEqual({ state: "absent" });
    });

    test("comes back as it was written, with the server's dates", async () => {
      const key = newKey();
      const { etag } = await put(key, '{"routes":[]}');
      const found = await readFound(key);
      expect(text(found.body)).toBe('{"routes":[]}');
      expect(found.etag).toBe(etag);
      const ageMs = found.serverDate.getTime() - found.lastModified.getTime();
      // Both headers count whole seconds, and a server may keep the Date of its last answer until its timer fires:
      // a fresh object can look one second younger than now. The operator takes that as age zero.
      expect(ageMs).toBeGreaterThanOrEqual(-1000);
      expect(ageMs).toBeLessThan(60_000);
      expect(Math.abs(found.serverDate.getTime() - Date.now())).toBeLessThan(60_000);
    });

    test("is described by head as it is by read", async () => {
      const key = newKey();
      await put(key, "12345");
      const { etag, lastModified } = await readFound(key);
      const head = await store.head("resource", key, signal);
      expect(head).toMatchObject({ state: "found", sizeBytes: 5, etag, lastModified });
      expect(head).toHaveProperty("serverDate", expect.any(Date));
    });

    test("that did not change does not travel again", async () => {
      const key = newKey();
      const { etag } = await put(key, "{}");
      const { lastModified } = await readFound(key);
      const again = await store.read("resource", key, { ifNoneMatch: etag }, signal);
      expect(again).toMatchObject({ state: "notModified", etag, lastModified, serverDate: expect.any(Date) });
      expect(again).not.toHaveProperty("body");
    });

    test("that changed travels, whatever was seen before", async () => {
      const key = newKey();
      const before = await put(key, "old");
      const after = await put(key, "new");
      expect(after.etag).not.toBe(before.etag);
      const result = await store.read("resource", key, { ifNoneMatch: before.etag }, signal);
      expect(result).toMatchObject({ state: "found", etag: after.etag });
      expect(text((await readFound(key)).body)).toBe("new");
    });

    test("written again with the same bytes shows that its writer lives", { timeout: 10_000 }, async () => {
      const key = newKey();
      const { etag } = await put(key, "{}");
      const before = await readFound(key);
      await new Promise((done) => setTimeout(done, 1_100)); // the dates have a resolution of one second
      await put(key, "{}");
      const after = await store.read("resource", key, { ifNoneMatch: etag }, signal);
      if (after.state === "absent") throw new Error("it was overwritten, not removed");
      expect(after.lastModified.getTime()).toBeGreaterThan(before.lastModified.getTime());
    });

    test("in one bucket is not in the other, and under one key not under a similar one", async () => {
      const key = newKey();
      await put(`${key}-raw`, "raw");
      await put(`${key}-candidate`, "candidate");
      expect(text((await readFound(`${key}-raw`)).body)).toBe("raw");
      expect(text((await readFound(`${key}-candidate`)).body)).toBe("candidate");
      expect(await store.read("resource", key, {}, signal)).toEqual({ state: "absent" });
      expect(await store.read("config", `${key}-raw`, {}, signal)).toEqual({ state: "absent" });
      await store.write("config", key, bytes("config"), {}, signal);
      expect(await store.read("config", key, {}, signal)).toMatchObject({ state: "found" });
    });

    test("of 5 MB comes back byte for byte", async () => {
      const key = newKey();
      const body = new Uint8Array(randomBytes(5 * 1024 * 1024));
      await put(key, body);
      expect(Buffer.compare((await readFound(key)).body, body)).toBe(0);
    });

    test("without a byte in it is found, not absent", async () => {
      const key = newKey();
      await put(key, "");
      expect((await readFound(key)).body.byteLength).toBe(0);
      expect(await store.head("resource", key, signal)).toMatchObject({ state: "found", sizeBytes: 0 });
    });

    test("as large as the limit is read, one byte more is refused, and the store goes on", async () => {
      const key = newKey();
      await put(key, new Uint8Array(200_000));
      expect((await readFound(key, 200_000)).body.byteLength).toBe(200_000);
      const tooLarge = await refusal(store.read("resource", key, { maxBytes: 199_999 }, signal));
      expect(tooLarge.fault).toBe("TooLarge");
      expect(tooLarge.message).toContain("larger than 199999 bytes");
      expect((await readFound(key)).body.byteLength).toBe(200_000);
    });

    test("is read whole by twenty at once", async () => {
      const key = newKey();
      await put(key, new Uint8Array(randomBytes(100_000)));
      const all = await Promise.all(Array.from({ length: 20 }, () => readFound(key)));
      expect(new Set(all.map(({ body }) => Buffer.from(body).toString("base64"))).size).toBe(1);
    });
  });

  describe("a conditional write", () => {
    test("that wants nothing there creates, and does not overwrite", async () => {
      const key = newKey();
      const { etag } = await store.write("resource", key, bytes("first"), { ifNoneMatch: "*" }, signal);
      expect(await faultOf(store.write("resource", key, bytes("second"), { ifNoneMatch: "*" }, signal))).toBe(
        "PreconditionFailed",
      );
      const found = await readFound(key);
      expect([text(found.body), found.etag]).toEqual(["first", etag]);
    });

    test("that wants what it saw overwrites that, and nothing newer", async () => {
      const key = newKey();
      const seen = await put(key, "seen");
      const newer = await store.write("resource", key, bytes("newer"), { ifMatch: seen.etag }, signal);
      expect(await faultOf(store.write("resource", key, bytes("late"), { ifMatch: seen.etag }, signal))).toBe(
        "PreconditionFailed",
      );
      const found = await readFound(key);
      expect([text(found.body), found.etag]).toEqual(["newer", newer.etag]);
    });

    test("that wants what it saw does not create what has gone", async () => {
      const key = newKey();
      const { etag } = await put(newKey(), "seen elsewhere");
      expect(await faultOf(store.write("resource", key, bytes("late"), { ifMatch: etag }, signal))).toBe(
        "PreconditionFailed",
      );
      expect(await store.head("resource", key, signal)).toEqual({ state: "absent" });
    });
  });

  describe("a listing", () => {
    test("names what begins so, in order, and nothing else", async () => {
      const key = newKey();
      const names = [`${key}-gen-b`, `${key}-gen-a`, key, `${key}-raw`];
      for (const name of names) await put(name, "{}");
      await store.write("config", `${key}-gen-c`, bytes("{}"), {}, signal);
      const listed = await store.list("resource", `${key}-gen-`, signal);
      expect(listed.map((one) => one.key)).toEqual([`${key}-gen-a`, `${key}-gen-b`]);
      const { lastModified } = await readFound(`${key}-gen-a`);
      expect(listed[0]?.lastModified).toEqual(lastModified);
    });

    test("of nothing is empty", async () => {
      expect(await store.list("resource", `${newKey()}-gen-`, signal)).toEqual([]);
    });
  });

  describe("a removal", () => {
    test("takes that object and no other, and is done already where there is none", async () => {
      const key = newKey();
      await put(key, "{}");
      await put(`${key}-raw`, "{}");
      for (const _ of [1, 2]) {
        await store.remove("resource", key, signal);
        expect(await store.head("resource", key, signal)).toEqual({ state: "absent" });
      }
      expect(await store.head("resource", `${key}-raw`, signal)).toMatchObject({ state: "found" });
    });
  });

  describe("refused", () => {
    test.for([
      ["keys with a secret that does not belong to them", "wrongSecret", "WrongCredentials"],
      ["keys that the server never saw", "stranger", "WrongCredentials"],
      ["a bucket that does not exist", "halfMissing", "BucketMissing"],
    ] as const)("%s: the same fault from each call", async ([, who, fault]) => {
      for (const [name, call] of Object.entries(calls(bench[who], newKey()))) {
        expect([name, await faultOf(call())]).toEqual([name, fault]);
      }
      expect(["list", await faultOf(bench[who].list("resource", "7f", signal))]).toEqual(["list", fault]);
      const { resource } = await bench[who].check(signal);
      expect(resource).toMatchObject({ state: "refused", error: { fault } });
    });

    test("a reader may read, not write", async ({ skip }) => {
      const { reader } = bench;
      if (!reader) return skip("this server knows no rights");
      const key = newKey();
      await put(key, "good");
      expect(await reader.read("resource", key, {}, signal)).toMatchObject({ state: "found" });
      expect(await reader.head("resource", key, signal)).toMatchObject({ state: "found" });
      const refused = await refusal(reader.write("resource", key, bytes("bad"), {}, signal));
      expect([refused.fault, refused.action]).toEqual(["AccessDenied", "tellUser"]);
      expect(await faultOf(reader.remove("resource", key, signal))).toBe("AccessDenied");
      expect(text((await readFound(key)).body)).toBe("good");
    });

    test("a writer may write, not read", async ({ skip }) => {
      const { writer } = bench;
      if (!writer) return skip("this server knows no rights");
      const key = newKey();
      await writer.write("resource", key, bytes("raw"), {}, signal);
      expect(text((await readFound(key)).body)).toBe("raw");
      expect(await faultOf(writer.read("resource", key, {}, signal))).toBe("AccessDenied");
      expect(await faultOf(writer.head("resource", key, signal))).toBe("AccessDenied");
    });

    test("keys that may not list are known all the same: denied, and not wrong", async ({ skip }) => {
      const { reader, writer } = bench;
      if (!reader || !writer) return skip("this server knows no rights");
      for (const who of [reader, writer])
        for (const bucket of Object.values(await who.check(signal)))
          expect(bucket.state === "refused" ? bucket.error.fault : "reachable").toMatch(/^(AccessDenied|reachable)$/);
    });

    test("every error says what and where, and no secret in any part of it", async () => {
      const key = newKey();
      const { secrets, resourceName, where, wrongSecret, stranger } = bench;
      for (const call of [...Object.values(calls(wrongSecret, key)), ...Object.values(calls(stranger, key))]) {
        const error = await refusal(call());
        expect(error.message).toMatch(/^Cannot (read|look up|write|remove) object /);
        expect(error.message).toContain(`"${key}"`);
        expect(error.message).toContain(`"${resourceName}" at ${where}`);
        expect(error.message).not.toMatch(/[.\n]$|undefined/);
        const everything = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
        for (const secret of secrets) expect(everything).not.toContain(secret);
        expect(everything).not.toMatch(/SharedKey|AWS4-HMAC|signature=|AWSAccessKeyId/i);
      }
    });

    test("a call that was ended before it began is a Timeout", async () => {
      const ended = AbortSignal.abort();
      expect(await faultOf(store.read("resource", newKey(), {}, ended))).toBe("Timeout");
      expect((await store.check(ended)).config).toMatchObject({ state: "refused", error: { fault: "Timeout" } });
    });
  });

  describe("check", () => {
    test("both buckets can be reached, and the clocks agree", async () => {
      const { resource, config } = await store.check(signal);
      for (const bucket of [resource, config]) {
        if (bucket.state !== "reachable") throw bucket.error;
        expect(Math.abs(bucket.clockSkewMs)).toBeLessThan(60_000);
      }
    });

    test("tells which of the two is wrong", async () => {
      const { resource, config } = await bench.halfMissing.check(signal);
      expect([resource.state, config.state]).toEqual(["refused", "reachable"]);
    });
  });
});
