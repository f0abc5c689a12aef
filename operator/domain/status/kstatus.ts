import type { Reason } from "../../api/reasons.ts";
import type { Problem } from "../facts/problem.ts";
import { isServing } from "../pods.ts";
import type { Situation } from "../situation.ts";
import type { Saying } from "./conditions.ts";
import type { StatusInput } from "./input.ts";
import { problemsOf } from "./problems.ts";
import { movingSaying } from "./recorded.ts";

/** The three conditions that tools read by kstatus: Ready, Reconciling, Stalled. */

export function readySaying({ facts, wanted }: Situation): Saying {
  const serving = facts.pods.filter(isServing).length;
  const spec = facts.group.spec.traffic.replicas;
  if (spec === 0)
    return { type: "Ready", status: "True", reason: "ScaledToZero", message: "No traffic pods are wanted" };
  const enough = serving >= Math.min(wanted, spec);
  const why = troubleOf(facts);
  return {
    type: "Ready",
    status: enough ? "True" : "False",
    reason: enough ? "Serving" : "PodsMissing",
    message: enough ? `${spec} wanted, and as many serve` : `${serving} of ${spec} traffic pods serve${why}`,
  };
}

/** A pod that does not come up, with what the kubelet says of it; "" when all is well. */
function troubleOf({ pods }: Situation["facts"]): string {
  const alive = pods.filter((pod) => !pod.deleting);
  const lacking = alive.filter((pod) => pod.lacking).length;
  if (lacking > 0)
    return `; ${lacking} followed a control plane that lost what it held before it was lost itself, and are replaced from the snapshot`;
  const found = alive.find((pod) => pod.trouble !== undefined) ?? alive.find((pod) => pod.unheard !== undefined);
  return found ? `; pod ${found.name}: ${found.trouble ?? found.unheard}` : "";
}

export function reconcilingSaying({ situation, busy, step, template, motionWaits }: StatusInput): Saying {
  if (step.move) return movingSaying(step.move.to);
  const status = busy || step.waiting !== undefined || template.pending !== undefined ? "True" : "False";
  if (status === "False") return { type: "Reconciling", status, reason: "Settled", message: "Nothing is left to do" };
  const why = step.waiting ??
    template.pending ??
    motionWaits ?? { reason: "Progressing" as const, message: "Objects are being brought to what the spec wants" };
  return { type: "Reconciling", status, reason: why.reason, message: `${why.message}${troubleOf(situation.facts)}` };
}

export function stalledSaying(situation: Situation): Saying {
  const problems = problemsOf(situation);
  const first = problems[0];
  if (!first) return { type: "Stalled", status: "False", reason: "Accepted", message: "Nothing in the input is wrong" };
  const message = problems.map(textOf).join("; ");
  return { type: "Stalled", status: "True", reason: first.reason as Reason, message };
}

/** `FIELD: what is wrong`. Many a message names its field itself; once is enough. */
function textOf({ field, message }: Problem): string {
  if (field === "") return message;
  return `${field}: ${message.startsWith(`${field} `) ? message.slice(field.length + 1) : message}`;
}
