/**
 * All that one leader term remembers of each group, or of each FallbackStorage, by key ("namespace/name"). Whoever remembers
 * something of a key asks for a memory here, so that one `drop` forgets all of it when the object is gone. Losing it costs
 * time, never correctness: what must outlive the process stands in status.
 */
export interface Memory<T> {
  get: (key: string) => T | undefined;
  set: (key: string, value: T) => void;
  /** Forgets the value of one key; its end is called. */
  delete: (key: string) => void;
  /** Forgets the values of all keys; their ends are called. */
  clear: () => void;
  entries: () => [key: string, value: T][];
}

/** What one leader term remembers of its groups and of its storages. */
export interface TermSessions {
  ofGroups: Sessions;
  ofStorages: Sessions;
}

export class Sessions {
  readonly #byKey = new Map<string, Map<object, unknown>>();
  readonly #ends: ((key: string) => void)[] = [];

  /** `end` stops what a value holds: pollers, connections. It is called once for each value that is dropped or deleted, not for one that is replaced. */
  memory<T>(end: (value: T, key: string) => void = () => undefined): Memory<T> {
    const id = {};
    const get = (key: string) => this.#byKey.get(key)?.get(id) as T | undefined;
    const forget = (key: string) => {
      const session = this.#byKey.get(key);
      if (!session?.has(id)) return;
      const value = session.get(id) as T;
      session.delete(id);
      if (session.size === 0) this.#byKey.delete(key);
      end(value, key);
    };
    const entries = () =>
      [...this.#byKey].flatMap(([key, session]): [string, T][] =>
        session.has(id) ? [[key, session.get(id) as T]] : [],
      );
    this.#ends.push(forget);
    return {
      get,
      set: (key, value) => {
        const session = this.#byKey.get(key) ?? new Map<object, unknown>();
        session.set(id, value);
        this.#byKey.set(key, session);
      },
      delete: forget,
      clear: () => {
        for (const [key] of entries()) forget(key);
      },
      entries,
    };
  }

  /** Called with the key that is dropped, by who has it in an order of its own, such as a queue over all groups. */
  onDrop(end: (key: string) => void): void {
    this.#ends.push(end);
  }

  /** The object is gone: nothing of it is remembered, asked or measured any more. */
  drop(key: string): void {
    for (const end of this.#ends) end(key);
  }
}
