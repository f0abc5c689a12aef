// What a podTemplate may not touch, and that nothing gets around the refusals.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../../../operator/domain/values/json.ts";
import { containerOf, type Loose, type World, wanted } from "./world.ts";

fc.configureGlobal({ seed: 20261121 }); // 60,000 others were run once; a red test must stay red

const container = (name: string) => ({ name, image: `${name}:1` });
const GATEWAY = "spec.containers[gateway]";
const gateway = (fields: object) => ({ spec: { containers: [{ name: "gateway", ...fields }] } });
const sidecar = (fields: object) => ({ spec: { containers: [{ name: "logs", image: "logs:1", ...fields }] } });
const statusReady = { httpGet: { path: "/status/ready", port: 7085 } };

/** Paths below `spec.<role>.podTemplate`, of what is refused. */
function refused(podTemplate: unknown, role: "traffic" | "backup" = "traffic"): string[] {
  const { problems } = wanted({ spec: { [role]: { podTemplate } } } as World);
  for (const { reason, field, message } of problems) {
    expect(reason).toBe("PodTemplateRefused");
    expect(message.startsWith(`${field} is refused: `)).toBe(true);
    expect(message).toMatch(/\. [A-Z].+\.$/); // and what to do instead
  }
  return problems.map(({ field }) => field.replace(`spec.${role}.podTemplate.`, ""));
}

test.for<[string, unknown, string]>([
  ["our labels", { metadata: { labels: { "holdfast.dev/role": "x" } } }, 'metadata.labels["holdfast.dev/role"]'],
  [
    "a label of ours that is new",
    { metadata: { labels: { "holdfast.dev/x": "" } } },
    'metadata.labels["holdfast.dev/x"]',
  ],
  [
    "removing our labels",
    { metadata: { labels: { "holdfast.dev/group": null } } },
    'metadata.labels["holdfast.dev/group"]',
  ],
  ["removing all labels", { metadata: { labels: null } }, "metadata.labels"],
  ["removing all metadata", { metadata: null }, "metadata"],
  [
    "our annotations",
    { metadata: { annotations: { "holdfast.dev/proof-key": "x" } } },
    'metadata.annotations["holdfast.dev/proof-key"]',
  ],
  [
    "a deletion cost",
    { metadata: { annotations: { "controller.kubernetes.io/pod-deletion-cost": "1" } } },
    'metadata.annotations["controller.kubernetes.io/pod-deletion-cost"]',
  ],
  ["removing the spec", { spec: null }, "spec"],
  ["another restartPolicy", { spec: { restartPolicy: "Never" } }, "spec.restartPolicy"],
  [
    "the choose container",
    { spec: { initContainers: [{ name: "choose", image: "mine" }] } },
    "spec.initContainers[choose]",
  ],
  [
    "more of the choose container than its resources",
    { spec: { initContainers: [{ name: "choose", resources: { limits: { cpu: "1" } }, env: [] }] } },
    "spec.initContainers[choose]",
  ],
  [
    "removing the resources of the choose container",
    { spec: { initContainers: [{ name: "choose", resources: null }] } },
    "spec.initContainers[choose]",
  ],
  [
    "so little memory that the choose container is killed",
    { spec: { initContainers: [{ name: "choose", resources: { limits: { memory: "64Mi" } } }] } },
    "spec.initContainers[choose].resources.limits.memory",
  ],
  ["removing the init containers", { spec: { initContainers: null } }, "spec.initContainers"],
  ["init containers without a name", { spec: { initContainers: [{ image: "x" }] } }, "spec.initContainers"],
  [
    "a sidecar under a name of ours",
    { spec: { initContainers: [container("gateway")] } },
    "spec.initContainers[gateway]",
  ],
  ["emptying the containers", { spec: { containers: [] } }, "spec.containers"],
  ["emptying the init containers", { spec: { initContainers: [] } }, "spec.initContainers"],
  ["removing the containers", { spec: { containers: null } }, "spec.containers"],
  ["replacing the volumes", { spec: { volumes: null } }, "spec.volumes"],
  ["a volume of ours", { spec: { volumes: [{ name: "conf", emptyDir: {} }] } }, "spec.volumes[conf]"],
  ["the gateway's image", gateway({ image: "other:1" }), `${GATEWAY}.image`],
  [
    "our environment",
    gateway({ env: [{ name: "API7_GATEWAY_GROUP_SHORT_ID", value: "x" }] }),
    `${GATEWAY}.env[API7_GATEWAY_GROUP_SHORT_ID]`,
  ],
  ...[
    "API7_DP_MANAGER_ENDPOINTS",
    "API7_CONTROL_PLANE_ENDPOINTS",
    "API7_DP_MANAGER_CERT",
    "APISIX_DEPLOYMENT_ETCD_HOST",
    "APISIX_PROFILE",
    "APISIX_STAND_ALONE",
    "HOLDFAST_STORE_SECRET_KEY",
  ].map((name): [string, unknown, string] => [
    `a second name of what Holdfast decides: ${name}`,
    gateway({ env: [{ name, value: "x" }] }),
    `${GATEWAY}.env[${name}]`,
  ]),
  ["variables that are not seen", gateway({ envFrom: [{ configMapRef: { name: "x" } }] }), `${GATEWAY}.envFrom`],
  ["removing the environment", gateway({ env: null }), `${GATEWAY}.env`],
  ["removing the mounts", gateway({ volumeMounts: [] }), `${GATEWAY}.volumeMounts`],
  [
    "a mount of ours",
    gateway({ volumeMounts: [{ name: "x", mountPath: "/etcd-ssl" }] }),
    `${GATEWAY}.volumeMounts[/etcd-ssl]`,
  ],
  ["pull policy Always", gateway({ imagePullPolicy: "Always" }), `${GATEWAY}.imagePullPolicy`],
  ["pull policy Always of a sidecar", sidecar({ imagePullPolicy: "Always" }), "spec.containers[logs].imagePullPolicy"],
  ["hostNetwork", { spec: { hostNetwork: true } }, "spec.hostNetwork"],
  ["hostPort", gateway({ ports: [{ name: "http", hostPort: 80 }] }), `${GATEWAY}.ports[http].hostPort`],
  ["liveness of the gateway", gateway({ livenessProbe: { tcpSocket: { port: 9080 } } }), `${GATEWAY}.livenessProbe`],
  [
    "a startup probe of the gateway",
    gateway({ startupProbe: { tcpSocket: { port: 9080 } } }),
    `${GATEWAY}.startupProbe`,
  ],
  ["readiness on /status/ready", gateway({ readinessProbe: statusReady }), `${GATEWAY}.readinessProbe`],
  [
    "readiness on the status port",
    gateway({ readinessProbe: { tcpSocket: { port: 7085 } } }),
    `${GATEWAY}.readinessProbe`,
  ],
  [
    "readiness on the status port by name",
    gateway({ readinessProbe: { httpGet: { path: "/", port: "status" } } }),
    `${GATEWAY}.readinessProbe`,
  ],
  [
    "a sidecar's readiness on /status/ready",
    sidecar({ readinessProbe: { httpGet: { path: "/status/ready", port: 1 } } }),
    "spec.containers[logs].readinessProbe",
  ],
  ["less grace than the drain", { spec: { terminationGracePeriodSeconds: 30 } }, "spec.terminationGracePeriodSeconds"],
])("refused for traffic pods: %s", ([, podTemplate, path]) => {
  expect(refused(podTemplate)).toContain(path);
});

test.for<[string, unknown]>([
  ["nothing", {}],
  [
    "labels and annotations of one's own",
    { metadata: { labels: { team: "a" }, annotations: { "prometheus.io/scrape": "true" } } },
  ],
  [
    "placement",
    { spec: { nodeSelector: { a: "b" }, tolerations: [{ operator: "Exists" }], priorityClassName: "high" } },
  ],
  ["a sidecar with a liveness probe", sidecar({ livenessProbe: { httpGet: { path: "/", port: 80 } } })],
  ["readiness on a route", gateway({ readinessProbe: { tcpSocket: null, httpGet: { path: "/healthz", port: 9080 } } })],
  ["no question whether it has loaded", gateway({ startupProbe: null })],
  ["a variable that only begins alike", gateway({ env: [{ name: "APISIX_PROFILES", value: "x" }] })],
  ["a variable of a container of one's own", sidecar({ envFrom: [{ configMapRef: { name: "x" } }] })],
  ["no drain", gateway({ lifecycle: null })],
  ["more grace", { spec: { terminationGracePeriodSeconds: 600 } }],
  ["hostNetwork: false", { spec: { hostNetwork: false } }],
  [
    "another environment, mount and volume",
    {
      spec: {
        volumes: [{ name: "plugins", emptyDir: {} }],
        containers: [
          {
            name: "gateway",
            env: [{ name: "TZ", value: "UTC" }],
            volumeMounts: [{ name: "plugins", mountPath: "/p" }],
          },
        ],
      },
    },
  ],
])("allowed for traffic pods: %s", ([, podTemplate]) => {
  expect(refused(podTemplate)).toEqual([]);
});

test.for<[string, unknown, string[]]>([
  ["a port", gateway({ ports: [{ name: "http", containerPort: 9080 }] }), [`${GATEWAY}.ports`]],
  ["hostNetwork", { spec: { hostNetwork: true } }, ["spec.hostNetwork"]],
  [
    "our labels",
    { metadata: { labels: { "holdfast.dev/role": "traffic" } } },
    ['metadata.labels["holdfast.dev/role"]'],
  ],
  [
    "another liveness probe is allowed",
    gateway({ livenessProbe: { tcpSocket: null, httpGet: { path: "/status", port: 7085 } } }),
    [],
  ],
])("refused for the backup pod: %s", ([, podTemplate, paths]) => {
  expect(refused(podTemplate, "backup")).toEqual(paths);
  expect(wanted({ spec: { backup: { podTemplate } } } as World).backup === undefined).toBe(paths.length > 0);
});

const PATHS = [
  "metadata",
  "metadata.labels",
  "metadata.annotations",
  "metadata.labels.holdfast~dev/group",
  "metadata.labels.team",
  "spec",
  "spec.containers",
  "spec.initContainers",
  "spec.volumes",
  "spec.restartPolicy",
  "spec.hostNetwork",
].map((path) => path.split(".").map((part) => part.replace("~", ".")));
const FIELDS = [
  "name",
  "image",
  "env",
  "volumeMounts",
  "livenessProbe",
  "ports",
  "emptyDir",
  "imagePullPolicy",
  "args",
];
const anyField = fc.constantFrom<unknown>(
  null,
  "x",
  true,
  {},
  [],
  [{ name: "conf", mountPath: "/etcd-ssl" }],
  [
    { name: "HOLDFAST_STORE_ACCESS_KEY", value: "x" },
    { name: "TZ", value: "UTC" },
  ],
  [{ mountPath: "/x", name: "conf" }],
  { tcpSocket: { port: 1 } },
);
const anyItem = fc
  .tuple(fc.constantFrom("gateway", "choose", "conf", "logs"), fc.constantFrom(...FIELDS), anyField)
  .map(([name, field, value]) => ({ name, [field]: value }));
const anyPart = fc.tuple(
  fc.constantFrom(...PATHS),
  fc.oneof(anyField, fc.array(anyItem, { maxLength: 2 }), fc.constantFrom("Always", "Never")),
);
/** One or two wishes, so that most are near to something acceptable. */
const anyTemplate = fc
  .array(anyPart, { minLength: 1, maxLength: 2 })
  .map((parts) =>
    parts.reduce<JsonObject>(
      (template, [path, value]) =>
        mergeTemplateKeepingNull(
          template,
          path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as JsonObject,
        ),
      {},
    ),
  );
function mergeTemplateKeepingNull(one: JsonObject, other: JsonObject): JsonObject {
  return {
    ...one,
    ...other,
    ...(isPlain(one["spec"]) && isPlain(other["spec"]) && { spec: { ...one["spec"], ...other["spec"] } }),
  };
}
const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

test("whatever is accepted leaves what Holdfast needs as it was", () => {
  const plain = wanted() as Loose;
  let accepted = 0;
  fc.assert(
    fc.property(anyTemplate, (podTemplate) => {
      const found = wanted({ spec: { traffic: { podTemplate } } }) as Loose;
      if (found.problems.length > 0) return;
      accepted += 1;
      const { metadata, spec } = found.template;
      expect(metadata.labels).toMatchObject(plain.template.metadata.labels);
      const {
        env: [, ...rest],
        ...choose
      } = containerOf(spec, "choose");
      const {
        env: [, ...plainRest],
        ...plainChoose
      } = containerOf(plain.template.spec, "choose");
      expect([choose, rest]).toEqual([plainChoose, plainRest]);
      expect(spec.initContainers[0].name).toBe("choose");
      expect(spec.volumes).toEqual(expect.arrayContaining(plain.template.spec.volumes));
      const [mine, theirs] = [containerOf(spec, "gateway"), containerOf(plain.template.spec, "gateway")];
      expect(mine.image).toBe(theirs.image);
      expect(mine.env).toEqual(expect.arrayContaining(theirs.env));
      expect(mine.volumeMounts).toEqual(expect.arrayContaining(theirs.volumeMounts));
      expect(mine.livenessProbe).toBeUndefined();
      expect(spec).not.toMatchObject({ hostNetwork: true });
      expect(spec.restartPolicy).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(200);
});
