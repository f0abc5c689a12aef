/** Whether a waiter comes before others: asked when a place is free, for it may change while one waits. */
export type Urgent = () => boolean;

const never: Urgent = () => false;

/** Lets `limit` holders in at a time, the others wait in order of arrival, the urgent ones among them first. */
export class Slots {
  #free: number;
  readonly #waiting = new Map<() => void, Urgent>();

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Rejects with the signal's reason when it aborts first. Every resolved call must be followed by one `give()`. */
  take(signal: AbortSignal, urgent: Urgent = never): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(enter);
        reject(signal.reason);
      };
      const enter = () => {
        this.#waiting.delete(enter);
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.set(enter, urgent);
    });
  }

  give(): void {
    const [first] = this.#waiting.keys();
    const next = [...this.#waiting].find(([, urgent]) => urgent())?.[0] ?? first;
    if (next) next();
    else this.#free += 1;
  }
}
