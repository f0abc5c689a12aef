import type { ConditionType } from "../../api/reasons.ts";
import { isServing } from "../pods.ts";
import type { Saying } from "./conditions.ts";
import type { StatusInput } from "./input.ts";
import { recordedMode } from "./recorded.ts";

const MAX = 1_000;
/** Of one condition: what follows must have room, too. The condition has the whole of it. */
const PART_MAX = 600;

/** A condition that says nothing good, in the order in which a person wants to know of it, and how it is introduced. */
const BAD: readonly (readonly [type: ConditionType, bad: Saying["status"][], before: string])[] = [
  ["Stalled", ["True"], "Needs a person: "],
  ["Held", ["True"], "Held: "],
  ["Ready", ["False", "Unknown"], ""],
  ["ControlPlaneRegressed", ["True"], ""],
  ["FallbackReady", ["False"], "Without the control plane no new pod would start: "],
  ["FallbackReady", ["Unknown"], "Not known whether a new pod would start without the control plane: "],
  ["SnapshotQuarantined", ["True"], "Newest export: "],
  ["RestartPending", ["True"], "A template change waits: "],
  ["SelectedByOthers", ["True"], ""],
  ["Overridden", ["True"], ""],
  ["ClockSkew", ["True"], ""],
  ["SnapshotWarnings", ["True"], "Odd items in a snapshot: "],
];

/**
 * What an outsider reads first: of all conditions that say nothing good each one, the worst first; then how the group serves,
 * and what comes next. What no longer fits stands in the conditions.
 */
export function summaryOf(input: StatusInput, sayings: readonly Saying[]): string {
  const parts: string[] = [];
  const add = (before: string, message: string): void => {
    const text = message.slice(0, PART_MAX).replace(/[.\s]+$/, "");
    // One cause often stands in several conditions.
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(`${before}${text}`);
  };
  for (const [type, bad, before] of BAD) {
    const saying = sayings.find((one) => one.type === type && bad.includes(one.status));
    if (saying) add(before, type === "Ready" ? `${saying.message}, ${sourceText(input, sayings)}` : saying.message);
  }
  if (!sayings.some(({ type, status }) => type === "Ready" && status !== "True")) add("", servingText(input, sayings));
  const next = sayings.find(({ type, status }) => type === "Reconciling" && status === "True");
  if (next && input.step.waiting !== undefined) add("", next.message);
  return parts.join(". ").slice(0, MAX);
}

/** Of a group that is Ready. */
function servingText(input: StatusInput, sayings: readonly Saying[]): string {
  const { pods, group } = input.situation.facts;
  const wanted = group.spec.traffic.replicas;
  const serving = pods.filter(isServing).length;
  if (wanted === 0) return "Scaled to zero: no traffic pods are wanted";
  const counted = serving >= wanted ? `All ${wanted}` : `${serving} of ${wanted}`;
  return `${counted} traffic pods serve, ${sourceText(input, sayings)}`;
}

function sourceText(input: StatusInput, sayings: readonly Saying[]): string {
  const { word, reason } = input.situation.evidence.verdict;
  const lacks = sayings.some(({ type }) => type === "ControlPlaneRegressed");
  const mode = recordedMode(input);
  switch (mode) {
    case "Normal":
      if (word === "Reachable")
        return lacks ? "the control plane lacks what is expected of it" : "from the control plane";
      return word === "Unreachable"
        ? `the control plane is lost (${reason})`
        : `control plane state unknown (${reason})`;
    case "ToFallback":
      return "the group is moving to the snapshot";
    case "Fallback":
      return word === "Reachable"
        ? "in fallback although the control plane answers"
        : "in fallback: pods that start use the snapshot";
    case "ToNormal":
      return "the group is returning to the control plane";
    default:
      return mode satisfies never;
  }
}
