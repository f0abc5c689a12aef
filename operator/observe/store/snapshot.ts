import { storeKey } from "../../api/names.ts";
import type { PairFact, SnapshotFacts } from "../../domain/facts/outside.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import type { Inspect } from "../../gateway/api7/inspect.ts";
import type { Clock } from "../../kube/clock.ts";
import type { Memory, Sessions } from "../../session.ts";
import type { SnapshotStore } from "../../storage/store.ts";
import { Poller } from "../poller.ts";
import { type Beside, type Mark, readBeside } from "./beside.ts";
import type { LargeTurns } from "./large-slots.ts";
import type { Pair, PairSeen } from "./snapshot-pair.ts";
import { readInTurn } from "./snapshot-slot.ts";
import { StoreTurns, type TurnsOfStore } from "./store-slots.ts";

const PAIRS = ["raw", "candidate", "verified"] as const satisfies (keyof SnapshotFacts)[];
type Which = (typeof PAIRS)[number];
/** What is asked for in the background: each pair, and what lies beside them. */
const ASKED = [...PAIRS, "beside"] as const;
type Asked = (typeof ASKED)[number];

export interface SnapshotWish {
  store: SnapshotStore;
  /** Where the store points: other pollers begin when it changes. */
  location: string;
  shortID: string;
  rawIntervalMs: number;
  validationIntervalMs: number;
  /** The keys are another owner's, by what was seen last. */
  isAnothers?: boolean;
}

export interface SnapshotReaderOptions {
  clock: Clock;
  sessions: Sessions;
  large: LargeTurns;
  inspect: Inspect;
  wake: (groupKey: string) => void;
  onBug: (error: unknown) => void;
}

interface Watched {
  location: string;
  shortID: string;
  store: SnapshotStore;
  turns: TurnsOfStore;
  /** Since when the store is asked for a pair; none while other reads come first. */
  askedMs: Map<Which, number | undefined>;
  pollers: Record<Which, Poller<PairSeen>> & { beside: Poller<Beside> };
}

const UNREAD: Mark = { seen: "unknown", reason: "StorageUnavailable", why: "it was not read yet" };

/** Only Holdfast writes candidates and copies, and it asks anew when it does: a look now and then is for what others did. */
const SELDOM = 10;
/** How long the first loop of a group waits for a store that was asked: one that hangs must not hold up all else. */
const FIRST_READ_MS = 6_000;
/** And how long for its turn, while the store answers others: after a change of leader all groups are read at once. */
const FIRST_TURN_MS = 30_000;

/** The three pairs of every group, read in the background: conditionally, each at its own pace. */
export class SnapshotReader {
  readonly #o: SnapshotReaderOptions;
  readonly #groups: Memory<Watched>;
  readonly #turns: StoreTurns;

  constructor(options: SnapshotReaderOptions) {
    this.#o = options;
    this.#turns = new StoreTurns(options.clock);
    this.#groups = options.sessions.memory(({ pollers, location }) => {
      for (const one of ASKED) pollers[one].stop();
      this.#turns.leave(location);
    });
  }

  want(groupKey: string, wish: SnapshotWish): void {
    const known = this.#groups.get(groupKey);
    if (known && (known.location !== wish.location || known.shortID !== wish.shortID)) this.unwant(groupKey);
    const watched = this.#groups.get(groupKey) ?? this.#start(groupKey, wish);
    if (watched.store !== wish.store) {
      watched.store = wish.store; // other keys, perhaps other rights
      this.again(groupKey);
    }
    watched.pollers.raw.setInterval(wish.rawIntervalMs);
    watched.pollers.verified.setInterval(wish.validationIntervalMs);
    watched.pollers.candidate.setInterval(SELDOM * wish.validationIntervalMs);
    // Somebody may be about to put right whose keys these are, or the right to list the copies.
    const isListed = !watched.pollers.beside.latest()?.value.listingFails;
    const isSettled = isListed && this.mark(groupKey).seen === "somebody" && !wish.isAnothers;
    watched.pollers.beside.setInterval((isSettled ? SELDOM : 1) * wish.validationIntervalMs);
  }

  /** undefined while first reads are under way and worth waiting for. */
  facts(groupKey: string): SnapshotFacts | undefined {
    const watched = this.#groups.get(groupKey);
    if (!watched) return nothingKnown("StorageUnavailable", "the store is not read");
    const { mark: _, ...copies } = watched.pollers.beside.latest()?.value ?? { mark: UNREAD };
    const facts: Partial<SnapshotFacts> = { ...copies };
    for (const which of PAIRS) {
      const fact = this.#factOf(watched, which);
      if (!fact) return undefined;
      facts[which] = fact;
    }
    return facts as SnapshotFacts;
  }

  /** Whose keys these are; unknown until it was read. */
  mark(groupKey: string): Mark {
    return this.#groups.get(groupKey)?.pollers.beside.latest()?.value.mark ?? UNREAD;
  }

  /** Look again now: something was written, or a person changed something. */
  again(groupKey: string, which: readonly Asked[] = ASKED): void {
    const watched = this.#groups.get(groupKey);
    for (const one of which) watched?.pollers[one].again();
  }

  /** These pairs are being written, until `again`: what is read in between is of nobody's making. */
  hold(groupKey: string, which: readonly Asked[]): void {
    const watched = this.#groups.get(groupKey);
    for (const one of which) watched?.pollers[one].hold();
  }

  /** What is known of one of its pairs is of before something that was written, or asked for. */
  isBehind(groupKey: string): boolean {
    const watched = this.#groups.get(groupKey);
    return watched !== undefined && ASKED.some((one) => watched.pollers[one].isBehind());
  }

  /** There is no store to read from any more. */
  unwant(groupKey: string): void {
    this.#groups.delete(groupKey);
  }

  stop(): void {
    this.#groups.clear();
  }

  #factOf(watched: Watched, which: Which): PairFact | undefined {
    const nowMs = this.#o.clock.monotonicMs();
    const poller = watched.pollers[which];
    const latest = poller.latest();
    if (!latest) return this.#unreadOf(watched, watched.askedMs.get(which), nowMs - poller.startedMs);
    const { fact } = latest.value;
    if (fact.seen !== "found") return fact;
    return { ...fact, ageMs: fact.ageMs + Math.max(0, nowMs - latest.atMs) };
  }

  /** A store that was not asked yet is not one that does not answer; and no group waits in silence for ever. */
  #unreadOf({ turns }: Watched, askedMs: number | undefined, waitedMs: number): PairFact | undefined {
    const silentMs = askedMs === undefined ? turns.silentMs() : this.#o.clock.monotonicMs() - askedMs;
    if (silentMs >= FIRST_READ_MS) return unknown("StorageUnavailable", "the store has not answered yet");
    if (askedMs !== undefined || waitedMs < FIRST_TURN_MS) return undefined;
    return unknown("StorageUnavailable", "it was not read yet: the snapshots of many other groups are read first");
  }

  #start(groupKey: string, wish: SnapshotWish): Watched {
    const { clock, wake, onBug } = this.#o;
    const poller = (which: Which, intervalMs: number): Poller<PairSeen> => {
      const one: Poller<PairSeen> = new Poller<PairSeen>({
        clock,
        intervalMs,
        ask: (signal) => this.#read(watched, which, one, signal),
        same: (a, b) => JSON.stringify(withoutTimes(a.fact)) === JSON.stringify(withoutTimes(b.fact)),
        onChange: () => wake(groupKey),
        onBug,
      });
      return one;
    };
    const beside: Poller<Beside> = new Poller<Beside>({
      clock,
      intervalMs: SELDOM * wish.validationIntervalMs,
      ask: (signal) => this.#readBeside(watched, beside, signal),
      same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
      onChange: () => wake(groupKey),
      onBug,
    });
    const watched: Watched = {
      location: wish.location,
      shortID: wish.shortID,
      store: wish.store,
      turns: this.#turns.enter(wish.location),
      askedMs: new Map(),
      pollers: {
        verified: poller("verified", wish.validationIntervalMs),
        raw: poller("raw", wish.rawIntervalMs),
        candidate: poller("candidate", SELDOM * wish.validationIntervalMs),
        beside,
      },
    };
    this.#groups.set(groupKey, watched);
    return watched;
  }

  async #readBeside(watched: Watched, poller: Poller<Beside>, signal: AbortSignal): Promise<Beside> {
    const { turns, shortID } = watched;
    const urgent = () => poller.latest() !== undefined && poller.isBehind();
    try {
      return await readBeside(turns, () => watched.store, shortID, urgent, poller.latest()?.value, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return { mark: UNREAD };
    }
  }

  async #read(watched: Watched, which: Which, poller: Poller<PairSeen>, signal: AbortSignal): Promise<PairSeen> {
    const { location, turns, shortID } = watched;
    const before = poller.latest()?.value;
    const asking = {
      ...this.#o,
      location,
      turns,
      store: () => watched.store,
      // What a group that is new to this process could start from in an outage is known of all groups before all else.
      // So is what was just written: until then the group copies nothing.
      urgent: () => (before === undefined ? which === "verified" : poller.isBehind()),
      asked: (sinceMs: number | undefined) => void watched.askedMs.set(which, sinceMs),
    };
    const pair: Pair = { key: storeKey[which](shortID), writer: which === "raw" ? "exporter" : "holdfast" };
    try {
      return remembering(await readInTurn(asking, pair, before, signal), before);
    } catch (error) {
      if (!signal.aborted) throw error;
      return { fact: unknown("StorageUnavailable", "the read was given up") };
    }
  }
}

/** What cannot be read any more was read once: how old it was then is known. */
function remembering(seen: PairSeen, before: PairSeen | undefined): PairSeen {
  if (seen.fact.seen !== "unknown" || before === undefined || before.fact.seen === "absent") return seen;
  const { fact } = before;
  const last = fact.seen === "found" ? { digest: fact.digest, lastModifiedMs: fact.lastModifiedMs } : fact.before;
  return last === undefined ? seen : { ...seen, fact: { ...seen.fact, before: last } };
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
