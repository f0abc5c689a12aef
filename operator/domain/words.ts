import { ANNOTATION } from "../api/names.ts";
import type { Facts } from "./facts.ts";
import type { Problem } from "./problem.ts";

/** What people ask for: spec.suspend, the override annotation, spec.modePolicy; in this order of precedence. */
export interface Words {
  order: "Hold" | "Suspend" | "Fallback" | "Normal" | "Auto" | "Observe";
  /** Where the order comes from, for messages. */
  from: string;
  /** When the override ends, ms since 1970. */
  untilMs?: number;
  problem?: Problem;
}

/** An ordered fallback beside a living control plane ends after this: readers are not counted by the license. */
export const ORDERED_FALLBACK_LIMIT_MS = 24 * 3_600_000;

export function wordsOf(facts: Pick<Facts, "group" | "nowMs">): Words {
  const { spec, annotations } = facts.group;
  const override = parseOverride(annotations[ANNOTATION.override], facts.nowMs);
  const problem = override.is === "invalid" ? { problem: override.problem } : {};
  if (spec.suspend) return { order: "Suspend", from: "spec.suspend", ...problem };
  if (override.is === "active")
    return { order: override.order, from: `annotation ${ANNOTATION.override}`, untilMs: override.untilMs };
  return { order: spec.modePolicy, from: "spec.modePolicy", ...problem };
}

type Override =
  | { is: "absent" }
  | { is: "expired" }
  | { is: "invalid"; problem: Problem }
  | { is: "active"; order: "Fallback" | "Normal" | "Hold"; untilMs: number };

const OVERRIDE = /^\s*(Fallback|Normal|Hold)\s+until=(\S+)\s*$/;

export function parseOverride(value: string | undefined, nowMs: number): Override {
  if (value === undefined || value.trim() === "") return { is: "absent" };
  const match = OVERRIDE.exec(value);
  const untilMs = match?.[2] !== undefined && RFC3339.test(match[2]) ? Date.parse(match[2]) : Number.NaN;
  if (!match || Number.isNaN(untilMs)) {
    const shown = value.length > 80 ? `${value.slice(0, 80)}...` : value;
    return {
      is: "invalid",
      problem: {
        reason: "OverrideInvalid",
        field: `metadata.annotations[${ANNOTATION.override}]`,
        message: `Cannot read the override "${shown}": write Fallback, Normal or Hold, a space, and until= with a time such as 2026-01-31T12:00:00Z. Until then it is ignored`,
      },
    };
  }
  if (untilMs <= nowMs) return { is: "expired" };
  return { is: "active", order: match[1] as "Fallback" | "Normal" | "Hold", untilMs };
}
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** approve-return names the epoch that it approves, so that a forgotten annotation approves nothing later. */
export function returnApproved(facts: Pick<Facts, "group">): boolean {
  const { epoch = 0, mode } = facts.group.status;
  const word = facts.group.annotations[ANNOTATION.approveReturn];
  // A return that is under way was approved in the step before it.
  return word === String(epoch) || (mode === "ToNormal" && word === String(epoch - 1));
}

const bare = (digest: string): string => digest.replace(/^sha256:/, "");
/** accept-snapshot names the digest that it accepts, whole or at least its first 12 characters. */
export function snapshotAccepted(facts: Pick<Facts, "group">, digest: string): boolean {
  const word = facts.group.annotations[ANNOTATION.acceptSnapshot]?.trim();
  return word !== undefined && bare(word).length >= 12 && bare(digest).startsWith(bare(word));
}
