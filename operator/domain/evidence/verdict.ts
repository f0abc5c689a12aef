import type { Reason } from "../../api/reasons.ts";
import type { VerdictWord } from "../facts/outside.ts";

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
  /** Normal pods that say connected, which may be older than the loss that Holdfast sees: neither for it nor against it. */
  late: number;
  /** Pods that the spec wants. */
  wanted: number;
  /** Nodes on which a gateway says disconnected, or a start or witness pod got no answer. */
  nodesCutOff: number;
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
  /**
   * Witness pods are wanted: what they say decides, so that the verdict has held no longer than their newest word says it
   * ("decide"); or it may contradict or confirm ("asked").
   */
  places?: "asked" | "decide";
}

const say = (word: VerdictWord, reason: Reason, dwellFactor: 1 | 2 = 1): Verdict => ({ word, reason, dwellFactor });
const asking = (word: VerdictWord, reason: Reason, dwellFactor: 1 | 2 = 1): Verdict => ({
  ...say(word, reason, dwellFactor),
  places: "asked",
});
/** It rests on what places said. */
const byPlaces = (reason: Reason): Verdict => ({ ...say("Unreachable", reason), places: "decide" });

/** One gateway that is all there is may be wrong for reasons of its own: until the dwell is over witness pods may contradict. */
const byGateways = (serving: number, reason: Reason): Verdict =>
  serving > 1 ? say("Unreachable", reason) : asking("Unreachable", reason);

/** How many of `serving` gateways must say "disconnected": at least two and 60 %, or all where there are fewer. */
export function quorum(serving: number): number {
  return serving < 2 ? serving : Math.max(2, Math.ceil(serving * 0.6));
}

export function verdictOf(w: Witnesses): Verdict {
  const serving = w.connected + w.late + w.disconnected + w.silent;
  const agreed = serving > 0 && w.connected + w.late === 0 && w.disconnected >= quorum(serving);
  switch (w.operator) {
    case "serverError":
      return verdictOnError(w, serving, agreed);
    case "readTimeout":
      if (w.readFailed && w.placesAnswered === 0) return byPlaces("DatabaseDown");
      return asking("Unknown", "ControlPlaneSlow");
    case "readsOk":
      return verdictOnReads(w, serving);
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

/** The store itself said that it is broken, to Holdfast alone: one more must say so, where there is something to lose. */
function verdictOnError(w: Witnesses, serving: number, agreed: boolean): Verdict {
  if (w.placesAnswered > 0) return asking("Unknown", "DatabaseDoubted");
  if (serving === 0) return say("Unreachable", "DatabaseDown");
  if (agreed) return byGateways(serving, "DatabaseDown");
  return w.readFailed || w.placesAgree ? byPlaces("DatabaseDown") : asking("Unknown", "DatabaseDoubted");
}

/**
 * Holdfast has its reads answered. Gateways overrule that only as enough of the pods that are wanted, not of those that
 * are left, from two nodes, and where no place was answered; and then after twice the time.
 */
function verdictOnReads(w: Witnesses, serving: number): Verdict {
  if (w.disconnected === 0) return say("Reachable", "ControlPlaneAnswers");
  const enough = quorum(Math.max(serving, w.wanted));
  if (w.connected > 0 || w.disconnected + w.silent < enough) return say("Reachable", "PartlyCutOff");
  if (w.disconnected < enough) return say("Unknown", "ControlPlaneUnknown");
  if (w.placesAnswered > 0) return asking("Reachable", "PartlyCutOff");
  if (w.nodesCutOff < 2) return asking("Unknown", "WitnessesMissing");
  // Of one gateway the second node is a place's word, and what was said once shows no loss that lasts.
  return serving > 1 ? asking("Unreachable", "GatewaysCutOff", 2) : { ...byPlaces("GatewaysCutOff"), dwellFactor: 2 };
}

/** One contrary voice is enough: what Holdfast cannot reach, somebody else does. */
const isContradicted = (w: Witnesses): boolean => w.connected > 0 || w.placesAnswered > 0;

function verdictWhileDown(w: Witnesses, serving: number, agreed: boolean): Verdict {
  if (isContradicted(w)) {
    const canBeAsked = w.connected > 0 || w.silent === 0;
    return canBeAsked ? say("Unknown", "OperatorCutOff") : asking("Unknown", "OperatorCutOff");
  }
  if (serving === 0) return say("Unreachable", "NothingToLose");
  if (agreed) return byGateways(serving, "ControlPlaneLost");
  // Too few gateways can be asked, or are known to speak of now. Witness pods and starts speak for the places where they run.
  if (w.placesAgree) return byPlaces("ControlPlaneLost");
  return asking("Unknown", w.late > 0 ? "ControlPlaneUnknown" : "WitnessesMissing");
}
