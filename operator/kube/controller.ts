import type { Log } from "../log.ts";
import { type Clock, deadline, sleep } from "./clock.ts";
import { isKubeError } from "./errors.ts";
import { WorkQueue } from "./queue.ts";

export interface ReconcileResult {
  /** Look again after this time even if nothing changes. */
  recheckAfterMs?: number;
}

/** How a reconcile ended, for metrics. */
export type Outcome = "success" | "conflict" | "error" | "timeout" | "gate_closed" | "stopped";

export interface ControllerObserver {
  reconcileEnded(controller: string, outcome: Outcome, durationMs: number): void;
}

export interface ControllerOptions {
  name: string;
  workers: number;
  /** Given the key only: what is matters, not what happened. Must end soon after `signal` aborts. */
  reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;
  clock: Clock;
  log: Log;
  observer?: ControllerObserver;
  /** Default 60 s. */
  deadlineMs?: number;
  backoffBaseMs?: number;
  backoffCapMs?: number;
}

/** Workers over a keyed queue: one reconcile per key at a time, errors retried by one owner, here. */
export class Controller {
  readonly #o: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  #workers: Promise<void>[] = [];

  constructor(options: ControllerOptions) {
    this.#o = options;
    this.#queue = new WorkQueue(options);
  }

  get name(): string {
    return this.#o.name;
  }

  enqueue(key: string): void {
    this.#queue.add(key);
  }

  depth(): { due: number; delayed: number; running: number } {
    return this.#queue.size();
  }

  /** Keys may be enqueued before; nothing runs before. */
  start(): void {
    if (this.#workers.length > 0) throw new Error(`Cannot start controller ${this.#o.name}: it runs`);
    this.#workers = Array.from({ length: this.#o.workers }, () => this.#work());
  }

  /**
   * Begins nothing new, lets what runs end for `graceMs`, then aborts it and waits `abortMs` more.
   * @returns true when all work has ended: only then may the lease be released
   */
  async stop(graceMs: number, abortMs = 2_000): Promise<boolean> {
    this.#queue.close();
    const ended = Promise.all(this.#workers).then(() => true);
    const { clock } = this.#o;
    const waitFor = (ms: number) => {
      const over = new AbortController();
      const timeOut = sleep(clock, ms, over.signal).then(() => false);
      return Promise.race([ended, timeOut]).finally(() => over.abort());
    };
    if (await waitFor(graceMs)) return true;
    this.#stop.abort(new Error("the process is stopping"));
    return await waitFor(abortMs);
  }

  async #work(): Promise<void> {
    for (;;) {
      const key = await this.#queue.take();
      if (key === undefined) return;
      try {
        await this.#reconcileOnce(key);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #reconcileOnce(key: string): Promise<void> {
    const { name, reconcile, clock, observer, deadlineMs = 60_000 } = this.#o;
    const startMs = clock.monotonicMs();
    const limit = deadline(clock, deadlineMs, this.#stop.signal);
    let outcome: Outcome;
    try {
      const result = await reconcile(key, limit.signal);
      this.#queue.forget(key);
      if (result?.recheckAfterMs !== undefined) this.#queue.addAfter(key, result.recheckAfterMs);
      outcome = "success";
    } catch (error) {
      outcome = this.#failed(key, error, limit.expired());
    } finally {
      limit.release();
    }
    observer?.reconcileEnded(name, outcome, clock.monotonicMs() - startMs);
  }

  /** The error policy: what each failure means for the key, in one place. */
  #failed(key: string, error: unknown, timedOut: boolean): Outcome {
    const { name, log } = this.#o;
    if (this.#stop.signal.aborted) return "stopped";
    const atLeastMs = isKubeError(error) ? error.retryAfterMs : undefined;
    const retryMs = Math.round(this.#queue.retry(key, atLeastMs));
    const fields = { controller: name, object: key, failures: this.#queue.failures(key), retryMs, error };
    if (timedOut) {
      log.error("reconcile did not end within its deadline", fields);
      return "timeout";
    }
    if (isKubeError(error, "Conflict", "AlreadyExists")) {
      // Somebody else wrote in between: ordinary, the next look decides on what is now.
      log.debug("reconcile met a newer object", fields);
      return "conflict";
    }
    if (isKubeError(error, "GateClosed")) {
      log.warn("reconcile may not write now", fields);
      return "gate_closed";
    }
    if (isKubeError(error)) log.warn("reconcile failed", fields);
    else log.error("reconcile failed", fields);
    return "error";
  }
}
