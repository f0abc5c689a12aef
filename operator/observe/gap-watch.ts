import type { Clock } from "../kube/clock.ts";

/** Notices that the process was stopped between two questions (pitfall N22): the evidence has a hole there. */
export class GapWatch {
  readonly #clock: Clock;
  #lastMs: { monotonic: number; wall: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** More time passed since the last question ended than `limitMs`, on either clock? */
  slept(nowMs: number, limitMs: number): boolean {
    const last = this.#lastMs;
    if (!last) return false;
    // The monotonic clock stands still while the machine sleeps, so the wall clock is looked at, too.
    return nowMs - last.monotonic > limitMs || this.#clock.wallMs() - last.wall > limitMs;
  }

  ended(): void {
    this.#lastMs = { monotonic: this.#clock.monotonicMs(), wall: this.#clock.wallMs() };
  }
}
