import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { KubeError, type KubeFault } from "../../../operator/kube/errors.ts";
import { readClientCertificate } from "../../../operator/observe/cluster/certificate.ts";
import { type Content, ContentReader, factOf } from "../../../operator/observe/cluster/secrets.ts";
import { readStorageSecret } from "../../../operator/observe/store/stores.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { authority } from "../../lab/certificates.ts";
import { temporaryFolder } from "../../lab/process.ts";
import { type Loose, storage } from "../objects.ts";

const encoded = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));

function world() {
  const clock = new FakeClock();
  let answer: Loose = { metadata: { name: "s", resourceVersion: "1" }, data: encoded({ a: "1" }) };
  let asked = 0;
  const client = {
    get: async () => {
      asked += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const reader = new ContentReader(client as never, clock);
  return {
    clock,
    read: () => reader.secret("gw", "s", 60_000),
    say: (next: Loose) => (answer = next),
    asked: () => asked,
  };
}
const fault = (kind: KubeFault) => new KubeError(kind, `Cannot get Secret gw/s: ${kind}`);

test("a Secret is read once in its time, and loops at the same moment share the read", async () => {
  const { clock, read, asked } = world();
  expect((await Promise.all([read(), read()])).map((content) => content.seen)).toEqual(["present", "present"]);
  await clock.advance(59_000);
  await read();
  expect(asked()).toBe(1);
  await clock.advance(2_000);
  expect(await read()).toEqual({ seen: "present", resourceVersion: "1", data: { a: "1" } });
  expect(asked()).toBe(2);
});

test.for([
  ["it is not there", undefined, "absent"],
  ["it may not be read", fault("Forbidden"), "unknown"],
  ["no answer in time", fault("Timeout"), "unknown"],
  ["not even an error of ours", new Error("?"), "unknown"],
] as const)("a first read: %s", async ([, answer, seen]) => {
  const { read, say } = world();
  say(answer);
  expect((await read()).seen).toBe(seen);
});

test.for([
  ["a stumble of the API server changes nothing", fault("Timeout"), 61_000, "present"],
  ["a connection that breaks changes nothing", fault("Network"), 61_000, "present"],
  ["after five minutes it is not known any more", fault("Timeout"), 301_000, "unknown"],
  ["a right that was taken away is told at once", fault("Forbidden"), 61_000, "unknown"],
  ["gone is gone", undefined, 61_000, "absent"],
] as const)("a later read: %s", async ([, answer, afterMs, seen]) => {
  const { clock, read, say } = world();
  await read();
  say(answer);
  await clock.advance(afterMs);
  expect((await read()).seen).toBe(seen);
});

test("five minutes are counted from the last good read, however often it failed since", async () => {
  const { clock, read, say } = world();
  await read();
  say(fault("Timeout"));
  const seen: string[] = [];
  for (let minute = 0; minute < 6; minute += 1) {
    await clock.advance(61_000);
    seen.push((await read()).seen);
  }
  expect(seen).toEqual(["present", "present", "present", "present", "unknown", "unknown"]);
  say({ metadata: { name: "s", resourceVersion: "2" }, data: {} });
  await clock.advance(11_000);
  expect(await read()).toMatchObject({ seen: "present", resourceVersion: "2" });
  say(fault("Timeout"));
  await clock.advance(61_000);
  expect((await read()).seen, "and a good read begins them anew").toBe("present");
});

test("a Secret that was not there is not taken for missing for ever either", async () => {
  const { clock, read, say } = world();
  say(undefined);
  await read();
  say(fault("Timeout"));
  await clock.advance(299_000);
  expect((await read()).seen).toBe("absent");
  await clock.advance(11_000);
  expect((await read()).seen).toBe("unknown");
});

test("what is missing is looked for sooner than what is there is looked at again", async () => {
  const { clock, read, say, asked } = world();
  say(undefined);
  await read();
  await clock.advance(11_000);
  await read();
  expect(asked()).toBe(2);
});

test("a fact has the names of keys and none of their values", () => {
  const content: Content = { seen: "present", resourceVersion: "3", data: { b: "hidden", a: "hidden" } };
  expect(factOf("s", content)).toEqual({ seen: "present", name: "s", resourceVersion: "3", keys: ["a", "b"] });
});

const spec = FallbackStorageSpec.parse(storage().spec);
test.for([
  ["whole", { accessKeyId: "AKIA", secretAccessKey: "s3cr3t" }, undefined],
  ["the other accepted names", { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s3cr3t" }, undefined],
  ["a key is missing", { accessKeyId: "AKIA" }, "StorageSecretMissing"],
  [
    "a key that the gateway would misread",
    { accessKeyId: "AKIA", secretAccessKey: `1234567890$${"{{HOME}}"}` },
    "StorageSecretInvalid",
  ],
] as const)("storage keys: %s", ([, data, reason]) => {
  const fact = readStorageSecret(spec, "reader", { seen: "present", resourceVersion: "1", data });
  expect(fact.seen === "present" && fact.problem?.reason).toBe(reason);
  expect(JSON.stringify(fact)).not.toMatch(/s3cr3t|1234567890/);
});

const folder = temporaryFolder("secrets");
afterAll(() => folder.remove());
const ca = authority(folder.path);
const pem = (name: string, days?: number) => {
  const { certPath, keyPath } = ca.issue({ name, commonName: name, ...(days === undefined ? {} : { days }) });
  return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
};
const good = pem("good");
const trusted = readFileSync(ca.caPath, "utf8");
const whole = { "tls.crt": good.cert, "tls.key": good.key, "ca.crt": trusted };
const DAY_MS = 86_400_000;

test.for([
  ["whole and valid", whole, 0, undefined, ""],
  ["no ca.crt", { ...whole, "ca.crt": "" }, 0, "CertificateMissing", "has no key ca.crt"],
  ["no key, no certificate", { "ca.crt": trusted }, 0, "CertificateMissing", "has no key tls.crt, tls.key"],
  ["not PEM", { ...whole, "tls.crt": "hello" }, 0, "CertificateInvalid", "tls.crt is not a PEM certificate"],
  ["a CA that is none", { ...whole, "ca.crt": "hello" }, 0, "CertificateInvalid", "ca.crt is not a PEM certificate"],
  ["a key that is none", { ...whole, "tls.key": "hello" }, 0, "CertificateInvalid", "tls.key is not a PEM private key"],
  [
    "another's key",
    { ...whole, "tls.key": pem("other").key },
    0,
    "CertificateInvalid",
    "tls.key does not belong to tls.crt",
  ],
  ["ended", whole, 3651 * DAY_MS, "CertificateInvalid", "tls.crt ended at"],
  ["not begun", whole, -DAY_MS, "CertificateInvalid", "tls.crt begins at"],
] as const)("client certificate: %s", ([, data, laterMs, reason, message]) => {
  const fact = readClientCertificate("cert", { seen: "present", resourceVersion: "1", data }, Date.now() + laterMs);
  const problem = fact.seen === "present" ? fact.problem : undefined;
  expect(problem?.reason).toBe(reason);
  expect(problem?.message ?? "").toContain(message);
  expect(JSON.stringify(fact)).not.toContain("PRIVATE KEY");
});

test("what a client certificate is told by: its content, not how often its Secret was written", () => {
  const told = (resourceVersion: string, data: Record<string, string>) => {
    const fact = readClientCertificate("cert", { seen: "present", resourceVersion, data }, Date.now());
    return fact.seen === "present" ? fact.fingerprint : undefined;
  };
  expect(told("2", whole)).toBe(told("1", whole));
  expect(told("1", { ...whole, "ca.crt": `${whole["ca.crt"]}\n${whole["tls.crt"]}` })).not.toBe(told("1", whole));
  expect(told("1", { ...whole, "tls.crt": whole["ca.crt"] ?? "" })).not.toBe(told("1", whole));
});

test("when it ends is known as long as it parses", () => {
  const fact = readClientCertificate("cert", { seen: "present", resourceVersion: "1", data: whole }, Date.now());
  expect(fact.seen === "present" && fact.notAfterMs).toBeGreaterThan(Date.now() + 3_640 * DAY_MS);
});
