/** Servers that do not answer, stop half way, or answer what is no answer: which fault each is, and how soon. */
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { refusal } from "./refusal.ts";
import { allClosed, cleanUp, object, read, signal, talkTo } from "./talking.ts";
import { type Answer, OBJECT, storeAt, VENDORS } from "./wire.ts";

describe.each(VENDORS)("%s", (vendor) => {
  test("an honest answer is taken, so the stub is not what is refused below", async () => {
    const { store } = await talkTo(vendor, object);
    expect(await read(store)).toMatchObject({
      state: "found",
      etag: '"e1"',
      serverDate: new Date("2026-11-21T10:00:30Z"),
      lastModified: new Date("2026-11-21T10:00:00Z"),
    });
  });

  describe("a server that misbehaves", () => {
    test.for([
      ["accepts and never answers", () => undefined, "Timeout", /no answer for 400 ms/],
      [
        "stops in the middle of the body",
        (_, response) => void response.writeHead(200, { ...OBJECT, "content-length": 100 }).write("{"),
        "Timeout",
        /no answer for 400 ms/,
      ],
      [
        "drips for ever",
        (_, response) => {
          response.writeHead(200, { ...OBJECT, "content-length": 900 });
          const drip = setInterval(() => response.write(" "), 50);
          response.once("close", () => clearInterval(drip));
        },
        "Timeout",
        /no whole answer within 1500 ms/,
      ],
      [
        "announces more than it sends",
        (_, response) => {
          response.writeHead(200, { ...OBJECT, "content-length": 100 });
          response.write("{}", () => response.socket?.end());
        },
        "Truncated",
        /before the announced 100 bytes/,
      ],
      [
        "resets in the middle of the body",
        (_, response) => {
          response.writeHead(200, { ...OBJECT, "content-length": 100 });
          response.write("{}", () => response.socket?.resetAndDestroy());
        },
        "Truncated",
        /before the announced 100 bytes/,
      ],
      [
        "announces more than the limit",
        (_, response) => void response.writeHead(200, { ...OBJECT, "content-length": 1_001 }).write("{"),
        "TooLarge",
        /larger than 1000 bytes/,
      ],
      ["resets each connection", (_, response) => response.socket?.resetAndDestroy(), "Unavailable", /ECONNRESET/],
      [
        "has no clock",
        (_, response) => {
          response.sendDate = false;
          const { date: _date, ...headers } = OBJECT;
          response.writeHead(200, { ...headers, "content-length": 2 }).end("{}");
        },
        "Unknown",
        /no date header/,
      ],
      [
        "has a clock of its own kind",
        (_, response) => void response.writeHead(200, { ...OBJECT, date: "today", "content-length": 2 }).end("{}"),
        "Unknown",
        /date header that is no date/,
      ],
      [
        "is some web server, where nothing is found",
        (_, response) => void response.writeHead(404, { "content-type": "text/html" }).end("<h1>Not found</h1>"),
        "Unknown",
        /answered 404/,
      ],
      [
        "does not know HTTP",
        (_, response) => void response.socket?.end("220 mail ready\r\n"),
        "Unknown",
        /its answer was not understood: Parse Error/,
      ],
    ] as const satisfies readonly (readonly [string, Answer, string, RegExp])[])(
      "%s",
      async ([, answer, fault, words]) => {
        const { wire, store } = await talkTo(vendor, answer as Answer);
        const error = await refusal(read(store));
        expect([error.fault, error.message]).toEqual([fault, expect.stringMatching(words)]);
        expect(error.message).toMatch(
          vendor === "S3"
            ? /^Cannot read object "7f3a91" in bucket "acme-a" at http/
            : /^Cannot read object "7f3a91" in container "acme-a" at http/,
        );
        await allClosed(wire); // a body that was given up must not keep its connection
      },
    );

    test("closes a connection once, as an idle one may be: the call goes through", async () => {
      const { wire, store } = await talkTo(vendor, (request, response, nth) =>
        nth === 1 ? void response.socket?.resetAndDestroy() : object(request, response, nth),
      );
      expect(await read(store)).toMatchObject({ state: "found" });
      expect(wire.requests).toHaveLength(2);
    });

    test("is asked no second time when it does not answer", async () => {
      const { wire, store } = await talkTo(vendor, () => undefined);
      await refusal(read(store));
      expect(wire.requests).toHaveLength(1);
    });

    test("that is not there is Unavailable, and check says so for both", async () => {
      const { wire, store } = await talkTo(vendor, object);
      await wire.close();
      const error = await refusal(read(store));
      expect([error.fault, error.action]).toEqual(["Unavailable", "retry"]);
      expect(error.message).toContain("no connection (ECONNREFUSED)");
      expect(await store.check(signal)).toMatchObject({
        resource: { state: "refused", error: { fault: "Unavailable" } },
        config: { state: "refused", error: { fault: "Unavailable" } },
      });
    });

    test("with a name that does not exist is a matter of the settings", async () => {
      const store = storeAt(vendor, "http://store.invalid:9000");
      cleanUp.push(() => store.close());
      const error = await refusal(read(store));
      expect([error.fault, error.action]).toEqual(["NameNotResolved", "tellUser"]);
      expect(error.message).toContain("correct the endpoint");
    });

    test.for(["storage", "http://", "https://storage.example:99999"])(
      "with %j for a URL is a matter of the settings, too",
      async (endpoint) => {
        const store = storeAt(vendor, endpoint);
        cleanUp.push(() => store.close());
        const { resource } = await store.check(signal);
        if (resource.state !== "refused") throw new Error("it was accepted");
        expect(resource.error.fault).toBe("NameNotResolved");
        expect(resource.error.message).toMatch(/this is no URL; correct the endpoint$/);
      },
    );
  });
});

describe("what the server says", () => {
  test.for(VENDORS)("%s: a server that never begins TLS is a Timeout", async (vendor) => {
    const mute = createServer(() => undefined);
    await new Promise<void>((done) => {
      mute.listen(0, "127.0.0.1", () => done());
    });
    const store = storeAt(vendor, `https://127.0.0.1:${(mute.address() as AddressInfo).port}`);
    cleanUp.push(
      () => void mute.close(),
      () => store.close(),
    );
    const error = await refusal(read(store));
    expect([error.fault, error.message]).toEqual(["Timeout", expect.stringContaining("no answer for 400 ms")]);
  });

  test("a PUT whose answer has no ETag is no success", async () => {
    const { store } = await talkTo("S3", (_, response) => void response.writeHead(200, { date: OBJECT.date }).end());
    expect((await refusal(store.write("resource", "7f3a91", new Uint8Array(), {}, signal))).fault).toBe("Unknown");
  });

  test("a body without end and without a length is cut off at the limit", async () => {
    const { wire, store } = await talkTo("S3", (_, response) => {
      response.writeHead(200, OBJECT);
      const pour = () => {
        while (!response.destroyed && response.write("x".repeat(500)));
        if (!response.destroyed) response.once("drain", pour);
      };
      pour();
    });
    expect((await refusal(read(store))).fault).toBe("TooLarge");
    await allClosed(wire);
  });
});
