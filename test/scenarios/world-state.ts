// What is the case in the simulated world. Tests set it; the parts beside this file bring it forward.
import type { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { decide } from "../../operator/domain/decide.ts";
import { configMapOf } from "../../operator/domain/desired/live.ts";
import { emptyMemory, type GroupMemory } from "../../operator/domain/evidence/memory.ts";
import type { KubeObject } from "../../operator/domain/facts/cluster.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { type JsonObject, named, objectsAt, textAt } from "../../operator/domain/values/json.ts";
import type { WorldHelper } from "./world-helpers.ts";
import type { WorldPod } from "./world-pods.ts";
import { groupSpec } from "./world-spec.ts";
import { type Content, content } from "./world-store.ts";

export const START_MS = Date.parse("2026-01-01T00:00:00Z");

export class WorldState {
  nowMs = START_MS;
  spec: GatewayGroupSpec;
  annotations: Record<string, string> = {};
  /** Whose spec.traffic.replicas it is: a drop by more than half is held unless it came through the scale subresource. */
  replicasSetBy: "scale" | "other" = "scale";
  generation = 1;
  status: GatewayGroupStatus = { observedGeneration: -1 };
  memory: GroupMemory = emptyMemory();
  /** Who decides: something else only to see that what it does wrong is noticed. */
  decides = decide;
  controlPlane: "up" | "down" | "databaseDown" | "slow" | "operatorCutOff" | "gatewaysCutOff" = "up";
  operatorUp = true;
  /**
   * What gateways say of a lost control plane: at once that it is gone; nothing; for 10 s, or for 25 s, that it is there still,
   * and then that it is gone (refused), or nothing (hung).
   */
  votes: "vendor" | "silent" | "refused" | "hung" = "vendor";
  storeUp = true;
  surgePossible = true;
  paused = false;
  /** Images that no registry has. */
  unpullable = new Set<string>();
  /** Names of rendered reader configurations that lead nowhere: the storage was wrong when they were made. */
  misled = new Set<string>();
  held: Content = content("a1"); // what the control plane holds
  /** Counted is what the last plan asked for, and what can be seen from the operator's place. */
  wantsCounts = false;
  raw: { content: Content; atMs: number } | undefined;
  candidate: Content | undefined;
  verified: Content | undefined;
  /** Kept copies of verified pairs, by what their keys show of the digest. */
  generations = new Map<string, { content: Content; atMs: number }>();
  /** An exporter that does not take the key from its environment overwrites the verified pair. */
  exporterKey: "raw" | "verified" = "raw";
  objects = new Map<string, KubeObject>();
  pods: WorldPod[] = [];
  helpers: WorldHelper[] = [];
  replicas: number | undefined;
  rehearsalFails = false;
  /** Pods of this source answer the route check with another status than expected. */
  checkFails: "normal" | "fallback" | undefined;
  modes: string[] = [];
  transcript: string[] = [];
  broken: string[] = [];
  minServing = Number.POSITIVE_INFINITY;
  watching = false;
  /**
   * One for each plan that has steps: the operator dies after so many of them, its memory and the status that it meant
   * to write with it; undefined: it lives.
   */
  deaths: (number | undefined)[] = [];
  /** The pods are seen as they were a loop ago. */
  podsLate = false;
  /** What is seen otherwise than this world would have it: mistakes in the input, groups beside this one. */
  otherwise: Partial<Pick<Facts, "rendered" | "storage" | "snapshot" | "peers" | "secrets">> = {};

  constructor(spec: object = {}) {
    this.spec = groupSpec(spec);
  }

  get mode(): string {
    return this.status.mode ?? "none";
  }
  serving(): WorldPod[] {
    return this.pods.filter((pod) => pod.ready && !pod.deleting);
  }
  from(source: "normal" | "fallback"): number {
    return this.serving().filter((pod) => pod.source === source).length;
  }
  condition(type: string) {
    return this.status.conditions?.find((condition) => condition.type === type);
  }
  answersGateways(): boolean {
    return this.controlPlane === "up" || this.controlPlane === "slow" || this.controlPlane === "operatorCutOff";
  }
  /** A canary asks whom its own configuration names. */
  answersCanary(_canary: KubeObject): boolean {
    return this.answersGateways();
  }
  startsImageOf(template: unknown): boolean {
    const gateway = named(objectsAt(template, "spec", "containers"), "gateway");
    return !this.unpullable.has(textAt(gateway, "image") ?? "");
  }
  loadsFrom(template: JsonObject): boolean {
    return !this.misled.has(configMapOf(template, "fallback") ?? "");
  }
  hasReaderKeys(): boolean {
    return this.otherwise.secrets?.reader.seen !== "absent";
  }
  clock(): string {
    return `${String(Math.round((this.nowMs - START_MS) / 1000)).padStart(5)} s`;
  }
}
