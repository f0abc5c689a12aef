import type { Inspect } from "../../gateway/api7/inspect.ts";
import { type Clock, deadline, sleep } from "../../kube/clock.ts";
import type { Urgent } from "../../kube/slots.ts";
import type { SnapshotStore } from "../../storage/store.ts";
import { LARGE_TURN_MS, type LargeTurns, SMALL_BYTES } from "./large-slots.ts";
import { type Pair, type PairSeen, type Pause, readPair, readSmallPair } from "./snapshot-pair.ts";
import type { TurnsOfStore } from "./store-slots.ts";

export interface Asking {
  clock: Clock;
  large: LargeTurns;
  location: string;
  turns: TurnsOfStore;
  /** The one with the newest keys, when the turn comes. */
  store: () => SnapshotStore;
  inspect: Inspect;
  /** Before others that wait for the same store. */
  urgent: Urgent;
  /** Since when the store is asked; undefined while it is not. */
  asked: (sinceMs: number | undefined) => void;
}

/** Reads a pair when it is its turn; a large one when it is the turn of that, too. Rejects when `signal` aborts before. */
export async function readInTurn(
  asking: Asking,
  pair: Pair,
  before: PairSeen | undefined,
  signal: AbortSignal,
): Promise<PairSeen> {
  const { large, turns, location, store, inspect } = asking;
  const turnEnds = await turns.take(signal, asking.urgent);
  const seen = await ask(asking, (pause) =>
    readSmallPair({ store: store(), inspect }, pair, SMALL_BYTES, before, pause, signal),
  ).finally(turnEnds);
  if (seen !== "large") return seen;
  const largeTurnEnds = await large.take(location, signal, asking.urgent);
  return await ask(asking, (pause) => readLargePair(asking, pair, before, pause, signal)).finally(largeTurnEnds);
}

async function ask<T extends PairSeen | "large">(
  { clock, turns, asked }: Asking,
  question: (pause: Pause) => Promise<T>,
): Promise<T> {
  asked(clock.monotonicMs());
  try {
    return await turns.ask(() => question((ms, stop) => sleep(clock, ms, stop)), isAnswer);
  } finally {
    asked(undefined);
  }
}

/** Of a store that refuses, something is known. */
const isAnswer = (seen: PairSeen | "large"): boolean =>
  seen === "large" || seen.fact.seen !== "unknown" || seen.fact.reason !== "StorageUnavailable";

const TOO_SLOW = `the store is too slow: the snapshot was not there after ${LARGE_TURN_MS / 1000} s`;

async function readLargePair(
  { clock, store, inspect }: Asking,
  pair: Pair,
  before: PairSeen | undefined,
  pause: Pause,
  signal: AbortSignal,
): Promise<PairSeen> {
  const limit = deadline(clock, LARGE_TURN_MS, signal);
  try {
    const seen = await readPair({ store: store(), inspect }, pair, before, pause, limit.signal);
    // Its bodies may have come in time, and their inspection ended late.
    return limit.expired() && seen.fact.seen === "unknown"
      ? { fact: { seen: "unknown", reason: "StorageUnavailable", why: TOO_SLOW } }
      : seen;
  } finally {
    limit.release();
  }
}
