import type { GroupFacts } from "../../domain/facts/facts.ts";
import { keyOf } from "../../kinds.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Clock } from "../../kube/clock.ts";
import { isRefusal } from "../../kube/errors.ts";
import { type Pod, pods } from "../../kube/resources.ts";
import type { Memory, Sessions } from "../../session.ts";

type Template = Readonly<Record<string, unknown>>;

interface Refused {
  generation: number;
  template: Template;
  why: string;
  askedMs: number;
}

const ASK_AGAIN_MS = 30_000;

/**
 * What Pod Security, quota and webhooks say to a pod is told by the ReplicaSet controller alone, when the roll is under
 * way already. So the cluster is asked beforehand, by a dry-run; a refusal is asked again until it is one no more.
 */
export class PodDryRun {
  readonly #client: Pick<KubeClient, "create">;
  readonly #clock: Clock;
  readonly #refused: Memory<Refused>;

  constructor(client: Pick<KubeClient, "create">, clock: Clock, sessions: Sessions) {
    this.#refused = sessions.memory();
    this.#client = client;
    this.#clock = clock;
  }

  /** The refusal of a pod of this template, in the cluster's words; undefined when it would be taken. */
  async ask(group: GroupFacts, template: Template, signal: AbortSignal): Promise<string | undefined> {
    const { namespace, name, generation } = group;
    const why = await this.#try(namespace, name, template, signal);
    const key = keyOf(namespace, name);
    if (why === undefined) this.#refused.delete(key);
    else this.#refused.set(key, { generation, template, why, askedMs: this.#clock.monotonicMs() });
    return why;
  }

  /** The refusal that stands. Another spec is another question: it is forgotten then. Never rejects. */
  async standing(group: GroupFacts, signal: AbortSignal): Promise<string | undefined> {
    const key = keyOf(group.namespace, group.name);
    const refused = this.#refused.get(key);
    if (!refused) return undefined;
    if (refused.generation !== group.generation) {
      this.#refused.delete(key);
      return undefined;
    }
    if (this.#clock.monotonicMs() - refused.askedMs < ASK_AGAIN_MS) return refused.why;
    try {
      return await this.ask(group, refused.template, signal);
    } catch {
      return refused.why; // not known just now
    }
  }

  async #try(namespace: string, group: string, template: Template, signal: AbortSignal): Promise<string | undefined> {
    const { metadata = {}, spec } = template as { metadata?: Pod["metadata"]; spec?: Pod["spec"] };
    const { labels, annotations } = metadata as Partial<Pod["metadata"]>;
    const pod = {
      metadata: { name: `${group}-dry-run`, namespace, ...(labels && { labels }), ...(annotations && { annotations }) },
      spec,
    } as Pod;
    try {
      await this.#client.create(pods, pod, { dryRun: true, strict: true, signal });
      return undefined;
    } catch (error) {
      if (isRefused(error)) return error.message;
      throw error;
    }
  }
}

/** Not a refusal: that Holdfast itself may not ask, or could not get through. */
const isRefused = (error: unknown): error is Error =>
  isRefusal(error) && !(error.fault === "Forbidden" && error.message.includes("cannot create resource"));
