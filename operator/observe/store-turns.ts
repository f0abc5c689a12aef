import { Slots } from "../kube/slots.ts";

/** Reads under way at a time: of one store, as many as it has connections; of all, two small bodies behind each. */
const OF_ONE_STORE = 16;
const OF_ALL = 64;

/** Whose turn it is to read from the stores: one that hangs keeps its own groups waiting, and nobody else's. */
export class StoreTurns {
  readonly #all = new Slots(OF_ALL);
  readonly #stores = new Map<string, { turns: TurnsOfStore; users: number }>();

  /** Each call is followed by one `leave`. */
  enter(location: string): TurnsOfStore {
    const store = this.#stores.get(location) ?? { turns: new TurnsOfStore(this.#all), users: 0 };
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
  readonly #all: Slots;
  readonly #own = new Slots(OF_ONE_STORE);

  constructor(all: Slots) {
    this.#all = all;
  }

  /** Waits for a turn of this store, then for one of all: what waits for a store that hangs takes nothing from others. */
  async take(signal: AbortSignal): Promise<() => void> {
    await this.#own.take(signal);
    try {
      await this.#all.take(signal);
    } catch (error) {
      this.#own.give();
      throw error;
    }
    return () => {
      this.#all.give();
      this.#own.give();
    };
  }
}
