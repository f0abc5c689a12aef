import type { Clock, Timer } from "../kube/clock.ts";

export interface PollerOptions<T> {
  clock: Clock;
  intervalMs: number;
  /** A failure is a value of T. One that rejects has a bug: the last value stays, ages, and `ask` is asked again. */
  ask: (signal: AbortSignal) => Promise<T>;
  same: (a: T, b: T) => boolean;
  /** Called for the first value and for each one that is not the same as before it. */
  onChange: (value: T) => void;
  /** Told of a bug in `ask` or `onChange`, which must not end the process: it serves other groups. */
  onBug: (error: unknown) => void;
}

/**
 * Asks again and again in the background, so that no loop ever waits for a store or a control plane that hangs. One
 * question at a time; intervals are spread by 10 % either way, or a thousand pollers would all ask at once for ever.
 */
export class Poller<T> {
  readonly startedMs: number;
  readonly #o: PollerOptions<T>;
  readonly #stop = new AbortController();
  #intervalMs: number;
  #latest: { value: T; atMs: number } | undefined;
  #timer: Timer | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  #againAtOnce = false;
  #held = false;
  /** The question under way was, for a part of its time, about something that was being changed. */
  #overlapsHold = false;
  #isBehind = false;

  constructor(options: PollerOptions<T>) {
    this.#o = options;
    this.#intervalMs = options.intervalMs;
    this.startedMs = options.clock.monotonicMs();
    this.#arm(0);
  }

  latest(): { value: T; atMs: number } | undefined {
    return this.#latest;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  setInterval(intervalMs: number): void {
    if (intervalMs === this.#intervalMs) return;
    const sooner = intervalMs < this.#intervalMs;
    this.#intervalMs = intervalMs;
    if (sooner && !this.#asking) this.#arm(this.#untilNextMs());
  }

  /**
   * What is asked about is being changed from now on, until the next `again`: an answer in between may be of the middle of
   * it, and is dropped, unless it is the first at all.
   */
  hold(): void {
    this.#held = true;
    this.#overlapsHold = true;
    this.#isBehind = true;
  }

  /** The latest value is of before a change that is known: between `hold` or `again` and the first answer asked for after. */
  isBehind(): boolean {
    return this.#isBehind;
  }

  /** Asks at once; when a question is under way already, once more right after it: its answer may be of before. */
  again(): void {
    this.#held = false;
    this.#isBehind = true;
    if (this.#asking) this.#againAtOnce = true;
    else this.#arm(0);
  }

  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  #untilNextMs(): number {
    const spread = this.#intervalMs * (0.9 + 0.2 * this.#o.clock.random());
    return Math.max(0, this.#lastStartMs + spread - this.#o.clock.monotonicMs());
  }

  #arm(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#o.clock.after(delayMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#asking || this.#stop.signal.aborted) return;
    this.#asking = true;
    this.#againAtOnce = false;
    this.#overlapsHold = this.#held;
    this.#lastStartMs = this.#o.clock.monotonicMs();
    try {
      const value = await this.#o.ask(this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const before = this.#latest;
      if (before && this.#overlapsHold) return;
      this.#isBehind = this.#held || this.#againAtOnce;
      this.#latest = { value, atMs: this.#o.clock.monotonicMs() };
      if (before === undefined || !this.#o.same(before.value, value)) this.#o.onChange(value);
    } catch (error) {
      this.#o.onBug(error);
    } finally {
      this.#asking = false;
      this.#arm(this.#againAtOnce ? 0 : this.#untilNextMs());
    }
  }
}
