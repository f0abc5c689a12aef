/**
 * Every bound of every field of the specs, on a real API server and on zod: both accept and refuse the same values,
 * and a refusal names the field.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { crds } from "../../operator/api/crd.ts";
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";
import { fields } from "../../operator/api/structural.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { has, keysOf, probes, set } from "./crd-bounds.ts";
import { RULE_CASES } from "./crd-rule-cases.ts";
import { AZURE, type Kind, merge, NAMESPACE, pathOf, shortest } from "./crd-samples.ts";
import { installCrds } from "./crds.ts";

const ZOD = { GatewayGroup: GatewayGroupSpec, FallbackStorage: FallbackStorageSpec } as const;
const KINDS = Object.keys(ZOD) as Kind[];

const resources = { requests: { cpu: "500m" }, limits: { cpu: 2 } };
const ports = [{ name: "http", port: 80, targetPort: 9080, protocol: "TCP" }];
const everything = {
  modePolicy: "Auto",
  gateway: { version: "3.9.13", imagePullSecrets: [{ name: "pull" }], resources, workers: 2, config: { a: 1 } },
  controlPlane: { serverName: "dp.acme.io", probeIntervalSeconds: 5 },
  traffic: {
    replicas: 2,
    service: { enabled: true, type: "ClusterIP", ports, annotations: { "acme.io/a": "b" } },
    check: { host: "acme.io", path: "/", expectStatus: 200 },
    disruptionBudget: { enabled: true, maxUnavailable: "10%" },
    drainSeconds: 30,
    podTemplate: { spec: {} },
  },
  backup: { enabled: true, exportIntervalSeconds: 60, podTemplate: { spec: {} } },
  fallback: {
    outageAfterSeconds: 120,
    rollout: { type: "Rolling", startAfterSeconds: 60, maxSurge: "25%" },
    snapshot: { maxAgeSeconds: 3600, maxShrinkPercent: 30, tolerate: 1 },
    recovery: { afterSeconds: 300, approval: "Manual" },
    rehearsal: { minIntervalSeconds: 900 },
  },
  deletionPolicy: "Retain",
  suspend: false,
};
const balanced = {
  type: "LoadBalancer",
  loadBalancerClass: "acme.io/nlb",
  externalTrafficPolicy: "Local",
  ports: [{ ...ports[0], nodePort: 30080 }],
};
const role = (name: string) => ({ credentials: { type: "SecretKeys", secretRef: { name } } });
const storage = {
  s3: { endpoint: "https://s3.acme.io", forcePathStyle: true },
  writer: role("w"),
  reader: role("r"),
  operator: role("o"),
  tls: { caBundleRef: { name: "ca" } },
  keep: 10,
  validationIntervalSeconds: 60,
};

/** Specs that together have every field; the first that has a field is the one that it is changed in. */
const SPECS: Record<Kind, unknown[]> = {
  GatewayGroup: [everything, merge(everything, { traffic: { service: balanced } })].map((patch) =>
    merge(shortest("GatewayGroup", "x").spec, patch),
  ),
  FallbackStorage: [storage, { ...AZURE, azureBlob: { ...AZURE.azureBlob, endpoint: "https://blob.acme.io" } }].map(
    (patch) => merge(shortest("FallbackStorage", "x").spec, patch),
  ),
};
const RULES = new Set(RULE_CASES.map(({ rule }) => rule));

let api: ApiServer;
beforeAll(async () => {
  api = apiServer(inject("kubeconfigPath"));
  await installCrds(api);
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: NAMESPACE } });
});
afterAll(() => api.close());

const specFields = (kind: Kind) => {
  const crd = crds().find(({ spec }) => spec.names.kind === kind)!;
  return [...fields(crd.spec.versions[0].schema.openAPIV3Schema.properties!["spec"]!, "")];
};

/** "" = accepted. What only a CEL rule refuses counts as accepted: zod does not know them, and they have their own test. */
async function refusal(kind: Kind, spec: unknown): Promise<string> {
  const { code, body } = await api.call("POST", `${pathOf(kind)}?dryRun=All`, { ...shortest(kind, "bound"), spec });
  if (code < 300) return "";
  const causes: { message: string }[] = body.details?.causes ?? [];
  const onlyRules =
    causes.length > 0 && causes.every(({ message }) => [...RULES].some((rule) => message.includes(rule)));
  return onlyRules ? "" : String(body.message);
}

describe.each(KINDS)("%s", (kind) => {
  test("the samples of this test have every field, and are accepted", async () => {
    for (const spec of SPECS[kind]) expect(await refusal(kind, spec)).toBe("");
    const missing = specFields(kind).filter(({ path }) => !SPECS[kind].some((spec) => has(spec, keysOf(path))));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  test.each(specFields(kind))("$path", async ({ path, schema }) => {
    const keys = keysOf(path);
    const spec = SPECS[kind].find((each) => has(each, keys));
    for (const { sentence, value, accepted } of probes(schema)) {
      const changed = set(spec, keys, value);
      const said = await refusal(kind, changed);
      const what = `${sentence}: ${JSON.stringify(value)}: ${said}`;
      expect(ZOD[kind].safeParse(changed).success, `zod, ${what}`).toBe(accepted);
      expect(said === "", `API server, ${what}`).toBe(accepted);
      if (!accepted) expect(said).toContain(`spec.${keys[0]}`);
    }
  });
});
