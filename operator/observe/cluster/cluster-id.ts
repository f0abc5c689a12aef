import type { KubeClient } from "../../kube/client.ts";
import type { Clock } from "../../kube/clock.ts";
import { isKubeError } from "../../kube/errors.ts";
import { namespaces } from "../../kube/resources.ts";

const TIMEOUT_MS = 5_000;
const AGAIN_MS = 10_000;

/** `hidden`: the API server answered that it is not there, or may not be read. Otherwise it gave no answer. */
export type NoUid = { why: string; hidden: boolean };

/**
 * What tells this cluster from another one with a namespace of the same name: the uid of that namespace. It is of the cluster
 * alone, it outlives every GatewayGroup in it, and a Role of that namespace may read it.
 */
export class ClusterIds {
  readonly #client: Pick<KubeClient, "get">;
  readonly #clock: Clock;
  readonly #uids = new Map<string, string>();
  readonly #failed = new Map<string, NoUid & { atMs: number }>();

  constructor(client: Pick<KubeClient, "get">, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Never rejects: why it is not known is the answer. */
  async of(namespace: string): Promise<{ uid: string } | NoUid> {
    const uid = this.#uids.get(namespace);
    if (uid !== undefined) return { uid };
    const failed = this.#failed.get(namespace);
    if (failed && this.#clock.monotonicMs() - failed.atMs < AGAIN_MS) return { why: failed.why, hidden: failed.hidden };
    try {
      const found = await this.#client.get(namespaces, undefined, namespace, { timeoutMs: TIMEOUT_MS });
      const seen = found?.metadata.uid;
      if (seen === undefined) return this.#fails(namespace, "it is not there", true);
      this.#uids.set(namespace, seen);
      return { uid: seen };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return this.#fails(namespace, message, isKubeError(error, "NotFound", "Forbidden"));
    }
  }

  #fails(namespace: string, error: string, hidden: boolean): NoUid {
    const why = `the uid of namespace "${namespace}" cannot be read: ${error}`;
    this.#failed.set(namespace, { why, hidden, atMs: this.#clock.monotonicMs() });
    return { why, hidden };
  }
}
