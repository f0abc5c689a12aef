import type { WorkloadFact } from "../facts/cluster.ts";
import type { Step } from "../plan.ts";

/** An autoscaler or a person on the Deployment would set it again: the event names who, and what to scale instead. */
export function takenBack({ name, replicas, scaledBy }: WorkloadFact, step: Step): Step {
  if (step.do !== "scale" || scaledBy === undefined) return step;
  const message = `Replicas ${step.from} -> ${step.to}: field manager "${scaledBy}" set ${replicas} on Deployment "${name}", and the number is the GatewayGroup's: scale the GatewayGroup "${name}" instead (kubectl scale gwg, or scaleTargetRef of the HPA)`;
  const event = {
    type: "Warning",
    reason: "HandEditReverted",
    action: "Scale",
    message,
    alsoOnDeployment: true,
  } as const;
  return { ...step, events: [event] };
}
