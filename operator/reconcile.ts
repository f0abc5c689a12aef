import { type ActDeps, act } from "./act/act.ts";
import { targetOf } from "./act/run-steps.ts";
import { decide } from "./domain/decide.ts";
import { emptyMemory, type GroupMemory } from "./domain/evidence/memory.ts";
import type { Facts } from "./domain/facts/facts.ts";
import { refusedPlan } from "./domain/laws/refused-plan.ts";
import type { Plan, Wants } from "./domain/plan.ts";
import type { Clock } from "./kube/clock.ts";
import type { ReconcileResult } from "./kube/controller.ts";
import type { Log, LogFields } from "./log.ts";
import type { Observed } from "./observe/observe.ts";
import type { Sessions } from "./session.ts";

export interface Loop {
  /** True while the caches do not show our own last writes to this group: deciding on them would decide twice. */
  isBehind: (key: string) => boolean;
  observe: (key: string, wants: Wants, signal: AbortSignal) => Promise<Observed>;
  actDeps: (key: string, facts: Facts) => ActDeps;
  sessions: Sessions;
  /** The group is gone or going: what was held in an outage, and stays behind, is let go. */
  letGo: (key: string, signal: AbortSignal) => Promise<void>;
  decided: (key: string, facts: Facts, plan: Plan) => void;
  /** The laws that a plan would break. */
  brokenLaws: (facts: Facts, plan: Plan) => string[];
  /** A plan that would break a law is a defect of ours: what is left of it touches no pod (`refusedPlan`). */
  refused: (key: string, laws: readonly string[]) => void;
  measured: (part: "observe" | "decide" | "act", durationMs: number) => void;
  clock: Clock;
  log: Log;
}

const CALM: Wants = { podsOften: false, controlPlaneCounts: false };
const BEHIND_MS = 50;
const AGAIN_MS = 200;
const UNREADABLE_MS = 60_000;

/**
 * The heart: observe, decide, act. Only the key comes in; what happened does not matter, what is does. What one leader
 * term remembers of a group is in its session (session.ts); what must outlive it stands in status.
 */
export function groupReconciler(
  loop: Loop,
): (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined> {
  const memories = loop.sessions.memory<{ memory: GroupMemory; wants: Wants }>();
  return async (key, signal) => {
    if (loop.isBehind(key)) return { recheckAfterMs: BEHIND_MS };
    const known = memories.get(key);
    const lap = stopwatch(loop);
    const observed = await loop.observe(key, known?.wants ?? CALM, signal);
    lap("observe");
    if (observed.seen === "gone") {
      loop.sessions.drop(key);
      await loop.letGo(key, signal);
      return undefined;
    }
    if (observed.seen === "pending") return { recheckAfterMs: observed.recheckAfterMs };
    if (observed.seen === "unreadable") {
      loop.log.error("group cannot be read by this version and is left alone", { group: key, why: observed.why });
      return { recheckAfterMs: UNREADABLE_MS };
    }
    const { facts } = observed;
    if (facts.group.deleting) {
      await loop.letGo(key, signal);
      return undefined; // what is to go, the garbage collector takes; what is to stay, stays
    }
    const { plan: drawn, memory } = decide(facts, known?.memory ?? emptyMemory());
    memories.set(key, { memory, wants: drawn.wants });
    lap("decide");
    loop.log.debug("decided", { group: key, ...saying(facts, drawn) });
    const broken = loop.brokenLaws(facts, drawn);
    if (broken.length > 0) loop.refused(key, broken);
    const plan = broken.length > 0 ? refusedPlan(facts, drawn, broken) : drawn;
    const acted = await act(plan, facts, loop.actDeps(key, facts), signal);
    lap("act");
    loop.decided(key, facts, plan);
    return { recheckAfterMs: acted.again ? AGAIN_MS : plan.recheckAfterMs };
  };
}

/** One line per look at a group, for who wants to follow it: what was seen, what is done, and why. */
function saying({ controlPlane, snapshot }: Facts, { status, steps, recheckAfterMs }: Plan): LogFields {
  return {
    mode: status.mode,
    verdict: status.controlPlane?.verdict,
    controlPlane: controlPlane.operator.view,
    fallbackReady: status.fallbackReady,
    rawSnapshot: snapshot.raw.seen,
    steps: steps.map((step) => `${step.do} ${targetOf(step)}: ${step.why}`),
    recheckAfterMs,
  };
}

function stopwatch({ clock, measured }: Loop): (part: Parameters<Loop["measured"]>[0]) => void {
  let lastMs = clock.monotonicMs();
  return (part) => {
    const nowMs = clock.monotonicMs();
    measured(part, nowMs - lastMs);
    lastMs = nowMs;
  };
}
