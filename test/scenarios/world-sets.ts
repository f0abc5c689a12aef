// The Deployment controller of the simulated world: one ReplicaSet per template, rolled as with maxUnavailable 0.
import { isDeepStrictEqual } from "node:util";
import type { KubeTemplate, ReplicaSetFact } from "../../operator/domain/facts/cluster.ts";
import { textAt } from "../../operator/domain/values/json.ts";
import type { WorldPod } from "./world-pods.ts";
import type { WorldState } from "./world-state.ts";

export interface WorldSet {
  hash: string;
  revision: number;
  template: KubeTemplate;
  wanted: number;
}

export class WorldSets {
  readonly #world: WorldState;
  #sets: WorldSet[] = [];

  constructor(world: WorldState) {
    this.#world = world;
  }

  /** Newest first. */
  all(): WorldSet[] {
    this.#follow();
    return [...this.#sets].sort((a, b) => b.revision - a.revision);
  }

  facts(): ReplicaSetFact[] {
    return this.all().map(({ hash, revision, template, wanted }, index) => ({
      name: `edge-${hash}`,
      uid: `uid-${hash}`,
      templateHash: hash,
      revision,
      replicas: index === 0 && this.#isAlone() ? (this.#world.replicas ?? 0) : wanted,
      proofKey: proofKeyOf(template),
      template,
    }));
  }

  /** How many pods of each template there are to be, of `limit` in all. */
  plan(limit: number): readonly WorldSet[] {
    const [newest, ...older] = this.all();
    if (!newest) return [];
    const wanted = this.#world.replicas ?? 0;
    if (this.#isAlone()) newest.wanted = limit;
    else if (!this.#world.paused) this.#roll(newest, older, wanted);
    return this.all();
  }

  /** First the new ones, as many as the surge allows; then the old ones, those first that do not serve. */
  #roll(newest: WorldSet, older: readonly WorldSet[], wanted: number): void {
    const surge = this.#world.surgePossible ? Math.max(1, Math.ceil(wanted / 4)) : 0;
    const old = older.reduce((sum, set) => sum + set.wanted, 0);
    newest.wanted = Math.max(newest.wanted, Math.min(wanted, wanted + surge - old));
    const ready = (set: WorldSet) => this.podsOf(set).filter((pod) => pod.ready).length;
    let spare = newest.wanted + old - wanted - (newest.wanted - ready(newest));
    for (const set of older) {
      const broken = Math.min(spare, Math.max(0, set.wanted - ready(set)));
      set.wanted -= Math.max(0, broken);
      spare -= Math.max(0, broken);
    }
    spare = Math.min(spare, this.all().reduce((sum, set) => sum + ready(set), 0) - wanted);
    for (const set of older) {
      const gone = Math.max(0, Math.min(spare, set.wanted));
      set.wanted -= gone;
      spare -= gone;
    }
  }

  podsOf({ hash }: WorldSet): WorldPod[] {
    return this.#world.pods.filter((pod) => !pod.deleting && pod.templateHash === hash);
  }

  #isAlone(): boolean {
    const newest = this.#newest();
    return this.#sets.every((set) => set === newest || set.wanted === 0);
  }
  #newest(): WorldSet | undefined {
    return this.#sets.toSorted((a, b) => b.revision - a.revision)[0];
  }
  /** The template of the Deployment has a set of its own: a new one, or the one that had it before. */
  #follow(): void {
    const deployment = this.#world.objects.get("Deployment/edge");
    const template = (deployment?.["spec"] as { template: KubeTemplate } | undefined)?.template;
    if (template === undefined || isDeepStrictEqual(this.#newest()?.template, template)) return;
    const revision = (this.#newest()?.revision ?? 0) + 1;
    const before = this.#sets.find((set) => isDeepStrictEqual(set.template, template));
    if (before) before.revision = revision;
    else this.#sets.push({ hash: `h${this.#sets.length + 1}`, revision, template, wanted: 0 });
  }
}

export const proofKeyOf = (template: KubeTemplate): string =>
  textAt(template, "metadata", "annotations", "holdfast.dev/proof-key") ?? "";
