import { type Clock, fullJitterMs, type Timer } from "./clock.ts";

export interface QueueOptions {
  clock: Clock;
  /** First step of the back-off after failures; doubles up to the cap, with full jitter. Default 500 ms. */
  backoffBaseMs?: number;
  /** Default 60 s. */
  backoffCapMs?: number;
}

interface Waiting {
  key: string;
  dueMs: number;
  /** First come, first served, where times are equal. */
  turn: number;
}

/**
 * Work to do, by key. A key waits once, at its earliest time, and is never handed to two workers: what is added while
 * it runs waits until `done`. Nothing is remembered of a key that neither waits nor runs nor failed.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoffBaseMs: number;
  readonly #backoffCapMs: number;
  readonly #waiting = new Map<string, Waiting>(); // by key: what counts
  readonly #heap: Waiting[] = []; // by time; holds outdated items too, which are skipped when they come up
  readonly #running = new Map<string, number | undefined>(); // key -> when to run again
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #turn = 0;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#clock = options.clock;
    this.#backoffBaseMs = options.backoffBaseMs ?? 500;
    this.#backoffCapMs = options.backoffCapMs ?? 60_000;
  }

  add(key: string): void {
    this.addAfter(key, 0);
  }

  /** The earliest of all times asked for wins. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    const dueMs = this.#clock.monotonicMs() + Math.max(0, delayMs);
    if (this.#running.has(key)) {
      this.#running.set(key, Math.min(dueMs, this.#running.get(key) ?? Number.POSITIVE_INFINITY));
      return;
    }
    const known = this.#waiting.get(key);
    if (known && known.dueMs <= dueMs) return;
    const item = { key, dueMs, turn: this.#turn++ };
    this.#waiting.set(key, item);
    push(this.#heap, item);
    if (this.#heap.length > 2 * this.#waiting.size + 64) this.#rebuild();
    this.#pump();
  }

  /** Again after the key's back-off, but not before `atLeastMs`. Returns the delay. */
  retry(key: string, atLeastMs = 0): number {
    const attempt = this.#failures.get(key) ?? 0;
    this.#failures.set(key, attempt + 1);
    const delayMs = Math.max(atLeastMs, fullJitterMs(this.#clock, attempt, this.#backoffBaseMs, this.#backoffCapMs));
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** The key succeeded: its next failure starts the back-off anew. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key that is due; undefined once the queue is closed. Must be followed by `done(key)`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#pump();
    });
  }

  done(key: string): void {
    const againMs = this.#running.get(key);
    this.#running.delete(key);
    if (againMs !== undefined) this.addAfter(key, againMs - this.#clock.monotonicMs());
  }

  /** Nothing more is handed out; what runs may end. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#waiting.clear();
    this.#failures.clear();
    this.#heap.length = 0;
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  /** Keys that are due now, and all that wait for a later time, and those being worked on. */
  size(): { due: number; delayed: number; running: number } {
    const nowMs = this.#clock.monotonicMs();
    let due = 0;
    for (const item of this.#waiting.values()) if (item.dueMs <= nowMs) due += 1;
    return { due, delayed: this.#waiting.size - due, running: this.#running.size };
  }

  /** Items in memory, outdated ones included: bounded by the keys that wait, not by how often they were added. */
  get held(): number {
    return this.#heap.length;
  }

  #pump(): void {
    while (this.#takers.length > 0) {
      const item = this.#peek();
      if (!item || item.dueMs > this.#clock.monotonicMs()) break;
      pop(this.#heap);
      this.#waiting.delete(item.key);
      this.#running.set(item.key, undefined);
      this.#takers.shift()?.(item.key);
    }
    this.#arm();
  }

  #peek(): Waiting | undefined {
    for (let head = this.#heap[0]; head; head = this.#heap[0]) {
      if (this.#waiting.get(head.key) === head) return head;
      pop(this.#heap);
    }
    return undefined;
  }

  /** One timer, for the earliest item, and only while somebody waits for it. */
  #arm(): void {
    const dueMs =
      this.#takers.length > 0 ? (this.#peek()?.dueMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    if (dueMs === this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(dueMs - this.#clock.monotonicMs(), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  #rebuild(): void {
    this.#heap.length = 0;
    for (const item of this.#waiting.values()) push(this.#heap, item);
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.dueMs === b.dueMs ? a.turn < b.turn : a.dueMs < b.dueMs;
}

function push(heap: Waiting[], item: Waiting): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (!parent || isBefore(parent, item)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = item;
}

function pop(heap: Waiting[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const leftAt = 2 * at + 1;
    const left = heap[leftAt];
    const right = heap[leftAt + 1];
    const childAt = right && left && isBefore(right, left) ? leftAt + 1 : leftAt;
    const child = heap[childAt];
    if (!child || isBefore(last, child)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
}
