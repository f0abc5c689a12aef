/** Reads and writes on a condition, with servers that know only half of them. */
import { describe, expect, test } from "vitest";
import { refusal } from "./refusal.ts";
import { signal, talkTo } from "./talking.ts";
import { OBJECT, refuse, VENDORS } from "./wire.ts";

describe.each(VENDORS)("%s", (vendor) => {
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
});

describe("what the server says", () => {
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
});
