// The pods of the simulated world that serve no traffic: rehearsals, canaries and witnesses, each with its outcome.
import type { HelperPodFact, KubeObject } from "../../operator/domain/facts/cluster.ts";
import { objectsAt, textAt } from "../../operator/domain/values/json.ts";
import type { WorldState } from "./world-state.ts";

export type WorldHelper = HelperPodFact & { endsMs: number; outcome: HelperPodFact["result"] };

const HELPER_MS = 4_000;

export function startHelper(world: WorldState, object: KubeObject): void {
  const { metadata } = object;
  const role = metadata.labels?.["holdfast.dev/role"] as HelperPodFact["role"];
  const annotations = metadata.annotations ?? {};
  world.transcript.push(`${world.clock()} a ${role} pod is started`);
  world.helpers.push({
    role,
    name: metadata.name,
    uid: `uid-${metadata.name}`,
    resourceVersion: "1",
    node: `n${(world.helpers.length % 2) + 1}`,
    createdMs: world.nowMs,
    deleting: false,
    ...(annotations["holdfast.dev/digest"] ? { digest: annotations["holdfast.dev/digest"] } : {}),
    ...(annotations["holdfast.dev/proof-key"] ? { proofKey: annotations["holdfast.dev/proof-key"] } : {}),
    readerSecretVersion: "1",
    image: world.spec.gateway.image,
    result: { state: "running" },
    endsMs: world.nowMs + HELPER_MS,
    outcome: outcome(world, role, object),
  });
}

export function advanceHelpers(world: WorldState): void {
  for (const pod of world.helpers) if (pod.endsMs <= world.nowMs) pod.result = pod.outcome;
}

function outcome(world: WorldState, role: HelperPodFact["role"], object: KubeObject): HelperPodFact["result"] {
  const answers = role === "canary" ? world.answersCanary(object) : world.answersGateways();
  if (role === "witness")
    return { state: "answered", answered: answers, readFailed: !answers, finishedMs: world.nowMs + HELPER_MS };
  if (role === "canary")
    return answers
      ? { state: "loaded", counts: world.held.counts }
      : { state: "failed", message: "control plane lost" };
  const digest = object.metadata.annotations?.["holdfast.dev/digest"];
  const loads = [world.candidate, world.verified].find((held) => held?.digest === digest);
  const images = objectsAt(object, "spec", "initContainers").map((item) => textAt(item, "image") ?? "");
  const volumes = objectsAt(object, "spec", "volumes").map((volume) => textAt(volume, "configMap", "name") ?? "");
  if (images.some((image) => world.unpullable.has(image)) || volumes.some((name) => world.misled.has(name)))
    return { state: "failed", message: "the gateway did not start" };
  if (world.rehearsalFails || !loads || !world.storeUp)
    return { state: "failed", message: "the gateway did not load it" };
  return { state: "loaded", counts: loads.counts };
}
