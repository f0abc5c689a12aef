import { isServing } from "../pods.ts";
import type { Saying } from "./conditions.ts";
import type { StatusInput } from "./input.ts";

/** One sentence that an outsider understands: how the group serves, from what, what is wrong, what comes next. */
export function summaryOf(input: StatusInput, sayings: readonly Saying[]): string {
  const { situation, step } = input;
  const serving = situation.facts.pods.filter(isServing).length;
  const of = situation.facts.group.spec.traffic.replicas;
  const enough = serving >= of;
  const pods = enough ? `All ${of} traffic pods serve` : `${serving} of ${of} traffic pods serve`;
  const parts = [`${pods}, ${sourceText(input)}`, nextText(input)];
  const stalled = sayings.find((saying) => saying.type === "Stalled" && saying.status === "True");
  const held = step.held ?? input.stalled;
  // An order that cannot be read is both; once is enough.
  if (held && !stalled?.message.includes(held.message)) parts.push(`Held: ${held.message}`);
  if (stalled) parts.push(`Needs a person: ${stalled.message}`);
  return parts
    .filter((part) => part !== "")
    .map((part) => part.replace(/\.$/, ""))
    .join(". ")
    .slice(0, 1_000);
}

function sourceText({ situation }: StatusInput): string {
  const word = situation.evidence.verdict.word;
  switch (situation.mode) {
    case "Normal":
      if (word === "Reachable") return "from the control plane";
      return word === "Unreachable" ? "the control plane is lost" : "whether the control plane is there is not known";
    case "ToFallback":
      return "the group is moving to the snapshot";
    case "Fallback":
      return word === "Reachable"
        ? "in fallback although the control plane answers"
        : "in fallback: pods that start use the snapshot";
    case "ToNormal":
      return "the group is returning to the control plane";
    default:
      return situation.mode satisfies never;
  }
}

function nextText({ situation, step }: StatusInput): string {
  if (step.waiting) return step.waiting.message;
  const { readiness } = situation;
  if (readiness.status === "True") return "";
  return `Without the control plane no new pod would start: ${readiness.message}`;
}
