import { LABEL } from "../../api/names.ts";
import type { NeighbourFact } from "../../domain/facts/neighbours.ts";
import type { Selector } from "../../domain/values/selector.ts";
import {
  type Deployment,
  deployments,
  type HorizontalPodAutoscaler,
  horizontalPodAutoscalers,
  type KubeObject,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  type Resource,
  type Service,
  type StatefulSet,
  services,
  statefulSets,
} from "../../kube/resources.ts";
import type { Entry, Indexers, Store } from "../../kube/store.ts";

/** All that is kept of somebody else's object: whom it selects or scales. */
export interface Neighbour {
  kind: NeighbourFact["kind"];
  /** Absent: it selects nothing. */
  selector?: Selector;
  unready?: boolean;
  scales?: string;
}

export interface NeighbourCacheSpec {
  resource: Resource;
  labelSelector: string;
  project: (object: KubeObject) => Neighbour;
  indexers: Indexers<Neighbour>;
}

/** What carries our label is ours, and is not sent at all. */
const NOT_OURS = `!${LABEL.group}`;

/** By one label that a pod must have, so that a pod's own labels find all that may select it. */
export const BY_LABEL = "label";
export const labelKey = (namespace: string, key: string, value: string): string => `${namespace} ${key}=${value}`;
/** Selectors that ask for no label's value: each is looked at. */
export const anyKey = (namespace: string): string => `${namespace} *`;
export const scalesKey = (namespace: string, deployment: string): string => `${namespace} scales ${deployment}`;

const byLabel: Indexers<Neighbour> = {
  [BY_LABEL]: ({ namespace = "", value: { selector, scales } }: Entry<Neighbour>) => {
    if (scales !== undefined) return [scalesKey(namespace, scales)];
    if (selector === undefined) return [];
    const [first] = Object.entries(selector.matchLabels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [first === undefined ? anyKey(namespace) : labelKey(namespace, ...first)];
  },
};

const neighbour = <T extends KubeObject>(
  resource: Resource<T>,
  project: (object: T) => Omit<Neighbour, "kind">,
): NeighbourCacheSpec => ({
  resource,
  labelSelector: NOT_OURS,
  project: (object) => ({ kind: resource.kind as Neighbour["kind"], ...project(object as T) }),
  indexers: byLabel,
});

const selecting = (selector: Selector | undefined): Pick<Neighbour, "selector"> => {
  if (selector === undefined) return {};
  const { matchLabels, matchExpressions } = selector;
  return { selector: { ...(matchLabels && { matchLabels }), ...(matchExpressions && { matchExpressions }) } };
};

const workload = ({ spec }: Deployment | StatefulSet) => selecting(spec?.selector as Selector | undefined);

export const NEIGHBOURS = {
  services: neighbour<Service>(services, ({ spec }) => {
    const matchLabels = spec?.selector;
    if (matchLabels === undefined || Object.keys(matchLabels).length === 0) return {};
    return { selector: { matchLabels }, ...(spec?.publishNotReadyAddresses ? { unready: true } : {}) };
  }),
  budgets: neighbour<PodDisruptionBudget>(podDisruptionBudgets, ({ spec }) =>
    selecting(spec?.selector as Selector | undefined),
  ),
  deployments: neighbour<Deployment>(deployments, workload),
  statefulSets: neighbour<StatefulSet>(statefulSets, workload),
  autoscalers: neighbour<HorizontalPodAutoscaler>(horizontalPodAutoscalers, ({ spec }) => {
    const target = spec?.scaleTargetRef;
    return target?.kind === "Deployment" ? { scales: target.name } : {};
  }),
} as const satisfies Record<string, NeighbourCacheSpec>;

export type NeighbourStores = Record<keyof typeof NEIGHBOURS, Store<Neighbour>>;
