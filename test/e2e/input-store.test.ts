import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { authority } from "../lab/certificates.ts";
import { temporary } from "../lab/process.ts";
import { type Load, startLoad } from "../simulator/load.ts";
import { type Mistake, makeAndUndo } from "../stage/bad-input.ts";
import type { Json } from "../stage/cluster.ts";
import { secretManifest, storageManifest } from "../stage/manifests.ts";
import { condition, FULL, lives, lost } from "../stage/says.ts";
import { Stage } from "../stage/stage.ts";
import { saveReport } from "../stage/watch.ts";

/** Mistakes beside the group: its storage, its Secrets, its certificate. And no secret value shows anywhere. */
let stage: Stage;
let load: Load;
let atFirst: string[] = [];
const folder = mkdtempSync(join(temporary(), "holdfast-input-"));
const PLANTED = "planted-Wrong-s3cret-7Kq0";

beforeAll(async () => {
  stage = await Stage.surroundings("input-store");
  await stage.installOperator();
  await stage.applyGroup();
  await stage.untilProven().catch(async (error) => {
    await saveReport(stage, "input-store-setup");
    throw error;
  });
  atFirst = lives(await stage.pods());
  load = startLoad({ url: await stage.url(), rate: 30 });
});
afterAll(async () => {
  await load?.stop();
  await stage?.end();
  rmSync(folder, { recursive: true, force: true });
});

const failing = () => onTestFailed(() => saveReport(stage, "input-store"));

/** The Secret as it was, whatever the mistake made of it. */
const s3Secret = (user: "exporter" | "gateway" | "operator") =>
  secretManifest(stage.namespace, `s3-${user}`, { ...stage.s3.keys[user] });
const edit = (name: string, stringData: Json) => (on: Stage) =>
  on.cluster.patch(on.namespace, "secrets", name, { stringData });

const withSecret = (
  what: string,
  user: "exporter" | "gateway" | "operator",
  make: (on: Stage) => Promise<void>,
  reason: string,
  ...says: (string | RegExp)[]
): Mistake => ({ what, make, undo: (on) => on.cluster.apply(s3Secret(user)), reason, says });

const STORAGE: Mistake[] = [
  withSecret(
    "wrong keys of Holdfast",
    "operator",
    edit("s3-operator", { accessKeyId: "AKWRONG", secretAccessKey: PLANTED }),
    "StorageDenied",
    /FallbackStorage "eu", Secret "s3-operator" of spec\.operator\.credentials/,
    "InvalidAccessKeyId",
    /put the right accessKeyId/,
  ),
  withSecret(
    "wrong keys of the exporter",
    "exporter",
    edit("s3-exporter", { secretAccessKey: PLANTED }),
    "StorageDenied",
    /FallbackStorage spec\.writer\.credentials/,
    /Secret "s3-exporter": the store refuses the writer's keys/,
    /put the right/,
  ),
  withSecret(
    "wrong keys of the reader",
    "gateway",
    edit("s3-gateway", { accessKeyId: "AKWRONG", secretAccessKey: PLANTED }),
    "StorageDenied",
    /FallbackStorage spec\.reader\.credentials/,
    /Secret "s3-gateway": the store refuses the reader's keys/,
    /put the right/,
  ),
  withSecret(
    "a key that the gateway would take for a variable",
    "gateway",
    edit("s3-gateway", { secretAccessKey: `x$${"{{HOME}}"}` }),
    "StorageSecretInvalid",
    "s3-gateway",
    /"secretAccessKey" holds .*variables/,
    /use another key/,
  ),
  withSecret(
    "a key missing in the exporter's Secret",
    "exporter",
    (on) => on.cluster.patch(on.namespace, "secrets", "s3-exporter", { data: { secretAccessKey: null } }),
    "StorageSecretMissing",
    "s3-exporter",
    /"secretAccessKey".* is missing/,
  ),
  withSecret(
    "the reader's Secret missing",
    "gateway",
    (on) => on.cluster.delete(on.namespace, "secrets", "s3-gateway"),
    "StorageSecretMissing",
    '"s3-gateway"',
  ),
  {
    what: "a wrong region",
    make: (on) =>
      on.cluster.patch(on.namespace, "fallbackstorages", "eu", { spec: { s3: { region: "eu-nowhere-9" } } }),
    undo: (on) => on.cluster.patch(on.namespace, "fallbackstorages", "eu", { spec: { s3: { region: "us-east-1" } } }),
    reason: "StorageMisconfigured",
    says: [/FallbackStorage "eu", spec\.s3/, /in region us-east-1, not in eu-nowhere-9; set the region to us-east-1/],
  },
  {
    what: "a bucket that does not exist",
    make: async (on) => {
      const wrong: Json = storageManifest(on.namespace, on.s3.endpoint);
      wrong.metadata.name = "wrong";
      wrong.spec.s3.resourceBucket = "no-such-bucket";
      await on.cluster.apply(wrong);
      await pointTo(on, "wrong");
    },
    undo: (on) => pointTo(on, "eu"),
    reason: "StorageMisconfigured",
    says: [/FallbackStorage "wrong", spec\.s3/, /no-such-bucket/, /create it or correct its name/],
  },
  {
    what: "a FallbackStorage that is deleted",
    make: (on) => on.cluster.delete(on.namespace, "fallbackstorages", "eu"),
    undo: (on) => on.cluster.apply(storageManifest(on.namespace, on.s3.endpoint)),
    reason: "StorageNotFound",
    says: ["spec.fallback.storageRef.name", '"eu"', /create it/],
  },
];
const pointTo = (on: Stage, name: string) =>
  on.cluster.patch(on.namespace, "gatewaygroups", "edge", { spec: { fallback: { storageRef: { name } } } });

test.runIf(FULL).each(STORAGE)("$what", async (mistake) => {
  failing();
  const before = lives(await stage.pods());
  await makeAndUndo(stage, mistake);
  await stage.untilProven();
  expect(lives(await stage.pods()), "nor does what heals it touch a pod that serves").toEqual(before);
});

const certificate = (
  what: string,
  make: (on: Stage) => Promise<void>,
  reason: string,
  ...says: (string | RegExp)[]
) => ({
  what,
  make,
  undo: (on: Stage) => on.cluster.apply(secretManifest(on.namespace, "edge-dp-cert", original)),
  reason,
  says,
  withinSeconds: 90, // read again each minute
});
let original: Record<string, string> = {};
const issue = (days: number): Record<string, string> => {
  const { certPath, keyPath } = authority(folder).issue({ name: "expired", commonName: "gateway", days });
  return { "tls.crt": readFileSync(certPath, "utf8"), "tls.key": readFileSync(keyPath, "utf8") };
};
const CERTIFICATES: Mistake[] = [
  certificate(
    "a certificate that does not parse",
    edit("edge-dp-cert", { "tls.crt": "not a certificate" }),
    "CertificateInvalid",
    "spec.controlPlane.clientCertificateRef",
    '"edge-dp-cert"',
    /Renew it/,
  ),
  certificate(
    "a certificate that is expired",
    (on) => edit("edge-dp-cert", issue(-1))(on),
    "CertificateInvalid",
    '"edge-dp-cert"',
    /ended at 2\d{3}-/,
    /Renew it/,
  ),
  certificate(
    "a key missing in the certificate's Secret",
    (on) => on.cluster.patch(on.namespace, "secrets", "edge-dp-cert", { data: { "tls.key": null } }),
    "CertificateMissing",
    '"edge-dp-cert"',
    /tls\.key/,
  ),
  certificate(
    "the certificate's Secret missing",
    (on) => on.cluster.delete(on.namespace, "secrets", "edge-dp-cert"),
    "CertificateMissing",
    "spec.controlPlane.clientCertificateRef.name",
    '"edge-dp-cert"',
    /create it with tls\.crt/,
  ),
];

test.runIf(FULL).each(CERTIFICATES)("$what", async (mistake) => {
  failing();
  const secret = await stage.cluster.get(stage.namespace, "secrets", "edge-dp-cert");
  original = Object.fromEntries(
    Object.entries<string>(secret.data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
  const before = lives(await stage.pods());
  await makeAndUndo(stage, mistake);
  await stage.untilProven();
  expect(lives(await stage.pods()), "the same certificate again is no other one").toEqual(before);
});

test.runIf(FULL)("through all of this no request failed, and Holdfast itself never restarted", async () => {
  expect(lost(load.snapshot())).toEqual([]);
  for (const pod of await stage.operators()) expect(pod.status.containerStatuses[0].restartCount).toBe(0);
  expect(condition(await stage.status(), "Stalled")).toMatchObject({ status: "False" });
  expect(atFirst).toHaveLength(2);
  expect(lives(await stage.pods()), "the pods of the beginning serve still").toEqual(atFirst);
});

test.runIf(FULL)("no secret value shows in objects, events, logs or metrics", async () => {
  failing();
  const { cluster, namespace, system, s3 } = stage;
  const secret = await cluster.get(namespace, "secrets", "edge-dp-cert");
  const key = Buffer.from(secret.data["tls.key"], "base64").toString().split("\n")[1] ?? "";
  const secrets = [PLANTED, key, ...Object.values(s3.keys).map((keys) => keys.secretAccessKey)];
  expect(key.length).toBeGreaterThan(30);
  const kinds = "gwg,fbs,deploy,rs,pods,cm,svc,sa,pdb,networkpolicy,events,leases";
  const metrics = await Promise.all(
    (await stage.operators()).map(async ({ status }) => (await fetch(`http://${status.podIP}:8080/metrics`)).text()),
  );
  const said: Record<string, string> = {
    objects: await cluster.kubectl("-n", namespace, "get", kinds, "-o", "yaml", "--show-managed-fields"),
    system: await cluster.kubectl("-n", system, "get", kinds, "-o", "yaml"),
    logs: await cluster.kubectl("-n", system, "logs", "-l", "app.kubernetes.io/name=holdfast", "--tail=-1"),
    gateways: await cluster.kubectl(
      "-n",
      namespace,
      "logs",
      "-l",
      "holdfast.dev/group",
      "--tail=-1",
      "--all-containers",
      "--ignore-errors", // a container that waits to start has no log yet, and is no error here
    ),
    metrics: metrics.join("\n"),
  };
  expect(said["metrics"]).toContain("holdfast_");
  expect(said["logs"]).toContain('"level":"debug"');
  for (const [where, text] of Object.entries(said)) {
    expect(text.length, where).toBeGreaterThan(100);
    for (const value of secrets) expect(text.includes(value), `${where} shows ${value.slice(0, 12)}...`).toBe(false);
    for (const value of secrets)
      expect(text.includes(Buffer.from(value).toString("base64")), `${where} shows it as base64`).toBe(false);
  }
});
