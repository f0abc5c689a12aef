/** What a store refuses in its own words: which fault it is, and what the user is told. */
import { describe, expect, test } from "vitest";
import { refusal } from "./refusal.ts";
import { read, signal, talkTo } from "./talking.ts";
import { refuse, VENDORS } from "./wire.ts";

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
    ["S3", 403, "InvalidObjectState", "the object is archived: restore it"],
    ["S3", 405, "MethodNotAllowed", "Object Lock"],
    ["S3", 507, "XMinioStorageFull", undefined], // told as unavailable, tried again
    ["S3", 400, "KMS.DisabledException", "enable the KMS key"],
    ["S3", 400, "SomethingNew", "look up SomethingNew in the documentation of the store"],
    ["S3", 501, "NotImplemented", "check that the endpoint is the right one"],
    ["AzureBlob", 409, "BlobArchived", "rehydrate it"],
    ["AzureBlob", 412, "LeaseIdMissing", undefined],
    ["AzureBlob", 409, "BlobImmutableDueToPolicy", "remove the immutability policy"],
    ["AzureBlob", 409, "SomethingNew", "look up SomethingNew in Azure's list"],
  ] as const)(
    "%s %i %s: the way out is not the endpoint, but for what may be its fault",
    async ([vendor, status, code, way]) => {
      const { store } = await talkTo(vendor, refuse(vendor, status, code));
      for (const call of [
        () => read(store),
        () => store.write("resource", "7f3a91", new Uint8Array([1]), {}, signal),
      ]) {
        const { message } = await refusal(call());
        if (way === undefined) expect(message).not.toContain("check that the endpoint");
        else expect(message).toContain(way);
        if (way !== undefined && code !== "NotImplemented") expect(message).not.toContain("check that the endpoint");
      }
    },
  );

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
});
