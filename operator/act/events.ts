import { createHash } from "node:crypto";
import { GROUP } from "../api/names.ts";
import type { PlannedEvent } from "../domain/plan.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock } from "../kube/clock.ts";
import { isKubeError, isOutOfReach } from "../kube/errors.ts";
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

/** The same thing is said once in so long, so that what flaps does not flood. No flip takes as little: each is told. */
const REPEAT_AFTER_MS = 60_000;
/** What could not be written is tried again for so long; events are kept by the API server for an hour by default. */
const TELL_WITHIN_MS = 10 * 60_000;
const UNSAID_MAX = 200;
const REMEMBERED_MAX = 2_000;
/** The API server counts bytes and refuses what is longer. */
const NOTE_MAX_BYTES = 1024;

interface Unsaid {
  event: KubeEvent;
  what: string;
  sinceMs: number;
}

/** events.k8s.io/v1. One that does not get through is tried again in later loops; nothing is decided by events. */
export class EventRecorder {
  readonly #o: EventRecorderOptions;
  readonly #said = new Map<string, number>();
  #unsaid: Unsaid[] = [];
  #retrying = false;

  constructor(options: EventRecorderOptions) {
    this.#o = options;
  }

  async emit(regarding: Regarding, planned: PlannedEvent, signal: AbortSignal): Promise<void> {
    const { clock, instance } = this.#o;
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
    await this.#write({ event, what, sinceMs: nowMs }, signal);
  }

  /** Tells what could not be told before, oldest first; the first that fails again leaves the rest for later. */
  async retry(signal: AbortSignal): Promise<void> {
    if (this.#retrying || this.#unsaid.length === 0) return;
    this.#retrying = true;
    const waiting = this.#unsaid;
    this.#unsaid = [];
    try {
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        waiting.shift();
        if (!(await this.#write(next, signal))) break;
      }
    } finally {
      this.#unsaid = [...waiting, ...this.#unsaid].toSorted((a, b) => a.sinceMs - b.sinceMs).slice(-UNSAID_MAX);
      this.#retrying = false;
    }
  }

  async #write(unsaid: Unsaid, signal: AbortSignal): Promise<boolean> {
    const { client, clock, log } = this.#o;
    const { event, what, sinceMs } = unsaid;
    try {
      await client.create(events, event, { signal });
      return true;
    } catch (error) {
      // An earlier try arrived, though its answer did not.
      if (isKubeError(error, "AlreadyExists")) return true;
      const again = isOutOfReach(error) && clock.monotonicMs() - sinceMs < TELL_WITHIN_MS;
      if (again) this.#unsaid = [...this.#unsaid, unsaid].slice(-UNSAID_MAX);
      else this.#said.delete(what);
      const { namespace, name } = event.regarding ?? {};
      const told = again ? "event not written yet" : "event not written";
      log.warn(told, { reason: event.reason, object: `${namespace}/${name}`, error });
      return false;
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
