import { MARK } from "../../domain/desired/common.ts";
import type { KubeObject, Overridden } from "../../domain/facts/cluster.ts";
import type { Clock } from "../../kube/clock.ts";
import type { Memory, Sessions } from "../../session.ts";

/** Whoever changes our objects may be gone by then. */
const TRY_AGAIN_MS = 3_600_000;

/**
 * Fields that the cluster changed while we wrote them: a webhook that rewrites images, for example. Writing them again
 * would change nothing, and would be done in every loop for ever.
 */
export class Overrides {
  readonly #clock: Clock;
  readonly #met: Memory<Map<string, Overridden & { atMs: number }>>;

  constructor(clock: Clock, sessions: Sessions) {
    this.#clock = clock;
    this.#met = sessions.memory();
  }

  /** `paths`: where what came back from a write is not what was meant; none where all is well. */
  met(groupKey: string, meant: KubeObject, uid: string, paths: readonly string[]): void {
    const { kind, metadata } = meant;
    const { name, annotations } = metadata;
    const ofGroup = this.#met.get(groupKey) ?? new Map<string, Overridden & { atMs: number }>();
    ofGroup.delete(`${kind}/${name}`);
    const appliedHash = annotations?.[MARK.appliedHash];
    const one = { kind, name, uid, appliedHash, paths, again: false, atMs: this.#clock.monotonicMs() };
    if (paths.length > 0) ofGroup.set(`${kind}/${name}`, one);
    if (ofGroup.size > 0) this.#met.set(groupKey, ofGroup);
    else this.#met.delete(groupKey);
  }

  of(groupKey: string): Overridden[] {
    const nowMs = this.#clock.monotonicMs();
    return [...(this.#met.get(groupKey)?.values() ?? [])].map(({ atMs, ...one }) => ({
      ...one,
      again: nowMs - atMs >= TRY_AGAIN_MS,
    }));
  }
}
