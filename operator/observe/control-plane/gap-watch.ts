import type { Clock } from "../../kube/clock.ts";

const SLACK_MS = 2_000;

/** Notices that the process was stopped between two questions (pitfall N22): the evidence has a hole there. */
export class GapWatch {
  readonly #clock: Clock;
  #lastMs: { monotonic: number; wall: number } | undefined;
  #longestMs: number;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#longestMs = intervalMs;
  }

  /**
   * The longest interval since the last question. By a shorter one that came since, the next question is not late, and
   * the last answer not old: neither was due.
   */
  get longestMs(): number {
    return this.#longestMs;
  }

  changed(intervalMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, intervalMs);
  }

  /** Much more time passed since the last question ended than there was to be, on either clock? */
  slept(nowMs: number): boolean {
    const last = this.#lastMs;
    if (!last) return false;
    const limitMs = 2 * this.#longestMs + SLACK_MS;
    // The monotonic clock stands still while the machine sleeps, so the wall clock is looked at, too.
    return nowMs - last.monotonic > limitMs || this.#clock.wallMs() - last.wall > limitMs;
  }

  ended(intervalMs: number): void {
    this.#lastMs = { monotonic: this.#clock.monotonicMs(), wall: this.#clock.wallMs() };
    this.#longestMs = intervalMs;
  }
}
