import { childName, GROUP, LABEL, ROLES, type Role } from "../../api/names.ts";
import { podLabels } from "../../domain/desired/pod-labels.ts";
import type { GroupFacts } from "../../domain/facts/facts.ts";
import type { NeighbourFact, NeighbourFacts } from "../../domain/facts/neighbours.ts";
import { selectorKeys, selects } from "../../domain/values/selector.ts";
import type { ReflectorHealth } from "../../kube/reflector.ts";
import type { Pod } from "../../kube/resources.ts";
import type { Entry } from "../../kube/store.ts";
import { anyKey, BY_LABEL, labelKey, type Neighbour, type NeighbourStores, scalesKey } from "./neighbour-caches.ts";

type Labels = Readonly<Record<string, string>>;

/** Other people's objects that select pods of a group, or scale its Deployments: by their selectors as cached. */
export class Neighbours {
  readonly #stores: NeighbourStores;
  readonly #health: (namespace: string) => readonly (ReflectorHealth & { kind: string })[];

  constructor(stores: NeighbourStores, health: (namespace: string) => readonly (ReflectorHealth & { kind: string })[]) {
    this.#stores = stores;
    this.#health = health;
  }

  /** Has each kind been listed, or refused? Before that an exporter could start into somebody's Service. */
  isReady(namespace: string): boolean {
    return this.#health(namespace).every((watch) => watch.synced || watch.lastError !== undefined);
  }

  of(group: GroupFacts, pods: readonly Pod[]): NeighbourFacts {
    const { namespace, name } = group;
    const wanted = ROLES.map((role) => ({ role, labels: podLabels({ group }, role) }));
    const live = pods.flatMap(({ metadata: { labels = {} } }) => {
      const role = ROLES.find((one) => one === labels[LABEL.role]);
      return role === undefined ? [] : [{ role, labels }];
    });
    const keys = new Set([anyKey(namespace), ...[...wanted, ...live].flatMap((pod) => keysOf(namespace, pod.labels))]);
    const scaled = [childName.traffic(name), childName.backup(name)].map((one) => scalesKey(namespace, one));
    const seen = [...keys, ...scaled].flatMap((key) => this.#find(key));
    return {
      seen: seen
        .map((entry) => factOf(entry, wanted, live))
        .filter((fact) => fact.scales !== undefined || fact.wanted.length + fact.live.length > 0)
        .sort((a, b) => (`${a.kind}/${a.name}` < `${b.kind}/${b.name}` ? -1 : 1)),
      unread: this.#health(namespace).flatMap(({ synced, kind }) => (synced ? [] : [kind])),
    };
  }

  #find(key: string): Entry<Neighbour>[] {
    return Object.values(this.#stores).flatMap((store) => store.byIndex(BY_LABEL, key));
  }
}

const keysOf = (namespace: string, labels: Labels): string[] =>
  Object.entries(labels).map(([key, value]) => labelKey(namespace, key, value));

interface OurPod {
  role: Role;
  labels: Labels;
}

function factOf({ name, value }: Entry<Neighbour>, wanted: readonly OurPod[], live: readonly OurPod[]): NeighbourFact {
  const { kind, selector, unready = false, scales } = value;
  const taken = (pods: readonly OurPod[]): Role[] =>
    selector === undefined
      ? []
      : ROLES.filter((role) => pods.some((pod) => pod.role === role && selects(selector, pod.labels)));
  const meant = selector !== undefined && selectorKeys(selector).some((key) => key.startsWith(`${GROUP}/`));
  return { kind, name, wanted: taken(wanted), live: taken(live), meant, unready, ...(scales && { scales }) };
}
