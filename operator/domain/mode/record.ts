import type { GatewayGroupStatus, Mode } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Facts } from "../facts/facts.ts";

/** Status with the move recorded: epoch, history with the evidence, damping. */
export function recordMove(
  facts: Facts,
  to: Mode,
  reason: Reason,
  evidence: string,
): Pick<GatewayGroupStatus, "mode" | "modeReason" | "modeSince" | "epoch" | "history" | "penalty"> {
  const before = facts.group.status;
  const at = new Date(facts.nowMs).toISOString();
  const from: Mode = before.mode ?? "Normal";
  const epoch = (before.epoch ?? 0) + 1;
  const entry = { epoch, from, to, at, reason, evidence: evidence.slice(0, 1024) };
  const recorded: ReturnType<typeof recordMove> = {
    mode: to,
    modeReason: reason,
    modeSince: at,
    epoch,
    history: [entry, ...(before.history ?? [])].slice(0, 10),
  };
  const penalty = to === "ToFallback" ? raised(before.penalty, facts.nowMs) : before.penalty;
  if (penalty) recorded.penalty = penalty;
  return recorded;
}

/** A group that flips again soon waits longer to return; an hour of quiet forgets one doubling. */
const PENALTY_FORGET_MS = 3_600_000;
const PENALTY_MAX = 6;

export function penaltyLevel(penalty: GatewayGroupStatus["penalty"], nowMs: number): number {
  if (!penalty) return 0;
  return Math.max(0, penalty.level - Math.floor(Math.max(0, nowMs - Date.parse(penalty.at)) / PENALTY_FORGET_MS));
}

function raised(penalty: GatewayGroupStatus["penalty"], nowMs: number): { level: number; at: string } {
  const at = new Date(nowMs).toISOString();
  const recent = penalty !== undefined && nowMs - Date.parse(penalty.at) < PENALTY_FORGET_MS;
  const level = recent ? Math.min(PENALTY_MAX, penaltyLevel(penalty, nowMs) + 1) : 0;
  return { level, at };
}

type WouldHave = NonNullable<GatewayGroupStatus["wouldHave"]>;
const WOULD_HAVE_MAX = 10;

/**
 * What Observe would have done, newest first: one entry for each time that it came to the point, not for each look at it.
 * undefined: nothing new.
 */
export function recordWould(
  { group, nowMs }: Facts,
  to: "ToFallback" | "ToNormal" | undefined,
  evidence: string,
): WouldHave | undefined {
  const { conditions, wouldHave = [] } = group.status;
  if (to === undefined) return undefined;
  const stands = conditions?.some(({ type, reason }) => type === "Reconciling" && reason === "WouldMove");
  if (stands && wouldHave[0]?.to === to) return undefined;
  const count = (wouldHave[0]?.count ?? 0) + 1;
  const entry = { count, to, at: new Date(nowMs).toISOString(), evidence: evidence.slice(0, 1024) };
  return [entry, ...wouldHave].slice(0, WOULD_HAVE_MAX);
}
