import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, makeAgent } from "../../operator/storage/transport.ts";
import { caBundleProblem, trustsAny } from "../../operator/storage/trust.ts";

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
    ["as openssl x509 -trustout writes it", one.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE")],
    ["as older programs write it", one.replaceAll("CERTIFICATE", "X509 CERTIFICATE")],
    ["with line ends of another system", one.replaceAll("\n", "\r\n")],
  ] as const)("is accepted: %s", ([, pem]) => {
    expect([caBundleProblem(pem), trustsAny(pem)]).toEqual([undefined, true]);
  });

  test.for([
    ["nothing", "", "holds no certificate", false],
    ["some text", "garbage", "holds no certificate", false],
    ["a key", one.replaceAll("CERTIFICATE", "PRIVATE KEY"), "holds no certificate", false],
    ["one that was cut off", one.slice(0, -40), "certificate 1 of 1 in it cannot be read", false],
    [
      "one that was cut off, after another",
      `${one}\n${two.slice(0, -40)}`,
      "certificate 2 of 2 in it cannot be read",
      true,
    ],
    [
      "two on one line: files that end without a line break",
      one + two,
      "certificate 1 of 1 in it cannot be read",
      false,
    ],
    ["indented", one.replace(/^/gm, "  "), "holds no certificate", false],
    [
      "one that cannot be read, after one that can",
      `${one}\n${empty}`,
      "certificate 2 of 2 in it cannot be read",
      true,
    ],
    ["one that cannot be read, before", `${empty}\n${one}`, "certificate 1 of 2 in it cannot be read", false],
  ] as const)("is refused: %s", ([, pem, words, some]) => {
    expect(caBundleProblem(pem)).toContain(words);
    expect(trustsAny(pem)).toBe(some);
  });
});
