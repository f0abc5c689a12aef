import type { Clock, Timer } from "../../kube/clock.ts";

export interface LoopLag {
  /** Was this process, since that moment on the monotonic clock, too late for its own timers to judge anybody? */
  laggedSince(monotonicMs: number): boolean;
}

const TICK_MS = 250;
/** Over this a timeout of ours may be our own fault (pitfall N16). */
export const LAG_LIMIT_MS = 1_000;

/** Measures how late a timer comes: an event loop that is blocked makes everybody else look slow. */
export class LagMeter implements LoopLag {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #lastTickMs: number;
  #laggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastTickMs = clock.monotonicMs();
    this.#arm();
  }

  laggedSince(monotonicMs: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastTickMs - TICK_MS > LAG_LIMIT_MS) this.#laggedAtMs = nowMs; // the tick itself has not come yet
    return this.#laggedAtMs >= monotonicMs;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs - this.#lastTickMs - TICK_MS > LAG_LIMIT_MS) this.#laggedAtMs = nowMs;
      this.#lastTickMs = nowMs;
      this.#arm();
    });
  }
}
