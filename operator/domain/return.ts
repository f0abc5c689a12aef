import type { Reason } from "../api/reasons.ts";
import { howToReturn, returnApproved } from "./approvals.ts";
import type { Evidence } from "./evidence.ts";
import type { Facts } from "./facts.ts";
import type { ModeInput } from "./mode.ts";
import { penaltyLevel } from "./mode-record.ts";
import { baselineOf, type Shrunken, shrunkenKinds } from "./shrink.ts";

/** Does the control plane hold what is expected of it? Unknown is neither yes nor no, and does not let a group return. */
export type Regression =
  | { is: "unknown" }
  | { is: "none" }
  | { is: "regressed"; kinds: readonly Shrunken[]; approved: boolean };

export function regressionOf(facts: Facts): Regression {
  const counts = facts.controlPlane.counts;
  const expected = baselineOf(facts.group.status.snapshot, facts.nowMs);
  if (expected === undefined) return { is: "none" };
  if (counts === undefined) return { is: "unknown" };
  // Only kinds that the control plane was asked for: plugins, for one, are no keys of it.
  const asked = Object.fromEntries(Object.entries(expected).filter(([kind]) => kind in counts));
  const kinds = shrunkenKinds(asked, counts, facts.group.spec.fallback.snapshot.maxShrinkPercent);
  return kinds.length === 0 ? { is: "none" } : { is: "regressed", kinds, approved: returnApproved(facts) };
}

export const regressionText = (kinds: readonly Shrunken[]): string =>
  `The control plane holds much less than the snapshots that were verified in the last 24 hours: ${kinds.map((k) => `${k.kind} ${k.before} -> ${k.after}`).join(", ")}`;

const RETURN_WAIT_MAX_MS = 3_600_000;

/** Four times as long at most: flapping that ended must not keep a group from its control plane for hours. */
const RELAPSE_DOUBLINGS_MAX = 2;

/**
 * How long the control plane must answer: doubled for each flip that came soon after the last and, a few times, for
 * each time that it went again before the group had returned; up to an hour.
 */
function returnDwellMs(facts: Facts, { relapses }: Evidence): number {
  const baseMs = facts.group.spec.fallback.recovery.afterSeconds * 1000;
  const doublings = penaltyLevel(facts.group.status.penalty, facts.nowMs) + Math.min(RELAPSE_DOUBLINGS_MAX, relapses);
  return Math.min(baseMs * 2 ** doublings, Math.max(baseMs, RETURN_WAIT_MAX_MS));
}

interface Blocker {
  waiting: { reason: Reason; message: string; leftMs?: number };
  wantsCanary: boolean;
}
const wait = (reason: Reason, message: string, more: { leftMs?: number; wantsCanary?: boolean } = {}): Blocker => ({
  waiting: { reason, message, ...(more.leftMs === undefined ? {} : { leftMs: more.leftMs }) },
  wantsCanary: more.wantsCanary ?? false,
});

/** Why the group may not return yet: a list of named checks, the first problem wins. undefined: it may. */
export function returnBlocker(input: ModeInput): Blocker | undefined {
  const { facts, words, evidence, regression } = input;
  if (evidence.verdict.word !== "Reachable")
    return wait(evidence.verdict.reason, "The control plane is not back: the group serves from the snapshot");
  const ordered = words.order === "Normal";
  const dwellMs = returnDwellMs(facts, evidence);
  const leftMs = ordered ? 0 : dwellMs - evidence.heldMs;
  if (leftMs > 0)
    return wait(
      "WaitingReturn",
      `The control plane is back; the group returns when it has answered for ${dwellMs / 1000} s`,
      { leftMs },
    );
  const how = howToReturn(facts);
  if (regression.is === "unknown" && !returnApproved(facts))
    return wait(
      "WaitingReturn",
      `The control plane's objects have not been counted yet. To return all the same: ${how}`,
    );
  if (regression.is === "regressed" && !regression.approved)
    return wait("Regressed", `${regressionText(regression.kinds)}. Restore it, or to return all the same: ${how}`);
  if (facts.group.spec.fallback.recovery.approval === "Manual" && !ordered && !returnApproved(facts))
    return wait("WaitingApproval", `The control plane is back and the return waits for a person: ${how}`);
  return canaryBlocker(facts);
}

/** One throw-away gateway must load from the control plane first, where there are pods to be moved back. */
function canaryBlocker(facts: Facts): Blocker | undefined {
  if (!facts.pods.some((pod) => !pod.deleting && pod.start?.choice === "fallback")) return undefined;
  const canary = facts.helpers.find((pod) => pod.role === "canary" && !pod.deleting);
  if (canary?.result.state === "loaded") return undefined;
  if (canary?.result.state === "failed")
    return wait("CanaryFailed", `A throw-away gateway did not load from the control plane: ${canary.result.message}`);
  return wait("WaitingCanary", "A throw-away gateway tries the control plane before the return", { wantsCanary: true });
}
