import type { PodFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { isReady } from "../pods.ts";

/**
 * Where the gateways are that lost a control plane which others have: the zone or the node that explains it, where one
 * does. Pods carry their zone only where the cluster copies it to them.
 */
export function cutOffPlace({ pods }: Facts): string | undefined {
  const voters = pods.filter((pod) => isReady(pod) && pod.start?.choice === "normal");
  return explains(voters, "in zone", "zone") ?? explains(voters, "on node", "node");
}

/** All that lost it are in one place, and none there has it. */
function explains(voters: readonly PodFact[], words: string, kind: "zone" | "node"): string | undefined {
  const at = (vote: PodFact["vote"]) => new Set(voters.filter((pod) => pod.vote === vote).map((pod) => pod[kind]));
  const [place, ...others] = at("disconnected");
  return place === undefined || others.length > 0 || at("connected").has(place) ? undefined : `${words} ${place}`;
}
