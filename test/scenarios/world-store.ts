// The store of the simulated world, its exporter, and what a control plane can hold.
import type { PairFact } from "../../operator/domain/facts-outside.ts";
import type { Step } from "../../operator/domain/plan.ts";
import type { WorldState } from "./world-state.ts";

export interface Content {
  digest: string;
  counts: Record<string, number>;
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
    const from = step.from === "raw" ? this.#world.raw?.content : this.#world.candidate;
    if (!from || from.digest !== step.digest || !this.#world.storeUp) return;
    if (step.to === "verified") this.#putVerified(from);
    else this.#world.candidate = from;
  }

  pairs(): { raw: PairFact; candidate: PairFact; verified: PairFact } {
    const { nowMs, raw, candidate, verified } = this.#world;
    return {
      raw: this.#pair(raw?.content, raw?.atMs ?? 0),
      candidate: this.#pair(candidate, nowMs),
      verified: this.#pair(verified, this.#verifiedAtMs ?? nowMs),
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
