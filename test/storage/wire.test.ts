import { getEventListeners } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type SnapshotStore, StorageError } from "../../operator/storage/store.ts";
import type { Limits } from "../../operator/storage/transport.ts";
import { type Answer, OBJECT, refuse, SHORT, startWire, storeAt, VENDORS, type Vendor, type Wire } from "./wire.ts";

const signal = new AbortController().signal;
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function talkTo(vendor: Vendor, answer: Answer, limits: Partial<Limits> = SHORT) {
  const wire = await startWire(answer);
  const store = storeAt(vendor, wire.url, limits);
  cleanUp.push(wire.close, () => store.close());
  return { wire, store };
}

async function refusal(call: Promise<unknown>): Promise<StorageError> {
  const outcome = await call.then(
    (value) => value,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(StorageError);
  return outcome as StorageError;
}

const read = (store: SnapshotStore, maxBytes = 1_000) => store.read("resource", "7f3a91", { maxBytes }, signal);

async function allClosed(wire: Wire): Promise<void> {
  while (wire.open() > 0) await new Promise((done) => setTimeout(done, 10));
}

describe.each(VENDORS)("%s", (vendor) => {
  const object: Answer = (_, response) => void response.writeHead(200, { ...OBJECT, "content-length": 2 }).end("{}");

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
      ["does not know HTTP", (_, response) => void response.socket?.end("220 mail ready\r\n"), "Unknown", /./],
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

  test("a 304 that does not repeat the dates is completed by a second question", async () => {
    const { wire, store } = await talkTo(vendor, (request, response) => {
      if (request.method === "HEAD") response.writeHead(200, { ...OBJECT, "content-length": 2 }).end();
      else response.writeHead(304, { date: OBJECT.date }).end();
    });
    const result = await store.read("resource", "7f3a91", { ifNoneMatch: '"e1"' }, signal);
    expect(result).toEqual({
      state: "notModified",
      etag: '"e1"',
      lastModified: new Date(OBJECT["last-modified"]),
      serverDate: new Date(OBJECT.date),
    });
    expect(wire.requests.map((line) => line.split(" ")[0])).toEqual(["GET", "HEAD"]);
  });

  test("an object that is replaced between the two questions is not taken for the old one", async () => {
    const { store } = await talkTo(vendor, (request, response) => {
      if (request.method === "HEAD") response.writeHead(200, { ...OBJECT, etag: '"e2"', "content-length": 2 }).end();
      else response.writeHead(304, { date: OBJECT.date }).end();
    });
    const error = await refusal(store.read("resource", "7f3a91", { ifNoneMatch: '"e1"' }, signal));
    expect([error.fault, error.action]).toEqual(["Unavailable", "retry"]);
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
  test.for([
    ["S3", 503, "SlowDown", "Throttled"],
    ["S3", 429, "TooManyRequests", "Throttled"],
    ["S3", 503, "ServiceUnavailable", "Unavailable"],
    ["S3", 500, "InternalError", "Unavailable"],
    ["S3", 502, "NobodyKnows", "Unavailable"],
    ["S3", 403, "RequestTimeTooSkewed", "ClockSkew"],
    ["S3", 403, "InvalidAccessKeyId", "WrongCredentials"],
    ["S3", 403, "SignatureDoesNotMatch", "WrongCredentials"],
    ["S3", 400, "ExpiredToken", "WrongCredentials"],
    ["S3", 403, "AccessDenied", "AccessDenied"],
    ["S3", 404, "NoSuchBucket", "BucketMissing"],
    ["S3", 400, "AuthorizationHeaderMalformed", "Unknown"],
    ["S3", 403, "InvalidObjectState", "Unknown"],
    ["S3", 501, "NotImplemented", "Unknown"],
    ["AzureBlob", 503, "ServerBusy", "Throttled"],
    ["AzureBlob", 500, "InternalError", "Unavailable"],
    ["AzureBlob", 500, "OperationTimedOut", "Unavailable"],
    ["AzureBlob", 403, "AuthenticationFailed", "WrongCredentials"],
    ["AzureBlob", 403, "AuthorizationFailure", "AccessDenied"],
    ["AzureBlob", 403, "KeyBasedAuthenticationNotPermitted", "AccessDenied"],
    ["AzureBlob", 404, "ContainerNotFound", "BucketMissing"],
    ["AzureBlob", 409, "ContainerBeingDeleted", "BucketMissing"],
    ["AzureBlob", 409, "BlobArchived", "Unknown"],
  ] as const)("%s %i %s is %s, for each call", async ([vendor, status, code, fault]) => {
    const { wire, store } = await talkTo(vendor, refuse(vendor, status, code));
    const errors = [
      await refusal(read(store)),
      await refusal(store.head("resource", "7f3a91", signal)),
      await refusal(store.write("resource", "7f3a91", new Uint8Array([1]), {}, signal)),
      ...Object.values(await store.check(signal)).map((bucket) => (bucket.state === "refused" ? bucket.error : bucket)),
    ];
    expect(errors.map((error) => ("fault" in error ? error.fault : "reachable"))).toEqual(Array(5).fill(fault));
    // read, head and once more to learn why, write, two checks: no library retries behind our back
    expect(wire.requests.length).toBeLessThanOrEqual(6);
  });

  test.for([
    ["a redirect with the region in a header", 301, "PermanentRedirect", { "x-amz-bucket-region": "us-west-2" }, {}],
    ["a field with the region", 400, "AuthorizationHeaderMalformed", {}, { inside: "<Region>us-west-2</Region>" }],
    [
      "the region in the text only",
      400,
      "AuthorizationHeaderMalformed",
      {},
      { message: "the region 'eu-west-1' is wrong; expecting 'us-west-2'" },
    ],
  ] as const)("S3 names the right region: %s", async ([, status, code, headers, more]) => {
    const { store } = await talkTo("S3", (request, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      refuse("S3", status, code, more)(request, response);
    });
    for (const call of [() => read(store), () => store.head("resource", "7f3a91", signal)]) {
      const error = await refusal(call());
      expect([error.fault, error.message]).toEqual([
        "WrongRegion",
        expect.stringContaining("the bucket is in region us-west-2, not in eu-west-1; set the region to us-west-2"),
      ]);
    }
  });

  test("an S3 redirect is told, not followed: the gateway would not follow it", async () => {
    const { wire, store } = await talkTo("S3", (request, response) => {
      response.setHeader("x-amz-bucket-region", "us-west-2");
      refuse("S3", 301, "PermanentRedirect")(request, response);
    });
    await refusal(read(store));
    expect(wire.requests).toHaveLength(1);
  });

  test("an S3 redirect that names no region still is a wrong region", async () => {
    const { store } = await talkTo("S3", refuse("S3", 301, "PermanentRedirect"));
    expect((await refusal(read(store))).message).toContain(
      "the bucket is in another region than eu-west-1; correct the region",
    );
  });

  test("AccessDenied on a read says that the object may just be missing, on a write it does not", async () => {
    const { store } = await talkTo("S3", refuse("S3", 403, "AccessDenied", { message: "Access Denied" }));
    const onRead = await refusal(read(store));
    expect(onRead.message).toContain("then S3 says 403, not 404");
    expect(onRead.message).toContain("grant s3:GetObject on acme-a/7f3a91 and s3:ListBucket on acme-a");
    const onWrite = await refusal(store.write("resource", "7f3a91", new Uint8Array(), {}, signal));
    expect(onWrite.message).not.toContain("404");
    expect(onWrite.message).toMatch(/; grant s3:PutObject on acme-a\/7f3a91$/);
  });

  test("AWS's own words about the missing right are passed on, shortened to a line", async () => {
    const words = "User: arn:aws:iam::1:user/gw is not authorized to perform: s3:GetObject";
    const { store } = await talkTo("S3", refuse("S3", 403, "AccessDenied", { message: `${words}\nRequestId: 9` }));
    const { message } = await refusal(read(store));
    expect(message).toContain(words);
    expect(message).not.toContain("RequestId");
  });

  test("the same refusal reads the same each time: a condition must not change by itself", async () => {
    for (const vendor of VENDORS) {
      const { store } = await talkTo(vendor, (request, response, nth) =>
        refuse(vendor, 403, "AccountProblem", { message: `No.\nRequestId:${nth}\nTime:${nth}` })(request, response),
      );
      expect((await refusal(read(store))).message).toBe((await refusal(read(store))).message);
    }
  });

  test("Azure tells a wrong clock in the detail of AuthenticationFailed only", async () => {
    const detail = "<AuthenticationErrorDetail>Request date header too old: 'Sat'</AuthenticationErrorDetail>";
    const { store } = await talkTo("AzureBlob", refuse("AzureBlob", 403, "AuthenticationFailed", { inside: detail }));
    for (const call of [() => read(store), () => store.head("resource", "7f3a91", signal)]) {
      expect((await refusal(call())).fault).toBe("ClockSkew");
    }
  });

  test("the clock skew is ours minus the server's", async () => {
    const { store } = await talkTo("S3", (_, response) => {
      const date = new Date(Date.now() - 300_000).toUTCString();
      response.writeHead(200, { date, "content-type": "application/xml" }).end("<ListBucketResult></ListBucketResult>");
    });
    const { resource } = await store.check(signal);
    if (resource.state !== "reachable") throw resource.error;
    expect(resource.clockSkewMs).toBeGreaterThan(290_000);
    expect(resource.clockSkewMs).toBeLessThan(330_000);
  });

  test.for(VENDORS)(
    "%s: an object that has gone before a conditional write is another one than was seen",
    async (vendor) => {
      const { store } = await talkTo(vendor, refuse(vendor, 404, vendor === "S3" ? "NoSuchKey" : "BlobNotFound"));
      const write = store.write("resource", "7f3a91", new Uint8Array(), { ifMatch: '"e1"' }, signal);
      expect((await refusal(write)).fault).toBe("PreconditionFailed");
    },
  );

  test.for<[string, string, object, string | undefined, number]>([
    ["what was seen is still there", '"e1"', { ifMatch: '"e1"' }, undefined, 2],
    ["another object is there", '"e2"', { ifMatch: '"e1"' }, "PreconditionFailed", 1],
    ["something came where nothing was", '"e1"', { ifNoneMatch: "*" }, "PreconditionFailed", 1],
  ])("a server that knows no conditional writes is looked at first: %s", async ([, etag, condition, fault, puts]) => {
    const { store, wire } = await talkTo("S3", (request, response) => {
      const conditional = "if-match" in request.headers || "if-none-match" in request.headers;
      if (conditional) refuse("S3", 501, "NotImplemented")(request, response);
      else response.writeHead(200, { ...OBJECT, etag }).end();
    });
    const written = store.write("resource", "7f3a91", new Uint8Array([1]), condition as { ifMatch: string }, signal);
    if (fault === undefined) expect(await written).toEqual({ etag });
    else expect((await refusal(written)).fault).toBe(fault);
    expect(wire.requests.filter((request) => request.startsWith("PUT"))).toHaveLength(puts);
  });

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
