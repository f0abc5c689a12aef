import type {
  EventsV1Event,
  V1ConfigMap,
  V1Deployment,
  V1Lease,
  V1Namespace,
  V1NetworkPolicy,
  V1Node,
  V1Pod,
  V1PodDisruptionBudget,
  V1ReplicaSet,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
  V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node";

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** metav1.ObjectMeta as it is on the wire: times are RFC 3339 strings. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: { manager?: string; operation?: string; subresource?: string; time?: string; fieldsV1?: object }[];
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/**
 * client-node's model classes describe its own decoded objects: Dates, and names that clash with JavaScript under an
 * underscore. This is the same type as the JSON on the wire, which is what this client hands out.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [K in keyof T as K extends `_${infer Name}` ? Name : K]: Wire<T[K]> }
      : T;
type OnWire<T> = KubeObject & Wire<Omit<T, "metadata" | "apiVersion" | "kind">>;

export type Deployment = OnWire<V1Deployment>;
export type ReplicaSet = OnWire<V1ReplicaSet>;
export type StatefulSet = OnWire<V1StatefulSet>;
export type HorizontalPodAutoscaler = OnWire<V2HorizontalPodAutoscaler>;
export type Pod = OnWire<V1Pod>;
export type Service = OnWire<V1Service>;
export type PodDisruptionBudget = OnWire<V1PodDisruptionBudget>;
export type ConfigMap = OnWire<V1ConfigMap>;
export type Secret = OnWire<V1Secret>;
export type ServiceAccount = OnWire<V1ServiceAccount>;
export type NetworkPolicy = OnWire<V1NetworkPolicy>;
export type Lease = OnWire<V1Lease>;
export type KubeEvent = OnWire<EventsV1Event>;
export type Node = OnWire<V1Node>;
export type Namespace = OnWire<V1Namespace>;

/** autoscaling/v1 Scale, the body of every `scale` subresource. `status.selector` is a label selector string. */
export interface Scale extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

/** What the client must know of a kind to build its URLs. `T` is the shape on the wire. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never present: it only carries T. */
  readonly shape?: T;
}

/** Declares a kind of one's own: `defineResource<GatewayGroup>("holdfast.dev/v1alpha1", "GatewayGroup", "gatewaygroups")`. */
export function defineResource<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: "Namespaced" | "Cluster" = "Namespaced",
): Resource<T> {
  return { apiVersion, kind, plural, namespaced: scope === "Namespaced" };
}

export const deployments = defineResource<Deployment>("apps/v1", "Deployment", "deployments");
export const replicaSets = defineResource<ReplicaSet>("apps/v1", "ReplicaSet", "replicasets");
export const statefulSets = defineResource<StatefulSet>("apps/v1", "StatefulSet", "statefulsets");
export const horizontalPodAutoscalers = defineResource<HorizontalPodAutoscaler>(
  "autoscaling/v2",
  "HorizontalPodAutoscaler",
  "horizontalpodautoscalers",
);
export const pods = defineResource<Pod>("v1", "Pod", "pods");
export const services = defineResource<Service>("v1", "Service", "services");
export const podDisruptionBudgets = defineResource<PodDisruptionBudget>(
  "policy/v1",
  "PodDisruptionBudget",
  "poddisruptionbudgets",
);
export const configMaps = defineResource<ConfigMap>("v1", "ConfigMap", "configmaps");
export const secrets = defineResource<Secret>("v1", "Secret", "secrets");
export const serviceAccounts = defineResource<ServiceAccount>("v1", "ServiceAccount", "serviceaccounts");
export const networkPolicies = defineResource<NetworkPolicy>(
  "networking.k8s.io/v1",
  "NetworkPolicy",
  "networkpolicies",
);
export const leases = defineResource<Lease>("coordination.k8s.io/v1", "Lease", "leases");
export const events = defineResource<KubeEvent>("events.k8s.io/v1", "Event", "events");
export const nodes = defineResource<Node>("v1", "Node", "nodes", "Cluster");
export const namespaces = defineResource<Namespace>("v1", "Namespace", "namespaces", "Cluster");

const BUILT_IN: readonly Resource[] = [
  deployments,
  replicaSets,
  statefulSets,
  horizontalPodAutoscalers,
  pods,
  services,
  podDisruptionBudgets,
  configMaps,
  secrets,
  serviceAccounts,
  networkPolicies,
  leases,
  events,
  nodes,
  namespaces,
];

/** The descriptor of a plain object's kind; `more` are the custom kinds. Throws for a kind nobody declared. */
export function resourceOf(object: { apiVersion?: string; kind?: string }, more: readonly Resource[] = []): Resource {
  const found = [...more, ...BUILT_IN].find((r) => r.apiVersion === object.apiVersion && r.kind === object.kind);
  if (!found) throw new Error(`Cannot find the resource of ${object.apiVersion} ${object.kind}: it is not declared`);
  return found;
}

/** URL path of a collection (no name) or an object, e.g. `/apis/apps/v1/namespaces/a/deployments/b/scale`. */
export function pathOf(resource: Resource, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = resource.apiVersion.includes("/") ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${resource.plural}${object}${subresource === undefined ? "" : `/${subresource}`}`;
}
