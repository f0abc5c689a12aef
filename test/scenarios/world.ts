import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { chooseStart, parseStart } from "../../operator/domain/choice.ts";
import { decide } from "../../operator/domain/decide.ts";
import { emptyMemory, type GroupMemory } from "../../operator/domain/evidence.ts";
import type { Facts } from "../../operator/domain/facts.ts";
import type { HelperPodFact, KubeObject, PodFact, ReplicaSetFact } from "../../operator/domain/facts-cluster.ts";
import type { PairFact } from "../../operator/domain/facts-outside.ts";
import { brokenInvariants } from "../../operator/domain/invariants.ts";
import type { Plan, Step } from "../../operator/domain/plan.ts";
import { GATEWAY_PROFILE } from "../../operator/gateway/api7-facts.ts";
import { BEHIND_MAX_MS } from "../../operator/kube/store.ts";

/**
 * A small world to decide in: one group, its pods, a control plane, a store, a Deployment controller. It obeys the
 * gateway's contract where decisions depend on it: a normal pod does not start without the control plane, a reader
 * reads once at its start, a container that restarts in place keeps its configuration.
 */
export interface Content {
  digest: string;
  counts: Record<string, number>;
}
export const content = (digest: string, routes = 40): Content => ({
  digest: `sha256:${digest.padEnd(64, "0")}`,
  counts: { routes, upstreams: 5, services: 5 },
});

interface WorldPod extends PodFact {
  becomesReadyMs: number;
  goneMs?: number;
  source: "normal" | "fallback";
}

export const START_MS = Date.parse("2026-01-01T00:00:00Z");
const POD_START_MS = 3_000;
const DRAIN_MS = 2_000;
const CRASH_EVERY_MS = 8_000;

export class World {
  nowMs = START_MS;
  spec: GatewayGroupSpec;
  annotations: Record<string, string> = {};
  generation = 1;
  status: GatewayGroupStatus = { observedGeneration: -1 };
  memory: GroupMemory = emptyMemory();
  controlPlane: "up" | "down" | "databaseDown" | "slow" | "operatorCutOff" | "gatewaysCutOff" = "up";
  operatorUp = true;
  votes: "vendor" | "silent" = "vendor";
  storeUp = true;
  surgePossible = true;
  held: Content = content("a1"); // what the control plane holds
  raw: { content: Content; atMs: number } | undefined;
  candidate: Content | undefined;
  verified: Content | undefined;
  /** An exporter that does not take the key from its environment overwrites the verified pair. */
  exporterKey: "raw" | "verified" = "raw";
  objects = new Map<string, KubeObject>();
  pods: WorldPod[] = [];
  helpers: (HelperPodFact & { endsMs: number; outcome: HelperPodFact["result"] })[] = [];
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
  otherwise: Partial<Pick<Facts, "rendered" | "storage" | "snapshot" | "peers">> = {};
  #podsBefore: PodFact[] = [];
  #blind: { sinceMs: number; pods: PodFact[]; helpers: HelperPodFact[]; wroteMs?: number } | undefined;
  #version = 1;
  #names = 1;
  #lastExportMs = 0;
  #verifiedAtMs: number | undefined;
  #lastCrashMs = 0;
  /** Since when pods are refused, as the Deployment's condition tells it. */
  #refusedSinceMs: number | undefined;

  constructor(spec: object = {}) {
    const base = {
      shortID: "edge",
      gateway: { image: "api7/api7-ee-3-gateway:3.9.13" },
      controlPlane: { endpoint: "https://dp-manager.api7.svc:7943", clientCertificateRef: { name: "cert" } },
      fallback: { storageRef: { name: "eu" } },
    };
    this.spec = GatewayGroupSpec.parse(merge(base, spec));
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

  /** Lets time pass second by second; the operator looks when its plan said so, and at each change of pods. */
  run(seconds: number): this {
    for (let i = 0; i < seconds * 2; i += 1) {
      this.nowMs += 500;
      this.#kubelet();
      this.#exporter();
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
    this.#blind = { sinceMs: this.nowMs, ...structuredClone({ pods: this.#podsSeen(), helpers: this.helpers }) };
    return this;
  }
  seeAgain(): this {
    this.#blind = undefined;
    return this;
  }
  /** As Store.isBehind: a write of its own that it does not see is waited for, and then it is known to be blind. */
  #isBehind(): boolean {
    const { wroteMs } = this.#blind ?? {};
    return wroteMs !== undefined && this.nowMs - wroteMs < BEHIND_MAX_MS;
  }

  loop(): Plan | undefined {
    if (this.#isBehind()) return undefined;
    const facts = this.facts();
    const { plan, memory } = decide(facts, this.memory);
    this.broken.push(...brokenInvariants(facts, plan).map((law) => `${this.#clock()} ${law}`));
    this.memory = memory;
    const death = plan.steps.length > 0 ? this.deaths.shift() : undefined;
    if (!plan.recordsMode) for (const step of plan.steps.slice(0, death)) this.#act(step);
    if (death !== undefined) {
      this.memory = emptyMemory();
      return plan;
    }
    if (plan.recordsMode) {
      this.modes.push(`${plan.status.mode}`);
      this.transcript.push(`${this.#clock()} ${this.mode} -> ${plan.status.mode} (${plan.status.modeReason})`);
    }
    this.status = structuredClone(plan.status);
    return plan;
  }

  operatorRestarts(): this {
    this.memory = emptyMemory();
    return this;
  }

  #clock(): string {
    return `${String(Math.round((this.nowMs - START_MS) / 1000)).padStart(5)} s`;
  }

  #answersGateways(): boolean {
    return this.controlPlane === "up" || this.controlPlane === "slow" || this.controlPlane === "operatorCutOff";
  }

  facts(): Facts {
    const { nowMs } = this;
    const view = (
      {
        up: { view: "readsOk" },
        gatewaysCutOff: { view: "readsOk" },
        databaseDown: { view: "serverError", detail: "503" },
        slow: { view: "readTimeout", detail: "8 s" },
        down: { view: "down", detail: "refused" },
        operatorCutOff: { view: "down", detail: "timeout" },
      } as const
    )[this.controlPlane];
    return {
      nowMs,
      monoMs: nowMs,
      watches: { oldest: "Pod in gateways", staleForMs: nowMs - (this.#blind?.sinceMs ?? nowMs) },
      group: {
        namespace: "gateways",
        name: "edge",
        uid: "uid-group",
        resourceVersion: "1",
        generation: this.generation,
        annotations: this.annotations,
        spec: this.spec,
        status: this.status,
        deleting: false,
        replicasSetBy: "scale",
      },
      rendered: {
        normal: "normal: 1",
        reader: "reader: 1",
        exporter: "exporter: 1",
        workers: 2,
        workersAssumed: false,
        gatewayVersion: "3.9.13",
        problems: [],
        warnings: [],
        profile: GATEWAY_PROFILE,
      },
      storage: { seen: "present", name: "eu", uid: "uid-storage", spec: storageSpec },
      secrets: {
        client: { seen: "present", name: "cert", resourceVersion: "1", keys: ["tls.crt", "tls.key", "ca.crt"] },
        writer: { seen: "present", name: "keys", resourceVersion: "1", keys: ["accessKeyId", "secretAccessKey"] },
        reader: { seen: "present", name: "keys", resourceVersion: "1", keys: ["accessKeyId", "secretAccessKey"] },
      },
      children: {
        ...(this.replicas === undefined ? {} : { traffic: this.#workload() }),
        byName: this.objects,
        strangers: [],
        configsInUse: new Set(),
      },
      pods: this.#podsSeen(),
      helpers: (this.#blind ?? this).helpers.map((pod) => ({ ...pod })),
      controlPlane: { operator: view, counts: this.held.counts },
      snapshot: {
        raw: this.#pair(this.raw?.content, this.raw?.atMs ?? 0),
        candidate: this.#pair(this.candidate, nowMs),
        verified: this.#pair(this.verified, this.#verifiedAtMs ?? nowMs),
      },
      peers: { controlPlanes: 1, controlPlanesLost: 0, moving: 0, sharing: 1, earlierWavesOpen: 0 },
      operator: { chooseImage: "localhost/holdfast:dev", version: "0.1.0" },
      ...this.otherwise,
    };
  }

  #podsSeen(): PodFact[] {
    // Gateways are asked directly: their votes are of now, also of those that are seen as they were.
    const vote = (uid: string) => this.pods.find((pod) => pod.uid === uid)?.vote ?? "unknown";
    if (this.#blind) return this.#blind.pods.map((pod) => ({ ...pod, vote: vote(pod.uid) }));
    const now = this.pods.map((pod) => ({
      ...pod,
      ...(pod.source === this.checkFails ? { check: "fail" as const } : {}),
    }));
    const before = this.#podsBefore;
    this.#podsBefore = now;
    return this.podsLate ? before : now;
  }

  #pair(held: Content | undefined, atMs: number): PairFact {
    if (!this.storeUp) return { seen: "unknown", reason: "StorageUnavailable", why: "the store does not answer" };
    if (!held) return { seen: "absent" };
    return { seen: "found", ...held, problems: [], warnings: [], ageMs: this.nowMs - atMs, lastModifiedMs: atMs };
  }

  #workload() {
    const object = this.objects.get("Deployment/edge");
    const annotations = object?.metadata.annotations ?? {};
    return {
      name: "edge",
      uid: "uid-deployment",
      resourceVersion: String(this.#version),
      replicas: this.replicas ?? 0,
      observed: true,
      annotations,
      paused: false,
      replicaSets: [this.#replicaSet()],
      ...(this.#refusedSinceMs === undefined
        ? {}
        : { failure: "exceeded quota", failureSinceMs: this.#refusedSinceMs }),
    };
  }

  #proofKey(): string {
    const spec = this.objects.get("Deployment/edge")?.["spec"] as Record<string, never> | undefined;
    return spec?.["template"]?.["metadata"]?.["annotations"]?.["holdfast.dev/proof-key"] ?? "";
  }

  #replicaSet(): ReplicaSetFact {
    const spec = this.objects.get("Deployment/edge")?.["spec"] as Record<string, unknown>;
    return {
      name: "edge-1",
      uid: "uid-rs",
      templateHash: "h1",
      revision: 1,
      replicas: this.replicas ?? 0,
      proofKey: this.#proofKey(),
      template: spec["template"] as Record<string, unknown>,
    };
  }

  #act(step: Step): void {
    this.#version += 1;
    switch (step.do) {
      case "apply":
      case "create":
        this.#put(step.object);
        return;
      case "scale":
        if (step.live && this.#staying(step.live.staying) < step.live.minServingAfter) return; // as act/live-read.ts
        this.transcript.push(`${this.#clock()} replicas ${step.from} -> ${step.to}: ${step.why}`);
        this.replicas = step.to;
        return;
      case "deletePod": {
        this.transcript.push(`${this.#clock()} a pod is deleted: ${step.why}`);
        const pod = this.pods.find((other) => other.uid === step.uid);
        if (pod) this.kill(pod);
        return;
      }
      case "markPod": {
        const pod = this.pods.find((other) => other.uid === step.uid);
        if (pod) pod.deletionCost = step.cost;
        return;
      }
      case "delete":
        this.helpers = this.helpers.filter((pod) => pod.uid !== step.uid);
        this.objects.delete(`${step.kind}/${step.name}`);
        return;
      case "copySnapshot": {
        const from = step.from === "raw" ? this.raw?.content : this.candidate;
        if (!from || from.digest !== step.digest || !this.storeUp) return;
        if (step.to === "verified") this.#putVerified(from);
        else this.candidate = from;
        return;
      }
      case "restoreTemplate":
      case "pause":
        return;
      default:
        step satisfies never;
    }
  }

  #staying(uids: readonly string[]): number {
    return this.serving().filter((pod) => uids.includes(pod.uid)).length;
  }

  #put(object: KubeObject): void {
    if (object.kind !== "Pod") {
      const replicas = (object["spec"] as { replicas?: number } | undefined)?.replicas;
      if (object.kind === "Deployment" && object.metadata.name === "edge" && replicas !== undefined)
        this.replicas = replicas;
      this.objects.set(`${object.kind}/${object.metadata.name}`, structuredClone(object));
      return;
    }
    const role = object.metadata.labels?.["holdfast.dev/role"] as HelperPodFact["role"];
    const annotations = object.metadata.annotations ?? {};
    this.transcript.push(`${this.#clock()} a ${role} pod is started`);
    if (this.#blind) this.#blind.wroteMs ??= this.nowMs;
    this.helpers.push({
      role,
      name: object.metadata.name,
      uid: `uid-${object.metadata.name}`,
      resourceVersion: "1",
      createdMs: this.nowMs,
      deleting: false,
      ...(annotations["holdfast.dev/digest"] ? { digest: annotations["holdfast.dev/digest"] } : {}),
      ...(annotations["holdfast.dev/proof-key"] ? { proofKey: annotations["holdfast.dev/proof-key"] } : {}),
      readerSecretVersion: "1",
      image: this.spec.gateway.image,
      result: { state: "running" },
      endsMs: this.nowMs + 4_000,
      outcome: this.#outcome(role, annotations["holdfast.dev/digest"]),
    });
  }

  #outcome(role: HelperPodFact["role"], digest: string | undefined): HelperPodFact["result"] {
    const answers = this.#answersGateways();
    if (role === "witness")
      return { state: "answered", answered: answers, readFailed: !answers, finishedMs: this.nowMs + 4_000 };
    if (role === "canary")
      return answers
        ? { state: "loaded", counts: this.held.counts }
        : { state: "failed", message: "control plane lost" };
    const loads = [this.candidate, this.verified].find((held) => held?.digest === digest);
    if (this.rehearsalFails || !loads || !this.storeUp)
      return { state: "failed", message: "the gateway did not load it" };
    return { state: "loaded", counts: loads.counts };
  }

  kill(pod: WorldPod): void {
    if (pod.deleting) return;
    pod.deleting = true;
    pod.goneMs = this.nowMs + DRAIN_MS;
  }

  #kubelet(): void {
    this.pods = this.pods.filter((pod) => pod.goneMs === undefined || pod.goneMs > this.nowMs);
    const wanted = this.replicas ?? 0;
    const alive = this.pods.filter((pod) => !pod.deleting);
    const limit = this.surgePossible ? wanted : Math.min(wanted, this.spec.traffic.replicas);
    for (let i = alive.length; i < limit; i += 1) this.pods.push(this.#newPod());
    if (alive.length >= limit && limit < wanted) this.#refusedSinceMs ??= this.nowMs;
    else this.#refusedSinceMs = undefined;
    // The ReplicaSet controller's order: what is not ready first, then the lower deletion cost, then the younger.
    const order = (pod: WorldPod) => [Number(pod.ready), Number(pod.deletionCost ?? 0), -pod.createdMs] as const;
    const victims = [...alive].sort((a, b) => compare(order(a), order(b))).slice(0, Math.max(0, alive.length - wanted));
    for (const pod of victims) this.kill(pod);
    const crashes = this.nowMs - this.#lastCrashMs >= CRASH_EVERY_MS;
    if (crashes) this.#lastCrashMs = this.nowMs;
    for (const pod of this.pods) this.#advance(pod, crashes);
    for (const pod of this.helpers) if (pod.endsMs <= this.nowMs) pod.result = pod.outcome;
  }

  #newPod(): WorldPod {
    const start = this.objects.get("ConfigMap/edge-start");
    const text = (start?.["data"] as Record<string, string> | undefined)?.["start.json"];
    const answered = this.#answersGateways();
    const told =
      text === undefined ? ({ recorded: "absent", proof: "absent" } as const) : parseStart(text, this.#proofKey());
    const facts = {
      ...told,
      probe: "notAsked",
      configs: { normal: true, fallback: true },
      readerKeys: "present",
    } as const;
    let step = chooseStart(facts);
    const asked = step.probeFirst;
    const outcome = answered ? "ok" : "refused";
    if (step.probeFirst) step = chooseStart({ ...facts, probe: { version: outcome, read: outcome } });
    if (step.probeFirst) throw new Error("the start choice asks twice");
    const id = this.#names++;
    return {
      name: `edge-1-${id}`,
      uid: `uid-pod-${id}`,
      resourceVersion: "1",
      templateHash: "h1",
      proofKey: this.#proofKey(),
      createdMs: this.nowMs,
      deleting: false,
      ready: false,
      scheduled: true,
      restarts: 0,
      start: {
        choice: step.choice,
        reason: step.reason,
        ...(asked ? { controlPlaneAnswered: answered, readFailed: !answered } : {}),
        finishedMs: this.nowMs,
        absent: [],
      },
      cores: 2,
      vote: "unknown",
      emptyWorker: false,
      check: "unknown",
      becomesReadyMs: this.nowMs + POD_START_MS,
      source: step.choice,
    };
  }

  #advance(pod: WorldPod, crashes: boolean): void {
    const answered = this.#answersGateways();
    const canStart = pod.source === "normal" ? answered : this.storeUp && this.verified !== undefined;
    if (!pod.ready && !pod.deleting) {
      if (canStart && this.nowMs >= pod.becomesReadyMs) {
        pod.ready = true;
        delete pod.trouble;
      } else if (!canStart && crashes) {
        pod.restarts += 1;
        pod.trouble = "CrashLoopBackOff";
      }
    }
    pod.vote =
      this.votes === "silent" || pod.source === "fallback" ? "unknown" : answered ? "connected" : "disconnected";
  }

  #exporter(): void {
    const runs = this.objects.has("Deployment/edge-backup") && this.#answersGateways() && this.storeUp;
    if (!runs || this.nowMs - this.#lastExportMs < this.spec.backup.exportIntervalSeconds * 1000) return;
    this.#lastExportMs = this.nowMs;
    if (this.exporterKey === "verified") this.#putVerified(this.held);
    else this.raw = { content: this.held, atMs: this.nowMs };
  }

  #putVerified(held: Content): void {
    this.verified = held;
    this.#verifiedAtMs = this.nowMs;
  }
}

export const storageSpec = FallbackStorageSpec.parse({
  type: "S3",
  s3: { region: "eu-west-1", resourceBucket: "res", configBucket: "conf" },
  credentials: { secretRef: { name: "keys" } },
});

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
  return 0;
}

function merge(base: Record<string, unknown>, over: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    const both = isPlain(old) && isPlain(value);
    merged[key] = both ? merge(old, value) : value;
  }
  return merged;
}
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A world in which the group serves and its snapshot is proven. */
export function provenWorld(spec: object = {}): World {
  const quick = {
    backup: { exportIntervalSeconds: 5 },
    fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 20, recovery: { afterSeconds: 30 } },
  };
  const world = new World(merge(quick as never, spec));
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
