/** The chart and the install manifest, by helm and kubectl onto a real API server. */
import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { helm, INSTALL, installManifest, render } from "../../hack/install-manifest.ts";
import { REPOSITORY, temporaryFolder, until } from "../lab/process.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { installCrds } from "./crds.ts";

const CHART = join(REPOSITORY, "charts/holdfast");
const RELEASE = "chart-test";
const HOME = "chart-home";
const WATCHED = ["chart-watched-a", "chart-watched-b"];
const CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const run = promisify(execFile);

let api: ApiServer;
const cli = async (...args: string[]) =>
  (await run(helm(), [...args, "--kubeconfig", inject("kubeconfigPath"), "--namespace", HOME])).stdout;

beforeAll(async () => {
  api = apiServer(inject("kubeconfigPath"));
  await installCrds(api);
  const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };
  for (const name of [HOME, ...WATCHED]) {
    await api.call("POST", "/api/v1/namespaces", { metadata: { name, labels: restricted } });
  }
});
afterAll(async () => {
  await cli("uninstall", RELEASE, "--ignore-not-found");
  await api.close();
});

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: rendered YAML, looked at field by field
  [field: string]: any;
}
const objects = (...args: string[]): Rendered[] =>
  parseAllDocuments(render(["--namespace", HOME, ...args], RELEASE))
    .map((document) => document.toJS() as Rendered | null)
    .filter((object): object is Rendered => object !== null);
const only = (kind: string, ...args: string[]) => objects(...args).filter((object) => object.kind === kind);
const container = (...args: string[]) => only("Deployment", ...args)[0]!["spec"].template.spec.containers[0];

describe("rendered", () => {
  test("helm lint finds nothing to complain about", async () => {
    const { stdout } = await run(helm(), ["lint", "--strict", CHART]);
    expect(stdout).toContain("0 chart(s) failed");
  });

  test("install/install.yaml is what the chart renders today (npm run generate)", () => {
    expect(readFileSync(join(REPOSITORY, "install/install.yaml"), "utf8")).toBe(installManifest());
  });

  test.each([
    ["a value that does not exist", "nonsense=1", "nonsense"],
    ["a digest that is none", "image.digest=latest", "digest"],
    ["a log level that is none", "logLevel=loud", "logLevel"],
    ["a namespace that cannot exist", "watchNamespaces={Edge}", "watchNamespaces"],
    ["no account at all", "serviceAccount.create=false", "serviceAccount.name is needed"],
  ])("%s is refused by name", (_, setting, named) => {
    expect(() => objects("--set", setting)).toThrow(named);
  });

  const DIGEST = `sha256:${"0".repeat(64)}`;
  test.each([
    ["the chart's version by default", [], "r.io/h:0.1.0"],
    ["a tag", ["image.tag=1.2"], "r.io/h:1.2"],
    ["a digest before a tag", ["image.tag=1.2", `image.digest=${DIGEST}`], `r.io/h@${DIGEST}`],
  ])("image: %s, and the start choice uses the same one", (_, settings, image) => {
    const { env, ...rest } = container("--set", ["image.repository=r.io/h", ...settings].join(","));
    expect(rest.image).toBe(image);
    expect(env).toContainEqual({ name: "HOLDFAST_CHOOSE_IMAGE", value: image });
  });

  test("the start choice may have an image of its own", () => {
    const { env } = container("--set", "chooseImage=mirror.io/h:1");
    expect(env).toContainEqual({ name: "HOLDFAST_CHOOSE_IMAGE", value: "mirror.io/h:1" });
  });

  test("one Role per watched namespace, one for the Lease, and nothing cluster-wide but the CRDs", () => {
    const all = objects("--set", `watchNamespaces={${WATCHED.join(",")}}`);
    const roles = all.filter(({ kind }) => kind === "Role").map(({ metadata }) => metadata.namespace);
    expect(roles.toSorted()).toEqual([HOME, ...WATCHED]);
    const unscoped = all.filter(({ metadata }) => metadata.namespace === undefined).map(({ kind }) => kind);
    expect(new Set(unscoped)).toEqual(new Set(["CustomResourceDefinition"]));
    expect(only("Role").map(({ metadata }) => metadata.namespace)).toEqual([HOME, HOME]);
  });

  test("the CRDs stay when the release goes", () => {
    const crds = only("CustomResourceDefinition");
    expect(crds.map(({ metadata }) => metadata.annotations?.["helm.sh/resource-policy"])).toEqual(["keep", "keep"]);
    expect(only("CustomResourceDefinition", "--set", "crds.install=false")).toEqual([]);
  });

  test("one replica has no budget: it could never be evicted otherwise", () => {
    expect(only("PodDisruptionBudget")).toHaveLength(1);
    expect(only("PodDisruptionBudget", "--set", "replicas=1")).toEqual([]);
  });
});

describe("installed", () => {
  beforeAll(async () => {
    // The CRDs are there already, as after `kubectl apply -f crds/`: helm takes them over when told to.
    const settings = ["--set", `watchNamespaces={${WATCHED.join(",")}}`];
    await expect(cli("install", RELEASE, CHART, ...settings)).rejects.toThrow("invalid ownership metadata");
    await cli("uninstall", RELEASE, "--ignore-not-found");
    await cli("install", RELEASE, CHART, "--take-ownership", ...settings);
  });

  const deployment = async () =>
    (await api.call("GET", `/apis/apps/v1/namespaces/${HOME}/deployments/${RELEASE}-holdfast`)).body;

  test("its pods are let into a namespace that enforces Pod Security restricted", async () => {
    await until("both pods are created", async () => (await deployment()).status?.replicas === 2, 30_000);
    const failure = (await deployment()).status.conditions.find((c: { type: string }) => c.type === "ReplicaFailure");
    expect(failure).toBeUndefined();
  });

  const account = `system:serviceaccount:${HOME}:${RELEASE}-holdfast`;
  interface Right {
    verb: string;
    resource: string;
    group?: string;
    subresource?: string;
    name?: string;
  }
  const may = async (right: Right, namespace: string): Promise<boolean> => {
    const spec = { user: account, resourceAttributes: { ...right, namespace } };
    const { body } = await api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { spec });
    return body.status.allowed;
  };
  const OURS = { group: "holdfast.dev", resource: "gatewaygroups" };
  const LEASE = { group: "coordination.k8s.io", resource: "leases", verb: "patch" };

  test.each([
    [true, "watch GatewayGroups where it is told to", { ...OURS, verb: "watch" }, WATCHED[0]],
    [false, "change them", { ...OURS, verb: "update" }, WATCHED[0]],
    [true, "write their status", { ...OURS, subresource: "status", verb: "update" }, WATCHED[1]],
    [false, "watch GatewayGroups elsewhere", { ...OURS, verb: "list" }, "default"],
    [true, "read a Secret by name", { resource: "secrets", verb: "get" }, WATCHED[0]],
    [false, "list Secrets", { resource: "secrets", verb: "list" }, WATCHED[0]],
    [false, "read a Secret elsewhere", { resource: "secrets", verb: "get" }, "default"],
    [false, "read a Secret in its own namespace", { resource: "secrets", verb: "get" }, HOME],
    [false, "evict", { resource: "pods", subresource: "eviction", verb: "create" }, WATCHED[0]],
    [false, "enter a container", { resource: "pods", subresource: "exec", verb: "create" }, WATCHED[0]],
    [false, "make tokens", { resource: "serviceaccounts", subresource: "token", verb: "create" }, WATCHED[0]],
    [false, "give rights away", { group: "rbac.authorization.k8s.io", resource: "roles", verb: "create" }, WATCHED[0]],
    [true, "hold its Lease", { ...LEASE, name: "holdfast" }, HOME],
    [false, "take another's Lease", { ...LEASE, name: "other" }, HOME],
  ] as const)("%s: it can %s", async (expected, _, right, namespace) => {
    expect(await may(right, namespace!)).toBe(expected);
  });

  test("helm upgrade brings the CRDs of its version along", async () => {
    const newer = temporaryFolder("chart");
    try {
      cpSync(CHART, newer.path, { recursive: true });
      const file = join(newer.path, "templates/crd-gatewaygroups.yaml");
      writeFileSync(file, readFileSync(file, "utf8").replace(THEN, "Of the next version."));
      await cli("upgrade", RELEASE, newer.path, "--reuse-values");
      expect(await descriptionOfTraffic()).toBe("Of the next version.");
      await cli("upgrade", RELEASE, CHART, "--reuse-values");
      expect(await descriptionOfTraffic()).toBe(THEN);
    } finally {
      newer.remove();
    }
  });
  const THEN = "The pods that serve.";
  const descriptionOfTraffic = async (): Promise<string> => {
    const { body } = await api.call("GET", `${CRD_PATH}/gatewaygroups.holdfast.dev`);
    return body.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.traffic.description;
  };

  test("uninstalling leaves the CRDs, and the groups with them", async () => {
    await cli("uninstall", RELEASE);
    expect((await deployment()).code).toBe(404);
    for (const name of ["gatewaygroups.holdfast.dev", "fallbackstorages.holdfast.dev"]) {
      expect((await api.call("GET", `${CRD_PATH}/${name}`)).code).toBe(200);
    }
  });
});

test("kubectl apply -f install/install.yaml works after crds/, and without helm's marks", async () => {
  for (const name of INSTALL.watchNamespaces) await api.call("POST", "/api/v1/namespaces", { metadata: { name } });
  const file = join(REPOSITORY, "install/install.yaml");
  const said = await api.kubectl(["apply", "-f", file]);
  expect(said).toContain(`deployment.apps/holdfast created`);
  expect(readFileSync(file, "utf8")).not.toMatch(/helm\.sh|managed-by: Helm/);
  const { body } = await api.call("GET", `/apis/apps/v1/namespaces/${INSTALL.namespace}/deployments/holdfast`);
  expect(body.spec.replicas).toBe(2);
  await api.kubectl(["delete", "-f", file, "--wait=false"]);
});
