import { ANNOTATION } from "../../api/names.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";

/** What people ask for: spec.suspend, the override annotation, spec.modePolicy; in this order of precedence. */
export interface Words {
  order: "Hold" | "Suspend" | "Fallback" | "Normal" | "Auto" | "Observe";
  /** Where the order comes from, for messages. */
  from: string;
  /** When the override ends, ms since 1970. */
  untilMs?: number;
  /** The override cannot be read. Somebody wanted something else than the policy, so the group is held. */
  problem?: Problem;
}

/** An ordered fallback beside a living control plane ends after this: readers are not counted by the license. */
export const ORDERED_FALLBACK_LIMIT_MS = 24 * 3_600_000;

export function wordsOf(facts: Pick<Facts, "group" | "nowMs">): Words {
  const { spec, annotations } = facts.group;
  const override = parseOverride(annotations[ANNOTATION.override], facts.nowMs);
  const problem = override.is === "invalid" ? { problem: override.problem } : {};
  if (spec.suspend) return { order: "Suspend", from: "spec.suspend", ...problem };
  const from = `annotation ${ANNOTATION.override}`;
  if (override.is === "invalid") return { order: "Hold", from, ...problem };
  if (override.is === "active") return { order: override.order, from, untilMs: override.untilMs };
  return { order: spec.modePolicy, from: "spec.modePolicy" };
}

type Override =
  | { is: "absent" }
  | { is: "expired" }
  | { is: "invalid"; problem: Problem }
  | { is: "active"; order: "Fallback" | "Normal" | "Hold"; untilMs: number };

const OVERRIDE = /^\s*(Fallback|Normal|Hold)\s+until=(\S+)\s*$/;

export function parseOverride(value: string | undefined, nowMs: number): Override {
  if (value === undefined || value.trim() === "") return { is: "absent" };
  const untilMs = timeOf(/\buntil=(\S+)/.exec(value)?.[1] ?? "");
  // Whatever it should have been, it would have ended by now: nobody is held by it for longer than he wrote.
  if (untilMs <= nowMs) return { is: "expired" };
  const order = OVERRIDE.exec(value)?.[1];
  if (order === undefined || Number.isNaN(untilMs)) return { is: "invalid", problem: unreadable(value) };
  return { is: "active", order: order as "Fallback" | "Normal" | "Hold", untilMs };
}

const unreadable = (value: string): Problem => ({
  reason: "OverrideInvalid",
  field: `metadata.annotations[${ANNOTATION.override}]`,
  message: `Cannot read the override "${shown(value)}": write Fallback, Normal or Hold, a space, and until= with a time such as 2026-01-31T12:00:00Z, or remove the annotation. Until then the group is held: only status and events are written`,
});

const shown = (value: string): string => (value.length > 80 ? `${value.slice(0, 80)}...` : value);

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** NaN for what is no time. Date.parse takes the 31st of February for a day in March. */
function timeOf(text: string): number {
  const [, year, month, day] = RFC3339.exec(text) ?? [];
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) <= lastDay ? Date.parse(text) : Number.NaN;
}
