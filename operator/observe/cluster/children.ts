import { ANNOTATION, childName, LABEL } from "../../api/names.ts";
import type { Children, KubeObject, ReplicaSetFact, WorkloadFact } from "../../domain/facts/cluster.ts";
import type { Deployment, Pod, ReplicaSet } from "../../kube/resources.ts";
import { isOver, troubleOf } from "../gateways/pods.ts";
import { CACHED, type Caches, CHILD_CACHES, ofGroup } from "./caches.ts";
import { isCopy, scalerOf, writerOf } from "./writers.ts";

/** What the cache holds of a group's objects. Strangers and refusals come from those who met them. */
export function readChildren(
  caches: Caches,
  groupKey: string,
  group: string,
  met: Pick<Children, "strangers" | "podRefusal" | "refused" | "overridden">,
): Children {
  const byName = new Map<string, KubeObject>();
  const writers = new Map<string, { manager: string; at: string }>();
  const copies = new Set<string>();
  for (const cache of CHILD_CACHES) {
    const { apiVersion, kind } = CACHED[cache].resource;
    for (const object of ofGroup(caches[cache], groupKey)) {
      // Items of a list carry neither; the domain and the steps go by both.
      const { managedFields: _, ...metadata } = object.metadata;
      const id = `${kind}/${metadata.name}`;
      const writer = writerOf(object.metadata);
      if (writer) writers.set(id, writer);
      if (isCopy(object.metadata)) copies.add(id);
      byName.set(id, { ...object, apiVersion, kind, metadata } as unknown as KubeObject);
    }
  }
  const replicaSets = ofGroup(caches.replicaSets, groupKey);
  const pods = ofGroup(caches.pods, groupKey);
  const deployments = ofGroup(caches.deployments, groupKey);
  const workload = (name: string, role: "traffic" | "backup") => {
    const found = deployments.find((deployment) => deployment.metadata.name === name);
    if (!found) return undefined;
    const trouble = firstTrouble(pods.filter((pod) => pod.metadata.labels?.[LABEL.role] === role));
    return { ...readWorkload(found, replicaSets), ...(trouble === undefined ? {} : { trouble }) };
  };
  const traffic = workload(childName.traffic(group), "traffic");
  const backup = workload(childName.backup(group), "backup");
  return {
    ...(traffic ? { traffic } : {}),
    ...(backup ? { backup } : {}),
    byName,
    ...(writers.size > 0 ? { writers } : {}),
    ...(copies.size > 0 ? { copies } : {}),
    configsInUse: configsInUse(pods, [...replicaSets, ...deployments]),
    strangers: met.strangers.filter(({ kind, name }) => !byName.has(`${kind}/${name}`)),
    ...(met.podRefusal === undefined ? {} : { podRefusal: met.podRefusal }),
    ...(met.refused === undefined || met.refused.length === 0 ? {} : { refused: met.refused }),
    ...(met.overridden === undefined || met.overridden.length === 0 ? {} : { overridden: met.overridden }),
  };
}

function readWorkload(deployment: Deployment, all: readonly ReplicaSet[]): WorkloadFact {
  const { metadata, spec, status } = deployment;
  const refused = status?.conditions?.find((c) => c.type === "ReplicaFailure" && c.status === "True");
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    replicas: spec?.replicas ?? 1, // what the API server takes an absent one for
    observed: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
    annotations: metadata.annotations ?? {},
    paused: spec?.paused ?? false,
    replicaSets: all.filter((set) => isOwnedBy(set, metadata.uid)).map(readReplicaSet),
    ...scalerOf(metadata),
    ...(refused?.message === undefined ? {} : { failure: refused.message }),
    ...(refused?.lastTransitionTime === undefined ? {} : { failureSinceMs: Date.parse(refused.lastTransitionTime) }),
  };
}

const isOwnedBy = ({ metadata }: ReplicaSet, uid: string | undefined): boolean =>
  metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid) ?? false;

function readReplicaSet({ metadata, spec, status }: ReplicaSet): ReplicaSetFact {
  const template = (spec?.template ?? {}) as ReplicaSetFact["template"];
  const proofKey = spec?.template?.metadata?.annotations?.[ANNOTATION.proofKey];
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    templateHash: metadata.labels?.["pod-template-hash"] ?? "",
    revision: Number(metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0) || 0,
    // Pods that are to go still exist for a while, pods that are to come do not yet: either counts.
    replicas: Math.max(spec?.replicas ?? 0, status?.replicas ?? 0),
    template,
    ...(proofKey === undefined ? {} : { proofKey }),
  };
}

type PodSpec = NonNullable<Pod["spec"]>;

/** Names of ConfigMaps behind volumes. Environment variables from ConfigMaps are a user's own, not of our making. */
export function configMapsOf(spec: Pick<PodSpec, "volumes"> | undefined): string[] {
  return (spec?.volumes ?? []).flatMap(({ configMap, projected }) => [
    ...(configMap?.name ? [configMap.name] : []),
    ...(projected?.sources ?? []).flatMap((source) => source.configMap?.name ?? []),
  ]);
}

function configsInUse(pods: readonly Pod[], workloads: readonly (ReplicaSet | Deployment)[]): ReadonlySet<string> {
  const ofPods = pods.flatMap((pod) => configMapsOf(pod.spec));
  const ofTemplates = workloads.flatMap((workload) => configMapsOf(workload.spec?.template?.spec));
  return new Set([...ofPods, ...ofTemplates]);
}

export const roleOf = (pod: Pod): string | undefined => pod.metadata.labels?.[LABEL.role];

function firstTrouble(pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const counts = pod.metadata.deletionTimestamp === undefined && !isOver(pod);
    const trouble = counts ? troubleOf(pod) : undefined;
    if (trouble !== undefined) return `${pod.metadata.name}: ${trouble}`;
  }
  return undefined;
}
