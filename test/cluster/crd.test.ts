/** The CRDs on a real API server: accepted, defaulted as zod does it, shown and scaled as the documents say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec, GatewayGroupStatus } from "../../operator/api/gateway-group.ts";
import { API_VERSION } from "../../operator/api/names.ts";
import { REPOSITORY } from "../lab/process.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { type Kind, merge, NAMESPACE, PLURAL, pathOf, type Sample, shortest } from "./crd-samples.ts";
import { installCrds } from "./crds.ts";

const SCHEMA = { GatewayGroup: GatewayGroupSpec, FallbackStorage: FallbackStorageSpec } as const;
const KINDS = Object.keys(SCHEMA) as Kind[];

let api: ApiServer;
let crds: Awaited<ReturnType<typeof installCrds>>;

beforeAll(async () => {
  api = apiServer(inject("kubeconfigPath"));
  crds = await installCrds(api);
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: NAMESPACE } });
});
afterAll(async () => {
  for (const kind of KINDS) await api.call("DELETE", pathOf(kind));
  await api.close();
});

const create = async (object: Sample): Promise<Sample> => {
  const { code, body } = await api.call("POST", `${pathOf(object.kind)}?fieldValidation=Strict`, object);
  expect(body.message ?? "accepted").toBe("accepted");
  expect(code).toBe(201);
  return body;
};

test("the API server finds nothing wrong with the CRDs", () => {
  for (const { metadata, status } of crds) {
    const told = status.conditions.filter(({ type }) => !["Established", "NamesAccepted"].includes(type));
    expect(told, metadata.name).toEqual([]);
    expect(status.conditions.every(({ status: value }) => value === "True")).toBe(true);
  }
  expect(crds.map(({ metadata }) => metadata.name).toSorted()).toEqual([
    "fallbackstorages.holdfast.dev",
    "gatewaygroups.holdfast.dev",
  ]);
});

test("kubectl apply -f crds/ works, and changes nothing the second time", async () => {
  const folder = join(REPOSITORY, "crds");
  await api.kubectl(["apply", "-f", folder]);
  const lines = (await api.kubectl(["apply", "-f", folder])).split("\n");
  expect(lines.toSorted()).toEqual(crds.map(({ metadata: { name } }) => `${CRD}/${name} unchanged`).toSorted());
});
const CRD = "customresourcedefinition.apiextensions.k8s.io";

describe.each(KINDS)("%s", (kind) => {
  test("the shortest object is accepted, and defaulted as zod does it", async () => {
    const sample = shortest(kind, "shortest");
    const live = await create(sample);
    const parsed = SCHEMA[kind].parse(sample.spec);
    expect(live.spec).toEqual(parsed);
    expect(SCHEMA[kind].parse(live.spec)).toEqual(parsed);
    const read = (await api.call("GET", pathOf(kind, "shortest"))).body as Sample;
    expect(read.spec).toEqual(parsed);
  });

  test("a new object's status says that nobody has looked at it yet", async () => {
    await create(shortest(kind, "unseen"));
    const { body } = await api.call("GET", pathOf(kind, "unseen"));
    expect(body.status).toEqual({ observedGeneration: -1 });
  });

  test("a field that does not exist is refused when asked to be strict, as kubectl does", async () => {
    const path = `${pathOf(kind)}?dryRun=All&fieldValidation=Strict`;
    const sample = shortest(kind, "strict");
    for (const patch of [{ startChoice: "Enabled" }, { fallback: { nonsense: 1 } }, { s3: { keep: 10 } }]) {
      const { code, body } = await api.call("POST", path, { ...sample, spec: merge(sample.spec, patch) });
      expect([code, body.message]).toEqual([400, expect.stringContaining("unknown field")]);
    }
  });

  test("the spec is required", async () => {
    const { spec: _, ...rest } = shortest(kind, "empty");
    const { code, body } = await api.call("POST", `${pathOf(kind)}?dryRun=All`, rest);
    expect([code, body.message]).toEqual([422, expect.stringContaining("spec: Required value")]);
  });

  test("status is a subresource: a write of the object leaves it, a write of the status leaves the spec", async () => {
    const live = await create(shortest(kind, "two-doors"));
    const status = { observedGeneration: 1, summary: "seen" };
    const path = pathOf(kind, "two-doors");
    const put = await api.call("PUT", `${path}/status`, { ...live, spec: {}, status });
    expect([put.code, put.body.status, put.body.spec]).toEqual([200, status, live.spec]);
    const again = await api.call("PUT", path, { ...put.body, status: { observedGeneration: 9 } });
    expect(again.body.status).toEqual(status);
  });

  test("kubectl finds it by short name and by category, and explains its fields", async () => {
    const { body } = await api.call("GET", `/apis/${API_VERSION}`);
    const found = body.resources.find(({ name }: { name: string }) => name === PLURAL[kind]);
    expect(found).toMatchObject({
      namespaced: true,
      kind,
      categories: ["holdfast"],
      shortNames: [kind === "GatewayGroup" ? "gwg" : "fbs"],
    });
    await create(shortest(kind, "by-category"));
    expect(await api.kubectl(["-n", NAMESPACE, "get", "holdfast", "-o", "name"])).toContain(
      `${kind.toLowerCase()}.holdfast.dev/by-category`,
    );
    expect(await api.kubectl(["explain", `${PLURAL[kind]}.spec`])).toContain("What is wanted.");
  });
});

/** References have no namespace; one that was dropped in silence would name another object than was meant. */
test.each([
  ["GatewayGroup", "fallback.storageRef", { fallback: { storageRef: { namespace: "shared" } } }],
  ["GatewayGroup", "controlPlane.clientCertificateRef", { controlPlane: { clientCertificateRef: { namespace: "x" } } }],
  ["FallbackStorage", "credentials.secretRef", { credentials: { secretRef: { namespace: "shared" } } }],
] as const)("an object of another namespace cannot be named: %s %s", async (kind, field, patch) => {
  const sample = shortest(kind, "elsewhere");
  const path = `${pathOf(kind)}?dryRun=All&fieldValidation=Strict`;
  const { code, body } = await api.call("POST", path, { ...sample, spec: merge(sample.spec, patch) });
  expect([code, body.message]).toEqual([400, expect.stringContaining(`unknown field "spec.${field}.namespace"`)]);
});

test("the YAML of the README is accepted by kubectl apply", async () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(REPOSITORY, "README.md"), "utf8"))!;
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: "gateways" } });
  expect((await api.kubectl(["apply", "--dry-run=server", "-f", "-"], yaml)).split("\n")).toEqual([
    "fallbackstorage.holdfast.dev/eu created (server dry run)",
    "gatewaygroup.holdfast.dev/edge created (server dry run)",
  ]);
});

test("config and podTemplate keep what Holdfast's schema does not know", async () => {
  const config = { nginx_config: { http: { keepalive_timeout: "75s" } }, list: [1, { a: null }] };
  const podTemplate = { spec: { nodeSelector: { pool: "edge" }, tolerations: [{ key: "edge", operator: "Exists" }] } };
  const sample = shortest("GatewayGroup", "open");
  const patch = { gateway: { config }, traffic: { podTemplate }, backup: { podTemplate } };
  const live = await create({ ...sample, spec: merge(sample.spec, patch) as Sample["spec"] });
  expect(live.spec).toMatchObject({ gateway: { config }, traffic: { podTemplate }, backup: { podTemplate } });
});

const TIME = "2026-01-31T12:00:00Z";
const condition = (type: string, status: string, reason: string) => ({
  type,
  status,
  reason,
  message: `${reason}.`,
  lastTransitionTime: TIME,
  observedGeneration: 1,
});
const FULL_STATUS = GatewayGroupStatus.parse({
  observedGeneration: 1,
  summary: "Two of two pods serve from the snapshot.",
  mode: "Fallback",
  modeReason: "ControlPlaneUnreachable",
  modeSince: TIME,
  epoch: 3,
  history: [{ epoch: 3, from: "ToFallback", to: "Fallback", at: TIME, reason: "FallbackReached", evidence: "all" }],
  penalty: { level: 1, at: TIME },
  fallbackReady: "Proven",
  conditions: [condition("Ready", "True", "Serving"), condition("FallbackActive", "True", "FallbackReached")],
  controlPlane: {
    verdict: "Unreachable",
    operator: "down",
    connected: 0,
    disconnected: 2,
    cause: "Unknown",
    lostAt: TIME,
  },
  snapshot: {
    digest: "sha256:abc",
    counts: { routes: 12 },
    verifiedAt: TIME,
    proofs: [{ key: "k", digest: "sha256:abc", image: "gateway:3.9.13", readerSecretVersion: "7", at: TIME }],
    lastRehearsal: { digest: "sha256:abc", key: "k", result: "Loaded", at: TIME },
  },
  traffic: {
    replicas: 3,
    ready: 2,
    fromControlPlane: 0,
    fromMemory: 1,
    fromSnapshot: 1,
    selector: "holdfast.dev/group=full,holdfast.dev/role=traffic",
  },
  license: { cores: 4, normal: 2, fallback: 2 },
  assumed: ["an assumption"],
  restartedAt: TIME,
  rehearsedAt: TIME,
});

async function withFullStatus(name: string): Promise<Sample> {
  const live = await create(shortest("GatewayGroup", name));
  const { code, body } = await api.call("PUT", `${pathOf("GatewayGroup", name)}/status`, {
    ...live,
    status: FULL_STATUS,
  });
  expect([code, body.message]).toEqual([200, undefined]);
  return body;
}

test("a status with every field comes back as it was written", async () => {
  expect((await withFullStatus("full")).status).toEqual(FULL_STATUS);
});

test("an annotation's text fits into status however long it is: nothing that people write may block the mode", async () => {
  const live = await create(shortest("GatewayGroup", "wordy"));
  const status = { observedGeneration: 1, restartedAt: "x".repeat(100_000), rehearsedAt: "not a time" };
  expect(GatewayGroupStatus.parse(status)).toEqual(status);
  const { code, body } = await api.call("PUT", `${pathOf("GatewayGroup", "wordy")}/status`, { ...live, status });
  expect([code, body.status]).toEqual([200, status]);
});

test("the scale subresource reads and writes the traffic pods, for kubectl scale, HPA and KEDA", async () => {
  await withFullStatus("scaled");
  const path = `${pathOf("GatewayGroup", "scaled")}/scale`;
  const { body: scale } = await api.call("GET", path);
  expect(scale.spec).toEqual({ replicas: 2 });
  expect(scale.status).toEqual({ replicas: 3, selector: FULL_STATUS.traffic?.selector });
  await api.kubectl(["-n", NAMESPACE, "scale", "gwg/scaled", "--replicas=5"]);
  const { body } = await api.call("GET", pathOf("GatewayGroup", "scaled"));
  expect(body.spec.traffic.replicas).toBe(5);
});

test("kubectl get shows the columns of the documents", async () => {
  await withFullStatus("shown");
  const { body } = await api.call("GET", pathOf("GatewayGroup", "shown"), undefined, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
  });
  const titles = (priority: number) =>
    body.columnDefinitions
      .filter((c: { priority: number }) => c.priority === priority)
      .map((c: { name: string }) => c.name);
  expect(titles(0)).toEqual(["Name", "Mode", "Ready", "Control-Plane", "Fallback", "Pods", "Since", "Age"]);
  expect(titles(1)).toEqual(["CP", "Memory", "Snapshot", "Reason", "Digest", "Proven"]);
  const age = expect.stringMatching(/^\d+[smhdy]/);
  expect(body.rows[0].cells).toEqual([
    "shown",
    "Fallback",
    "True",
    "Unreachable",
    "Proven",
    2,
    age,
    age,
    0,
    1,
    1,
    "ControlPlaneUnreachable",
    "sha256:abc",
    age,
  ]);
});

test("kubectl get of a storage shows type, readiness and reason", async () => {
  const live = await create(shortest("FallbackStorage", "shown"));
  const status = { observedGeneration: 1, conditions: [condition("Ready", "False", "StorageDenied")] };
  await api.call("PUT", `${pathOf("FallbackStorage", "shown")}/status`, { ...live, status });
  const lines = (await api.kubectl(["-n", NAMESPACE, "get", "fbs", "shown"])).split("\n");
  expect(lines[0]?.split(/\s+/)).toEqual(["NAME", "TYPE", "READY", "REASON", "AGE"]);
  expect(lines[1]?.split(/\s+/).slice(0, 4)).toEqual(["shown", "S3", "False", "StorageDenied"]);
});
