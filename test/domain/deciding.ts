import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { decide } from "../../operator/domain/decide.ts";
import { emptyMemory, type GroupMemory } from "../../operator/domain/evidence/memory.ts";
import { aboutNow } from "../../operator/domain/evidence/scope.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { brokenInvariants } from "../../operator/domain/laws/invariants.ts";
import type { Plan, Step } from "../../operator/domain/plan.ts";
import { provenWorld, type World } from "../scenarios/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: rows bend facts that are readonly elsewhere
export type Loose = any;

/**
 * Facts of a group that serves with a proven snapshot, to bend in one place per row. Each is a copy of its own.
 * The group's return waits 30 s, its loss counts after 20 s.
 */
const worlds = new Map<string, World>();
export function healthy(spec: object = {}): { facts: Loose; memory: GroupMemory } {
  const key = JSON.stringify(spec);
  const world = worlds.get(key) ?? provenWorld(spec);
  worlds.set(key, world);
  const facts: Loose = structuredClone(world.facts());
  // Also where nobody would have asked: what is not counted is a row of its own.
  facts.controlPlane.counts = { ...world.held.counts };
  delete facts.serverNowMs; // one clock: rows bend nowMs alone
  // Long enough ago that no start speaks for its place any more.
  for (const pod of facts.pods) {
    pod.createdMs = facts.nowMs - 610_000;
    pod.start.finishedMs = facts.nowMs - 600_000;
  }
  return { facts, memory: emptyMemory() };
}

/** The control plane is gone for everybody. */
export function lose(facts: Loose): void {
  facts.controlPlane = { operator: { view: "down", detail: "refused" } };
  for (const pod of facts.pods) pod.vote = "disconnected";
}

/** This verdict has held for so long, without a gap. */
export const held = (facts: Facts, word: "Reachable" | "Unreachable" | "Unknown", ms: number): GroupMemory => ({
  ...aboutNow(facts.group, emptyMemory()),
  verdict: { word, sinceMs: facts.monoMs - ms, seenMs: facts.monoMs },
  ...(facts.controlPlane.operator.view === "readsOk" ? {} : { unansweredSinceMs: facts.nowMs - ms }),
});

export const inMode = (facts: Loose, mode: NonNullable<GatewayGroupStatus["mode"]>, sinceMs = 0): void => {
  facts.group.status.mode = mode;
  facts.group.status.modeSince = new Date(facts.nowMs - sinceMs).toISOString();
};

/** Every pod serves from the snapshot. */
export function fromSnapshot(facts: Loose): void {
  for (const pod of facts.pods) {
    pod.start = { choice: "fallback", reason: "RecordedFallback", finishedMs: pod.createdMs, absent: [] };
    pod.vote = "unknown";
  }
}

export function planOf(facts: Facts, memory: GroupMemory): Plan & { broken: string[]; remembers: GroupMemory } {
  const { plan, memory: remembers } = decide(facts, memory);
  return { ...plan, broken: brokenInvariants(facts, plan), remembers };
}

export const told = (plan: Plan, type: string): string | undefined =>
  plan.status.conditions?.find((condition) => condition.type === type)?.reason;

export const done = (plan: Plan): string[] =>
  plan.steps.map((step: Step) => {
    if (step.do === "apply" || step.do === "create")
      return `${step.do} ${step.object.kind}/${step.object.metadata.name}`;
    if (step.do === "scale") return `scale ${step.from} -> ${step.to}`;
    if (step.do === "copySnapshot") return `copy ${step.from} -> ${step.to}`;
    return `${step.do} ${"name" in step ? step.name : ""}`;
  });

export function startTold(plan: Plan): Loose {
  const step = plan.steps.find((one) => one.do === "apply" && one.object.metadata.name === "edge-start");
  return step?.do === "apply"
    ? JSON.parse((step.object["data"] as Record<string, string>)["start.json"] ?? "")
    : undefined;
}
