import type { Condition } from "../../api/common.ts";
import { type ConditionType, ONLY_WHILE_TRUE, type Reason } from "../../api/reasons.ts";
import type { PlannedEvent } from "../plan.ts";

/** What a condition should say; the time of its transition is taken over from before when its status did not change. */
export interface Saying {
  type: ConditionType;
  status: "True" | "False" | "Unknown";
  reason: Reason;
  message: string;
}

const MESSAGE_MAX = 2_000;

export function conditionsFrom(
  before: readonly Condition[] | undefined,
  sayings: readonly Saying[],
  generation: number,
  nowMs: number,
): Condition[] {
  return sayings
    .filter((saying) => saying.status === "True" || !ONLY_WHILE_TRUE.includes(saying.type))
    .map((saying) => {
      const old = before?.find((condition) => condition.type === saying.type);
      const lastTransitionTime =
        old?.status === saying.status ? old.lastTransitionTime : new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
      return {
        type: saying.type,
        status: saying.status,
        observedGeneration: generation,
        lastTransitionTime,
        reason: saying.reason,
        message: saying.message.slice(0, MESSAGE_MAX),
      };
    });
}

/** Good news is an event only where somebody waited for it; bad news always. */
const GOOD: Partial<Record<ConditionType, Saying["status"]>> = {
  ControlPlaneReachable: "True",
  FallbackReady: "True",
  Stalled: "False",
};
const SPEAKING: readonly ConditionType[] = [
  "ControlPlaneReachable",
  "FallbackReady",
  "Stalled",
  "SnapshotQuarantined",
  "SnapshotWarnings",
  "ControlPlaneRegressed",
  "RestartPending",
  "Overridden",
  "ClockSkew",
  "SelectedByOthers",
  "Held",
];

/** What a person ordered is told, and is no warning. */
const ORDERED: readonly string[] = ["Suspended", "HoldOrdered"] satisfies Reason[];

/** An event for each condition that says something else than before. */
export function eventsFrom(before: readonly Condition[] | undefined, after: readonly Condition[]): PlannedEvent[] {
  const events: PlannedEvent[] = [];
  for (const condition of after) {
    const type = condition.type as ConditionType;
    if (!SPEAKING.includes(type)) continue;
    const old = before?.find((other) => other.type === type);
    if (old?.status === condition.status && old.reason === condition.reason) continue;
    const good = GOOD[type] === condition.status;
    // The first word of a new object, when it is a good one, is no news.
    if (old === undefined && good) continue;
    events.push({
      type: good || ORDERED.includes(condition.reason) ? "Normal" : "Warning",
      reason: condition.reason as Reason,
      action: type,
      message: condition.message,
      alsoOnDeployment: type === "Held" || type === "ControlPlaneReachable",
    });
  }
  return events;
}
