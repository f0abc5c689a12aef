import type { GatewayGroupStatus } from "../../api/gateway-group-status.ts";
import type { Facts } from "../facts/facts.ts";
import type { Plan } from "../plan.ts";
import { conditionsFrom, eventsFrom } from "../status/conditions.ts";
import { brokenInvariants, touchesPods } from "./invariants.ts";

/**
 * What is left of a plan that breaks a law: a defect of Holdfast, which must be seen by whoever looks at the group, and
 * must not keep it from what would cure it (a rehearsal, a proof that is published). The mode stays, no traffic pod is
 * touched, and where even the rest is forbidden only the status is written.
 */
export function refusedPlan(facts: Facts, plan: Plan, laws: readonly string[]): Plan {
  const { instead: _, ...drawn } = plan;
  const rest: Plan = {
    ...drawn,
    recordsMode: false,
    steps: plan.steps.filter((step) => !touchesPods(step)),
    status: modeAsBefore(facts, plan.status),
  };
  const steps = brokenInvariants(facts, rest).length === 0 ? rest.steps : [];
  const status = heldStatus(facts, plan.recordsMode ? ofTheModeBefore(facts, rest.status) : rest.status, laws);
  for (const word of ["restartedAt", "rehearsedAt"] as const)
    if (!steps.some((step) => step.carries === word)) copy(status, facts.group.status, word);
  const before = facts.group.status.conditions;
  const news = eventsFrom(before, status.conditions ?? []).filter(({ action }) => action === "Held");
  const moved = (reason: string) => plan.recordsMode && reason === plan.status.modeReason;
  const told = plan.events.filter(({ action, reason }) => action !== "Held" && !moved(reason));
  return { ...rest, steps, status, events: [...told, ...news] };
}

const OF_THE_MODE = ["mode", "modeReason", "modeSince", "epoch", "history", "penalty"] as const;

function modeAsBefore({ group }: Facts, wanted: GatewayGroupStatus): GatewayGroupStatus {
  const status = { ...wanted };
  for (const field of OF_THE_MODE) copy(status, group.status, field);
  return status;
}

/** Conditions of the mode that was not recorded after all. */
function ofTheModeBefore({ group }: Facts, status: GatewayGroupStatus): GatewayGroupStatus {
  const isOfMode = ({ type }: { type: string }) => type === "FallbackActive" || type === "Reconciling";
  const before = (group.status.conditions ?? []).filter(isOfMode);
  return { ...status, conditions: [...before, ...(status.conditions ?? []).filter((one) => !isOfMode(one))] };
}

function copy<K extends keyof GatewayGroupStatus>(to: GatewayGroupStatus, from: GatewayGroupStatus, field: K): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

function heldStatus({ group, nowMs }: Facts, status: GatewayGroupStatus, laws: readonly string[]): GatewayGroupStatus {
  const message = `Holdfast refused its own plan, which would break a rule: ${laws.join("; ")}. The mode stays and no traffic pod is touched. This is a defect of Holdfast: please report it with this message`;
  const held = { type: "Held", status: "True", reason: "PlanRefused", message } as const;
  const others = (status.conditions ?? []).filter(({ type }) => type !== "Held");
  const [condition] = conditionsFrom(group.status.conditions, [held], group.generation, nowMs);
  return { ...status, conditions: [...others, ...(condition ? [condition] : [])], summary: message.slice(0, 1_000) };
}
