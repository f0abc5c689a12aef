import { LABEL } from "../api/names.ts";
import type { GroupFacts } from "../domain/facts/facts.ts";
import type { Floor } from "../domain/plan.ts";
import { type CustomObject, gatewayGroups } from "../kinds.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Pod, pods, type ReplicaSet, type Resource, replicaSets } from "../kube/resources.ts";

type Reader = Pick<KubeClient, "list">;

/**
 * The last look before something that serves is given up: of the pods that the decision counted on as staying, do
 * enough serve at this moment? Read live: a cache may be seconds behind, and seconds are all it takes to lose a pod.
 */
export async function belowFloor(
  client: Reader,
  group: Pick<GroupFacts, "namespace" | "name">,
  { minServingAfter, staying }: Floor,
  signal: AbortSignal,
): Promise<boolean> {
  const counted = new Set(staying);
  const live = await listAll<Pod>(client, pods, group, `${LABEL.role}=traffic`, signal);
  const serving = live.filter((pod) => counted.has(pod.metadata.uid ?? "") && isReady(pod));
  return serving.length < minServingAfter;
}

function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

/**
 * The group as it is at this moment, or undefined when it is gone. A watch may be half open for a minute before that is
 * noticed, and the cache then still tells of another mode, epoch or word.
 */
export async function groupNow(
  client: Pick<KubeClient, "get">,
  { namespace, name }: Pick<GroupFacts, "namespace" | "name">,
  signal: AbortSignal,
): Promise<CustomObject | undefined> {
  return await client.get(gatewayGroups, namespace, name, { signal });
}

/** Does a pod or a ReplicaSet of the group name this ConfigMap, by a live read? */
export async function configStillUsed(
  client: Reader,
  group: Pick<GroupFacts, "namespace" | "name">,
  configMap: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [livePods, liveSets] = await Promise.all([
    listAll<Pod>(client, pods, group, undefined, signal),
    listAll<ReplicaSet>(client, replicaSets, group, undefined, signal),
  ]);
  const specs = [...livePods.map((pod) => pod.spec), ...liveSets.map((set) => set.spec?.template?.spec)];
  return specs.some((spec) => names(spec?.volumes, configMap));
}

type Volumes = NonNullable<Pod["spec"]>["volumes"];

function names(volumes: Volumes, configMap: string): boolean {
  return (volumes ?? []).some(
    (volume) =>
      volume.configMap?.name === configMap ||
      volume.projected?.sources?.some((source) => source.configMap?.name === configMap),
  );
}

async function listAll<T extends Pod | ReplicaSet>(
  client: Reader,
  resource: Resource,
  { namespace, name }: Pick<GroupFacts, "namespace" | "name">,
  more: string | undefined,
  signal: AbortSignal,
): Promise<T[]> {
  const labelSelector = [`${LABEL.group}=${name}`, ...(more === undefined ? [] : [more])].join(",");
  const all: T[] = [];
  let token: string | undefined;
  do {
    const scope = { namespace, labelSelector, limit: 500, signal };
    const page = await client.list(
      resource as Resource<T>,
      token === undefined ? scope : { ...scope, continue: token },
    );
    all.push(...page.items);
    token = page.continue;
  } while (token !== undefined);
  return all;
}
