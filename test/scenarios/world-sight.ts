// What the operator of the simulated world sees of pods: as they are, as they were a loop ago, or as its watch left them.
import type { HelperPodFact, PodFact } from "../../operator/domain/facts/cluster.ts";
import { BEHIND_MAX_MS } from "../../operator/kube/store.ts";
import type { WorldState } from "./world-state.ts";

export class WorldSight {
  readonly #world: WorldState;
  #podsBefore: PodFact[] = [];
  #blind: { sinceMs: number; pods: PodFact[]; helpers: HelperPodFact[]; wroteMs?: number } | undefined;

  constructor(world: WorldState) {
    this.#world = world;
  }

  goBlind(): void {
    const { nowMs, helpers } = this.#world;
    this.#blind = { sinceMs: nowMs, ...structuredClone({ pods: this.pods(), helpers }) };
  }
  seeAgain(): void {
    this.#blind = undefined;
  }

  /** A pod was written, of which a watch that is blind shows nothing. */
  wrote(): void {
    if (this.#blind) this.#blind.wroteMs ??= this.#world.nowMs;
  }

  /** As Store.isBehind: a write of its own that it does not see is waited for, and then it is known to be blind. */
  isBehind(): boolean {
    const { wroteMs } = this.#blind ?? {};
    return wroteMs !== undefined && this.#world.nowMs - wroteMs < BEHIND_MAX_MS;
  }

  staleForMs(): number {
    const { nowMs } = this.#world;
    return nowMs - (this.#blind?.sinceMs ?? nowMs);
  }

  pods(): PodFact[] {
    const world = this.#world;
    // Gateways are asked directly: their votes are of now, also of those that are seen as they were.
    const vote = (uid: string) => world.pods.find((pod) => pod.uid === uid)?.vote ?? "unknown";
    if (this.#blind) return this.#blind.pods.map((pod) => ({ ...pod, vote: vote(pod.uid) }));
    const now = world.pods.map((pod) => ({
      ...pod,
      ...(pod.source === world.checkFails ? { check: "fail" as const } : {}),
    }));
    const before = this.#podsBefore;
    this.#podsBefore = now;
    return world.podsLate ? before : now;
  }

  helpers(): HelperPodFact[] {
    return (this.#blind ?? this.#world).helpers.map((pod) => ({ ...pod }));
  }
}
