import { isDeepStrictEqual } from "node:util";
import { ANNOTATION, childName, LABEL, type Role } from "../../api/names.ts";
import type { Children } from "../../domain/facts/cluster.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Clock } from "../../kube/clock.ts";
import { resourceOf } from "../../kube/resources.ts";
import type { Memory, Sessions } from "../../session.ts";

type Stranger = Children["strangers"][number];

/** What is looked at of a live object. */
interface Live {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: unknown;
}

const LOOK_AGAIN_MS = 10_000;

interface Met {
  apiVersion: string;
  stranger: Stranger;
  seenMs: number;
}

/**
 * Objects that sit on a name we need and do not carry our label. The caches cannot see them, so they are met when a
 * create is answered with AlreadyExists; from then on they are read live now and then, until they are gone or adopted.
 */
export class Strangers {
  readonly #client: Pick<KubeClient, "get">;
  readonly #clock: Clock;
  readonly #met: Memory<Map<string, Met>>;

  constructor(client: Pick<KubeClient, "get">, clock: Clock, sessions: Sessions) {
    this.#met = sessions.memory();
    this.#client = client;
    this.#clock = clock;
  }

  /** A live object under a name of ours. Returns whether it is a stranger's. */
  meet(groupKey: string, group: string, live: Live): boolean {
    const id = `${live.kind}/${live.metadata.name}`;
    const ofGroup = this.#met.get(groupKey) ?? new Map<string, Met>();
    if (live.metadata.labels?.[LABEL.group] === group) {
      ofGroup.delete(id);
      return false;
    }
    const otherPods = selectsOthers(live, group);
    const adoptable = !otherPods && live.metadata.annotations?.[ANNOTATION.adopt] === group;
    const stranger = { kind: live.kind, name: live.metadata.name, adoptable, ...(otherPods ? { otherPods } : {}) };
    ofGroup.set(id, { apiVersion: live.apiVersion, stranger, seenMs: this.#clock.monotonicMs() });
    this.#met.set(groupKey, ofGroup);
    return true;
  }

  async of(namespace: string, group: string, groupKey: string, signal: AbortSignal): Promise<Children["strangers"]> {
    const ofGroup = this.#met.get(groupKey);
    if (!ofGroup) return [];
    const dueMs = this.#clock.monotonicMs() - LOOK_AGAIN_MS;
    for (const [id, { apiVersion, stranger, seenMs }] of [...ofGroup]) {
      if (seenMs > dueMs) continue;
      const { kind, name } = stranger;
      try {
        const live = await this.#client.get(resourceOf({ apiVersion, kind }), namespace, name, { signal });
        if (live) this.meet(groupKey, group, { ...live, apiVersion, kind });
        else ofGroup.delete(id);
      } catch {
        // Not known: it is taken to be there still, which writes nothing.
      }
    }
    if (ofGroup.size === 0) this.#met.delete(groupKey);
    return this.met(groupKey);
  }

  /** As they were seen last. */
  met(groupKey: string): Children["strangers"] {
    return [...(this.#met.get(groupKey)?.values() ?? [])].map(({ stranger }) => stranger);
  }
}

/** The selector of a Deployment cannot be changed: one for other pods would be refused for ever. */
function selectsOthers({ kind, metadata, spec }: Live, group: string): boolean {
  if (kind !== "Deployment") return false;
  const role: Role = metadata.name === childName.backup(group) ? "backup" : "traffic";
  const ours = { matchLabels: { [LABEL.group]: group, [LABEL.role]: role } };
  return !isDeepStrictEqual((spec as { selector?: unknown } | undefined)?.selector, ours);
}
