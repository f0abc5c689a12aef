import { CONTROL_PLANE_KINDS } from "../../gateway/api7/facts.ts";
import type { countKinds } from "../../gateway/api7/probe.ts";
import type { Clock } from "../../kube/clock.ts";
import { Poller } from "../poller.ts";

export type Counts = Readonly<Record<string, number>>;

export interface CounterOptions {
  clock: Clock;
  intervalMs: number;
  /** One that is not there is not counted. */
  isAnswering: () => boolean;
  count: (signal: AbortSignal) => ReturnType<typeof countKinds>;
  onChange: () => void;
  onBug: (error: unknown) => void;
}

interface Count {
  /** Absent where there was nobody to ask, or a kind could not be counted. */
  counts?: Counts;
  startMs: number;
}

export const COUNT_TIMEOUT_MS = 5_000;
/** One kind after the other, each within its limit. */
const ROUND_MS = CONTROL_PLANE_KINDS.length * COUNT_TIMEOUT_MS;
const FRESH_INTERVALS = 3;
const NO_OBJECTS = Object.fromEntries(CONTROL_PLANE_KINDS.map((kind) => [kind, 0]));

/**
 * Counts a control plane's objects beside its probes and at its own pace: one that is slow takes a minute for it, and
 * whether it is there must not wait for what it holds.
 */
export class Counter {
  readonly #clock: Clock;
  readonly #poller: Poller<Count>;

  constructor({ clock, intervalMs, isAnswering, count, onChange, onBug }: CounterOptions) {
    this.#clock = clock;
    this.#poller = new Poller<Count>({
      clock,
      intervalMs,
      ask: async (signal) => {
        const startMs = clock.monotonicMs();
        const counted = isAnswering() ? await count(signal) : undefined;
        // A kind that was asked for and has nothing is 0, and not unknown: an emptied control plane must be seen as such.
        return counted && "counts" in counted ? { startMs, counts: { ...NO_OBJECTS, ...counted.counts } } : { startMs };
      },
      same: (a, b) => JSON.stringify(a.counts) === JSON.stringify(b.counts),
      onChange,
      onBug,
    });
  }

  setInterval(intervalMs: number): void {
    this.#poller.setInterval(intervalMs);
  }

  again(): void {
    this.#poller.again();
  }

  stop(): void {
    this.#poller.stop();
  }

  /** The latest counts; undefined when they are too old, or were begun before that moment. */
  counts(sinceMs: number): Counts | undefined {
    const latest = this.#poller.latest();
    if (!latest || latest.value.startMs <= sinceMs) return undefined;
    const ageMs = this.#clock.monotonicMs() - latest.atMs;
    return ageMs > FRESH_INTERVALS * this.#poller.intervalMs + ROUND_MS ? undefined : latest.value.counts;
  }
}
