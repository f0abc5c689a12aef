/** docs/reference.md tells every rule by which a podTemplate or the gateway's configuration is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gatewayConfigRows, POD_TEMPLATE_REFUSALS } from "../../hack/generate-refusals.ts";
import { desired } from "../../operator/domain/desired/index.ts";
import { ownedKeyProblems } from "../../operator/gateway/api7/render-owned.ts";
import { World } from "../scenarios/world.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/reference.md"), "utf8");
const RULES = readFileSync(join(ROOT, "operator/domain/desired/pod-template-rules.ts"), "utf8");

const gateway = (more: object) => ({ spec: { containers: [{ name: "gateway", ...more }] } });
/** One override per rule, the path that the message names, and words of it that stand on the page. */
const EXAMPLES: Record<string, [override: object, path: string, told: string]> = {
  shapes: [{ spec: { containers: [{ image: "x" }] } }, "spec.containers", "`spec.containers`"],
  ownMarks: [{ metadata: { labels: { "holdfast.dev/x": "y" } } }, "metadata.labels", "`holdfast.dev/...`"],
  restartPolicy: [{ spec: { restartPolicy: "Never" } }, "spec.restartPolicy", "`spec.restartPolicy`"],
  reservedNames: [{ spec: { containers: [{ name: "witness" }] } }, "spec.containers[witness]", "`witness`"],
  memoryOfChoose: [
    { spec: { initContainers: [{ name: "choose", resources: { limits: { memory: "32Mi" } } }] } },
    "spec.initContainers[choose].resources.limits.memory",
    "memory limit of the init container `choose`",
  ],
  image: [gateway({ image: "x" }), "spec.containers[gateway].image", "`image` of the container `gateway`"],
  ownParts: [{ spec: { volumes: [{ name: "cp-cert" }] } }, "spec.volumes[cp-cert]", "`cp-cert`"],
  environment: [
    gateway({ env: [{ name: "APISIX_PROFILE", value: "x" }] }),
    "spec.containers[gateway].env[APISIX_PROFILE]",
    "`APISIX_PROFILE`",
  ],
  pullAlways: [
    gateway({ imagePullPolicy: "Always" }),
    "spec.containers[gateway].imagePullPolicy",
    "`imagePullPolicy: Always`",
  ],
  hostNetwork: [{ spec: { hostNetwork: true } }, "spec.hostNetwork", "`spec.hostNetwork: true`"],
  hostPort: [
    gateway({ ports: [{ name: "http", hostPort: 80 }] }),
    "spec.containers[gateway].ports[http].hostPort",
    "`hostPort`",
  ],
  liveness: [
    gateway({ livenessProbe: { tcpSocket: { port: 9080 } } }),
    "spec.containers[gateway].livenessProbe",
    "`livenessProbe`",
  ],
  startup: [
    gateway({ startupProbe: { tcpSocket: { port: 9080 } } }),
    "spec.containers[gateway].startupProbe",
    "`startupProbe`",
  ],
  readiness: [
    gateway({ readinessProbe: { httpGet: { port: 7085, path: "/" } } }),
    "spec.containers[gateway].readinessProbe",
    "`7085`",
  ],
  gracePeriod: [
    { spec: { terminationGracePeriodSeconds: 5 } },
    "spec.terminationGracePeriodSeconds",
    "`spec.terminationGracePeriodSeconds`",
  ],
  noPorts: [gateway({ ports: [{ containerPort: 80 }] }), "spec.containers[gateway].ports", "`ports` of any container"],
};

test("the page knows the rules that there are", () => {
  const lists = [...RULES.matchAll(/^const (?:COMMON|TRAFFIC_ONLY|BACKUP_ONLY) = \[([^\]]+)\]/gm)];
  const rules = lists.flatMap(([, names]) => names!.split(",").flatMap((name) => name.trim() || []));
  expect(lists).toHaveLength(3);
  expect(Object.keys(POD_TEMPLATE_REFUSALS)).toEqual(rules);
  expect(Object.keys(EXAMPLES)).toEqual(rules);
});

test.each(Object.entries(EXAMPLES))("podTemplate: %s", (rule, [override, path, told]) => {
  const [of, what] = POD_TEMPLATE_REFUSALS[rule]!;
  expect(what).toContain(told);
  expect(PAGE).toContain(`| ${what} | ${of} |`);
  for (const role of of === "both" ? (["traffic", "backup"] as const) : [of as "traffic" | "backup"]) {
    const world = new World({ [role]: { podTemplate: override } });
    const { problems } = desired(world.facts(), { mode: "Normal", epoch: 0, proofs: {}, frozen: false });
    const fields = problems.map(({ field }) => field.replace(`spec.${role}.podTemplate.`, ""));
    expect(fields.filter((field) => field.startsWith(path))).toHaveLength(1);
  }
});

test("every key of gateway.config that the page names is refused, and a key beside it is not", () => {
  const keys = gatewayConfigRows().flatMap(([cell]) =>
    [...cell!.matchAll(/^`([a-z_0-9.]+)`$/g)].map(([, key]) => key!),
  );
  expect(keys.length).toBeGreaterThan(10);
  const nested = (key: string) => key.split(".").reduceRight<unknown>((inner, part) => ({ [part]: inner }), "x");
  for (const key of keys) {
    expect(PAGE).toContain(`| \`${key}\` |`);
    expect(ownedKeyProblems(nested(key) as never).map(({ path }) => path)).toEqual([key]);
    expect(ownedKeyProblems(nested(`${key}_beside`) as never)).toEqual([]);
  }
});
