import { ANNOTATION, childName } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { about, childObject, EDIT_THE_GROUP, selectorOf } from "./common.ts";

/** Frozen: nothing that serves has a proven successor, so no eviction is let through. */
export function disruptionBudget(facts: Facts, frozen: boolean): KubeObject | undefined {
  const { enabled, maxUnavailable } = facts.group.spec.traffic.disruptionBudget;
  if (!enabled) return undefined;
  return childObject(facts, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    name: childName.disruptionBudget(facts.group.name),
    role: "traffic",
    fate: "kept",
    about: about(facts, "Limit of evictions of the traffic pods", EDIT_THE_GROUP),
    // It outlives its group, and nobody else could tell then what it allows in good times (act/thaw.ts).
    ...(frozen ? { annotations: { [ANNOTATION.unfrozen]: String(maxUnavailable) } } : {}),
    body: {
      spec: {
        selector: { matchLabels: selectorOf(facts, "traffic") },
        maxUnavailable: frozen ? 0 : maxUnavailable,
        unhealthyPodEvictionPolicy: "AlwaysAllow", // a pod that does not serve must not block a drain
      },
    },
  });
}
