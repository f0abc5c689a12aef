import { emptyMemory } from "../../operator/domain/evidence/memory.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { brokenInvariants } from "../../operator/domain/laws/invariants.ts";
import type { Plan } from "../../operator/domain/plan.ts";
import { WorldCluster } from "./world-cluster.ts";
import { factsOf } from "./world-facts.ts";
import { advanceHelpers } from "./world-helpers.ts";
import { type WorldPod, WorldPods } from "./world-pods.ts";
import { WorldSight } from "./world-sight.ts";
import { quickly } from "./world-spec.ts";
import { WorldState } from "./world-state.ts";
import { WorldStore } from "./world-store.ts";

export { storageSpec } from "./world-spec.ts";
export { START_MS } from "./world-state.ts";
export { type Content, content } from "./world-store.ts";

/**
 * A small world to decide in: one group, its pods, a control plane, a store, a Deployment controller. It obeys the
 * gateway's contract where decisions depend on it: a normal pod does not start without the control plane, a reader
 * reads once at its start, a container that restarts in place keeps its configuration.
 */
export class World extends WorldState {
  #pods = new WorldPods(this);
  #store = new WorldStore(this);
  #sight = new WorldSight(this);
  #cluster = new WorldCluster(this, { pods: this.#pods, store: this.#store, sight: this.#sight });

  /** Lets time pass second by second; the operator looks when its plan said so, and at each change of pods. */
  run(seconds: number): this {
    for (let i = 0; i < seconds * 2; i += 1) {
      this.nowMs += 500;
      this.#pods.advance();
      advanceHelpers(this);
      this.#store.export();
      if (this.operatorUp) this.loop();
      if (this.watching) this.minServing = Math.min(this.minServing, this.serving().length);
    }
    return this;
  }

  until(what: () => boolean, seconds: number): this {
    for (let i = 0; i < seconds && !what(); i += 1) this.run(1);
    return this;
  }

  /** The watch of pods tells nothing any more; single calls go through. */
  goBlind(): this {
    this.#sight.goBlind();
    return this;
  }
  seeAgain(): this {
    this.#sight.seeAgain();
    return this;
  }

  /** Throws when a plan breaks a law: no story can miss it, whatever it asks for itself. Nothing is carried out then. */
  loop(): Plan | undefined {
    if (this.#sight.isBehind()) return undefined;
    const facts = this.facts();
    const { plan, memory } = this.decides(facts, this.memory);
    this.broken.push(...brokenInvariants(facts, plan).map((law) => `${this.clock()} ${law}`));
    if (this.broken.length > 0) throw new Error(`A law is broken: ${this.broken.join("; ")}`);
    this.memory = memory;
    this.wantsCounts = plan.wants.controlPlaneCounts;
    const death = plan.steps.length > 0 ? this.deaths.shift() : undefined;
    if (!plan.recordsMode) for (const step of plan.steps.slice(0, death)) this.#cluster.carryOut(step);
    if (death !== undefined) {
      this.memory = emptyMemory();
      return plan;
    }
    if (plan.recordsMode) {
      this.modes.push(`${plan.status.mode}`);
      this.transcript.push(`${this.clock()} ${this.mode} -> ${plan.status.mode} (${plan.status.modeReason})`);
    }
    this.status = structuredClone(plan.status);
    return plan;
  }

  operatorRestarts(): this {
    this.memory = emptyMemory();
    this.wantsCounts = false;
    return this;
  }

  facts(): Facts {
    return factsOf(this, { sight: this.#sight, cluster: this.#cluster, store: this.#store });
  }

  kill(pod: WorldPod): void {
    this.#pods.kill(pod);
  }
}

/** A world in which the group serves and its snapshot is proven. */
export function provenWorld(spec: object = {}): World {
  const world = new World(quickly(spec));
  world.until(
    () => world.status.fallbackReady === "Proven" && world.serving().length === world.spec.traffic.replicas,
    120,
  );
  world.run(5);
  world.transcript = [];
  world.modes = [];
  world.watching = true;
  return world;
}
