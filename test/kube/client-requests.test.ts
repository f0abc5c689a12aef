/** What each call sends. */
import { expect, test } from "vitest";
import type { KubeClient } from "../../operator/kube/client.ts";
import { configMaps, deployments, namespaces, pods } from "../../operator/kube/resources.ts";
import { bench, gateways, seen } from "./client-bench.ts";

const guarded = { name: "b", namespace: "a", resourceVersion: "5", uid: "u" };
test.for<[string, (client: KubeClient) => Promise<unknown>, string, string | undefined, unknown]>([
  ["get", (c) => c.get(pods, "a", "b"), "GET /api/v1/namespaces/a/pods/b", undefined, undefined],
  [
    "get of a cluster-scoped kind",
    (c) => c.get(namespaces, undefined, "b"),
    "GET /api/v1/namespaces/b",
    undefined,
    undefined,
  ],
  [
    "list of one page",
    (c) => c.list(pods, { namespace: "a", labelSelector: "x in (y,z)", limit: 500, continue: "t" }),
    "GET /api/v1/namespaces/a/pods?labelSelector=x in (y,z)&limit=500&continue=t",
    undefined,
    undefined,
  ],
  [
    "list of all namespaces",
    (c) => c.list(gateways),
    "GET /apis/holdfast.dev/v1alpha1/gatewaygroups",
    undefined,
    undefined,
  ],
  [
    "create",
    (c) => c.create(configMaps, { metadata: { name: "b", namespace: "a" }, data: { k: "v" } }, { dryRun: true }),
    "POST /api/v1/namespaces/a/configmaps?dryRun=All",
    "application/json",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "a" }, data: { k: "v" } },
  ],
  [
    "strict create",
    (c) => c.create(configMaps, { metadata: { name: "b", namespace: "a" } }, { strict: true, fieldManager: "m" }),
    "POST /api/v1/namespaces/a/configmaps?fieldManager=m&fieldValidation=Strict",
    "application/json",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "a" } },
  ],
  [
    "apply",
    (c) =>
      c.apply(
        deployments,
        { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "b", namespace: "a" } },
        { fieldManager: "holdfast", force: true, dryRun: true },
      ),
    "PATCH /apis/apps/v1/namespaces/a/deployments/b?dryRun=All&fieldManager=holdfast&force=true",
    "application/apply-patch+yaml",
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "b", namespace: "a" } },
  ],
  [
    "replaceStatus",
    (c) => c.replaceStatus(gateways, seen, { mode: "Normal" }),
    "PUT /apis/holdfast.dev/v1alpha1/namespaces/a/gatewaygroups/b/status",
    "application/json",
    { apiVersion: "holdfast.dev/v1alpha1", kind: "GatewayGroup", metadata: guarded, status: { mode: "Normal" } },
  ],
  [
    "updateScale",
    (c) => c.updateScale(deployments, seen, 3),
    "PUT /apis/apps/v1/namespaces/a/deployments/b/scale",
    "application/json",
    { apiVersion: "autoscaling/v1", kind: "Scale", metadata: guarded, spec: { replicas: 3 } },
  ],
  [
    "mergePatch",
    (c) => c.mergePatch(pods, seen, { metadata: { annotations: { x: null } } }),
    "PATCH /api/v1/namespaces/a/pods/b",
    "application/merge-patch+json",
    { metadata: { annotations: { x: null }, resourceVersion: "5", uid: "u" } },
  ],
  [
    "jsonPatch",
    (c) => c.jsonPatch(pods, seen, [{ op: "remove", path: "/x" }], { subresource: "status" }),
    "PATCH /api/v1/namespaces/a/pods/b/status",
    "application/json-patch+json",
    [
      { op: "replace", path: "/metadata/resourceVersion", value: "5" },
      { op: "replace", path: "/metadata/uid", value: "u" },
      { op: "remove", path: "/x" },
    ],
  ],
  [
    "delete",
    (c) =>
      c.delete(pods, "a", "b", {
        uid: "u",
        resourceVersion: "5",
        propagationPolicy: "Background",
        gracePeriodSeconds: 7,
      }),
    "DELETE /api/v1/namespaces/a/pods/b",
    "application/json",
    {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: "u", resourceVersion: "5" },
      propagationPolicy: "Background",
      gracePeriodSeconds: 7,
    },
  ],
])("on the wire: %s", async ([, call, line, contentType, body]) => {
  const { client, server } = await bench();
  await call(client);
  const [request] = server.requests;
  const query = Object.entries(request?.query ?? {}).map(([name, value]) => `${name}=${value}`);
  expect(`${request?.method} ${request?.path}${query.length > 0 ? `?${query.join("&")}` : ""}`).toBe(line);
  expect(request?.headers["content-type"]).toBe(contentType);
  expect(request?.body).toEqual(body);
  expect(request?.headers["accept-encoding"]).toBe("identity");
  expect(request?.headers.authorization).toBe("Bearer first-token");
});
