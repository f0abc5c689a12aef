/** KubeClient on a real API server: what its preconditions, conflicts and faults are there, and not in our belief. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { parse, stringify } from "yaml";
import { KubeClient } from "../../operator/kube/client.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";
import {
  configMaps,
  type Deployment,
  defineResource,
  deployments,
  type KubeObject,
  namespaces,
  pods,
  type Resource,
} from "../../operator/kube/resources.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { until } from "../lab/process.ts";

interface Widget extends KubeObject {
  spec: { replicas: number; size?: number };
  status?: { replicas?: number; note?: string; old?: string };
}
const NAMESPACE = "kube-client";
const widgets = defineResource<Widget>("test.holdfast.dev/v1", "Widget", "widgets");
const crds = defineResource<KubeObject>(
  "apiextensions.k8s.io/v1",
  "CustomResourceDefinition",
  "customresourcedefinitions",
  "Cluster",
);
const integer = { type: "integer" };
const widgetCrd = {
  metadata: { name: "widgets.test.holdfast.dev" },
  spec: {
    group: "test.holdfast.dev",
    scope: "Namespaced",
    names: { kind: "Widget", plural: "widgets", singular: "widget", listKind: "WidgetList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              spec: {
                type: "object",
                required: ["replicas"],
                properties: { replicas: integer, size: { ...integer, maximum: 9 } },
              },
              status: {
                type: "object",
                properties: { replicas: integer, note: { type: "string" }, old: { type: "string" } },
              },
            },
          },
        },
      },
    ],
  },
};

let client: KubeClient;
let stranger: KubeClient;
const folder = mkdtempSync(join(tmpdir(), "holdfast-kube-client-"));

beforeAll(async () => {
  const path = inject("kubeconfigPath");
  client = KubeClient.create({ config: { from: "file", path }, gate: openGate });
  const config = parse(readFileSync(path, "utf8"));
  config.users[0].user.as = "nobody-special";
  writeFileSync(join(folder, "stranger"), stringify(config), { mode: 0o600 });
  stranger = KubeClient.create({ config: { from: "file", path: join(folder, "stranger") }, gate: openGate });
  await client.create(namespaces, { metadata: { name: NAMESPACE } });
  await client.create(crds, widgetCrd);
  await until("widgets are served", async () => (await client.list(widgets)).items.length === 0, 30_000);
});
afterAll(async () => {
  await client.close();
  await stranger.close();
  rmSync(folder, { recursive: true, force: true });
});

async function faultOf(promise: Promise<unknown>): Promise<KubeFault | "none"> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return "none";
  if (error instanceof KubeError) return error.fault;
  throw error;
}

const meta = (name: string) => ({ name, namespace: NAMESPACE });
const versionOf = (object: KubeObject) => ({
  ...meta(object.metadata.name),
  resourceVersion: object.metadata.resourceVersion ?? "",
  uid: object.metadata.uid ?? "",
});
const widget = (name: string) => client.create(widgets, { metadata: meta(name), spec: { replicas: 1 } });

function deployment(name: string, image: string, more: object = {}) {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...meta(name), ...more },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image }] } },
    },
  };
}

const scaled = (resource: Resource, name: string) =>
  client.get(resource as Resource<KubeObject & { spec?: { replicas?: number } }>, NAMESPACE, name);

/**
 * Reads the scale, which is `from`, and writes `to` against what was read. Again after a conflict, which must have left
 * the scale as it was: a real controller writes the status of a Deployment, perhaps just between the two calls.
 * Answers what the write that was taken was bound to.
 */
async function scaleTo(resource: Resource, name: string, from: number, to: number) {
  for (let left = 20; left > 0; left -= 1) {
    const scale = await scaled(resource, name);
    expect(scale?.spec?.replicas).toBe(from);
    const seen = { ...meta(name), resourceVersion: scale?.metadata.resourceVersion ?? "" };
    const fault = await faultOf(client.updateScale(resource, seen, to));
    if (fault === "none") return seen;
    expect(fault).toBe("Conflict");
  }
  throw new Error(`The scale of ${name} conflicted twenty times`);
}

test("an apply owns what it names; replicas set by scale survive the next apply", async () => {
  const options = { fieldManager: "holdfast", force: true };
  const first = await client.apply<Deployment>(deployments, deployment("owned", "a:1"), options);
  expect(first.spec?.replicas).toBe(1);
  await scaleTo(deployments, "owned", 1, 3);
  const second = await client.apply<Deployment>(deployments, deployment("owned", "a:2"), options);
  expect(second.spec?.replicas).toBe(3);
  expect(second.spec?.template?.spec?.containers?.[0]?.image).toBe("a:2");
  const managers = second.metadata.managedFields?.map(
    (entry) => `${entry.manager} ${entry.operation} ${entry.subresource ?? ""}`,
  );
  expect(managers).toContain("holdfast Apply ");
  const ours = second.metadata.managedFields?.find((entry) => entry.manager === "holdfast");
  expect(JSON.stringify(ours?.fieldsV1)).not.toContain("replicas");
});

test("a field that another manager applied is a Conflict, unless it is taken by force", async () => {
  await client.apply(deployments, deployment("shared", "a:1"), { fieldManager: "somebody" });
  const ours = deployment("shared", "a:2");
  expect(await faultOf(client.apply(deployments, ours, { fieldManager: "holdfast" }))).toBe("Conflict");
  const taken = await client.apply<Deployment>(deployments, ours, { fieldManager: "holdfast", force: true });
  expect(taken.spec?.template?.spec?.containers?.[0]?.image).toBe("a:2");
});

test("an apply that names version or uid is bound to them, and then never creates", async () => {
  const old = await client.apply<Deployment>(deployments, deployment("bound", "a:1"), { fieldManager: "holdfast" });
  await client.apply(deployments, deployment("bound", "a:2"), { fieldManager: "holdfast" });
  const { resourceVersion, uid } = versionOf(old);
  const force = { fieldManager: "holdfast", force: true };
  expect(await faultOf(client.apply(deployments, deployment("bound", "a:3", { resourceVersion }), force))).toBe(
    "Conflict",
  );
  expect(await faultOf(client.apply(deployments, deployment("bound", "a:3", { uid: "other" }), force))).toBe(
    "Conflict",
  );
  expect(await faultOf(client.apply(deployments, deployment("bound", "a:3", { uid }), force))).toBe("none");
  expect(await faultOf(client.apply(deployments, deployment("absent", "a:3", { uid }), force))).toBe("Conflict");
  expect(await client.get(deployments, NAMESPACE, "absent")).toBeUndefined();
});

test("replaceStatus writes all of the status and nothing of the rest, guarded by version and uid", async () => {
  const made = await widget("status");
  const first = await client.replaceStatus(widgets, versionOf(made), { note: "one", old: "x" });
  expect(first).toMatchObject({ spec: { replicas: 1 }, status: { note: "one", old: "x" } });
  const second = await client.replaceStatus(widgets, versionOf(first), { note: "two" });
  expect(second.status).toEqual({ note: "two" });
  expect(await faultOf(client.replaceStatus(widgets, versionOf(first), { note: "late" }))).toBe("Conflict");
  expect(await faultOf(client.replaceStatus(widgets, { ...versionOf(second), uid: "other" }, { note: "late" }))).toBe(
    "Conflict",
  );
  expect((await client.get(widgets, NAMESPACE, "status"))?.status).toEqual({ note: "two" });
});

test.for([
  [
    "a Deployment",
    deployments,
    () => client.apply(deployments, deployment("scaled", "a:1"), { fieldManager: "holdfast" }),
  ],
  ["a custom resource", widgets, () => widget("scaled")],
] as const)("scale of %s is written against the version that was read", async ([, resource, make]) => {
  await make();
  const seen = await scaleTo(resource, "scaled", 1, 2);
  expect((await scaled(resource, "scaled"))?.spec?.replicas).toBe(2);
  expect(await faultOf(client.updateScale(resource, seen, 5))).toBe("Conflict");
  expect((await scaled(resource, "scaled"))?.spec?.replicas).toBe(2);
});

test("patches of both kinds are guarded by version and uid", async () => {
  const made = await widget("patched");
  const changed = await client.mergePatch(widgets, versionOf(made), { metadata: { labels: { a: "1" } } });
  expect(changed.metadata.labels).toEqual({ a: "1" });
  const set = [{ op: "add" as const, path: "/metadata/labels/b", value: "2" }];
  expect(await faultOf(client.mergePatch(widgets, versionOf(made), { spec: { size: 1 } }))).toBe("Conflict");
  expect(await faultOf(client.jsonPatch(widgets, versionOf(made), set))).toBe("Conflict");
  const wrongUid = { ...versionOf(changed), uid: "other" };
  expect(await faultOf(client.mergePatch(widgets, wrongUid, { spec: { size: 1 } }))).toBe("Conflict");
  expect(await faultOf(client.jsonPatch(widgets, wrongUid, set))).toBe("Conflict");
  const last = await client.jsonPatch(widgets, versionOf(changed), set);
  expect(last.metadata.labels).toEqual({ a: "1", b: "2" });
  expect(last.spec).toEqual({ replicas: 1 });
  const status = { subresource: "status" };
  expect((await client.mergePatch(widgets, versionOf(last), { status: { note: "n" } }, status)).status?.note).toBe("n");
});

test("a delete happens only to the object that was looked at", async () => {
  const made = await widget("deleted");
  const { uid, resourceVersion } = versionOf(made);
  const changed = await client.mergePatch(widgets, versionOf(made), { spec: { size: 2 } });
  expect(await faultOf(client.delete(widgets, NAMESPACE, "deleted", { uid: "other" }))).toBe("Conflict");
  expect(await faultOf(client.delete(widgets, NAMESPACE, "deleted", { uid, resourceVersion }))).toBe("Conflict");
  expect(await faultOf(client.delete(widgets, NAMESPACE, "deleted", { uid, dryRun: true }))).toBe("none");
  expect(await client.get(widgets, NAMESPACE, "deleted")).toBeDefined();
  const now = versionOf(changed).resourceVersion;
  await client.delete(widgets, NAMESPACE, "deleted", { uid, resourceVersion: now, propagationPolicy: "Background" });
  expect(await client.get(widgets, NAMESPACE, "deleted")).toBeUndefined();
  expect(await faultOf(client.delete(widgets, NAMESPACE, "deleted", { uid }))).toBe("NotFound");
});

const nobody = defineResource<KubeObject>("nobody.holdfast.dev/v1", "Nothing", "nothings");
const noPlural = defineResource<KubeObject>("apps/v1", "Nothing", "nothings");
test.for<[string, () => Promise<unknown>, KubeFault]>([
  ["a group that nobody serves", () => client.get(nobody, NAMESPACE, "x"), "ResourceMissing"],
  ["a list of it", () => client.list(nobody), "ResourceMissing"],
  ["a kind that its group does not have", () => client.get(noPlural, NAMESPACE, "x"), "ResourceMissing"],
  [
    "a create in a namespace that is not there",
    () => client.create(configMaps, { metadata: { name: "x", namespace: "absent" } }),
    "NotFound",
  ],
  ["a name that is taken", () => client.create(namespaces, { metadata: { name: NAMESPACE } }), "AlreadyExists"],
  [
    "a value against the schema",
    () => client.create(widgets, { metadata: meta("bad"), spec: { replicas: 1, size: 10 } }),
    "Invalid",
  ],
  [
    "a value of the wrong type",
    () => client.create(widgets, { metadata: meta("bad"), spec: { replicas: "x" as never } }),
    "Invalid",
  ],
  ["an identity without the right", () => stranger.get(pods, NAMESPACE, "x"), "Forbidden"],
  ["a continue token that is none", () => client.list(pods, { continue: "garbage", limit: 1 }), "BadRequest"],
])("the real server's fault for %s", async ([, call, fault]) => {
  expect(await faultOf(call())).toBe(fault);
});

test("what does not exist is undefined, in a namespace that does not exist, too", async () => {
  expect(await client.get(configMaps, NAMESPACE, "absent")).toBeUndefined();
  expect(await client.get(configMaps, "absent", "absent")).toBeUndefined();
});

test("a dry run is judged in full and changes nothing", async () => {
  expect(
    await faultOf(client.create(widgets, { metadata: meta("dry"), spec: { replicas: 1, size: 10 } }, { dryRun: true })),
  ).toBe("Invalid");
  const made = await client.create(widgets, { metadata: meta("dry"), spec: { replicas: 1 } }, { dryRun: true });
  expect(made.metadata.uid).toBeDefined();
  expect(await client.get(widgets, NAMESPACE, "dry")).toBeUndefined();
});

test("a list comes in pages of one state", async () => {
  for (let n = 0; n < 5; n += 1)
    await client.create(configMaps, { metadata: { ...meta(`page-${n}`), labels: { page: "x" } } });
  const query = { namespace: NAMESPACE, labelSelector: "page=x", limit: 2 };
  const first = await client.list(configMaps, query);
  await client.create(configMaps, { metadata: { ...meta("page-9"), labels: { page: "x" } } });
  const second = await client.list(configMaps, { ...query, ...(first.continue ? { continue: first.continue } : {}) });
  const third = await client.list(configMaps, { ...query, ...(second.continue ? { continue: second.continue } : {}) });
  const names = [first, second, third].flatMap((page) => page.items.map((item) => item.metadata.name));
  expect(names).toEqual(["page-0", "page-1", "page-2", "page-3", "page-4"]);
  expect(third.continue).toBeUndefined();
  expect(new Set([first, second, third].map((page) => page.resourceVersion)).size).toBe(1);
});
