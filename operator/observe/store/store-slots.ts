import type { Clock } from "../../kube/clock.ts";
import { Slots, type Urgent } from "../../kube/slots.ts";

/** Reads under way at a time. Of one store, fewer than it has connections: checks and copies go through those, too. */
const OF_ONE_STORE = 12;
/** Two small bodies stand behind each. */
const OF_ALL = 64;
/** How long a store that did not answer lets others go first. It may be well again, and the others never at rest. */
const SILENT_WAITS_MS = 20_000;

/** Whose turn it is to read from the stores: one that hangs keeps its own groups waiting, and nobody else's. */
export class StoreTurns {
  readonly #clock: Clock;
  readonly #all = new Slots(OF_ALL);
  readonly #stores = new Map<string, { turns: TurnsOfStore; users: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Each call is followed by one `leave`. */
  enter(location: string): TurnsOfStore {
    const store = this.#stores.get(location) ?? { turns: new TurnsOfStore(this.#clock, this.#all), users: 0 };
    store.users += 1;
    this.#stores.set(location, store);
    return store.turns;
  }

  leave(location: string): void {
    const store = this.#stores.get(location);
    if (store && --store.users === 0) this.#stores.delete(location);
  }
}

export class TurnsOfStore {
  readonly #clock: Clock;
  readonly #all: Slots;
  readonly #own = new Slots(OF_ONE_STORE);
  /** Who of this store's readers waits for one of all turns. */
  readonly #next = new Slots(1);
  #underWay = 0;
  #heardMs = 0;
  /** What was asked last got an answer, or nothing was asked yet. */
  #answers = true;

  constructor(clock: Clock, all: Slots) {
    this.#clock = clock;
    this.#all = all;
  }

  /**
   * Waits for a turn of this store, then for one of all. Of each store one at a time waits for the second, so that those go
   * round among stores. One that left its last question unanswered comes after all others, for a while: fifty that hang
   * keep a good one waiting for ten seconds, once.
   * `urgent` is among the reads of this store alone.
   */
  async take(signal: AbortSignal, urgent: Urgent): Promise<() => void> {
    await this.#own.take(signal, urgent);
    try {
      await this.#next.take(signal, urgent);
      try {
        const fromMs = this.#clock.monotonicMs();
        await this.#all.take(signal, () => this.#answers || this.#clock.monotonicMs() - fromMs >= SILENT_WAITS_MS);
      } finally {
        this.#next.give();
      }
    } catch (error) {
      this.#own.give();
      throw error;
    }
    return () => {
      this.#all.give();
      this.#own.give();
    };
  }

  /** Notes whether the store answered at all. */
  async ask<T>(question: () => Promise<T>, isAnswer: (answer: T) => boolean): Promise<T> {
    if (this.#underWay === 0) this.#heardMs = this.#clock.monotonicMs();
    this.#underWay += 1;
    try {
      const answer = await question();
      this.#answers = isAnswer(answer);
      if (this.#answers) this.#heardMs = this.#clock.monotonicMs();
      return answer;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** How long it is asked by now without one answer, ms; 0 while nobody asks. */
  silentMs(): number {
    return this.#underWay === 0 ? 0 : this.#clock.monotonicMs() - this.#heardMs;
  }
}
