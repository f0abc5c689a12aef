import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS, makeAgent } from "../../operator/storage/transport.ts";

const PEM = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----";

test("an authority of the user is trusted beside the public ones, not instead of them", () => {
  const { ca } = (makeAgent(true, DEFAULT_LIMITS, PEM) as HttpsAgent).options;
  expect(ca).toEqual([...rootCertificates, PEM]);
});

test("without one, Node's own trust holds", () => {
  const agent = makeAgent(true, DEFAULT_LIMITS);
  expect(agent).toBeInstanceOf(HttpsAgent);
  expect((agent as HttpsAgent).options.ca).toBeUndefined();
});

test.for([true, false])("a connection that does not come about is given up (TLS: %s)", async (secure) => {
  const agent = makeAgent(secure, { ...DEFAULT_LIMITS, connectTimeoutMs: 50 });
  // A resolver that never answers stands for a network that swallows everything.
  const target = { host: "storage.example", port: 443, lookup: () => undefined };
  const socket = agent.createConnection(target) as Socket;
  const error = await new Promise((done) => socket.once("error", done));
  expect(error).toMatchObject({ code: "ETIMEDOUT", message: "no connection within 50 ms" });
});
