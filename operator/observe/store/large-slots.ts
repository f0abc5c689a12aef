import { Slots, type Urgent } from "../../kube/slots.ts";

/** Larger bodies than this wait for a turn; of all others several are in memory at a time. Bytes. */
export const SMALL_BYTES = 1024 * 1024;
/** One turn of reading: 16 MiB at half a MiB per second. A store that trickles must not keep the large snapshots of all others. */
export const LARGE_TURN_MS = 30_000;

/**
 * Pairs with a large body are read, and copied, one at a time over the whole process: that is what its memory is enough
 * for. Of each store one may wait, so that the turns go round among stores and not among groups.
 */
export class LargeTurns {
  readonly #turn = new Slots(1);
  readonly #stores = new Map<string, { queue: Slots; users: number }>();

  /** Resolves when it is this one's turn, with what ends the turn. Rejects with the signal's reason when it aborts first. */
  async take(location: string, signal: AbortSignal, urgent?: Urgent): Promise<() => void> {
    const store = this.#stores.get(location) ?? { queue: new Slots(1), users: 0 };
    this.#stores.set(location, store);
    store.users += 1;
    const left = () => {
      store.users -= 1;
      if (store.users === 0) this.#stores.delete(location);
    };
    try {
      await store.queue.take(signal, urgent);
    } catch (error) {
      left();
      throw error;
    }
    const gone = () => {
      store.queue.give();
      left();
    };
    try {
      await this.#turn.take(signal);
    } catch (error) {
      gone();
      throw error;
    }
    return () => {
      this.#turn.give();
      gone();
    };
  }
}
