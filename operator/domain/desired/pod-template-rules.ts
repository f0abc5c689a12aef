import { LABEL } from "../../api/names.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { isObject, type JsonObject, objectAt, objectsAt, valueAt } from "../values/json.ts";
import { quantityInBillionths } from "../values/quantity.ts";
import { CONTAINER } from "./common.ts";
import { isOwnVolume } from "./containers.ts";

export type TemplateRole = "traffic" | "backup";

type Finding = [path: string, why: string, instead: string];
type Rule = (override: JsonObject, facts: Facts, ours: JsonObject) => Finding[];

/**
 * What of a podTemplate would endanger the group. One problem refuses the whole override; the first rules keep the
 * later ones' assumptions (objects are objects, lists have names), so that nothing of ours can be merged away.
 */
export function templateProblems(facts: Facts, role: TemplateRole, override: JsonObject, ours: JsonObject): Problem[] {
  if (Object.keys(override).length === 0) return [];
  const rules = role === "traffic" ? [...COMMON, ...TRAFFIC_ONLY] : [...COMMON, ...BACKUP_ONLY];
  const field = `spec.${role}.podTemplate`;
  return rules
    .flatMap((rule) => rule(override, facts, ours))
    .map(([path, why, instead]) => ({
      reason: "PodTemplateRefused",
      field: `${field}.${path}`,
      message: `${field}.${path} is refused: ${why}. ${instead}`,
    }));
}

const REMOVE = "Remove it.";

const shapes: Rule = (override) => {
  const objects = [["metadata"], ["metadata", "labels"], ["metadata", "annotations"], ["spec"]];
  const lists = [
    ["spec", "containers"],
    ["spec", "initContainers"],
    ["spec", "volumes"],
  ];
  const wrong = (path: string[], fits: (value: unknown) => boolean) => {
    const value = valueAt(override, ...path);
    return value !== undefined && !fits(value);
  };
  const say = (path: string[], what: string): Finding => [
    path.join("."),
    `it must be ${what}, else it would take away what Holdfast needs there`,
    "Write only what is to be added or changed.",
  ];
  return [
    ...objects.filter((path) => wrong(path, isObject)).map((path) => say(path, "an object")),
    ...lists
      .filter((path) => wrong(path, isNamedList))
      .map((path) => say(path, "a list whose items each have a name of their own")),
  ];
};
/** Each name once: the rules look at the first item of a name, a merge would take the last one. */
function isNamedList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  const names = value.map((item: unknown) => valueAt(item, "name"));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

const OWN_PREFIX = "holdfast.dev/";
const OWN_LABELS: ReadonlySet<string> = new Set(Object.values(LABEL));
const ownMarks: Rule = (override) => {
  const keysAt = (where: string) => Object.keys(objectAt(override, "metadata", where));
  const labels = keysAt("labels").filter((key) => OWN_LABELS.has(key) || key.startsWith(OWN_PREFIX));
  const annotations = keysAt("annotations").filter((key) => key.startsWith(OWN_PREFIX) || key === DELETION_COST);
  return [
    ...labels.map((key): Finding => [`metadata.labels["${key}"]`, whyOwn(key), USE_OTHER]),
    ...annotations.map(
      (key): Finding => [`metadata.annotations["${key}"]`, "Holdfast keeps its marks there", USE_OTHER],
    ),
  ];
};
const whyOwn = (key: string): string =>
  key.startsWith(OWN_PREFIX)
    ? "Holdfast finds its pods by it"
    : "with a value of their own, a release in the namespace could select these pods: its Service would send them requests, its budget would count them";
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const USE_OTHER = "Use a key of your own.";

const restartPolicy: Rule = (override) =>
  valueAt(override, "spec", "restartPolicy") === undefined
    ? []
    : [["spec.restartPolicy", "pods of a Deployment always restart", REMOVE]];

/** Names that mean something here, in a list where the user has no say in them. */
const RESERVED = { initContainers: Object.values(CONTAINER), containers: without(Object.values(CONTAINER), "gateway") };
const reservedNames: Rule = (override, _facts, ours) =>
  (["initContainers", "containers"] as const).flatMap((list) =>
    objectsAt(override, "spec", list)
      .filter((item) => RESERVED[list].some((name) => name === item["name"]))
      .filter((item) => list === "containers" || !isResourcesOfChoose(item, ours))
      .map(
        (item): Finding => [
          `spec.${list}[${String(item["name"])}]`,
          item["name"] === CONTAINER.choose
            ? "it decides what the gateway starts with and is Holdfast's"
            : "Holdfast uses this name",
          item["name"] === CONTAINER.choose
            ? "Only its resources (requests, limits) may be set."
            : "Use another name for a container of your own.",
        ],
      ),
  );
/** A LimitRange or a quota may ask for other ones; rehearsal, canary and witness pods have them, too. */
const isResourcesOfChoose = (item: JsonObject, ours: JsonObject): boolean =>
  item["name"] === CONTAINER.choose &&
  objectsAt(ours, "spec", "initContainers").some(({ name }) => name === CONTAINER.choose) &&
  Object.keys(item).every((key) => key === "name" || key === "resources") &&
  isObject(item["resources"]) &&
  Object.entries(item["resources"]).every(([key, value]) => ["requests", "limits"].includes(key) && isObject(value));

/** It is killed below this, and the gateway behind it does not start: 20 MiB charged and 63 MiB resident at most (docs/benchmarks.md). */
const CHOOSE_MEMORY_MIN = "96Mi";
const memoryOfChoose: Rule = (override) => {
  const choose = objectsAt(override, "spec", "initContainers").find((item) => item["name"] === CONTAINER.choose);
  const limit = valueAt(choose, "resources", "limits", "memory");
  const [given, least] = [limit, CHOOSE_MEMORY_MIN].map(quantityInBillionths);
  if (limit === undefined || limit === null || least === undefined || (given !== undefined && given >= least))
    return [];
  const path = `spec.initContainers[${CONTAINER.choose}].resources.limits.memory`;
  const why = `with ${String(limit)} it may be killed, and the gateway behind it would not start`;
  return [[path, why, `Give ${CHOOSE_MEMORY_MIN} or more.`]];
};

function without(names: readonly string[], name: string): readonly string[] {
  return names.filter((each) => each !== name);
}

const image: Rule = (override) =>
  Object.hasOwn(gatewayOf(override), "image")
    ? [[`${GATEWAY}.image`, "its version decides what Holdfast renders", "Set spec.gateway.image instead."]]
    : [];

const gatewayOf = (template: JsonObject): JsonObject =>
  objectsAt(template, "spec", "containers").find((item) => item["name"] === CONTAINER.gateway) ?? {};
const GATEWAY = `spec.containers[${CONTAINER.gateway}]`;

/** Our environment and mounts of the gateway, and our volumes: a merge would half replace them. */
const ownParts: Rule = (override, _facts, ours) => {
  const gateway = gatewayOf(override);
  const clash = (list: string, key: string): Finding[] => {
    const taken = new Set(objectsAt(gatewayOf(ours), list).map((item) => item[key]));
    return objectsAt(gateway, list)
      .filter((item) => taken.has(item[key]))
      .map((item) => [`${GATEWAY}.${list}[${String(item[key])}]`, "Holdfast sets it", REMOVE]);
  };
  const replaced = ["env", "volumeMounts"]
    .filter((list) => Object.hasOwn(gateway, list) && !keyedList(gateway[list], list === "env" ? "name" : "mountPath"))
    .map(
      (list): Finding => [`${GATEWAY}.${list}`, "it would replace what Holdfast sets there", "Write a list of items."],
    );
  const volumes = objectsAt(override, "spec", "volumes")
    .filter((volume) => isOwnVolume(volume["name"]))
    .map((volume): Finding => [`spec.volumes[${String(volume["name"])}]`, "Holdfast makes it", "Use another name."]);
  return [...replaced, ...clash("env", "name"), ...clash("volumeMounts", "mountPath"), ...volumes];
};
const keyedList = (value: unknown, key: string): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item) && typeof item[key] === "string");

/** Second names of what Holdfast decides: by one of them a gateway would follow another control plane. */
const environment: Rule = (override, { rendered: { profile } }) => {
  const gateway = gatewayOf(override);
  const named = objectsAt(gateway, "env").flatMap(({ name }): Finding[] => {
    const hit = profile.refusedEnv.find((refused) =>
      refused.name.endsWith("*") ? String(name).startsWith(refused.name.slice(0, -1)) : name === refused.name,
    );
    return hit === undefined ? [] : [[`${GATEWAY}.env[${String(name)}]`, hit.why, hit.instead]];
  });
  const why = "which variables it brings in cannot be seen, and some decide which control plane the gateway follows";
  const from: Finding = [`${GATEWAY}.envFrom`, why, "List the variables in env; each may have a valueFrom."];
  return (gateway["envFrom"] ?? null) === null ? named : [...named, from];
};

const pullAlways: Rule = (override) =>
  allContainers(override)
    .filter(([, container]) => container["imagePullPolicy"] === "Always")
    .map(([path]) => [
      `${path}.imagePullPolicy`,
      "with Always no pod starts while the registry is away, which an outage may well include",
      "Use IfNotPresent and a tag or digest that does not move.",
    ]);

const hostNetwork: Rule = (override) =>
  valueAt(override, "spec", "hostNetwork") === true
    ? [["spec.hostNetwork", "two pods of one node would want the same ports, so none could be replaced", USE_SERVICE]]
    : [];
const hostPort: Rule = (override) =>
  allContainers(override).flatMap(([path, container]) =>
    objectsAt(container, "ports")
      .filter((port) => Object.hasOwn(port, "hostPort") && port["hostPort"] !== null && port["hostPort"] !== 0)
      .map(
        (port): Finding => [
          `${path}.ports[${String(port["name"] ?? port["containerPort"])}].hostPort`,
          "two pods of one node would want the same port, so none could be replaced",
          USE_SERVICE,
        ],
      ),
  );
const USE_SERVICE = "Use spec.traffic.service with type NodePort or LoadBalancer.";

const has = (container: JsonObject, probe: string): boolean => (container[probe] ?? null) !== null;

const liveness: Rule = (override) =>
  has(gatewayOf(override), "livenessProbe")
    ? [
        [
          `${GATEWAY}.livenessProbe`,
          "a gateway that is restarted while the control plane is away loses the configuration in its memory",
          "Remove it; Holdfast replaces a pod that does not serve once another one does.",
        ],
      ]
    : [];

const startup: Rule = (override) =>
  has(gatewayOf(override), "startupProbe")
    ? [
        [
          `${GATEWAY}.startupProbe`,
          "Holdfast asks there whether the gateway has loaded its configuration",
          "Remove it. null switches the question off: then a pod takes requests as soon as its port is open.",
        ],
      ]
    : [];

const readiness: Rule = (override, { rendered: { profile } }) =>
  allContainers(override).flatMap(([path, container]) =>
    ["readinessProbe", "livenessProbe", "startupProbe"]
      .filter((probe) => asksTheControlPlane(objectAt(container, probe), profile.ports.status))
      .map(
        (probe): Finding => [
          `${path}.${probe}`,
          "the status port tells whether the control plane answers, so its loss would make every pod unready at once",
          "Probe the http port, or a route of yours on it.",
        ],
      ),
  );

/** Gateway contract, section 2: /status/ready is about the control plane, never about the pod. */
function asksTheControlPlane(probe: JsonObject, statusPort: number): boolean {
  const targets = ["httpGet", "tcpSocket", "grpc"].map((kind) => objectAt(probe, kind));
  return targets.some((to) => {
    const path = String(to["path"] ?? "");
    return (
      to["port"] === statusPort || to["port"] === String(statusPort) || to["port"] === "status" || READY.test(path)
    );
  });
}
const READY = /\/status\/ready\/?(\?.*)?$/;

const gracePeriod: Rule = (override, { group }) => {
  const grace = valueAt(override, "spec", "terminationGracePeriodSeconds");
  const { drainSeconds } = group.spec.traffic;
  if (typeof grace !== "number" || grace > drainSeconds) return [];
  const why = `${grace} s end before spec.traffic.drainSeconds (${drainSeconds} s), so every open request would be cut`;
  return [["spec.terminationGracePeriodSeconds", why, "Give more, or lower spec.traffic.drainSeconds."]];
};

const noPorts: Rule = (override) =>
  allContainers(override)
    .filter(([, container]) => objectsAt(container, "ports").length > 0)
    .map(([path]) => [`${path}.ports`, "a backup pod with a port counts as a gateway", REMOVE]);

function allContainers(override: JsonObject): [path: string, container: JsonObject][] {
  return ["initContainers", "containers"].flatMap((list) =>
    objectsAt(override, "spec", list).map((item): [string, JsonObject] => [
      `spec.${list}[${String(item["name"])}]`,
      item,
    ]),
  );
}

const COMMON = [
  shapes,
  ownMarks,
  restartPolicy,
  reservedNames,
  memoryOfChoose,
  image,
  ownParts,
  environment,
  pullAlways,
  hostNetwork,
  hostPort,
];
const TRAFFIC_ONLY = [liveness, startup, readiness, gracePeriod];
const BACKUP_ONLY = [noPorts];
