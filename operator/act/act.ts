import { isDeepStrictEqual } from "node:util";
import type { GatewayGroupStatus } from "../api/gateway-group-status.ts";
import { API_VERSION } from "../api/names.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { Plan, PlannedEvent, Step } from "../domain/plan.ts";
import { gatewayGroups } from "../kinds.ts";
import { isKubeError } from "../kube/errors.ts";
import { deployments } from "../kube/resources.ts";
import { isAsDecidedOn } from "./as-decided.ts";
import type { EventRecorder, Regarding } from "./events.ts";
import { type RunDeps, runSteps } from "./run-steps.ts";

export interface ActDeps extends RunDeps {
  events: Pick<EventRecorder, "emit" | "retry">;
}

export interface Acted {
  /** Look again soon: something was not as the plan had seen it. */
  again: boolean;
  /** The first step that could not be carried out. */
  failed?: unknown;
}

/**
 * Carries out a plan in its fixed order. A step that fails never keeps the loop from coming again in time: whoever
 * decides counts on it. Rejects only when the recorded mode or the status cannot be written.
 */
export async function act(plan: Plan, facts: Facts, deps: ActDeps, signal: AbortSignal): Promise<Acted> {
  if (plan.recordsMode) {
    // Law 6: the mode is recorded before it is acted on, by one write that fails when anybody else wrote since.
    await writeStatus(plan.status, facts, deps, signal);
    await emitAll(plan.events, facts, deps, signal);
    return { again: true };
  }
  const outcome = await runSteps(plan, facts, deps, signal);
  await emitAll(outcome.events, facts, deps, signal);
  // What this plan says is true of a world without the stranger, or of a group as it was; the next one knows of it.
  if (outcome.met === "stranger" || outcome.met === "outdated") return { again: true };
  const status = withoutUndone(plan, facts.group.status, outcome.done);
  // Not under the loop's signal, only under the call's own limit: a step that took all of the time hides no verdict.
  if (!sameStatus(status, facts.group.status)) await writeStatus(status, facts, deps, undefined);
  await emitAll(plan.events, facts, deps, AbortSignal.timeout(LOOK_MS));
  await deps.events.retry(AbortSignal.timeout(LOOK_MS));
  const again = outcome.met === "conflict" || outcome.met === "refused";
  return outcome.failed === undefined ? { again } : { again, failed: outcome.failed };
}

/** Whether two statuses say the same; a field that is undefined is a field that is not there. */
export function sameStatus(a: GatewayGroupStatus, b: GatewayGroupStatus): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}

/** For what goes with a status that is written when the loop's time is over. */
const LOOK_MS = 5_000;

/** A word of a person counts as carried out only when the step that carries it was done. */
function withoutUndone(plan: Plan, before: GatewayGroupStatus, done: ReadonlySet<Step>): GatewayGroupStatus {
  const status = { ...plan.status };
  for (const step of plan.steps) {
    if (step.carries === undefined || done.has(step)) continue;
    const word = before[step.carries];
    if (word === undefined) delete status[step.carries];
    else status[step.carries] = word;
  }
  return status;
}

async function writeStatus(
  status: GatewayGroupStatus,
  facts: Facts,
  deps: ActDeps,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { namespace, name, uid, resourceVersion } = facts.group;
  const seen = { namespace, name, uid, resourceVersion };
  try {
    deps.wrote(gatewayGroups, await deps.client.replaceStatus(gatewayGroups, seen, status, { signal }));
  } catch (error) {
    if (isKubeError(error, "Conflict"))
      await isAsDecidedOn(facts, deps, signal ?? AbortSignal.timeout(LOOK_MS)).catch(() => false);
    throw error;
  }
}

async function emitAll(
  events: readonly PlannedEvent[],
  facts: Facts,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = facts.group;
  const group: Regarding = { apiVersion: API_VERSION, kind: "GatewayGroup", namespace, name, uid };
  const { traffic } = facts.children;
  for (const event of events) {
    await deps.events.emit(group, event, signal);
    if (!event.alsoOnDeployment || !traffic) continue;
    const { apiVersion, kind } = deployments;
    await deps.events.emit({ apiVersion, kind, namespace, name: traffic.name, uid: traffic.uid }, event, signal);
  }
}
