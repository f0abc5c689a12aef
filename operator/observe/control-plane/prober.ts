import { createHash } from "node:crypto";
import { controlPlaneAt } from "../../domain/evidence/endpoint.ts";
import type { ControlPlaneFacts } from "../../domain/facts/outside.ts";
import type { Memory, Sessions } from "../../session.ts";
import { type Census, census } from "./correlated-loss.ts";
import type { ProbeWish } from "./probed.ts";
import { type Losses, Probed, type ProberOptions, UNKNOWN } from "./probed.ts";

/** One prober per distinct control plane, name and certificate, however many groups look at it. */
export class ProberPool {
  readonly #o: ProberOptions;
  readonly #probed = new Map<string, Probed>();
  /** Which control plane, name and certificate it looks at. */
  readonly #ofGroup: Memory<string>;
  readonly #losses: Losses = new Map();

  constructor(options: ProberOptions & { sessions: Sessions }) {
    this.#o = options;
    this.#ofGroup = options.sessions.memory((id, groupKey) => this.#leave(id, groupKey));
  }

  /** What this group wants to be probed from now on. */
  want(groupKey: string, wish: ProbeWish): void {
    const id = idOf(wish);
    // Before it leaves the former one: a control plane that is lost stays lost while its certificate is renewed.
    const probed = this.#probed.get(id) ?? new Probed(this.#o, this.#losses, wish);
    this.#probed.set(id, probed);
    probed.want(groupKey, wish);
    if (this.#ofGroup.get(groupKey) !== id) this.#ofGroup.delete(groupKey);
    this.#ofGroup.set(groupKey, id);
  }

  /** What it wants to be probed now; undefined while it is new here. */
  wishOf(groupKey: string): ProbeWish | undefined {
    return this.#of(groupKey)?.wishOf(groupKey);
  }

  #leave(id: string, groupKey: string): void {
    if (this.#probed.get(id)?.drop(groupKey)) this.#probed.delete(id);
    this.#forget();
  }

  /** What was seen last; undefined while the first question is under way and worth waiting for. */
  facts(groupKey: string): ControlPlaneFacts | undefined {
    const probed = this.#of(groupKey);
    if (!probed) return { operator: UNKNOWN("it is not probed") };
    if (probed.isAwaited()) return undefined;
    const counts = probed.counts();
    const contentSeen = probed.contentSeen();
    return { operator: probed.view(), ...(counts ? { counts } : {}), ...(contentSeen ? { contentSeen } : {}) };
  }

  /** How many control planes are lost at the same time as this group's, of those that can be compared with it. */
  census(groupKey: string): Census {
    const sights = [...this.#probed.values()].flatMap((probed) => probed.watched() ?? []);
    return census(sights, this.#of(groupKey)?.controlPlane, this.#o.clock.monotonicMs());
  }

  stop(): void {
    for (const probed of this.#probed.values()) probed.stop();
    this.#probed.clear();
    this.#losses.clear();
  }

  /** What nobody asks any more is not lost. */
  #forget(): void {
    if (this.#losses.size === 0) return;
    const asked = new Set([...this.#probed.values()].map((probed) => probed.controlPlane));
    for (const controlPlane of this.#losses.keys()) if (!asked.has(controlPlane)) this.#losses.delete(controlPlane);
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
