import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, makeAgent } from "../../operator/storage/transport.ts";
import { caBundleProblem } from "../../operator/storage/trust.ts";

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

describe("a CA bundle", () => {
  const [one = "", two = ""] = rootCertificates;
  const empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

  test.for([
    ["one certificate", one],
    ["two", `${one}\n${two}\n`],
    ["with comments between", `# ours\n${one}\n# theirs\n${two}`],
    ["with line ends of another system", one.replaceAll("\n", "\r\n")],
  ] as const)("is accepted: %s", ([, pem]) => {
    expect(caBundleProblem(pem)).toBeUndefined();
  });

  test.for([
    ["nothing", "", "holds no certificate"],
    ["some text", "garbage", "holds no certificate"],
    ["a key", one.replaceAll("CERTIFICATE", "PRIVATE KEY"), "holds no certificate"],
    ["one that was cut off", one.slice(0, -40), "holds no certificate"],
    ["one that cannot be read", `${one}\n${empty}`, "certificate 2 of 2 in it cannot be read"],
  ] as const)("is refused: %s", ([, pem, words]) => {
    expect(caBundleProblem(pem)).toContain(words);
  });
});
