import { isAlive } from "../pods.ts";
import type { Facts } from "./facts.ts";

/**
 * The facts as everything is decided on: one clock, that of the API server, which made the objects; and a pod that is only
 * an object any more is in no count.
 */
export function currentFacts(facts: Facts): Facts {
  const nowMs = facts.serverNowMs ?? facts.nowMs;
  const pods = facts.pods.filter((pod) => isAlive(pod, nowMs));
  const asSeen = nowMs === facts.nowMs && pods.length === facts.pods.length;
  return asSeen ? facts : { ...facts, nowMs, pods };
}

const TOLD_ABOVE_MS = 60_000;
const SKEW_ENDS_AFTER_MS = 600_000;

export interface Skew {
  text: string;
  /** When the clocks were last seen apart, on the monotonic clock. */
  seenMs: number;
}

/**
 * Each answer may come from another API server, and two of them that differ by some 60 s would have it come and go with
 * each look: it ends when the clocks were not seen apart for ten minutes. A new process takes over what is recorded.
 */
export function skewOf(facts: Facts, before: Skew | undefined): Skew | undefined {
  const text = clockSkewText(facts);
  if (text !== undefined) return { text, seenMs: facts.monoMs };
  if (before !== undefined) return facts.monoMs - before.seenMs < SKEW_ENDS_AFTER_MS ? before : undefined;
  const recorded = facts.group.status.conditions?.find(({ type }) => type === "ClockSkew");
  return recorded && { text: recorded.message, seenMs: facts.monoMs };
}

/** Harmless here, as ages are of one clock; certificates and people at their logs go by the other. Without a number that drifts. */
function clockSkewText({ nowMs, serverNowMs = nowMs }: Facts): string | undefined {
  const aheadMs = nowMs - serverNowMs;
  if (Math.abs(aheadMs) <= TOLD_ABOVE_MS) return undefined;
  const how = aheadMs > 0 ? "ahead of" : "behind";
  return `The clock of Holdfast's node is more than ${TOLD_ABOVE_MS / 1000} s ${how} the API server's. Holdfast measures ages by the API server's clock; its log and its view of certificates go by its own. Synchronize the clocks`;
}
