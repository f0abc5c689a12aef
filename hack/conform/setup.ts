/** What a run needs before its first gateway: namespace, Secrets, an authority of its own, the instrument's pod. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authority } from "../../test/lab/certificates.ts";
import type { Cluster, Json } from "./cluster.ts";
import { type Place, PORT, SECRETS } from "./group.ts";
import type { Options } from "./options.ts";
import { CannotAsk } from "./outcome.ts";
import { instrumentPod, ORDERS_PORT } from "./pods.ts";

interface Certificate {
  cert: string;
  key: string;
  ca?: string;
}

/** Nobody else may make pods or read Secrets there, and a run that was killed can be found by its label. */
const namespaceOf = (name: string): Json => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name,
    labels: { "holdfast.dev/conformance": "true", "pod-security.kubernetes.io/enforce": "restricted" },
  },
});

const secretOf = (name: string, data: Record<string, string>, type = "Opaque"): Json => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  type,
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")])),
});

export async function setUp(cluster: Cluster, place: Place): Promise<{ fingerprintOf: string }> {
  const { namespace, options } = place;
  const certificate = await clientCertificate(cluster, options);
  await cluster.apply(namespace, namespaceOf(namespace));
  const relay = relayCertificate(namespace);
  const keys = {
    accessKeyId: `K${randomBytes(12).toString("hex")}`,
    secretAccessKey: `S${randomBytes(20).toString("hex")}`,
  };
  const pull = options.pullSecret === undefined ? [] : [await copied(cluster, options.pullSecret)];
  await cluster.apply(
    namespace,
    secretOf(SECRETS.run, { token: place.token }),
    secretOf(SECRETS.store, keys),
    secretOf(SECRETS.relay, { "tls.crt": relay.cert, "tls.key": relay.key }),
    secretOf(SECRETS.controlPlane, secretData(certificate)),
    // Gateways trust the relay, which trusts what the given Secret says.
    secretOf(SECRETS.client, secretData({ ...certificate, ca: relay.ca })),
    ...pull,
    program(),
    service("control-plane", Object.values(PORT)),
    service("store", [7070]),
    instrumentPod(place),
  );
  return { fingerprintOf: certificate.cert };
}

const secretData = ({ cert, key, ca }: Certificate): Record<string, string> => ({
  "tls.crt": cert,
  "tls.key": key,
  ...(ca === undefined ? {} : { "ca.crt": ca }),
});

async function clientCertificate(cluster: Cluster, { certificate }: Options): Promise<Certificate> {
  if (!("secret" in certificate)) return certificate;
  const { namespace, name } = certificate.secret;
  const secret = await cluster.call("GET", `/api/v1/namespaces/${namespace}/secrets/${name}`);
  if (secret === undefined) throw new CannotAsk(`there is no Secret ${namespace}/${name}`);
  const text = (key: string): string | undefined => {
    const value: unknown = secret.data?.[key];
    return typeof value === "string" ? Buffer.from(value, "base64").toString() : undefined;
  };
  const [cert, key, ca] = [text("tls.crt"), text("tls.key"), text("ca.crt")];
  if (cert === undefined || key === undefined)
    throw new CannotAsk(`Secret ${namespace}/${name} lacks tls.crt or tls.key: take the one of the gateway group`);
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}

async function copied(cluster: Cluster, { namespace, name }: { namespace: string; name: string }): Promise<Json> {
  const secret = await cluster.call("GET", `/api/v1/namespaces/${namespace}/secrets/${name}`);
  if (secret === undefined) throw new CannotAsk(`there is no Secret ${namespace}/${name}`);
  return { apiVersion: "v1", kind: "Secret", metadata: { name: SECRETS.pull }, type: secret.type, data: secret.data };
}

/** The relay speaks TLS with gateways by an authority of this run alone. */
function relayCertificate(namespace: string): { cert: string; key: string; ca: string } {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-conformance-tls-"));
  try {
    const host = `control-plane.${namespace}.svc`;
    const signer = authority(folder, "conformance run");
    const { certPath, keyPath } = signer.issue({
      name: "relay",
      commonName: "control-plane",
      hosts: [host, `${host}.cluster.local`],
    });
    const read = (path: string): string => readFileSync(path, "utf8");
    return { cert: read(certPath), key: read(keyPath), ca: read(signer.caPath) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CannotAsk("openssl is not installed: it makes the certificate of the relay");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function program(): Json {
  const folder = join(import.meta.dirname, "in-pod");
  const data = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "program" }, data };
}

const service = (name: string, ports: readonly number[]): Json => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: "instrument" }, ports: ports.map((port) => ({ name: `p${port}`, port, targetPort: port })) },
});

export const instrumentOf = ({ namespace, token }: Place) => ({
  namespace,
  name: "instrument",
  port: ORDERS_PORT,
  token,
});
