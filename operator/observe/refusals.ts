import type { Children } from "../domain/facts.ts";
import type { Step } from "../domain/plan.ts";
import type { Clock } from "../kube/clock.ts";
import { isKubeError } from "../kube/errors.ts";

type Refused = NonNullable<Children["refused"]>[number];

/** A refused step comes again with every loop; one that did not come again for so long is wanted no more. */
const FORGOTTEN_AFTER_MS = 45_000;

/** Objects that the cluster refused when they were written: nobody else would ever say so to the group's owner. */
export class Refusals {
  readonly #clock: Clock;
  readonly #met = new Map<string, Map<string, Refused & { atMs: number }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  met(groupKey: string, step: Step, error: unknown): void {
    const isWrite = step.do === "apply" || step.do === "create";
    // Throw-away pods have new names each time, and what a pod is refused for is known by other ways.
    if (!isWrite || step.object.kind === "Pod" || !isKubeError(error, "Invalid", "Forbidden", "BadRequest")) return;
    const { kind, metadata } = step.object;
    const ofGroup = this.#met.get(groupKey) ?? new Map<string, Refused & { atMs: number }>();
    const { message } = error as Error;
    ofGroup.set(`${kind}/${metadata.name}`, { kind, name: metadata.name, message, atMs: this.#clock.monotonicMs() });
    this.#met.set(groupKey, ofGroup);
  }

  of(groupKey: string): Refused[] {
    const nowMs = this.#clock.monotonicMs();
    return [...(this.#met.get(groupKey)?.values() ?? [])]
      .filter(({ atMs }) => nowMs - atMs < FORGOTTEN_AFTER_MS)
      .map(({ kind, name, message }) => ({ kind, name, message }));
  }

  drop(groupKey: string): void {
    this.#met.delete(groupKey);
  }
}
