import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Timer } from "../../operator/kube/clock.ts";

/** A clock that stands still until it is advanced. Timers fire in order of their time. */
export class FakeClock implements Clock {
  #monotonicMs = 1_000_000;
  #wallOffsetMs = Date.parse("2026-01-01T00:00:00Z") - 1_000_000;
  #timers: { dueMs: number; run: () => void }[] = [];
  nextRandom: () => number = () => 0.5;
  /** Every delay that was ever asked for. */
  readonly delays: number[] = [];

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#monotonicMs + this.#wallOffsetMs;
  }

  random(): number {
    return this.nextRandom();
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    this.delays.push(delayMs);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** How many timers are armed: what was not released shows here. */
  get armed(): number {
    return this.#timers.length;
  }

  async advance(ms: number): Promise<void> {
    const targetMs = this.#monotonicMs + ms;
    await settle(); // what runs now may arm timers that fall due on the way
    for (let next = this.#takeDue(targetMs); next; next = this.#takeDue(targetMs)) {
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      next.run();
      await settle();
    }
    this.#monotonicMs = targetMs;
    await settle();
  }

  /** Time passes and no timer fires: what a process sees that was stopped and has just woken. */
  jump(ms: number): void {
    this.#monotonicMs += ms;
  }

  /** Only the wall clock moves: the machine slept, or somebody set the time. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #takeDue(targetMs: number): { dueMs: number; run: () => void } | undefined {
    let first: { dueMs: number; run: () => void } | undefined;
    for (const timer of this.#timers)
      if (timer.dueMs <= targetMs && (!first || timer.dueMs < first.dueMs)) first = timer;
    if (first) this.#timers = this.#timers.filter((other) => other !== first);
    return first;
  }
}

/** Lets everything run that can run without time or network. */
export async function settle(turns = 4): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}

/** Waits for what the network has yet to bring. */
export async function until(what: string, condition: () => boolean, limitMs = 5_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`did not come about within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
