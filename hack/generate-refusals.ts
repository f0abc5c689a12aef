import { CONTAINER, VOLUME } from "../operator/domain/desired/common.ts";
import { GATEWAY_PORTS, STATUS_READY_PATH, STORE_ENV_PREFIX } from "../operator/gateway/api7/facts.ts";
import { REFUSED_ENV } from "../operator/gateway/api7/refused-env.ts";
import { OWNED } from "../operator/gateway/api7/render-owned.ts";

const code = (...words: readonly string[]): string => words.map((word) => `\`${word}\``).join(", ");

/**
 * What a podTemplate may not set, by the rules of operator/domain/desired/pod-template-rules.ts; a test tries each and
 * knows of one that is missing here.
 */
export const POD_TEMPLATE_REFUSALS: Readonly<Record<string, readonly [of: string, what: string, why: string]>> = {
  shapes: [
    "both",
    `${code("metadata", "metadata.labels", "metadata.annotations", "spec")} that are no objects; ${code("spec.containers", "spec.initContainers", "spec.volumes")} that are no lists, are empty, or whose items do not each have a name of their own`,
    "what Holdfast needs there would be merged away: write only what is added or changed",
  ],
  ownMarks: [
    "both",
    `labels ${code("holdfast.dev/...", "app.kubernetes.io/managed-by", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")}; annotations ${code("holdfast.dev/...", "controller.kubernetes.io/pod-deletion-cost")}`,
    "Holdfast finds its pods by them; with the values of a release, that release's Service and budget would select these pods",
  ],
  restartPolicy: ["both", code("spec.restartPolicy"), "pods of a Deployment always restart"],
  reservedNames: [
    "both",
    `containers called ${code(CONTAINER.choose, CONTAINER.rehearse, CONTAINER.witness)}; init containers called so, or ${code(CONTAINER.gateway)}`,
    "Holdfast uses these names. Allowed: the init container `choose` with `resources` (`requests`, `limits`) alone, where a quota or LimitRange asks for other ones than 50m CPU and 192Mi memory. Rehearsal, canary and witness pods get those of `spec.traffic.podTemplate`, too",
  ],
  memoryOfChoose: [
    "both",
    "a memory limit of the init container `choose` below 96Mi",
    "it may be killed, and the gateway behind it would not start",
  ],
  image: ["both", `${code("image")} of the container ${code(CONTAINER.gateway)}`, "`spec.gateway.image` sets it"],
  ownParts: [
    "both",
    `of the container ${code(CONTAINER.gateway)}: variables and mount paths that Holdfast sets, ${code("env", "volumeMounts")} that are no lists of items; volumes called ${code(...Object.values(VOLUME), "scratch-...")}`,
    "Holdfast sets them",
  ],
  environment: [
    "both",
    `of the container ${code(CONTAINER.gateway)}: variables ${code(...REFUSED_ENV.map(({ name }) => name))}, and ${code("envFrom")}`,
    "by most of them the gateway would follow another control plane than the one that Holdfast asks, or read another file; what `envFrom` brings in cannot be seen",
  ],
  pullAlways: [
    "both",
    `${code("imagePullPolicy: Always")} of any container`,
    "no pod would start while the registry is away",
  ],
  hostNetwork: ["both", code("spec.hostNetwork: true"), "two pods of one node would want the same ports"],
  hostPort: ["both", `${code("hostPort")} of any container`, "two pods of one node would want the same port"],
  liveness: [
    "traffic",
    `${code("livenessProbe")} of the container ${code(CONTAINER.gateway)}`,
    "a gateway that is restarted in an outage loses what it has in memory",
  ],
  startup: [
    "traffic",
    `${code("startupProbe")} of the container ${code(CONTAINER.gateway)}, other than ${code("null")}`,
    "Holdfast asks there whether the gateway has loaded its configuration; `null` switches that off",
  ],
  readiness: [
    "traffic",
    `probes of any container that ask port ${code(String(GATEWAY_PORTS.status))} or ${code(STATUS_READY_PATH)}`,
    "it speaks of the control plane, so an outage would make every pod unready at once",
  ],
  gracePeriod: [
    "traffic",
    `${code("spec.terminationGracePeriodSeconds")} that is not above ${code("drainSeconds")}`,
    "every open request would be cut",
  ],
  noPorts: ["backup", `${code("ports")} of any container`, "a backup pod with a port counts as a gateway"],
};

export const podTemplateRows = (): string[][] =>
  Object.values(POD_TEMPLATE_REFUSALS).map(([of, what, why]) => [what, of, why]);

/** What gateway.config may not set. */
export const gatewayConfigRows = (): string[][] => [
  ...OWNED.map(([path, why, instead]) => [code(path), why, instead]),
  [
    `${code(`\${{${STORE_ENV_PREFIX}...}}`)} in any value`,
    "it holds storage keys, which only Holdfast's own fields may name",
    "a variable of your own, in both podTemplates",
  ],
];
