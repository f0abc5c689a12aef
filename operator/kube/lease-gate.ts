import { type Clock, elapsedMs, type Moment, type Timer } from "./clock.ts";
import { gateClosed, type WriteGate } from "./write-gate.ts";

/** Open for a limited time after each renewal of the lease, by our own clocks; shut for good by `close`. */
export class LeaseGate implements WriteGate {
  readonly #clock: Clock;
  readonly #openForMs: number;
  #renewed: Moment | undefined;
  #closedBecause: string | undefined;
  #inFlight = new AbortController();
  #timer: Timer | undefined;

  /** @param openForMs less than the time after which another may take the lease, by the time a write may stay under way */
  constructor(clock: Clock, openForMs: number) {
    this.#clock = clock;
    this.#openForMs = openForMs;
  }

  /** `sent`: when the renewal was sent. Nobody saw the lease renewed earlier than that. */
  renewed(sent: Moment): void {
    if (this.#closedBecause !== undefined) return;
    this.#renewed = sent;
    if (this.#inFlight.signal.aborted) this.#inFlight = new AbortController();
    this.#watchExpiry();
  }

  isOpen(): boolean {
    return this.#closedBecause === undefined && this.#leftMs() > 0;
  }

  enter(what: string): AbortSignal {
    if (this.#closedBecause !== undefined) throw gateClosed(what, this.#closedBecause);
    if (this.#renewed === undefined) throw gateClosed(what, "it does not hold the lease");
    if (this.#leftMs() <= 0) throw gateClosed(what, `its lease was last renewed over ${this.#openForMs} ms ago`);
    return this.#inFlight.signal;
  }

  /** For good: a process that lost the lease, or stops, never writes again. Cuts off what is in flight. */
  close(why: string): void {
    this.#closedBecause ??= why;
    this.#timer?.cancel();
    this.#inFlight.abort(new Error(why));
  }

  #leftMs(): number {
    return this.#renewed === undefined ? 0 : this.#openForMs - elapsedMs(this.#clock, this.#renewed);
  }

  #watchExpiry(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#leftMs(), () => {
      if (this.#leftMs() > 0) this.#watchExpiry();
      else this.#inFlight.abort(new Error("the lease was not renewed in time"));
    });
  }
}
