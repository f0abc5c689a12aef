/**
 * nothing-is-dead.test.ts shows that a field's name occurs in the code; here its value is shown to be honoured. A row
 * names all places that another value changes, so that neither a field that is half honoured nor an accident passes.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { crds } from "../../operator/api/crd.ts";
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";
import { NEVER_PRUNED } from "../../operator/api/names.ts";
import { fields } from "../../operator/api/structural.ts";
import type { GroupMemory } from "../../operator/domain/evidence/memory.ts";
import { requestRoute } from "../../operator/observe/gateways/route-check.ts";
import { done, healthy, held, inMode, lose, planOf, told } from "./deciding.ts";
import { AZURE, groupSpec, type Loose, S3 } from "./desired/world.ts";
import { differences, operated } from "./every-field-world.ts";

/** By path; `[]` is the first item. */
type Values = Record<string, unknown>;
type Row = [path: string, value: unknown, places: string[], given?: Values];

const pods = (place: string) => ["traffic", "backup"].map((pod) => `${pod}.${place}`);
const texts = (place: string) => ["normal", "reader", "exporter"].map((text) => `${text}.${place}`);
const etcd = (place: string) => ["normal", "exporter"].map((text) => `${text}.deployment.etcd.${place}`);
const service = (...places: string[]) => places.map((place) => `Service/edge.spec.${place}`);
const every = (...whats: string[]) => whats.map((what) => `every.${what}`);
const reads = (...keys: string[]) => keys.flatMap((key) => every(`resource ${key}`, `config ${key}`));
const choose = (variable: string) => `traffic.choose.env.HOLDFAST_CP_${variable}`;
const owners = (...objects: string[]) => objects.map((object) => `${object}.metadata.ownerReferences`);
const prunable = (...objects: string[]) =>
  objects.flatMap((object) => Object.keys(NEVER_PRUNED).map((key) => `${object}.metadata.annotations.${key}`));
const SHORT_ID = pods("gateway.env.API7_GATEWAY_GROUP_SHORT_ID.value");
const WORKERS = [
  ...pods("gateway.env.APISIX_WORKER_PROCESSES.value"),
  ...texts("nginx_config.worker_processes"),
  "status.assumed",
];
const TLS = [...pods("volumes.cp-cert.secret.secretName"), "probe.tls.cert", "probe.tls.key", "probe.tls.ca"];
const DRAIN = ["traffic.gateway.lifecycle.preStop.sleep.seconds", "traffic.terminationGracePeriodSeconds"];
const LISTENERS = texts("apisix.node_listen");
const KEPT = ["traffic", "Service/edge", "PodDisruptionBudget/edge", "ServiceAccount/edge-traffic"];
const MAPS = ["ConfigMap/edge-normal", "ConfigMap/edge-reader", "ConfigMap/edge-start"];

/** A setting as the gateways are told it that read and that write, and as Holdfast's own client has it. */
const inStore = (told: string, own: string) => [
  `reader.deployment.fallback_cp.${told}`,
  `exporter.deployment.fallback_cp.${told}`,
  `store.${own}`,
];
const RESOURCES = inStore("aws_s3.resource_bucket", "S3.resourceBucket");
const CONFIG = inStore("aws_s3.config_bucket", "S3.configBucket");

const byDigest: Values = { "gateway.image": "gw@sha256:00", "gateway.version": "3.9.13" };
/** Only a port beside the built-in ones is a listener of its own, and its name says of which kind. */
const ownPort: Values = { "traffic.service.ports[].targetPort": 9081 };
const nodePort: Values = { "traffic.service.type": "NodePort" };
const balancer: Values = { "traffic.service.type": "LoadBalancer" };
const anywhere: Values = { ...nodePort, "traffic.service.externalTrafficPolicy": "Cluster" };
const checked: Values = { "traffic.check.path": "/" };

/** A group at rest: its objects, config.yaml as its pods mount it, its status, whom Holdfast asks for what, how often. */
const GROUP: Row[] = [
  ["shortID", "other", [...SHORT_ID, ...reads("7f3a91", "7f3a91-raw", "other", "other-raw")]],
  ["gateway.image", "api7/api7-ee-3-gateway:3.9.14", pods("gateway.image")],
  ["gateway.version", "3.8.20", ["status.Stalled"], byDigest],
  ["gateway.imagePullSecrets[].name", "pull", pods("imagePullSecrets")],
  ["gateway.resources.requests", { memory: "1Gi" }, pods("gateway.resources.requests")],
  ["gateway.resources.limits", { cpu: "3" }, [...pods("gateway.resources.limits"), ...WORKERS]],
  ["gateway.workers", 3, WORKERS],
  ["gateway.config", { nginx_config: { worker_rlimit_nofile: 9 } }, texts("nginx_config.worker_rlimit_nofile")],
  ["controlPlane.endpoint", "https://other", ["probe.endpoint", choose("ENDPOINT.value"), ...etcd("host")]],
  ["controlPlane.serverName", "dp", ["probe.serverName", choose("SERVER_NAME"), ...etcd("tls.sni")]],
  ["controlPlane.clientCertificateRef.name", "other", [...TLS, ...every("Secret/edge-dp-cert", "Secret/other")]],
  ["controlPlane.probeIntervalSeconds", 10, every("control plane")],
  ["traffic.replicas", 3, ["traffic.spec.replicas"]],
  ["traffic.service.enabled", false, ["Service/edge"]],
  ["traffic.service.type", "NodePort", service("type")],
  ["traffic.service.type", "LoadBalancer", service("type")],
  ["traffic.service.ports[].name", "tcp", [...service("ports.http", "ports.tcp"), ...LISTENERS], ownPort],
  ["traffic.service.ports[].port", 81, service("ports.http.port")],
  ["traffic.service.ports[].targetPort", 9081, [...service("ports.http.targetPort"), ...LISTENERS]],
  ["traffic.service.ports[].nodePort", 30080, service("ports.http.nodePort"), nodePort],
  ["traffic.service.ports[].protocol", "UDP", [...service("ports.http.protocol"), ...LISTENERS], ownPort],
  ["traffic.service.annotations", { lb: "nlb" }, ["Service/edge.metadata.annotations.lb"]],
  ["traffic.service.loadBalancerClass", "x/nlb", service("loadBalancerClass"), balancer],
  ["traffic.service.externalTrafficPolicy", "Local", service("externalTrafficPolicy"), anywhere],
  ["traffic.check.host", "example.org", ["check.host"], checked],
  ["traffic.check.path", "/other", ["check.path"], checked],
  ["traffic.check.expectStatus", 404, ["check.says"], checked],
  ["traffic.disruptionBudget.enabled", false, ["PodDisruptionBudget/edge"]],
  ["traffic.disruptionBudget.maxUnavailable", 1, ["PodDisruptionBudget/edge.spec.maxUnavailable"]],
  ["traffic.drainSeconds", 31, DRAIN],
  ["traffic.podTemplate", { spec: { priorityClassName: "high" } }, ["traffic.priorityClassName"]],
  ["backup.enabled", false, ["backup", "exporter", "status.FallbackReady"]],
  ["backup.exportIntervalSeconds", 30, ["exporter.deployment.fallback_cp.interval", ...reads("7f3a91-raw")]],
  ["backup.podTemplate", { spec: { priorityClassName: "low" } }, ["backup.priorityClassName"]],
  ["fallback.storageRef.name", "us", [...RESOURCES, ...CONFIG]],
  ["deletionPolicy", "Delete", [...owners(...KEPT, ...MAPS), ...prunable(...KEPT, ...MAPS)]],
];

/** The Secret that `choose` takes the keys from. */
const KEYS = "volumes.holdfast-store-keys.secret.secretName";
const READER = [`traffic.${KEYS}`];
const MARK_OF_KEYS = "backup.spec.template.metadata.annotations.holdfast.dev/writer-secret-version";
const WRITER = [`backup.${KEYS}`, MARK_OF_KEYS];
const OWN = ["store.S3.credentials.accessKeyId", "store.S3.credentials.secretAccessKey"];
const both: Values = { azureBlob: AZURE.azureBlob };
const azure: Values = { ...both, type: "AzureBlob", s3: undefined };
const addressed: Values = { "s3.forcePathStyle": false };

const STORAGE: Row[] = [
  // The cluster would refuse the two blocks beside each other; here they show that it is the type that counts.
  ["type", "AzureBlob", [MARK_OF_KEYS, ...inStore("aws_s3", "S3"), ...inStore("azure_blob", "AzureBlob")], both],
  ["s3.region", "eu-west-2", inStore("aws_s3.region", "S3.region")],
  ["s3.endpoint", "https://s3.internal", inStore("aws_s3.endpoint", "S3.endpoint"), addressed],
  ["s3.forcePathStyle", true, inStore("aws_s3.use_path_style", "S3.forcePathStyle")],
  ["s3.resourceBucket", "other", RESOURCES],
  ["s3.configBucket", "other", CONFIG],
  ["azureBlob.accountName", "other", inStore("azure_blob.account_name", "AzureBlob.accountName"), azure],
  ["azureBlob.endpoint", "https://blob", inStore("azure_blob.endpoint", "AzureBlob.endpoint"), azure],
  [
    "azureBlob.resourceContainer",
    "other",
    inStore("azure_blob.resource_container", "AzureBlob.resourceContainer"),
    azure,
  ],
  ["azureBlob.configContainer", "other", inStore("azure_blob.config_container", "AzureBlob.configContainer"), azure],
  ["credentials.secretRef.name", "other", [...READER, ...WRITER, ...OWN, ...every("Secret/gw-s3", "Secret/other")]],
  ["writer.credentials.secretRef.name", "other", [...WRITER, ...every("Secret/other")]],
  ["reader.credentials.secretRef.name", "other", [...READER, ...every("Secret/other")]],
  ["operator.credentials.secretRef.name", "other", [...OWN, ...every("Secret/other")]],
  ["tls.caBundleRef.name", "ca", ["store.S3.caBundle", ...every("ConfigMap/ca")]],
  ["validationIntervalSeconds", 5, [...every("access", "Secret/gw-s3"), ...reads("7f3a91", "7f3a91-candidate")]],
];

test.for(GROUP)("GatewayGroup %s: %j", (row) =>
  isSeen(GatewayGroupSpec, groupSpec(), row, (run, spec) => run(spec, S3)),
);
test.for(STORAGE)("FallbackStorage %s: %j", (row) =>
  isSeen(FallbackStorageSpec, S3, row, (run, spec) => run(groupSpec(), spec)),
);

async function isSeen(
  schema: { parse: (spec: unknown) => object },
  base: object,
  [path, value, places, given = {}]: Row,
  look: (run: ReturnType<typeof operated>, spec: object) => Promise<Loose>,
): Promise<void> {
  const run = operated();
  const spec = schema.parse(withValues(base, given));
  const before = await look(run, spec);
  const after = await look(run, schema.parse(withValues(spec, { [path]: value })));
  expect(differences(before, after)).toEqual(places.toSorted());
  expect(differences(before, await look(run, spec)), "taken back, and nothing of it is left").toEqual([]);
}

type Situation = (facts: Loose) => GroupMemory;
type Decided = [path: string, value: unknown, situation: Situation, before: string, after: string, given?: Values];

const lost: Situation = (facts) => {
  lose(facts);
  return held(facts, "Unreachable", 20_000);
};
/** The snapshot was just as old as it may be when the control plane was lost. */
const lostWithOldExport: Situation = (facts) => {
  facts.snapshot.raw.ageMs = 3_600_000 + 20_000;
  return lost(facts);
};
const lostForAnHour: Situation = (facts) => {
  lose(facts);
  inMode(facts, "Fallback", 3_600_000);
  return held(facts, "Unreachable", 3_600_000);
};
const answersAgain: Situation = (facts) => {
  inMode(facts, "Fallback", 60_000);
  return held(facts, "Reachable", 30_000);
};
const FEWER = { routes: 28, upstreams: 5, services: 5 }; // of 40 routes
const answersWithFewer: Situation = (facts) => {
  facts.controlPlane.counts = FEWER;
  return answersAgain(facts);
};
/** The last rehearsal is just as long ago as it must be. */
const exportsFewer: Situation = (facts) => {
  Object.assign(facts.snapshot.raw, { digest: "sha256:new", counts: FEWER });
  facts.group.status.snapshot.lastRehearsal.at = new Date(facts.nowMs - 900_000).toISOString();
  return held(facts, "Reachable", 30_000);
};
/** A rehearsal of the newest export has just ended, and one route was not loaded. */
const lacksAnItem: Situation = (facts) => {
  Object.assign(facts.snapshot.raw, { digest: "sha256:new" });
  facts.snapshot.candidate = { ...facts.snapshot.raw };
  const fewer = { seen: { routes: 39 }, missing: ["routes/1"], more: 0 };
  const result = { state: "failed", message: "FewerThanExpected", fewer };
  const { key: proofKey, readerSecretVersion } = facts.group.status.snapshot.proofs[0];
  const pod = { role: "rehearsal", name: "edge-rehearsal-1", uid: "r", resourceVersion: "1", createdMs: facts.nowMs };
  facts.helpers = [
    { ...pod, deleting: false, digest: "sha256:new", proofKey, readerSecretVersion, image: "gw", result },
  ];
  return held(facts, "Reachable", 30_000);
};
const FAILS = "RehearsalFailed";
const LEAVES = "ToFallback ControlPlaneUnreachable";
const RETURNS = "ToNormal ControlPlaneReturned";
const COPIES = "Progressing, copy raw -> candidate";
const MOVES = "MovingPods, scale 2 -> 3";
const rolling: Values = { "fallback.rollout.type": "Rolling" };

/** A group in a situation: what is recorded; else what is waited for, and done. It leaves after 20 s, returns after 30. */
const DECIDED: Decided[] = [
  ["modePolicy", "Observe", lost, LEAVES, "WouldMove"],
  ["modePolicy", "Normal", lost, LEAVES, "Settled"],
  ["modePolicy", "Fallback", lost, LEAVES, "ToFallback OrderedFallback"],
  ["suspend", true, lost, LEAVES, "Suspended"],
  ["fallback.outageAfterSeconds", 21, lost, LEAVES, "WaitingOutage"],
  ["fallback.snapshot.maxAgeSeconds", 3_599, lostWithOldExport, LEAVES, "NoProof"],
  ["fallback.rollout.type", "Rolling", lostForAnHour, "ControlPlaneLost", MOVES],
  ["fallback.rollout.startAfterSeconds", 3_601, lostForAnHour, MOVES, "ControlPlaneLost", rolling],
  ["fallback.rollout.maxSurge", 2, lostForAnHour, MOVES, "MovingPods, scale 2 -> 4", rolling],
  ["fallback.recovery.afterSeconds", 31, answersAgain, RETURNS, "WaitingReturn"],
  ["fallback.recovery.approval", "Manual", answersAgain, RETURNS, "WaitingApproval"],
  ["fallback.snapshot.maxShrinkPercent", 29, answersWithFewer, RETURNS, "Regressed"],
  ["fallback.snapshot.maxShrinkPercent", 29, exportsFewer, COPIES, "SnapshotShrunken"],
  ["fallback.snapshot.tolerate", 1, lacksAnItem, FAILS, "Settled"],
  ["fallback.rehearsal.minIntervalSeconds", 901, exportsFewer, COPIES, "Settled"],
];

test.for(DECIDED)("GatewayGroup %s: %j", ([path, value, situation, before, after, given = {}]) => {
  const base = withValues(healthy().facts.group.spec, given);
  const decided = (spec: object) => {
    const { facts } = healthy();
    facts.group.spec = GatewayGroupSpec.parse(spec);
    const plan = planOf(facts, situation(facts));
    expect(plan.broken).toEqual([]);
    if (plan.recordsMode) return `${plan.status.mode} ${plan.status.modeReason}`;
    const why = told(plan, "SnapshotQuarantined") ?? told(plan, "Held") ?? told(plan, "Reconciling");
    return [why, ...done(plan).filter((step) => /^(scale|copy)/.test(step))].join(", ");
  };
  const same = path.split(".").reduce((at, key) => at[key], base);
  const answers = [base, withValues(base, { [path]: same }), withValues(base, { [path]: value })].map(decided);
  expect(answers).toEqual([before, before, after]);
});

/** Ten copies are there, and one more is made: how many go. */
const COPIES_KEPT: (readonly [path: "keep", keep: number, removed: number])[] = [
  ["keep", 10, 1],
  ["keep", 8, 3],
  ["keep", 11, 0],
];
test.for(COPIES_KEPT)("FallbackStorage %s: %i", ([path, keep, removed]) => {
  const { facts } = healthy();
  facts.storage.spec = { ...facts.storage.spec, [path]: keep };
  facts.snapshot.generations = Array.from({ length: 10 }, (_, i) => ({ digest: `old${i}`, lastModifiedMs: -i }));
  const { steps } = planOf(facts, held(facts, "Reachable", 5_000));
  expect(steps.filter((step) => step.do === "removeGeneration")).toHaveLength(removed);
});

function leavesOf(kind: string): { path: string; values?: unknown[] }[] {
  const [{ schema }] = crds().find(({ spec }) => spec.names.kind === kind)!.spec.versions;
  const all = [...fields(schema.openAPIV3Schema.properties!["spec"]!, "")];
  const isBelow = (path: string, other: string) => other.startsWith(path) && /^[.[{]/.test(other.slice(path.length));
  return all
    .filter(({ path }) => !all.some((other) => isBelow(path, other.path)))
    .map(({ path, schema }) => (schema.enum ? { path, values: schema.enum } : { path }));
}
const hasNoOther = ({ values }: { values?: unknown[] }) => values?.length === 1;

test.for<[string, (Row | Decided | (typeof COPIES_KEPT)[number])[]]>([
  ["GatewayGroup", [...GROUP, ...DECIDED]],
  ["FallbackStorage", [...STORAGE, ...COPIES_KEPT]],
])(
  "every leaf of the spec of a %s has a row, every row is of a leaf, and every value of a list is tried",
  ([kind, rows]) => {
    const leaves = leavesOf(kind).filter((leaf) => !hasNoOther(leaf));
    expect(leaves.length).toBeGreaterThan(10);
    expect([...new Set(rows.map(([path]) => path))].toSorted()).toEqual(leaves.map(({ path }) => path).toSorted());
    for (const { path, values = [] } of leaves) {
      const untried = values.filter((value) => !rows.some((row) => row[0] === path && row[1] === value));
      expect(untried.length, `${path}: ${untried}`).toBeLessThan(2); // the rows start from one of them
    }
  },
);

test("fields that can have but one value have nothing to be honoured, until there is a second one", () => {
  const paths = ["GatewayGroup", "FallbackStorage"].flatMap((kind) => leavesOf(kind).filter(hasNoOther));
  const of = (role: string) => ({ path: `${role}credentials.type`, values: ["SecretKeys"] });
  expect(paths).toEqual(["", "writer.", "reader.", "operator."].map(of));
});

test("the route of spec.traffic.check is asked by its path, with its host", async () => {
  await using server = createServer(({ url, headers }, response) => {
    response.writeHead(url === "/orders" && headers.host === "example.org" ? 204 : 404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = (host: string, path: string) =>
    requestRoute("127.0.0.1", port, { host, path, expectStatus: 204 }, AbortSignal.timeout(5_000));
  const asked = [ask("example.org", "/orders"), ask("example.com", "/orders"), ask("example.org", "/")];
  expect(await Promise.all(asked)).toEqual([204, 404, 404]);
});

function withValues(spec: object, values: Values): Loose {
  const changed: Loose = structuredClone(spec);
  for (const [path, value] of Object.entries(values)) {
    const keys = path.replaceAll("[]", ".0").split(".");
    const last = keys.pop()!;
    let at = changed;
    for (const [i, key] of keys.entries()) at = at[key] ??= (keys[i + 1] ?? last) === "0" ? [] : {};
    at[last] = value;
  }
  return changed;
}
