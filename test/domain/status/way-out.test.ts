/** Every sentence with which a certificate, an image, a configuration or an order is refused, as a group tells it. */
import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../../operator/api/gateway-group.ts";
import type { Problem } from "../../../operator/domain/facts/problem.ts";
import { OWNED } from "../../../operator/gateway/api7/render-owned.ts";
import { readClientCertificate } from "../../../operator/observe/cluster/certificate.ts";
import { readRendered } from "../../../operator/observe/gateways/render.ts";
import { authority } from "../../lab/certificates.ts";
import { temporaryFolder } from "../../lab/process.ts";
import { group, storage } from "../../observe/objects.ts";
import type { Loose } from "../deciding.ts";
import { tells } from "./way-out.ts";

const folder = temporaryFolder("way-out");
afterAll(() => folder.remove());
const ca = authority(folder.path);
const pem = (name: string) => {
  const { certPath, keyPath } = ca.issue({ name, commonName: name });
  return { "tls.crt": readFileSync(certPath, "utf8"), "tls.key": readFileSync(keyPath, "utf8") };
};
const good: Record<string, string> = { ...pem("good"), "ca.crt": readFileSync(ca.caPath, "utf8") };
const YEARS_MS = 11 * 365 * 86_400_000;

test.for<[string, Record<string, string> | undefined, number, string]>([
  ["no Secret", undefined, 0, "tls.crt, tls.key and ca.crt"],
  ["a key missing", { ...good, "tls.key": "" }, 0, "tls.key"],
  ["not PEM", { ...good, "tls.crt": "x" }, 0, "tls.crt"],
  ["a CA that is none", { ...good, "ca.crt": "x" }, 0, "ca.crt"],
  ["a key that is none", { ...good, "tls.key": "x" }, 0, "tls.key"],
  ["another's key", { ...good, ...{ "tls.key": pem("other")["tls.key"] } }, 0, "tls.key"],
  ["ended", good, YEARS_MS, "tls.crt ended at 20"],
  ["not begun", good, -YEARS_MS, "tls.crt begins at 20"],
])("the client certificate: %s", ([, data, laterMs, value]) => {
  const content = data ? ({ seen: "present", resourceVersion: "1", data } as const) : ({ seen: "absent" } as const);
  const read = readClientCertificate("cert", content, Date.now() + laterMs);
  tells((f) => (f.secrets.client = read), "spec.controlPlane.clientCertificateRef", 'Secret "cert"', value);
});

/** What the gateway boundary refuses of a spec. */
function refuses(change: (spec: Loose) => void, ...says: (string | RegExp)[]): void {
  const spec = GatewayGroupSpec.parse(group("edge", change).spec);
  const minio = FallbackStorageSpec.parse(storage("eu", (s) => (s.s3.endpoint = "http://minio:9000")).spec);
  const { problems } = readRendered(spec, minio);
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems as Problem[]) tells((f) => (f.rendered.problems = [problem]), ...says);
}

test.for<[string, object, string]>([
  ["no tag", { image: "acme/gw" }, '"acme/gw"'],
  ["a tag that is no version", { image: "gw:latest" }, '"latest"'],
  ["another version than the tag's", { image: "gw:3.9.13", version: "3.9.9" }, "3.9.9"],
  ["too old", { image: "gw:3.8.20" }, "3.8.20"],
  ["too old for the endpoint of the store", { image: "gw:3.9.3" }, "forcePathStyle"],
])("the image: %s", ([, gateway, value]) => refuses((spec) => Object.assign(spec.gateway, gateway), value));

test.for(OWNED.map(([path]) => path))("gateway.config: %s", (path) => {
  const nested = path.split(".").reduceRight<unknown>((inner, part) => ({ [part]: inner }), 1);
  refuses((spec) => (spec.gateway.config = nested), `spec.gateway.config.${path}: is Holdfast's`);
});

test("gateway.config: a value that names Holdfast's keys of the store", () =>
  refuses(
    (spec) => (spec.gateway.config = { plugin_attr: { a: "HOLDFAST_STORE_KEY" } }),
    "spec.gateway.config.plugin_attr.a",
  ));

test.for<[string, (facts: Loose) => void, string]>([
  ["no such storage", (f) => (f.storage = { seen: "absent", name: "eu" }), 'FallbackStorage "eu"'],
  ["a short id of another", (f) => (f.peers.keyConflict = { group: "gw/other", foreign: false }), '"gw/other"'],
  ["an order", (f) => (f.group.annotations = { "holdfast.dev/override": "Fallbak" }), '"Fallbak"'],
])("beside these: %s", ([, change, value]) => tells(change, value));
