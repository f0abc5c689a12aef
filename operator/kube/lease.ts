import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Log } from "../log.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, deadline, elapsedMs, moment, sleep } from "./clock.ts";
import { LeaseGate } from "./lease-gate.ts";
import { LeaseLock } from "./lease-lock.ts";
import { openGate } from "./write-gate.ts";

export interface LeaseTimes {
  /** Others wait so long after the last renewal that they saw. */
  leaseDurationMs: number;
  /** The holder gives up so long after its own last renewal. */
  renewDeadlineMs: number;
  retryPeriodMs: number;
  /** The gate closes so long before the holder gives up: time for what is in flight to be cut off. */
  gateMarginMs: number;
}

// client-go's defaults; the rule between them is leaseDuration > renewDeadline > 1.2 * retryPeriod.
export const LEASE_TIMES: LeaseTimes = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
  gateMarginMs: 2_000,
};

export interface LeaderElectorOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  clock: Clock;
  log: Log;
  /** Default `<host>_<uuid>`: a process that starts again is another candidate. */
  identity?: string;
  times?: Partial<LeaseTimes>;
}

/**
 * Leader election by client-go's rules. Use: `await acquire()`, work under `gate`, exit when `lost` aborts; on a stop
 * `gate.close()`, wait for the work to end, `release()`.
 */
export class LeaderElector {
  readonly gate: LeaseGate;
  readonly identity: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #times: LeaseTimes;
  readonly #lock: LeaseLock;
  readonly #lost = new AbortController();
  readonly #stop = new AbortController();
  #renewing: Promise<void> | undefined;
  #holding = false;

  constructor(options: LeaderElectorOptions) {
    const times = { ...LEASE_TIMES, ...options.times };
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs, gateMarginMs } = times;
    const inOrder = leaseDurationMs > renewDeadlineMs && renewDeadlineMs > 1.2 * retryPeriodMs;
    if (!inOrder || gateMarginMs >= renewDeadlineMs) {
      throw new Error(
        "Cannot elect a leader: leaseDuration > renewDeadline > 1.2 * retryPeriod and > margin must hold",
      );
    }
    this.identity = options.identity ?? `${hostname()}_${randomUUID()}`;
    this.#clock = options.clock;
    this.#log = options.log.child({ lease: `${options.namespace}/${options.name}`, identity: this.identity });
    this.#times = times;
    this.gate = new LeaseGate(options.clock, renewDeadlineMs - gateMarginMs);
    this.#lock = new LeaseLock({
      ...options,
      client: options.client.withGate(openGate), // the lease itself is written while its gate is closed
      identity: this.identity,
      leaseDurationMs,
      callTimeoutMs: Math.max(1_000, renewDeadlineMs / 2),
    });
  }

  /** Aborts once, when a lease that was held is lost: the process must exit, without tidying up that writes. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isLeader(): boolean {
    return this.#holding;
  }

  /** Who held the lease when it was last seen, for the log and readiness text of those who wait. */
  holder(): string | undefined {
    return this.#lock.holder();
  }

  /** Resolves true once the lease is held, and keeps renewing from then on; false when `signal` aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    let waitingFor: string | undefined;
    while (!signal.aborted) {
      if (await this.#attempt(signal)) {
        this.#holding = true;
        this.#log.info("leadership acquired");
        this.#renewing = this.#renew();
        return true;
      }
      const holder = this.#lock.holder();
      if (holder !== waitingFor) this.#log.info("waiting for leadership", { holder });
      waitingFor = holder;
      await sleep(this.#clock, this.#times.retryPeriodMs * (1 + 1.2 * this.#clock.random()), signal);
    }
    return false;
  }

  /** Closes the gate for good and stops renewing; the lease runs out by itself. */
  async stop(): Promise<void> {
    this.gate.close("the process is stopping");
    this.#stop.abort();
    await this.#renewing;
  }

  /**
   * Hands the lease over at once. Only after ALL guarded work has ended: the next leader starts within seconds, so a
   * write still under way here would be that of a second leader (pitfall N24).
   */
  async release(): Promise<void> {
    await this.stop();
    if (!this.#holding) return;
    this.#holding = false;
    try {
      await this.#lock.release();
      this.#log.info("leadership released");
    } catch (error) {
      this.#log.warn("leadership could not be released: others wait until it runs out", { error });
    }
  }

  async #renew(): Promise<void> {
    const { renewDeadlineMs, retryPeriodMs } = this.#times;
    let last = moment(this.#clock);
    for (;;) {
      await sleep(this.#clock, retryPeriodMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const sent = moment(this.#clock);
      const leftMs = renewDeadlineMs - elapsedMs(this.#clock, last);
      const limit = deadline(this.#clock, Math.max(0, leftMs), this.#stop.signal);
      // A process that was stopped or starved may wake long after. That a renewal might still succeed changes nothing:
      // what it remembers belongs to a term that others had every right to think over.
      const renewed = leftMs > 0 && (await this.#attempt(limit.signal));
      limit.release();
      if (this.#stop.signal.aborted) return;
      if (renewed) last = sent;
      else if (this.#lock.heldByOther()) return this.#lose(`${this.#lock.holder()} holds the lease`);
      else if (elapsedMs(this.#clock, last) >= renewDeadlineMs)
        return this.#lose(`not renewed for ${renewDeadlineMs} ms`);
    }
  }

  #lose(why: string): void {
    this.#holding = false;
    this.gate.close(`leadership lost: ${why}`);
    this.#log.error("leadership lost", { why });
    this.#lost.abort(new Error(`leadership lost: ${why}`));
  }

  /** One attempt to take or renew the lease. True: it is ours, and the gate is open. Never rejects. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    const sent = moment(this.#clock);
    try {
      const ours = (await this.#lock.renew(signal)) || (await this.#lock.take(signal));
      if (ours) this.gate.renewed(sent);
      return ours;
    } catch (error) {
      if (!signal.aborted || this.#holding) this.#log.warn("lease call failed", { error });
      return false;
    }
  }
}
