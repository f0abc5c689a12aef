import type { Reason } from "../api/reasons.ts";
import type { VerdictWord } from "./facts-outside.ts";

/**
 * What all witnesses together say of the control plane: the table of docs/decisions.md, one branch per row.
 * It is total, and it has no memory: how long a verdict has lasted is the business of evidence.ts.
 */
export interface Witnesses {
  operator: "readsOk" | "serverError" | "readTimeout" | "down" | "noRoute" | "misconfigured" | "unknown";
  /** Normal pods that take requests: those that say connected, that say disconnected, and those that could not be asked. */
  connected: number;
  disconnected: number;
  silent: number;
  /** Starts and witness pods since reads went unanswered: how many places got an answer, and how many did not. */
  placesAnswered: number;
  placesRefused: number;
  /** No answer in two places at least, or wherever a normal gateway serves. */
  placesAgree: boolean;
  /** A start or witness pod got no answer to its read. */
  readFailed: boolean;
}

export interface Verdict {
  word: VerdictWord;
  reason: Reason;
  /** The dwell before this verdict may move a group is multiplied by this. */
  dwellFactor: 1 | 2;
}

const say = (word: VerdictWord, reason: Reason, dwellFactor: 1 | 2 = 1): Verdict => ({ word, reason, dwellFactor });

/** How many of `serving` gateways must say "disconnected": at least two and 60 %, or all where there are fewer. */
export function quorum(serving: number): number {
  return serving < 2 ? serving : Math.max(2, Math.ceil(serving * 0.6));
}

export function verdictOf(w: Witnesses): Verdict {
  const serving = w.connected + w.disconnected + w.silent;
  const agreed = serving > 0 && w.connected === 0 && w.disconnected >= quorum(serving);
  switch (w.operator) {
    case "serverError":
      return say("Unreachable", "DatabaseDown");
    case "readTimeout":
      return w.readFailed ? say("Unreachable", "DatabaseDown") : say("Unknown", "ControlPlaneSlow");
    case "readsOk":
      if (w.disconnected === 0) return say("Reachable", "ControlPlaneAnswers");
      if (w.connected > 0) return say("Reachable", "PartlyCutOff");
      // Holdfast stands against all gateways here: they are believed, after twice the time.
      return agreed ? say("Unreachable", "GatewaysCutOff", 2) : say("Unknown", "ControlPlaneUnknown");
    case "down":
      return verdictWhileDown(w, serving, agreed);
    case "noRoute":
      // A cable of our own, or a Service without a living backend, which some networks answer like this. Holdfast alone is
      // not believed; with it all gateways are, after twice the time.
      if (isContradicted(w)) return say("Unknown", "OperatorCutOff");
      return agreed ? say("Unreachable", "ControlPlaneLost", 2) : say("Unknown", "ControlPlaneUnknown");
    case "misconfigured":
      return say("Unknown", "ControlPlaneMisconfigured");
    case "unknown":
      return say("Unknown", "ControlPlaneUnknown");
    default:
      return w.operator satisfies never;
  }
}

/** One contrary voice is enough: what Holdfast cannot reach, somebody else does. */
const isContradicted = (w: Witnesses): boolean => w.connected > 0 || w.placesAnswered > 0;

function verdictWhileDown(w: Witnesses, serving: number, agreed: boolean): Verdict {
  if (isContradicted(w)) return say("Unknown", "OperatorCutOff");
  if (serving === 0) return say("Unreachable", "NothingToLose");
  if (agreed) return say("Unreachable", "ControlPlaneLost");
  // Too few gateways can be asked. Witness pods and starts speak for the places where gateways run.
  if (w.placesAgree) return say("Unreachable", "ControlPlaneLost");
  return say("Unknown", "WitnessesMissing");
}
