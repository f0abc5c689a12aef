import { createHash } from "node:crypto";
import { controlPlaneAt } from "../domain/endpoint.ts";
import type { ControlPlaneFacts } from "../domain/facts-outside.ts";
import { type Census, census } from "./census.ts";
import type { ProbeWish } from "./probe-wish.ts";
import { Probed, type ProberOptions, UNKNOWN } from "./probed.ts";

/** One prober per distinct control plane, name and certificate, however many groups look at it. */
export class ProberPool {
  readonly #o: ProberOptions;
  readonly #probed = new Map<string, Probed>();
  readonly #ofGroup = new Map<string, string>();

  constructor(options: ProberOptions) {
    this.#o = options;
  }

  /** What this group wants to be probed from now on. */
  want(groupKey: string, wish: ProbeWish): void {
    const id = idOf(wish);
    if (this.#ofGroup.get(groupKey) !== id) this.drop(groupKey);
    this.#ofGroup.set(groupKey, id);
    const probed = this.#probed.get(id) ?? new Probed(this.#o, wish);
    this.#probed.set(id, probed);
    probed.want(groupKey, wish);
  }

  /** What it wants to be probed now; undefined while it is new here. */
  wishOf(groupKey: string): ProbeWish | undefined {
    return this.#of(groupKey)?.wishOf(groupKey);
  }

  drop(groupKey: string): void {
    const id = this.#ofGroup.get(groupKey);
    if (id === undefined) return;
    this.#ofGroup.delete(groupKey);
    if (this.#probed.get(id)?.drop(groupKey)) this.#probed.delete(id);
  }

  /** What was seen last; undefined while the first question is under way and worth waiting for. */
  facts(groupKey: string): ControlPlaneFacts | undefined {
    const probed = this.#of(groupKey);
    if (!probed) return { operator: UNKNOWN("it is not probed") };
    if (probed.isAwaited()) return undefined;
    const counts = probed.counts();
    return { operator: probed.view(), ...(counts ? { counts } : {}) };
  }

  /** How many control planes are lost at the same time as this group's, of those that can be compared with it. */
  census(groupKey: string): Census {
    const sights = [...this.#probed.values()].flatMap((probed) => probed.watched() ?? []);
    return census(sights, this.#of(groupKey)?.controlPlane, this.#o.clock.monotonicMs());
  }

  stop(): void {
    for (const probed of this.#probed.values()) probed.stop();
    this.#probed.clear();
    this.#ofGroup.clear();
  }

  #of(groupKey: string): Probed | undefined {
    return this.#probed.get(this.#ofGroup.get(groupKey) ?? "");
  }
}

function idOf({ endpoint, serverName, tls }: ProbeWish): string {
  return createHash("sha256")
    .update(JSON.stringify([controlPlaneAt(endpoint), serverName, tls]))
    .digest("base64url");
}
