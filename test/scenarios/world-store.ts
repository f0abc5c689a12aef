// The store of the simulated world, its exporter, and what a control plane can hold.

import type { PairFact, SnapshotFacts } from "../../operator/domain/facts/outside.ts";
import type { Step } from "../../operator/domain/plan.ts";
import { short } from "../../operator/domain/values/digest.ts";
import type { WorldState } from "./world-state.ts";

export interface Content {
  digest: string;
  counts: Record<string, number>;
  /** Whose it is, as the export itself names it. */
  gatewayGroup?: string;
}
export const content = (digest: string, routes = 40): Content => ({
  digest: `sha256:${digest.padEnd(64, "0")}`,
  counts: { routes, upstreams: 5, services: 5 },
});

export class WorldStore {
  readonly #world: WorldState;
  #lastExportMs = 0;
  #verifiedAtMs: number | undefined;

  constructor(world: WorldState) {
    this.#world = world;
  }

  export(): void {
    const { nowMs, objects, storeUp, spec, exporterKey, held } = this.#world;
    const runs = objects.has("Deployment/edge-backup") && this.#world.answersGateways() && storeUp;
    if (!runs || nowMs - this.#lastExportMs < spec.backup.exportIntervalSeconds * 1000) return;
    this.#lastExportMs = nowMs;
    if (exporterKey === "verified") this.#putVerified(held);
    else this.#world.raw = { content: held, atMs: nowMs };
  }

  copy(step: Extract<Step, { do: "copySnapshot" }>): void {
    const { raw, candidate, verified, generations, nowMs, storeUp } = this.#world;
    const kept = generations.get(short(step.digest))?.content;
    const from = { raw: raw?.content, candidate, verified, generation: kept }[step.from];
    if (!from || from.digest !== step.digest || !storeUp) return;
    if (step.to === "verified") this.#putVerified(from);
    else if (step.to === "generation") generations.set(short(step.digest), { content: from, atMs: nowMs });
    else this.#world.candidate = from;
  }

  pairs(): SnapshotFacts {
    const { nowMs, raw, candidate, verified, generations, storeUp } = this.#world;
    const kept = [...generations].map(([digest, { atMs }]) => ({ digest, lastModifiedMs: atMs }));
    return {
      raw: this.#pair(raw?.content, raw?.atMs ?? 0),
      candidate: this.#pair(candidate, nowMs),
      verified: this.#pair(verified, this.#verifiedAtMs ?? nowMs),
      ...(storeUp ? { generations: kept.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs) } : {}),
    };
  }

  #pair(held: Content | undefined, atMs: number): PairFact {
    const { nowMs, storeUp } = this.#world;
    if (!storeUp) return { seen: "unknown", reason: "StorageUnavailable", why: "the store does not answer" };
    if (!held) return { seen: "absent" };
    return { seen: "found", ...held, problems: [], warnings: [], ageMs: nowMs - atMs, lastModifiedMs: atMs };
  }

  #putVerified(held: Content): void {
    this.#world.verified = held;
    this.#verifiedAtMs = this.#world.nowMs;
  }
}
