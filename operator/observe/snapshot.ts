import { storeKey } from "../api/names.ts";
import type { PairFact, SnapshotFacts } from "../domain/facts-outside.ts";
import type { Problem } from "../domain/problem.ts";
import type { Clock } from "../kube/clock.ts";
import type { SnapshotStore } from "../storage/store.ts";
import type { LargeTurns } from "./large-turns.ts";
import { Poller } from "./poller.ts";
import type { Pair, PairSeen } from "./snapshot-pair.ts";
import { readInTurn } from "./snapshot-turn.ts";
import { StoreTurns, type TurnsOfStore } from "./store-turns.ts";

type Which = keyof SnapshotFacts;
const PAIRS = ["raw", "candidate", "verified"] as const satisfies Which[];

export interface SnapshotWish {
  store: SnapshotStore;
  /** Where the store points: other pollers begin when it changes. */
  location: string;
  shortID: string;
  rawIntervalMs: number;
  validationIntervalMs: number;
}

export interface SnapshotReaderOptions {
  clock: Clock;
  large: LargeTurns;
  wake: (groupKey: string) => void;
  onBug: (error: unknown) => void;
}

interface Watched {
  location: string;
  shortID: string;
  store: SnapshotStore;
  turns: TurnsOfStore;
  pollers: Record<Which, Poller<PairSeen>>;
}

/** Only Holdfast writes candidates, and it says so when it does: a look now and then is for what others did. */
const CANDIDATE_EVERY = 10;
/** How long the first loop of a group waits for the first read: a store that hangs must not hold up all else. */
const FIRST_READ_MS = 6_000;

/** The three pairs of every group, read in the background: conditionally, each at its own pace. */
export class SnapshotReader {
  readonly #o: SnapshotReaderOptions;
  readonly #groups = new Map<string, Watched>();
  readonly #turns = new StoreTurns();

  constructor(options: SnapshotReaderOptions) {
    this.#o = options;
  }

  want(groupKey: string, wish: SnapshotWish): void {
    const known = this.#groups.get(groupKey);
    if (known && (known.location !== wish.location || known.shortID !== wish.shortID)) this.drop(groupKey);
    const watched = this.#groups.get(groupKey) ?? this.#start(groupKey, wish);
    if (watched.store !== wish.store) {
      watched.store = wish.store; // other keys, perhaps other rights
      this.again(groupKey);
    }
    watched.pollers.raw.setInterval(wish.rawIntervalMs);
    watched.pollers.verified.setInterval(wish.validationIntervalMs);
    watched.pollers.candidate.setInterval(CANDIDATE_EVERY * wish.validationIntervalMs);
  }

  /** undefined while first reads are under way and worth waiting for. */
  facts(groupKey: string): SnapshotFacts | undefined {
    const watched = this.#groups.get(groupKey);
    if (!watched) return nothingKnown("StorageUnavailable", "the store is not read");
    const facts: Partial<Record<Which, PairFact>> = {};
    for (const which of PAIRS) {
      const fact = this.#factOf(watched.pollers[which]);
      if (!fact) return undefined;
      facts[which] = fact;
    }
    return facts as SnapshotFacts;
  }

  /** Look again now: something was written, or a person changed something. */
  again(groupKey: string, which: readonly Which[] = PAIRS): void {
    const watched = this.#groups.get(groupKey);
    for (const pair of which) watched?.pollers[pair].again();
  }

  drop(groupKey: string): void {
    const watched = this.#groups.get(groupKey);
    if (!watched) return;
    for (const pair of PAIRS) watched.pollers[pair].stop();
    this.#turns.leave(watched.location);
    this.#groups.delete(groupKey);
  }

  stop(): void {
    for (const key of [...this.#groups.keys()]) this.drop(key);
  }

  #factOf(poller: Poller<PairSeen>): PairFact | undefined {
    const { clock } = this.#o;
    const latest = poller.latest();
    if (!latest) {
      const waitedMs = clock.monotonicMs() - poller.startedMs;
      return waitedMs < FIRST_READ_MS ? undefined : unknown("StorageUnavailable", "the store has not answered yet");
    }
    const { fact } = latest.value;
    if (fact.seen !== "found") return fact;
    return { ...fact, ageMs: fact.ageMs + Math.max(0, clock.monotonicMs() - latest.atMs) };
  }

  #start(groupKey: string, wish: SnapshotWish): Watched {
    const { clock, wake, onBug } = this.#o;
    const poller = (which: Which, intervalMs: number): Poller<PairSeen> => {
      const one: Poller<PairSeen> = new Poller<PairSeen>({
        clock,
        intervalMs,
        ask: (signal) => this.#read(watched, which, one.latest()?.value, signal),
        same: (a, b) => JSON.stringify(withoutTimes(a.fact)) === JSON.stringify(withoutTimes(b.fact)),
        onChange: () => wake(groupKey),
        onBug,
      });
      return one;
    };
    const watched: Watched = {
      location: wish.location,
      shortID: wish.shortID,
      store: wish.store,
      turns: this.#turns.enter(wish.location),
      pollers: {
        raw: poller("raw", wish.rawIntervalMs),
        verified: poller("verified", wish.validationIntervalMs),
        candidate: poller("candidate", CANDIDATE_EVERY * wish.validationIntervalMs),
      },
    };
    this.#groups.set(groupKey, watched);
    return watched;
  }

  async #read(watched: Watched, which: Which, before: PairSeen | undefined, signal: AbortSignal): Promise<PairSeen> {
    const { location, turns, shortID } = watched;
    const asking = {
      ...this.#o,
      location,
      turns,
      store: () => watched.store,
    };
    const pair: Pair = { key: storeKey[which](shortID), writer: which === "raw" ? "exporter" : "holdfast" };
    try {
      return await readInTurn(asking, pair, before, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return { fact: unknown("StorageUnavailable", "the read was given up") };
    }
  }
}

const unknown = (reason: string, why: string): PairFact => ({ seen: "unknown", reason, why });

/** Every pair unknown, for one reason: no storage, no keys. */
export function nothingKnown(reason: string, why: string): SnapshotFacts {
  return { raw: unknown(reason, why), candidate: unknown(reason, why), verified: unknown(reason, why) };
}

export const problemOfAll = ({ reason, message }: Problem): SnapshotFacts => nothingKnown(reason, message);

/** The time of an export moves all the time; it is no news by itself. */
function withoutTimes(fact: PairFact): object {
  return fact.seen === "found" ? { ...fact, ageMs: 0, lastModifiedMs: 0 } : fact;
}
