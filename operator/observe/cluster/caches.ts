import { LABEL } from "../../api/names.ts";
import { type CustomObject, fallbackStorages, gatewayGroups, keyOf } from "../../kinds.ts";
import {
  type ConfigMap,
  configMaps,
  type Deployment,
  deployments,
  type KubeObject,
  type NetworkPolicy,
  networkPolicies,
  type Pod,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  pods,
  type ReplicaSet,
  type Resource,
  replicaSets,
  type Service,
  type ServiceAccount,
  serviceAccounts,
  services,
} from "../../kube/resources.ts";
import type { Entry, Indexers, Store } from "../../kube/store.ts";
import { slimWriters } from "./writers.ts";

/** What is watched, per namespace: our two kinds, and of all others only what carries the group label. */
export interface Caches {
  groups: Store<CustomObject>;
  storages: Store<CustomObject>;
  deployments: Store<Deployment>;
  replicaSets: Store<ReplicaSet>;
  pods: Store<Pod>;
  services: Store<Service>;
  disruptionBudgets: Store<PodDisruptionBudget>;
  configMaps: Store<ConfigMap>;
  serviceAccounts: Store<ServiceAccount>;
  networkPolicies: Store<NetworkPolicy>;
}

export interface CacheSpec {
  resource: Resource;
  /** Absent: every object of the kind in the namespace. */
  labelSelector?: string;
  project: (object: KubeObject) => KubeObject;
  indexers: Indexers<KubeObject>;
}

const OURS = LABEL.group;

/** "namespace/group" by label. */
export const BY_GROUP = "group";

export const groupKeyOf = (object: KubeObject): string | undefined => {
  const group = object.metadata.labels?.[LABEL.group];
  return group === undefined ? undefined : keyOf(object.metadata.namespace ?? "", group);
};

const byGroup: Indexers<KubeObject> = {
  [BY_GROUP]: (entry: Entry<KubeObject>) => {
    const key = groupKeyOf(entry.value);
    return key === undefined ? [] : [key];
  },
};

/** managedFields are half of an object; of pods and ReplicaSets nobody reads them. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Of managedFields only who else writes, who set the replicas and who holds Holdfast's mark, see writers.ts. */
function withWriters(object: KubeObject): KubeObject {
  const managedFields = slimWriters(object.metadata.managedFields ?? []);
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

/** 10,000 gateway pods are 64 MB of JSON: of a pod only what pods.ts, helper-pods.ts and children.ts read is kept. */
function slimPod(object: KubeObject): KubeObject {
  const { metadata, spec, status } = withoutManagedFields(object) as Pod;
  const slim: Pod = { apiVersion: "v1", kind: "Pod", metadata };
  if (spec) {
    const { containers, initContainers, nodeName, volumes } = spec;
    slim.spec = {
      containers: containers.map(({ name, image, env }) => compact({ name, image, env })),
      initContainers: (initContainers ?? []).map(({ name, image }) => compact({ name, image })),
      ...compact({ nodeName, volumes: volumes?.filter((volume) => volume.configMap || volume.projected) }),
    } as NonNullable<Pod["spec"]>;
  }
  if (status) {
    const { phase, podIP, reason, message, conditions, containerStatuses, initContainerStatuses } = status;
    const kept = { phase, podIP, reason, message, conditions, containerStatuses, initContainerStatuses };
    slim.status = compact(kept) as NonNullable<Pod["status"]>;
  }
  return slim;
}

/** A ConfigMap of ours is named by its content's hash or is the small start ConfigMap: its data is kept for the diff. */
const child = (resource: Resource): CacheSpec => ({
  resource,
  labelSelector: OURS,
  project: withWriters,
  indexers: byGroup,
});

/** Groups by the "namespace/name" of the storage that they name. */
export const BY_STORAGE = "storage";

const custom = (resource: Resource, indexers: Indexers<KubeObject>): CacheSpec => ({
  resource,
  project: slimCustom,
  indexers,
});

const byStorage: Indexers<KubeObject> = {
  [BY_STORAGE]: ({ namespace = "", value }: Entry<KubeObject>) => {
    const spec = (value as CustomObject).spec as { fallback?: { storageRef?: { name?: string } } } | undefined;
    const name = spec?.fallback?.storageRef?.name;
    return name === undefined ? [] : [keyOf(namespace, name)];
  },
};

/** Of managedFields only who owns the replicas, see group.ts. */
function slimCustom(object: KubeObject): KubeObject {
  const managedFields = (object.metadata.managedFields ?? []).filter((entry) =>
    JSON.stringify(entry.fieldsV1 ?? {}).includes('"f:replicas"'),
  );
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

export const CACHED = {
  groups: custom(gatewayGroups, byStorage),
  storages: custom(fallbackStorages, {}),
  deployments: child(deployments),
  replicaSets: { ...child(replicaSets), project: withoutManagedFields },
  pods: { ...child(pods), project: slimPod },
  services: child(services),
  disruptionBudgets: child(podDisruptionBudgets),
  configMaps: child(configMaps),
  serviceAccounts: child(serviceAccounts),
  networkPolicies: child(networkPolicies),
} as const satisfies Record<keyof Caches, CacheSpec>;

/** Kinds of which a group owns objects; the order is that of display. */
export const CHILD_CACHES = [
  "deployments",
  "services",
  "disruptionBudgets",
  "configMaps",
  "serviceAccounts",
  "networkPolicies",
] as const satisfies (keyof Caches)[];

export function ofGroup<P extends KubeObject>(store: Store<P>, groupKey: string): P[] {
  return store
    .byIndex(BY_GROUP, groupKey)
    .map((entry) => entry.value)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
