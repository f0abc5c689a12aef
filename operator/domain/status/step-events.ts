import type { PlannedEvent, Step } from "../plan.ts";

/** What is done to pods is told where people look: at the group and at its Deployment. */
export function withEvents(step: Step): Step {
  const event = step.events === undefined ? eventOf(step) : undefined;
  return event === undefined ? step : { ...step, events: [{ type: "Normal", alsoOnDeployment: true, ...event }] };
}

function eventOf(step: Step): Pick<PlannedEvent, "reason" | "action" | "message"> | undefined {
  switch (step.do) {
    case "scale":
      return { reason: "Scaled", action: "Scale", message: `Replicas ${step.from} -> ${step.to}: ${step.why}` };
    case "deletePod":
      return { reason: "PodReplaced", action: "Delete", message: `Pod ${step.name} is deleted: ${step.why}` };
    case "apply":
      if (step.object.kind !== "Deployment") return undefined;
      return {
        reason: "ObjectApplied",
        action: "Apply",
        message: `Deployment ${step.object.metadata.name}: ${step.why}`,
      };
    default:
      return undefined;
  }
}
