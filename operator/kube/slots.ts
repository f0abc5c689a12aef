/** Lets `limit` holders in at a time, the others wait in order of arrival, the urgent ones among them first. */
export class Slots {
  #free: number;
  readonly #waiting = { urgent: new Set<() => void>(), others: new Set<() => void>() };

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Rejects with the signal's reason when it aborts first. Every resolved call must be followed by one `give()`. */
  take(signal: AbortSignal, { urgent = false } = {}): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    const waiting = urgent ? this.#waiting.urgent : this.#waiting.others;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiting.delete(enter);
        reject(signal.reason);
      };
      const enter = () => {
        waiting.delete(enter);
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      signal.addEventListener("abort", giveUp, { once: true });
      waiting.add(enter);
    });
  }

  give(): void {
    const [next] = this.#waiting.urgent.size > 0 ? this.#waiting.urgent : this.#waiting.others;
    if (next) next();
    else this.#free += 1;
  }
}
