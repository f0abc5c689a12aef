// The API server of the simulated world: a plan's steps are carried out on its objects, and the Deployment is read back.
import type { KubeObject, WorkloadFact } from "../../operator/domain/facts/cluster.ts";
import type { Step } from "../../operator/domain/plan.ts";
import { startHelper } from "./world-helpers.ts";
import type { WorldPods } from "./world-pods.ts";
import type { WorldSight } from "./world-sight.ts";
import type { WorldState } from "./world-state.ts";
import type { WorldStore } from "./world-store.ts";

export class WorldCluster {
  readonly #world: WorldState;
  readonly #pods: WorldPods;
  readonly #store: WorldStore;
  readonly #sight: WorldSight;
  #version = 1;

  constructor(world: WorldState, parts: { pods: WorldPods; store: WorldStore; sight: WorldSight }) {
    this.#world = world;
    this.#pods = parts.pods;
    this.#store = parts.store;
    this.#sight = parts.sight;
  }

  carryOut(step: Step): void {
    const world = this.#world;
    this.#version += 1;
    switch (step.do) {
      case "apply":
      case "create":
        this.#put(step.object);
        return;
      case "scale":
        if (step.live && this.#staying(step.live.staying) < step.live.minServingAfter) return; // as act/live-read.ts
        world.transcript.push(`${world.clock()} replicas ${step.from} -> ${step.to}: ${step.why}`);
        world.replicas = step.to;
        return;
      case "deletePod": {
        world.transcript.push(`${world.clock()} a pod is deleted: ${step.why}`);
        const pod = world.pods.find((other) => other.uid === step.uid);
        if (pod) this.#pods.kill(pod);
        return;
      }
      case "markPod": {
        const pod = world.pods.find((other) => other.uid === step.uid);
        if (pod) pod.deletionCost = step.cost;
        return;
      }
      case "relabel": {
        const object = world.objects.get(`${step.kind}/${step.name}`);
        if (object) Object.assign(object.metadata, { labels: { ...step.labels } });
        return;
      }
      case "delete":
        world.helpers = world.helpers.filter((pod) => pod.uid !== step.uid);
        world.objects.delete(`${step.kind}/${step.name}`);
        return;
      case "copySnapshot":
        this.#store.copy(step);
        return;
      case "restoreTemplate": {
        const deployment = world.objects.get("Deployment/edge");
        if (!deployment) return;
        const spec = { ...(deployment["spec"] as object), template: step.template };
        const annotations = { ...deployment.metadata.annotations, ...step.annotations };
        this.#put({ ...deployment, spec, metadata: { ...deployment.metadata, annotations } });
        world.paused = false;
        return;
      }
      case "claimStore":
        return;
      case "removeGeneration":
        world.generations.delete(step.digest);
        return;
      case "pause":
        world.paused = step.paused;
        return;
      default:
        step satisfies never;
    }
  }

  #staying(uids: readonly string[]): number {
    return this.#world.serving().filter((pod) => uids.includes(pod.uid)).length;
  }

  #put(object: KubeObject): void {
    const world = this.#world;
    if (object.kind === "Pod") {
      startHelper(world, object);
      this.#sight.wrote();
      return;
    }
    const replicas = (object["spec"] as { replicas?: number } | undefined)?.replicas;
    if (object.kind === "Deployment" && object.metadata.name === "edge" && replicas !== undefined)
      world.replicas = replicas;
    world.objects.set(`${object.kind}/${object.metadata.name}`, structuredClone(object));
  }

  workload(): WorkloadFact {
    const { objects, replicas } = this.#world;
    const annotations = objects.get("Deployment/edge")?.metadata.annotations ?? {};
    const { refusedSinceMs } = this.#pods;
    return {
      name: "edge",
      uid: "uid-deployment",
      resourceVersion: String(this.#version),
      replicas: replicas ?? 0,
      observed: true,
      annotations,
      paused: this.#world.paused,
      replicaSets: this.#pods.sets.facts(),
      ...(refusedSinceMs === undefined ? {} : { failure: "exceeded quota", failureSinceMs: refusedSinceMs }),
    };
  }
}

/** Of the traffic Deployment's template. */
export function proofKey(world: WorldState): string {
  const spec = world.objects.get("Deployment/edge")?.["spec"] as Record<string, never> | undefined;
  return spec?.["template"]?.["metadata"]?.["annotations"]?.["holdfast.dev/proof-key"] ?? "";
}
