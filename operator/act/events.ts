import { createHash } from "node:crypto";
import { GROUP } from "../api/names.ts";
import type { PlannedEvent } from "../domain/plan.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock } from "../kube/clock.ts";
import { events, type KubeEvent } from "../kube/resources.ts";
import type { Log } from "../log.ts";

/** What an event speaks of. */
export interface Regarding {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

export interface EventRecorderOptions {
  client: Pick<KubeClient, "create">;
  clock: Clock;
  log: Log;
  /** Which process says it: the pod's name. */
  instance: string;
}

/** The same thing is said once in so long: people read events, and each is a write. */
const REPEAT_AFTER_MS = 10 * 60_000;
const REMEMBERED_MAX = 2_000;
/** The API server counts bytes and refuses what is longer. */
const NOTE_MAX_BYTES = 1024;

/** events.k8s.io/v1. An event that cannot be written is logged and forgotten: nothing is decided by events. */
export class EventRecorder {
  readonly #o: EventRecorderOptions;
  readonly #said = new Map<string, number>();

  constructor(options: EventRecorderOptions) {
    this.#o = options;
  }

  async emit(regarding: Regarding, planned: PlannedEvent, signal: AbortSignal): Promise<void> {
    const { client, clock, log, instance } = this.#o;
    const nowMs = clock.monotonicMs();
    const what = createHash("sha256")
      .update(JSON.stringify([regarding.uid, regarding.kind, planned.type, planned.reason, planned.message]))
      .digest("hex")
      .slice(0, 16);
    const saidMs = this.#said.get(what);
    if (saidMs !== undefined && nowMs - saidMs < REPEAT_AFTER_MS) return;
    this.#remember(what, nowMs);
    const wallMs = clock.wallMs();
    const { namespace } = regarding;
    const event: KubeEvent = {
      metadata: { namespace, name: `${regarding.name}.${what}${Math.floor(wallMs / 1000).toString(16)}` },
      eventTime: new Date(wallMs).toISOString().replace("Z", "000Z"), // metav1.MicroTime
      reportingController: GROUP,
      reportingInstance: instance,
      type: planned.type,
      reason: planned.reason,
      action: planned.action,
      note: cut(planned.message, NOTE_MAX_BYTES),
      regarding,
    } as KubeEvent;
    try {
      await client.create(events, event, { signal });
    } catch (error) {
      this.#said.delete(what);
      log.warn("event not written", { reason: planned.reason, object: `${namespace}/${regarding.name}`, error });
    }
  }

  #remember(what: string, nowMs: number): void {
    this.#said.delete(what);
    this.#said.set(what, nowMs); // the newest last
    for (const [known, saidMs] of this.#said) {
      if (this.#said.size <= REMEMBERED_MAX && nowMs - saidMs < REPEAT_AFTER_MS) break;
      this.#said.delete(known);
    }
  }
}

/** At most so many bytes of UTF-8, and no half of a character. */
function cut(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
