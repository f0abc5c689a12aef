import type { PodFact } from "../facts/cluster.ts";

/**
 * Cores of the pods that proxy traffic, by the configuration that they started with. A pod that drains still serves
 * and still sends heartbeats, so it counts as long as it is Ready. Backup and rehearsal pods are not among `pods`.
 */
export function licenseOf(pods: readonly PodFact[]): { cores: number; normal: number; fallback: number } {
  const coresOf = (choice: "normal" | "fallback"): number =>
    pods.filter((pod) => pod.ready && pod.start?.choice === choice).reduce((sum, pod) => sum + pod.cores, 0);
  const normal = coresOf("normal");
  const fallback = coresOf("fallback");
  return { cores: normal + fallback, normal, fallback };
}
