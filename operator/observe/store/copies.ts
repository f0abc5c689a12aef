import type { CopyingFact } from "../../domain/facts/outside.ts";
import type { Clock } from "../../kube/clock.ts";
import type { Memory } from "../../session.ts";
import { StorageError } from "../../storage/faults.ts";
import { CopyTurns, type CopyTurnsOptions } from "./copy-slots.ts";
import { storageProblem } from "./faults.ts";
import type { SnapshotReader } from "./snapshot.ts";

interface Failing {
  failures: number;
  nextMs: number;
  problem?: CopyingFact["problem"];
}

const PAUSE_MS = 5_000;
const PAUSE_MAX_MS = 300_000;
/** One copy that failed is no news: an object may have changed, a connection may have broken. */
const TOLD_FROM = 2;
/** A copy that was due and was not tried for so long is wanted no more. */
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * Copies within the store, per group: whose turn it is, and which failed. Each try takes the loop's time, so the next one
 * of a group that failed waits longer; one that only waits for its turn does not.
 */
export class Copies {
  readonly turns: CopyTurns;
  readonly #clock: Clock;
  readonly #failing: Memory<Failing>;

  constructor(options: CopyTurnsOptions) {
    this.turns = new CopyTurns(options);
    this.#clock = options.clock;
    this.#failing = options.sessions.memory();
  }

  made(groupKey: string): void {
    this.#failing.delete(groupKey);
  }

  /**
   * `error`: none where the objects were not as they had been decided on. `half`: what stands under the target is no
   * pair now, and nothing can start from it: the next try comes soon.
   */
  failed(groupKey: string, half: boolean, error?: unknown): void {
    const { failures = 0, problem } = this.#failing.get(groupKey) ?? {};
    const pauseMs = half ? PAUSE_MS : Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** Math.min(failures, 10));
    const met = error instanceof StorageError ? storageProblem(error) : problem;
    this.#failing.set(groupKey, {
      failures: error === undefined ? failures : failures + 1,
      nextMs: this.#clock.monotonicMs() + pauseMs,
      ...(met === undefined ? {} : { problem: met }),
    });
  }

  of(groupKey: string): CopyingFact | undefined {
    const waits = this.turns.isWaiting(groupKey);
    const failing = this.#failingOf(groupKey);
    if (!failing) return waits ? { paused: true } : undefined;
    const { failures, nextMs, problem } = failing;
    const paused = waits || this.#clock.monotonicMs() < nextMs;
    return failures >= TOLD_FROM && problem ? { paused, problem } : { paused };
  }

  #failingOf(groupKey: string): Failing | undefined {
    const failing = this.#failing.get(groupKey);
    if (!failing || this.#clock.monotonicMs() <= failing.nextMs + FORGOTTEN_AFTER_MS) return failing;
    this.#failing.delete(groupKey);
    return undefined;
  }
}

/** What was copied last was not read yet: its pairs look as if that copy was still to be made, and it would be made again. */
export function copyingOf(
  { copies, snapshots }: { copies: Copies; snapshots: Pick<SnapshotReader, "isBehind"> },
  groupKey: string,
): CopyingFact | undefined {
  const copying = copies.of(groupKey);
  return snapshots.isBehind(groupKey) ? { ...copying, paused: true } : copying;
}
