import type { Step } from "./domain/plan.ts";
import type { Clock } from "./kube/clock.ts";
import type { Log } from "./log.ts";
import type { Memory, Sessions } from "./session.ts";

const REPEAT_AFTER_MS = 5 * 60_000;

/** Steps that fail again and again are told once, and then now and then: a log that repeats itself is not read. */
export class Troubles {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #told: Memory<Map<string, { text: string; atMs: number }>>;

  constructor(clock: Clock, log: Log, sessions: Sessions) {
    this.#clock = clock;
    this.#log = log;
    this.#told = sessions.memory();
  }

  met(groupKey: string, step: Step, error: unknown): void {
    const what = describe(step);
    const text = error instanceof Error ? error.message : String(error);
    const nowMs = this.#clock.monotonicMs();
    const ofGroup = this.#told.get(groupKey) ?? new Map<string, { text: string; atMs: number }>();
    const last = ofGroup.get(what);
    if (last?.text === text && nowMs - last.atMs < REPEAT_AFTER_MS) return;
    ofGroup.set(what, { text, atMs: nowMs });
    this.#told.set(groupKey, ofGroup);
    this.#log.warn("step not carried out", { group: groupKey, step: what, why: step.why, error });
  }
}

/** Kind of step and kind of object: throw-away pods have a new name each time. */
const describe = (step: Step): string =>
  step.do === "apply" || step.do === "create" ? `${step.do} ${step.object.kind}` : step.do;
