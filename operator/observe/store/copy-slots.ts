import type { Clock } from "../../kube/clock.ts";
import type { Sessions } from "../../session.ts";

/** Copies under way at a time over all groups. */
const AT_A_TIME = 2;
/** A store with a copy under way for so long is slow: it gets no second one, and keeps nobody else's groups waiting. */
const SLOW_AFTER_MS = 5_000;

export interface CopyTurnsOptions {
  clock: Clock;
  sessions: Sessions;
  /** Loops that there are. One is always left for all that is no copy, if there is more than one. */
  workers: number;
  /** It is this group's turn now, which waited for it. */
  wake: (groupKey: string) => void;
}

/**
 * A loop stands still while it copies, up to 50 s where a store is slow. Did all of them, the evidence of every other
 * group would get gaps, and its flip would come late by minutes.
 */
export class CopyTurns {
  readonly #o: CopyTurnsOptions;
  readonly #atATime: number;
  readonly #underWay = new Map<string, { location: string; sinceMs: number }>();
  /** By group, the place of its store; in order of arrival. */
  readonly #waiting = new Map<string, string>();

  constructor(options: CopyTurnsOptions) {
    this.#o = options;
    this.#atATime = Math.max(1, Math.min(AT_A_TIME, options.workers - 1));
    options.sessions.onDrop((groupKey) => this.#waiting.delete(groupKey));
  }

  /** False: the group waits, and is woken when it is its turn. True is followed by one `ended`. */
  begin(groupKey: string, location: string): boolean {
    if (!this.#isFree(location)) {
      this.#waiting.set(groupKey, location);
      return false;
    }
    this.#waiting.delete(groupKey);
    this.#underWay.set(groupKey, { location, sinceMs: this.#o.clock.monotonicMs() });
    return true;
  }

  ended(groupKey: string): void {
    this.#underWay.delete(groupKey);
    // Each that is woken may take one of the places; one that wants none any more leaves it to the next that looks.
    let free = this.#atATime - this.#underWay.size;
    for (const [waiting, location] of [...this.#waiting]) {
      if (free === 0) return;
      if (!this.#isFree(location)) continue;
      free -= 1;
      this.#waiting.delete(waiting);
      this.#o.wake(waiting);
    }
  }

  /** It waits, and there is still no place for it. */
  isWaiting(groupKey: string): boolean {
    const location = this.#waiting.get(groupKey);
    return location !== undefined && !this.#isFree(location);
  }

  #isFree(location: string): boolean {
    if (this.#underWay.size >= this.#atATime) return false;
    const slowSinceMs = this.#o.clock.monotonicMs() - SLOW_AFTER_MS;
    return ![...this.#underWay.values()].some((copy) => copy.location === location && copy.sinceMs <= slowSinceMs);
  }
}
