// What restarts pods and what does not: the hashes and the template, before and after one change.
import { expect, test } from "vitest";
import { FallbackStorageSpec } from "../../../operator/api/fallback-storage.ts";
import { desired, isDrifted } from "../../../operator/domain/desired/index.ts";
import type { Facts } from "../../../operator/domain/facts/facts.ts";
import { hashOf } from "../../../operator/domain/values/hash.ts";
import {
  AZURE,
  afterwards,
  containerOf,
  type Loose,
  NORMAL,
  PROFILE,
  podSpecOf,
  running,
  S3,
  type World,
  wanted,
  world,
} from "./world.ts";

const UNSEEN = { seen: "unknown", why: "timed out" } as const;
const OTHER_NAMES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const noText = undefined as Loose;

const UNSEEN_STORAGE: World = {
  facts: { storage: { ...UNSEEN, name: "eu" } },
  reader: { ...UNSEEN, name: "" },
  rendered: { reader: noText, exporter: noText },
};

const ELSEWHERE = { ...S3, s3: { ...S3.s3, region: "eu-nowhere-9" } };
const USABLE: Loose = {
  ...{ seen: "present", name: "eu", uid: "5b" },
  spec: FallbackStorageSpec.parse({ ...ELSEWHERE, reader: { credentials: { secretRef: { name: "other" } } } }),
};
const healed: World = {
  rendered: { reader: "elsewhere: 1\n", exporter: "elsewhere: 1\n" },
  reader: { name: "other", keys: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] },
  facts: { storage: USABLE },
};
const fault = { reason: "StorageMisconfigured", field: "spec.s3.region", message: "wrong region" };
const UNUSABLE: World = { ...healed, facts: { storage: { ...USABLE, fault } } };

test("once the storage can be used, pods roll to it; where nothing runs they start with it at once", () => {
  expect(afterwards({}, healed).templateHash).not.toBe(wanted().templateHash);
  expect(afterwards({}, healed).keep).toBeUndefined();
  expect(wanted(UNUSABLE).templateHash).toBe(wanted(healed).templateHash);
});

test("the name of the configuration that runs is given to no other text", () => {
  const names = (found: Loose) => found.others.map((object: Loose) => object.metadata.name);
  expect(names(afterwards({}, UNUSABLE)).filter((name: string) => name.startsWith("edge-reader-"))).toEqual([]);
  expect(names(wanted(UNUSABLE)).filter((name: string) => name.startsWith("edge-reader-"))).toHaveLength(1);
});

test.for<[string, World]>([
  ["nothing changed", {}],
  ["the storage was changed to one that cannot be used", UNUSABLE],
  ["the reader's keys were rotated", { reader: { resourceVersion: "101" } }],
  ["the writer's keys were rotated", { writer: { resourceVersion: "101" } }],
  ["the reader's Secret cannot be read", { reader: UNSEEN }],
  ["the reader's Secret is gone", { reader: { seen: "absent" } }],
  ["a second accepted name was added", { reader: { keys: ["AWS_ACCESS_KEY_ID", "accessKeyId", "secretAccessKey"] } }],
  ["the client certificate cannot be read", { client: UNSEEN }],
  ["the client certificate is gone", { client: { seen: "absent" } }],
  [
    "a new client certificate is broken",
    {
      client: {
        resourceVersion: "101",
        problem: { reason: "CertificateInvalid", field: "spec.controlPlane", message: "expired" },
      },
    },
  ],
  ["the storage cannot be read", UNSEEN_STORAGE],
  [
    "the storage was deleted",
    {
      facts: { storage: { seen: "absent", name: "eu" } },
      reader: { seen: "absent", name: "" },
      rendered: { reader: noText, exporter: noText },
    },
  ],
  ["replicas, budget and Service's type", { spec: { traffic: { replicas: 9, service: { type: "NodePort" } } } }],
  ["timers of the fallback", { spec: { fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 30 } } }],
  ["the exporter's interval", { spec: { backup: { exportIntervalSeconds: 5 } } }],
])("no traffic pod restarts, and the wish is the same: %s", ([, now]) => {
  const before = wanted();
  const after = afterwards({}, now);
  expect(after.template).toEqual(before.template);
  expect(after.inputsHash).toBe(before.inputsHash);
  expect(after.traffic).toEqual(before.traffic);
  expect(after.keep).toBeUndefined();
});

test.for<[string, World]>([
  ["the Secret uses the other accepted names", { reader: { keys: OTHER_NAMES } as World["reader"] & object }],
  ["it cannot be read", { reader: UNSEEN as World["reader"] & object }],
  ["the storage cannot be read", UNSEEN_STORAGE],
])("pods with keys in their environment run on after an upgrade, and the wish is the same: %s", ([, now]) => {
  const named = now.reader && "keys" in now.reader ? ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] : undefined;
  const [id, secret] = named ?? ["accessKeyId", "secretAccessKey"];
  const keys = [
    { env: "HOLDFAST_STORE_ACCESS_KEY", secret: "gw-s3", key: id },
    { env: "HOLDFAST_STORE_SECRET_KEY", secret: "gw-s3", key: secret },
  ];
  const before = running({}, now);
  const traffic = before.children.byName.get("Deployment/edge") as Loose;
  traffic.spec.template.spec.volumes = traffic.spec.template.spec.volumes.filter(
    ({ name }: Loose) => name !== "holdfast-store-keys",
  );
  containerOf(traffic.spec.template.spec, "gateway").env.push(
    ...keys.map(({ env, secret: name, key }) => ({ name: env, valueFrom: { secretKeyRef: { name, key } } })),
  );
  const [spec, , certificate] = wanted().inputsHash.split(".");
  // As Holdfast 0.1 made it.
  const storage = hashOf({ type: "S3", s3: (world().storage as Loose).spec.s3, reader: "gw-s3", keys }, 12);
  const inputsHash = [spec, storage, certificate].join(".");
  before.children.traffic!.annotations = {
    "holdfast.dev/inputs-hash": inputsHash,
    "holdfast.dev/template-hash": "old",
  };
  const after = desired(before, NORMAL);
  expect(after.inputsHash).toBe(inputsHash);
  expect(after.keep).toBe("Drifted");
  const volumes = podSpecOf(after.traffic).volumes.map((volume: Loose) => volume.secret?.secretName);
  expect(volumes).toContain("gw-s3");
});

const AZURE_KEYS = { seen: "present", name: "gw-azure", resourceVersion: "1", keys: ["accountKey"] } as const;

test.for<[string, World]>([
  ["another image", { spec: { gateway: { image: "api7/api7-ee-3-gateway:3.9.14" } } }],
  ["another drain", { spec: { traffic: { drainSeconds: 60 } } }],
  ["a renewed client certificate", { client: { resourceVersion: "101" } }],
  ["a renewed client certificate, told by its content", { client: { resourceVersion: "101", fingerprint: "f2" } }],
  [
    "another bucket",
    { storage: { ...S3, s3: { ...S3.s3, configBucket: "other" } }, rendered: { reader: "other: 1\n" } },
  ],
  ["another kind of storage", { storage: AZURE, reader: AZURE_KEYS, rendered: { reader: "azure: 1\n" } }],
  ["another podTemplate", { spec: { traffic: { podTemplate: { spec: { priorityClassName: "high" } } } } }],
])("pods are made anew, as the wish changed: %s", ([, now]) => {
  const before = wanted();
  const after = afterwards({}, now);
  expect(after.inputsHash).not.toBe(before.inputsHash);
  expect(after.templateHash).not.toBe(before.templateHash);
  expect(after.keep).toBeUndefined();
});

test("an unseen storage does not hide another change of the spec", () => {
  const unseen: World = {
    facts: { storage: { ...UNSEEN, name: "eu" } },
    rendered: { reader: noText, exporter: noText },
    spec: { gateway: { image: "api7/api7-ee-3-gateway:3.9.14" } },
  };
  const after = afterwards({}, unseen);
  expect(after.inputsHash).not.toBe(wanted().inputsHash);
  expect(after.inputsHash.split(".").slice(1)).toEqual(wanted().inputsHash.split(".").slice(1));
  const volumes = (found: Loose) => podSpecOf(found.traffic).volumes;
  expect(volumes(after)).toEqual(volumes(wanted()));
});

const OTHER_GATE: World = { rendered: { profile: { ...PROFILE, loadedCommand: ["/bin/true"] } } };

test.for<[string, World]>([
  ["another image of its own", { chooseImage: "ghcr.io/holdfast/holdfast@sha256:bb" }],
  ["another normal configuration", { rendered: { normal: "new: rendering\n" } }],
  ["another reader configuration", { rendered: { reader: "new: rendering\n" } }],
  ["another way to ask whether a gateway has loaded", OTHER_GATE],
])("an upgrade of Holdfast keeps what runs: %s", ([, now]) => {
  const before = wanted();
  const facts = running({}, now);
  const after = desired(facts, NORMAL);
  expect(after.keep).toBe("Drifted");
  expect(isDrifted(after, { annotations: facts.children.traffic?.annotations ?? {} })).toBe(true);
  expect(after.templateHash).not.toBe(before.templateHash);
});

test.for<[string, World, boolean]>([
  ["the reader's configuration", { rendered: { reader: "new: 1\n" } }, true],
  ["the image", { spec: { gateway: { image: "api7/api7-ee-3-gateway:3.9.14" } } }, true],
  ["the workers", { rendered: { workers: 4 } }, true],
  [
    "the gateway container of the podTemplate",
    podTemplate({ containers: [{ name: "gateway", env: [{ name: "EXTRA", value: "1" }] }] }),
    true,
  ],
  ["an init container of the user", podTemplate({ initContainers: [{ name: "plugins", image: "plugins:1" }] }), true],
  ["a token of the API server for it", podTemplate({ automountServiceAccountToken: true }), true],
  ["another identity", podTemplate({ serviceAccountName: "mine" }), true],
  ["the normal configuration", { rendered: { normal: "new: 1\n" } }, false],
  ["the start choice's image", { chooseImage: "other@sha256:bb" }, false],
  ["the reader's Secret", { reader: { resourceVersion: "999" } }, false],
  ["the client certificate's Secret", { client: { resourceVersion: "999" } }, false],
  ["the drain", { spec: { traffic: { drainSeconds: 99 } } }, false],
  ["how a gateway is asked whether it has loaded", OTHER_GATE, false],
  ["where pods run", podTemplate({ nodeSelector: { zone: "a" } }), false],
  ["another container beside the gateway", podTemplate({ containers: [{ name: "logs", image: "logs:1" }] }), false],
])("is a proof lost with a change of it? %s: %s", ([, change, lost]) => {
  expect(wanted(change).proofKey !== wanted().proofKey).toBe(lost);
});
function podTemplate(spec: Loose): World {
  return { spec: { traffic: { podTemplate: { spec } } } };
}

test("the proof's key stands in the template and in what choose is told", () => {
  const { template, proofKey } = wanted() as Loose;
  expect(template.metadata.annotations["holdfast.dev/proof-key"]).toBe(proofKey);
  expect(containerOf(template.spec, "choose").env[0].value).toBe(proofKey);
});

test.for<[string, World, string, boolean]>([
  ["writer keys rotated", { writer: { resourceVersion: "101" } }, "holdfast.dev/writer-secret-version", true],
  ["writer keys unreadable", { writer: UNSEEN }, "holdfast.dev/writer-secret-version", false],
  [
    "client certificate renewed",
    { client: { resourceVersion: "101" } },
    "holdfast.dev/client-certificate-version",
    true,
  ],
  ["reader keys rotated", { reader: { resourceVersion: "101" } }, "holdfast.dev/writer-secret-version", false],
  [
    "an upgrade that goes by content: the Secret is the same",
    { writer: { fingerprint: "k1-a" } },
    "holdfast.dev/writer-secret-version",
    false,
  ],
])("the backup pod restarts? %s: %s", ([, now, mark, restarts]) => {
  const before = wanted().backup as Loose;
  const after = afterwards({}, now).backup as Loose;
  expect(before.spec.template.metadata.annotations[mark]).toBe("100");
  expect(after.spec.template.metadata.annotations[mark]).toBe(restarts ? "101" : "100");
  if (!restarts) expect(after).toEqual(before);
});

test("an annotation on the Secret of the writer's keys restarts no exporter; other keys do", () => {
  const keys = (resourceVersion: string, fingerprint: string) => ({ writer: { resourceVersion, fingerprint } });
  const first = keys("100", "k1-a");
  const mark = (backup: Loose) => backup.spec.template.metadata.annotations["holdfast.dev/writer-secret-version"];
  const [before, touched, renewed] = [first, keys("101", "k1-a"), keys("102", "k1-b")].map(
    (now) => afterwards(first, now).backup as Loose,
  );
  expect(touched).toEqual(before);
  expect([mark(before), mark(renewed)]).toEqual(["k1-a", "k1-b"]);
});

test.for<[string, World, string]>([
  ["a spec that cannot be rendered", { rendered: { normal: noText, reader: noText, exporter: noText } }, "Unrendered"],
  ["a podTemplate that is refused", podTemplate({ hostNetwork: true }), "Refused"],
])("neither created nor applied: %s", ([, now, keep]) => {
  const after = afterwards({}, now);
  expect(after.keep).toBe(keep);
});

test("a refused podTemplate is not applied in part", () => {
  const change = podTemplate({ hostNetwork: true, nodeSelector: { zone: "a" } });
  const { template, problems } = wanted(change) as Loose;
  expect(template).toEqual(wanted().template);
  expect(problems).toEqual([
    {
      reason: "PodTemplateRefused",
      field: "spec.traffic.podTemplate.spec.hostNetwork",
      message: expect.stringMatching(/is refused: .*Use spec\.traffic\.service/),
    },
  ]);
});

test("a template put back after an outage is no drift: the wish is applied again in normal mode", () => {
  const facts: Facts = running({});
  const traffic = facts.children.traffic;
  const restored = { "holdfast.dev/inputs-hash": "restored", "holdfast.dev/template-hash": "restored" };
  if (traffic) traffic.annotations = restored;
  const after = desired(facts, NORMAL);
  expect(after.keep).toBeUndefined();
  expect(after.inputsHash).toBe(wanted().inputsHash);
});

test("without the Deployment in the cache the newest ReplicaSet tells what runs", () => {
  const facts = running({}, UNSEEN_STORAGE);
  const { template } = wanted();
  const byName = new Map([...facts.children.byName].filter(([id]) => id !== "Deployment/edge"));
  const set = (revision: number, other: Loose) => ({
    name: `edge-${revision}`,
    uid: "u",
    templateHash: "h",
    revision,
    replicas: 1,
    template: other,
  });
  const traffic = facts.children.traffic && {
    ...facts.children.traffic,
    replicaSets: [set(2, template), set(1, { metadata: {}, spec: {} })],
  };
  const after = desired({ ...facts, children: { ...facts.children, byName, ...(traffic ? { traffic } : {}) } }, NORMAL);
  expect(after.template).toEqual(template);
});
