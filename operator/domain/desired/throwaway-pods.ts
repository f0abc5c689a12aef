import { ANNOTATION, childName, GROUP, LABEL, type Role, storeKey } from "../../api/names.ts";
import type { KubeObject, KubeTemplate } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { canonicalJson } from "../values/hash.ts";
import { given, isObject, type JsonObject, named, objectAt, objectsAt, textAt } from "../values/json.ts";
import {
  about,
  CONTAINER,
  LOADS_WITH,
  labelsOf,
  MARK,
  NEVER_SERVES,
  ownerOf,
  selectorOf,
  VOLUME,
  withAppliedHash,
} from "./common.ts";
import {
  certificateMount,
  certificateVolume,
  configureContainer,
  controlPlaneEnv,
  ownContainer,
  podSecurity,
} from "./containers.ts";
import type { Desired } from "./index.ts";
import { configMapOf, storeVolumeOf } from "./live.ts";

export interface LoadOptions {
  /** What it is to load: goes back into the facts by annotation. A canary loads what the control plane holds. */
  digest?: string;
  /** Under which key a rehearsal finds it. Default: the candidate's. */
  objectKey?: "candidate" | "verified";
  /** Makes the name; the same attempt has the same suffix, so that it is created once. */
  suffix: string;
  expectedCounts: Readonly<Record<string, number>>;
  /** Which items, so that those that are missing can be named (gateway boundary). */
  expectedItems?: string;
  readerSecretVersion?: string;
  /** The template to prove. Default: the wanted one; that of a ReplicaSet, to prove what runs. */
  template?: KubeTemplate;
  /** How long the gateway may take to load; the pod as a whole ends `DEADLINE_MARGIN_SECONDS` later. */
  loadSeconds?: number;
}

const LOAD_SECONDS = 60;
/** Pulling images, mounting, and the last answer. */
const DEADLINE_MARGIN_SECONDS = 60;

/**
 * A throw-away gateway that loads a snapshot, and beside it who counts what it loaded. undefined when the template has
 * no configuration for it (its storage was never seen).
 */
export function rehearsalPod(facts: Facts, desired: Desired, options: LoadOptions): KubeObject | undefined {
  return loadingPod(facts, desired, options, {
    role: "rehearsal",
    name: childName.rehearsal(facts.group.name, options.suffix),
    config: VOLUME.fallback,
    shortID: storeKey[options.objectKey ?? "candidate"](facts.group.spec.shortID),
    license: "excluded",
    what: "Throw-away gateway that shows whether a snapshot loads",
  });
}

/** The same from the control plane, before a return. It sends heartbeats, so the license counts it while it runs. */
export function canaryPod(facts: Facts, desired: Desired, options: LoadOptions): KubeObject | undefined {
  return loadingPod(facts, desired, options, {
    role: "canary",
    name: childName.canary(facts.group.name, options.suffix),
    config: VOLUME.normal,
    shortID: facts.group.spec.shortID,
    license: "counted",
    what: "Throw-away gateway that shows whether the control plane can be loaded from",
  });
}

interface Kind {
  role: Role;
  name: string;
  config: string;
  shortID: string;
  license: "excluded" | "counted";
  what: string;
}

/**
 * The gateway is a native sidecar, so that the pod ends when the counting does. It is as in the template, but for the
 * file it starts from and the object key; the user's init containers come along, other containers do not.
 */
function loadingPod(facts: Facts, desired: Desired, options: LoadOptions, kind: Kind): KubeObject | undefined {
  const template = options.template ?? desired.template;
  if (configMapOf(template, kind.config) === undefined) return undefined;
  const loadSeconds = options.loadSeconds ?? LOAD_SECONDS;
  const before = objectsAt(template, "spec", "initContainers").filter((item) => item["name"] !== CONTAINER.choose);
  const { ports } = facts.rendered.profile;
  const count = {
    ...ownContainer(facts, CONTAINER.rehearse, ["choose", "--rehearse"]),
    ...resourcesOfChoose(template),
    env: [
      { name: "HOLDFAST_CONTROL_API", value: `http://127.0.0.1:${ports.control}` },
      { name: "HOLDFAST_EXPECTED_COUNTS", value: canonicalJson(options.expectedCounts) },
      ...(options.expectedItems === undefined
        ? []
        : [{ name: "HOLDFAST_EXPECTED_ITEMS", value: options.expectedItems }]),
      { name: "HOLDFAST_REHEARSAL_SECONDS", value: String(loadSeconds) },
    ],
  };
  // A canary's file has no keys in it, and what an older Holdfast made takes them from its environment.
  const filled = kind.config === VOLUME.fallback && storeVolumeOf(template) !== undefined;
  const start = { ...kind, config: filled ? VOLUME.conf : kind.config };
  const sidecar = { ...throwAwayGateway(facts, template, start), restartPolicy: "Always" };
  const configure = filled ? [{ ...configureContainer(facts, kind.config, true), ...resourcesOfChoose(template) }] : [];
  const initContainers = [...configure, ...before, sidecar];
  return helperPod(facts, template, {
    ...kind,
    annotations: {
      ...given(ANNOTATION.digest, options.digest),
      ...given(ANNOTATION.proofKey, textAt(template, "metadata", "annotations", ANNOTATION.proofKey)),
      ...given(MARK.readerSecret, options.readerSecretVersion),
    },
    deadlineSeconds: loadSeconds + DEADLINE_MARGIN_SECONDS,
    initContainers,
    containers: [count],
    volumes: usedVolumes(template, initContainers),
    affinity: objectAt(template, "spec")["affinity"],
  });
}

/** What a quota or a LimitRange lets through in a traffic pod it lets through here; by `podTemplate`, or the default. */
const resourcesOfChoose = (template: KubeTemplate): JsonObject =>
  given("resources", named(objectsAt(template, "spec", "initContainers"), CONTAINER.choose)?.["resources"]);

function throwAwayGateway(facts: Facts, template: KubeTemplate, kind: Kind): JsonObject {
  const gateway = named(objectsAt(template, "spec", "containers"), CONTAINER.gateway) ?? {};
  const { profile } = facts.rendered;
  const drop = ["ports", "lifecycle", "readinessProbe", "livenessProbe", "startupProbe"];
  const kept = Object.fromEntries(Object.entries(gateway).filter(([key]) => !drop.includes(key)));
  return {
    ...kept,
    env: objectsAt(gateway, "env").map((item) =>
      item["name"] === profile.env.shortID ? { name: profile.env.shortID, value: kind.shortID } : item,
    ),
    volumeMounts: objectsAt(gateway, "volumeMounts").map((mount) =>
      mount["mountPath"] === profile.configPath ? { ...mount, name: kind.config } : mount,
    ),
  };
}

const usedVolumes = (template: KubeTemplate, containers: readonly JsonObject[]): JsonObject[] => {
  const used = new Set(containers.flatMap((item) => objectsAt(item, "volumeMounts").map((mount) => mount["name"])));
  return objectsAt(template, "spec", "volumes").filter((volume) => used.has(volume["name"]));
};

export interface WitnessOptions {
  suffix: string;
  template?: KubeTemplate;
}
const WITNESS_DEADLINE_SECONDS = 60;

/** Asks the control plane what a gateway would ask, from where gateways run: same identity, network labels and places. */
export function witnessPod(facts: Facts, desired: Desired, options: WitnessOptions): KubeObject {
  const template = options.template ?? desired.template;
  return helperPod(facts, template, {
    role: "witness",
    name: childName.witness(facts.group.name, options.suffix),
    license: "excluded",
    what: "Short look at the control plane from where gateways run",
    annotations: {},
    deadlineSeconds: WITNESS_DEADLINE_SECONDS,
    containers: [
      {
        ...ownContainer(facts, CONTAINER.witness, ["choose", "--probe"]),
        ...resourcesOfChoose(template),
        env: controlPlaneEnv(facts),
        volumeMounts: [certificateMount],
      },
    ],
    volumes: [certificateVolume(facts, true)],
    affinity: apart(objectAt(template, "spec")["affinity"], facts),
  });
}

/** Away from the other witness where there is another place; where there is none, beside it. */
function apart(affinity: unknown, facts: Facts): JsonObject {
  const pods = objectAt(affinity, "podAntiAffinity");
  const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  const term = {
    topologyKey: "kubernetes.io/hostname",
    labelSelector: { matchLabels: selectorOf(facts, "witness") },
  };
  return {
    ...objectAt(affinity),
    podAntiAffinity: { ...pods, [preferred]: [...objectsAt(pods, preferred), { weight: 100, podAffinityTerm: term }] },
  };
}

interface Helper {
  role: Role;
  name: string;
  license: "excluded" | "counted";
  what: string;
  annotations: Record<string, string>;
  deadlineSeconds: number;
  initContainers?: readonly JsonObject[];
  containers: readonly JsonObject[];
  volumes: readonly JsonObject[];
  affinity: unknown;
}

/** What places a pod and lets it reach what traffic pods reach. */
const CARRIED = [
  "nodeSelector",
  "tolerations",
  "priorityClassName",
  "schedulerName",
  "runtimeClassName",
  "dnsPolicy",
  "dnsConfig",
  "hostAliases",
  "imagePullSecrets",
  "serviceAccountName",
  "securityContext",
];
/** A template read back from a ReplicaSet has it; a pod that is none of its must not. */
const REPLICA_SET_HASH = "pod-template-hash";

/** Mesh and Vault injectors read them: what the traffic pods have, but for what Holdfast tells itself there. */
const usersAnnotations = (template: KubeTemplate): Record<string, string> =>
  Object.fromEntries(
    Object.entries(objectAt(template, "metadata", "annotations")).filter(
      (item): item is [string, string] => typeof item[1] === "string" && !item[0].startsWith(`${GROUP}/`),
    ),
  );

/**
 * `kubectl drain` stops at a pod that no controller owns, so the group is one. Not where a budget selects such pods: it
 * would add the group's replicas to the number that it expects. Holdfast's own selects traffic pods alone.
 */
function hasController({ neighbours: { seen, unread } }: Facts, role: Role): boolean {
  const counted = seen.some((one) => one.kind === "PodDisruptionBudget" && one.wanted.includes(role));
  return !counted && !unread.includes("PodDisruptionBudget");
}

/** Never with the traffic pods' role: the disruption budget would count it. */
function helperPod(facts: Facts, template: KubeTemplate, helper: Helper): KubeObject {
  const spec = objectAt(template, "spec");
  // A witness runs none of the user's containers, and gets no token of the API server.
  const keys = helper.role === "witness" ? CARRIED : [...CARRIED, ...LOADS_WITH];
  const carried = Object.fromEntries(keys.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])));
  const usersLabels = Object.entries(objectAt(template, "metadata", "labels")).flatMap(([key, value]) =>
    typeof value === "string" && key !== REPLICA_SET_HASH ? [[key, value] as const] : [],
  );
  return withAppliedHash({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: helper.name,
      namespace: facts.group.namespace,
      labels: { ...Object.fromEntries(usersLabels), ...labelsOf(facts, helper.role), [LABEL.license]: helper.license },
      annotations: {
        ...usersAnnotations(template),
        ...about(facts, helper.what, "It ends by itself; deleting it is safe."),
        ...helper.annotations,
      },
      ownerReferences: [ownerOf(facts, hasController(facts, helper.role))],
    },
    spec: {
      securityContext: podSecurity(facts),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...carried,
      restartPolicy: "Never",
      activeDeadlineSeconds: helper.deadlineSeconds,
      terminationGracePeriodSeconds: 5, // it serves nobody
      readinessGates: NEVER_SERVES,
      ...(isObject(helper.affinity) ? { affinity: helper.affinity } : {}),
      ...given("initContainers", helper.initContainers),
      containers: helper.containers,
      volumes: helper.volumes,
    },
  });
}
