import type { Clock } from "./clock.ts";

/** A `Date` header names whole seconds: on average half a second has gone since. */
const HALF_A_SECOND_MS = 500;
/** What differs by less is the header's rounding and the way of the answer, and no news. */
const KNOWN_TO_MS = 2_000;

/**
 * The API server's wall clock, as its answers tell it. Everything that exists is stamped by that clock, and ages are right
 * only where both ends are of one clock: this machine's may be minutes away from it. Between two answers it goes on by the
 * monotonic clock, so that a wall clock that is set meanwhile changes nothing.
 */
export class ServerClock {
  readonly #clock: Clock;
  #seen: { atMs: number; serverMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param date the header of an answer to what was asked at `askedMs` on the monotonic clock */
  told(date: string | undefined, askedMs: number): void {
    const statedMs = date === undefined ? Number.NaN : Date.parse(date);
    const atMs = this.#clock.monotonicMs();
    // An answer that was long on its way, or that this process was too busy to look at, says when it was made, not now.
    if (Number.isNaN(statedMs) || (this.#seen && atMs - askedMs > KNOWN_TO_MS)) return;
    const serverMs = statedMs + HALF_A_SECOND_MS;
    const known = this.nowMs();
    if (known === undefined || Math.abs(known - serverMs) > KNOWN_TO_MS) this.#seen = { atMs, serverMs };
  }

  /** Milliseconds since the epoch; undefined before the first answer. */
  nowMs(): number | undefined {
    return this.#seen && this.#seen.serverMs + (this.#clock.monotonicMs() - this.#seen.atMs);
  }
}
