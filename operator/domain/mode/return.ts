import type { Reason } from "../../api/reasons.ts";
import type { Evidence } from "../evidence/evidence.ts";
import { isLacking, lackingReason } from "../evidence/expectation.ts";
import type { Facts } from "../facts/facts.ts";
import { howToReturn, returnApproved } from "./approvals.ts";
import type { ModeInput } from "./input.ts";
import { penaltyLevel } from "./record.ts";

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

const UNCOUNTED = "What the control plane holds could not be counted yet, or compared with the verified snapshot";
const WAY_OUT = { regressed: "Restore it", foreign: "Correct the short id and the client certificate" } as const;

/** Why the group may not return yet: a list of named checks, the first problem wins. undefined: it may. */
export function returnBlocker(input: ModeInput): Blocker | undefined {
  const { facts, words, evidence, expectation } = input;
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
  if (expectation.is === "unknown" && !expectation.approved)
    return wait("WaitingReturn", `${UNCOUNTED}. To return all the same: ${how}`);
  if (isLacking(expectation))
    return wait(
      lackingReason(expectation),
      `${expectation.text}. ${WAY_OUT[expectation.is]}, or to return all the same: ${how}`,
    );
  if (facts.group.spec.fallback.recovery.approval === "Manual" && !ordered && !returnApproved(facts))
    return wait("WaitingApproval", `The control plane is back and the return waits for a person: ${how}`);
  return canaryBlocker(facts);
}

/** One throw-away gateway must load from the control plane first, where there are pods to be moved back. */
function canaryBlocker(facts: Facts): Blocker | undefined {
  if (!facts.pods.some((pod) => !pod.deleting && pod.start?.choice === "fallback")) return undefined;
  const canary = facts.helpers.find((pod) => pod.role === "canary" && !pod.deleting);
  if (canary?.result.state === "loaded") return undefined;
  if (canary?.result.state === "failed" && loadsWhatServes(facts, canary.result)) return undefined;
  if (canary?.result.state === "failed")
    return wait("CanaryFailed", `A throw-away gateway did not load from the control plane: ${canary.result.message}`);
  return wait("WaitingCanary", "A throw-away gateway tries the control plane before the return", { wantsCanary: true });
}

/**
 * An item that no normal gateway loads must not keep the group for ever: a canary that loaded less than the control plane
 * holds will do where it loaded, of each kind, as much as pods that start from the snapshot load now.
 */
function loadsWhatServes({ group, controlPlane, pods }: Facts, { fewer }: { fewer?: { seen: Counted } }): boolean {
  const { counts, digest, proofs = [] } = group.status.snapshot ?? {};
  if (fewer === undefined || counts === undefined) return false;
  const served = new Set(pods.flatMap(({ start, proofKey }) => (start?.choice === "fallback" ? [proofKey] : [])));
  const without = proofs.find((proof) => proof.digest === digest && served.has(proof.key))?.without ?? [];
  return Object.entries(fewer.seen).every(([kind, seen]) => {
    const loaded = (counts[kind] ?? 0) - without.filter((name) => name.startsWith(`${kind}/`)).length;
    // What was removed on the control plane meanwhile is looked at elsewhere (evidence/expectation.ts).
    return seen >= Math.min(loaded, controlPlane.counts?.[kind] ?? loaded);
  });
}

type Counted = Readonly<Record<string, number>>;
