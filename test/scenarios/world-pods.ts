// The traffic pods of the simulated world: its Deployment controller, its kubelet, and the gateway in each of them.
import { chooseStart, parseStart } from "../../operator/domain/choice.ts";
import { configMapOf } from "../../operator/domain/desired/live.ts";
import type { PodFact } from "../../operator/domain/facts/cluster.ts";
import { proofKeyOf, type WorldSet, WorldSets } from "./world-sets.ts";
import type { WorldState } from "./world-state.ts";

export interface WorldPod extends PodFact {
  becomesReadyMs: number;
  goneMs?: number;
  source: "normal" | "fallback";
  /** Does the configuration that it was made with lead to the snapshot? */
  loads: boolean;
}

const POD_START_MS = 3_000;
const DRAIN_MS = 2_000;
const CRASH_EVERY_MS = 8_000;

export class WorldPods {
  readonly #world: WorldState;
  /** When the control plane last answered gateways. */
  #answeredMs = 0;
  readonly #sets: WorldSets;
  #names = 1;
  #lastCrashMs = 0;
  /** Since when pods are refused, as the Deployment's condition tells it. */
  #refusedSinceMs: number | undefined;

  constructor(world: WorldState) {
    this.#world = world;
    this.#sets = new WorldSets(world);
  }

  get sets(): WorldSets {
    return this.#sets;
  }

  get refusedSinceMs(): number | undefined {
    return this.#refusedSinceMs;
  }

  kill(pod: WorldPod): void {
    if (pod.deleting) return;
    pod.deleting = true;
    pod.goneMs = this.#world.nowMs + DRAIN_MS;
  }

  advance(): void {
    const world = this.#world;
    world.pods = world.pods.filter((pod) => pod.goneMs === undefined || pod.goneMs > world.nowMs);
    const wanted = world.replicas ?? 0;
    const alive = world.pods.filter((pod) => !pod.deleting).length;
    const limit = world.surgePossible ? wanted : Math.min(wanted, world.spec.traffic.replicas);
    if (alive >= limit && limit < wanted) this.#refusedSinceMs ??= world.nowMs;
    else this.#refusedSinceMs = undefined;
    for (const set of this.#sets.plan(limit)) this.#bringAbout(set);
    const crashes = world.nowMs - this.#lastCrashMs >= CRASH_EVERY_MS;
    if (crashes) this.#lastCrashMs = world.nowMs;
    for (const pod of world.pods) this.#advance(pod, crashes);
  }

  #bringAbout(set: WorldSet): void {
    const alive = this.#sets.podsOf(set);
    for (let i = alive.length; i < set.wanted; i += 1) this.#world.pods.push(this.#newPod(set));
    // The ReplicaSet controller's order: what is not ready first, then the lower deletion cost, then the younger.
    const order = (pod: WorldPod) => [Number(pod.ready), Number(pod.deletionCost ?? 0), -pod.createdMs] as const;
    const surplus = Math.max(0, alive.length - set.wanted);
    for (const pod of alive.sort((a, b) => compare(order(a), order(b))).slice(0, surplus)) this.kill(pod);
  }

  #newPod({ hash, template }: WorldSet): WorldPod {
    const world = this.#world;
    const key = proofKeyOf(template);
    const start = world.objects.get("ConfigMap/edge-start");
    const text = (start?.["data"] as Record<string, string> | undefined)?.["start.json"];
    const answered = world.answersGateways();
    const told = text === undefined ? ({ recorded: "absent", proof: "absent" } as const) : parseStart(text, key);
    const facts = {
      ...told,
      probe: "notAsked",
      configs: { normal: true, fallback: configMapOf(template, "fallback") !== undefined },
      readerKeys: world.hasReaderKeys() ? "present" : "absent",
    } as const;
    let step = chooseStart(facts);
    const asked = step.probeFirst;
    const outcome = answered ? "ok" : "refused";
    const found = answered ? { count: sumOf(world.held.counts) } : {};
    if (step.probeFirst) step = chooseStart({ ...facts, probe: { version: outcome, read: outcome, ...found } });
    if (step.probeFirst) throw new Error("the start choice asks twice");
    const id = this.#names++;
    return {
      name: `edge-${hash.slice(1)}-${id}`,
      node: `n${(id % 2) + 1}`,
      uid: `uid-pod-${id}`,
      resourceVersion: "1",
      templateHash: hash,
      proofKey: key,
      createdMs: world.nowMs,
      deleting: false,
      ready: false,
      scheduled: true,
      restarts: 0,
      start: {
        choice: step.choice,
        reason: step.reason,
        ...(asked ? { controlPlaneAnswered: answered, readFailed: !answered } : {}),
        finishedMs: world.nowMs,
        absent: [],
      },
      cores: 2,
      vote: "unknown",
      emptyWorker: false,
      check: "unknown",
      becomesReadyMs: world.nowMs + POD_START_MS,
      source: step.choice,
      ...(world.startsImageOf(template) ? {} : { neverRan: true, trouble: "gateway: ImagePullBackOff" }),
      loads: world.loadsFrom(template),
    };
  }

  #advance(pod: WorldPod, crashes: boolean): void {
    const world = this.#world;
    const answered = world.answersGateways();
    const reads = world.storeUp && world.verified !== undefined && pod.loads && world.hasReaderKeys();
    const canStart = pod.source === "normal" ? answered : reads;
    if (pod.neverRan) return;
    if (!pod.ready && !pod.deleting) {
      if (canStart && world.nowMs >= pod.becomesReadyMs) {
        pod.ready = true;
        delete pod.trouble;
      } else if (!canStart && crashes) {
        pod.restarts += 1;
        pod.trouble = "CrashLoopBackOff";
      }
    }
    pod.vote = world.votes === "silent" || pod.source === "fallback" ? "unknown" : this.#votes(answered);
  }

  /** By a metric that gateways refresh now and then. */
  #votes(answered: boolean): WorldPod["vote"] {
    const { votes, nowMs } = this.#world;
    if (answered) this.#answeredMs = nowMs;
    const lateMs = { vendor: 0, silent: 0, refused: 10_000, hung: 25_000 }[votes];
    if (nowMs - this.#answeredMs < lateMs || answered) return "connected";
    return votes === "hung" ? "unknown" : "disconnected";
  }
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, n) => sum + n, 0);

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
  return 0;
}
