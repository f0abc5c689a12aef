/** Which fault an answer is, or that there was none; and what no error tells. */
import { expect, test } from "vitest";
import type { KubeError } from "../../operator/kube/errors.ts";
import { deployments, pods } from "../../operator/kube/resources.ts";
import { redact } from "../../operator/log.ts";
import { bench, failure, seen } from "./client-bench.ts";
import { type Fault, fault, statusBody } from "./stub-exchange.ts";

test.for<[string, Fault, Partial<KubeError>]>([
  ["400", fault.status(400, "BadRequest"), { fault: "BadRequest", httpCode: 400 }],
  ["403", fault.status(403, "Forbidden"), { fault: "Forbidden" }],
  ["409 on an update", fault.status(409, "Conflict"), { fault: "Conflict" }],
  ["409 on a create", fault.status(409, "AlreadyExists"), { fault: "AlreadyExists" }],
  ["410", fault.status(410, "Expired"), { fault: "Gone" }],
  ["422", fault.status(422, "Invalid"), { fault: "Invalid" }],
  [
    "429 with Retry-After in seconds",
    fault.status(429, "TooManyRequests", {}, { "retry-after": "7" }),
    { fault: "TooManyRequests", retryAfterMs: 7_000 },
  ],
  [
    "429 with retryAfterSeconds in the Status",
    fault.status(429, "TooManyRequests", { retryAfterSeconds: 3 }),
    { fault: "TooManyRequests", retryAfterMs: 3_000 },
  ],
  [
    "429 with Retry-After as a date",
    fault.status(429, "TooManyRequests", {}, { "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" }),
    { fault: "TooManyRequests", retryAfterMs: 9_000 },
  ],
  [
    "503 with a Retry-After of a day: a minute at most, or a watch would be blind for so long",
    fault.status(503, "ServiceUnavailable", {}, { "retry-after": "86400" }),
    { fault: "Unavailable", retryAfterMs: 60_000 },
  ],
  [
    "429 with a day in the Status",
    fault.status(429, "TooManyRequests", { retryAfterSeconds: 86_400 }),
    { fault: "TooManyRequests", retryAfterMs: 60_000 },
  ],
  [
    "429 with Retry-After as a date of another year",
    fault.status(429, "TooManyRequests", {}, { "retry-after": "Fri, 01 Jan 2027 00:00:09 GMT" }),
    { fault: "TooManyRequests", retryAfterMs: 60_000 },
  ],
  ["500", fault.status(500, "InternalError"), { fault: "Unavailable", httpCode: 500 }],
  [
    "500 to an apply of a field that the schema does not know: the object is wrong, not the server",
    fault.json(500, {
      kind: "Status",
      message:
        "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.x: field not declared in schema",
      code: 500,
    }),
    { fault: "Invalid", httpCode: 500, message: expect.stringContaining(".spec.x: field not declared") },
  ],
  [
    "503 without a Status",
    fault.text(503, "apiserver not ready"),
    { fault: "Unavailable", message: "Cannot get Pod a/b: HTTP 503: apiserver not ready" },
  ],
  ["504", fault.status(504, "Timeout"), { fault: "Unavailable" }],
  ["404 of the kind", fault.status(404, "NotFound", {}), { fault: "ResourceMissing" }],
  ["404 of the path", fault.text(404, "404 page not found"), { fault: "ResourceMissing" }],
  [
    "an answer that is not JSON",
    fault.text(200, "<html>secret-page"),
    { fault: "Undecodable", message: "Cannot get Pod a/b: the answer of 17 characters is not JSON" },
  ],
])("an answer is a fault: %s", async ([, act, expected]) => {
  const { client, server } = await bench();
  server.next("any", act);
  expect(await failure(client.get(pods, "a", "b"))).toMatchObject(expected);
});

test("only a Status that names the object says that it does not exist", async () => {
  const { client, server } = await bench();
  server.next("any", fault.status(404, "NotFound", { name: "b", kind: "pods" }));
  expect(await client.get(pods, "a", "b")).toBeUndefined();
  server.next("any", fault.status(404, "NotFound", { name: "b", kind: "deployments" }));
  expect(await client.get(deployments, "a", "b")).toBeUndefined();
});

test("a Status body of the stub is one to the client", async () => {
  const { client, server } = await bench();
  server.next("any", fault.json(409, statusBody(409, "Conflict", "the object has been modified")));
  const error = await failure(client.updateScale(deployments, seen, 1));
  expect(error.message).toBe("Cannot updateScale Deployment a/b: HTTP 409: the object has been modified");
  expect(error.status?.reason).toBe("Conflict");
});

test("nobody listens: Network, with the system's word for it", async () => {
  const { client, server } = await bench();
  await server.stop();
  const error = await failure(client.get(pods, "a", "b"));
  expect(error.fault).toBe("Network");
  expect(error.message).toContain("ECONNREFUSED");
});

test("neither token nor answer of the server appears in an error", async () => {
  const { client, server } = await bench();
  server.next("any", fault.text(200, '{"data":{"password":"aHVudGVyMg=="'));
  const undecodable = await failure(client.get(pods, "a", "b"));
  server.next("any", fault.reset, fault.reset);
  const network = await failure(client.get(pods, "a", "b"));
  for (const error of [undecodable, network]) {
    const shown = JSON.stringify(redact(error, true)) + String(error.stack) + String(error.cause);
    expect(shown).not.toContain("first-token");
    expect(shown).not.toContain("aHVudGVyMg");
  }
});

test("the time of an error page is not the API server's: a proxy's clock sets nothing", async () => {
  let code = 502;
  const date = "Fri, 01 Jan 2027 00:00:09 GMT";
  const { client } = await bench({
    answer: (exchange) => exchange.json(code, { kind: "Pod", metadata: { name: "x", resourceVersion: "7" } }, { date }),
  });
  for (code of [301, 401, 404, 429, 502]) {
    await client.get(pods, "a", "b").catch(() => undefined);
    expect(client.serverNowMs(), String(code)).toBeUndefined();
  }
  code = 200;
  await client.get(pods, "a", "b");
  expect(client.serverNowMs()).toBe(Date.parse(date) + 500);
});
