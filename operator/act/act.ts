import { isDeepStrictEqual } from "node:util";
import type { GatewayGroupStatus } from "../api/gateway-group-status.ts";
import { API_VERSION } from "../api/names.ts";
import type { Facts } from "../domain/facts.ts";
import type { Plan, Step } from "../domain/plan.ts";
import { gatewayGroups } from "../kinds.ts";
import { isKubeError } from "../kube/errors.ts";
import { deployments } from "../kube/resources.ts";
import type { Log } from "../log.ts";
import type { EventRecorder, Regarding } from "./events.ts";
import { carryOut, type StepDeps, type StepResult } from "./steps.ts";

export interface ActDeps extends StepDeps {
  events: Pick<EventRecorder, "emit">;
  counted: (step: Step["do"], result: StepResult) => void;
  /** Once per new trouble of a group, not once per loop. */
  troubled: (step: Step, error: unknown) => void;
  log: Log;
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
    await emitAll(plan, facts, deps, signal);
    return { again: true };
  }
  const outcome = await runSteps(plan.steps, facts, deps, signal);
  // What this plan says is true of a world without the stranger; the next one knows of it.
  if (outcome.met === "stranger") return { again: true };
  const status = outcome.failed === undefined ? plan.status : notYetDone(plan.status, facts.group.status);
  // Not under the loop's signal, only under the call's own limit: a step that took all of the time hides no verdict.
  if (!sameStatus(status, facts.group.status)) await writeStatus(status, facts, deps, undefined);
  await emitAll(plan, facts, deps, signal);
  const again = outcome.met === "conflict" || outcome.met === "refused";
  return outcome.failed === undefined ? { again } : { again, failed: outcome.failed };
}

interface Outcome {
  met?: "conflict" | "stranger" | "refused";
  failed?: unknown;
}

async function runSteps(steps: readonly Step[], facts: Facts, deps: ActDeps, signal: AbortSignal): Promise<Outcome> {
  const outcome: Outcome = {};
  for (const step of steps) {
    const { result, error } = await runStep(step, facts, deps, signal);
    deps.counted(step.do, result);
    if (error !== undefined) {
      outcome.failed ??= error;
      deps.troubled(step, error);
    } else if (result === "done") {
      deps.log.info("step done", { step: step.do, object: targetOf(step), why: step.why });
    } else if (result === "abandoned") {
      deps.log.warn("step abandoned: by a live read it would break a law", { step: step.do, object: targetOf(step) });
    }
    // A refusal by dry-run is known to the next loop; one by an error is not, and would be met again at once.
    const met = result === "conflict" || result === "stranger" || (result === "refused" && error === undefined);
    if (met) outcome.met ??= result;
    if (result === "done" || result === "alreadyDone") continue;
    if (outOfReach(error) || !isOptional(step)) break;
  }
  return outcome;
}

async function runStep(
  step: Step,
  facts: Facts,
  deps: ActDeps,
  signal: AbortSignal,
): Promise<{ result: StepResult; error?: unknown }> {
  try {
    return { result: await carryOut(step, facts, deps, signal) };
  } catch (error) {
    if (isKubeError(error, "Conflict", "AlreadyExists")) return { result: "conflict" };
    return { result: isKubeError(error, "Forbidden", "Invalid", "BadRequest") ? "refused" : "failed", error };
  }
}

/** The next call would not get through either. */
const outOfReach = (error: unknown): boolean =>
  isKubeError(error, "GateClosed", "Aborted", "Timeout", "Network", "Unavailable", "TooManyRequests", "Unauthorized");

/**
 * May what comes after it be done without it? Pods need their configuration, identity and the published mode first;
 * nothing waits for a Service, a budget, the exporter, a copy in the store or a throw-away pod.
 */
function isOptional(step: Step): boolean {
  switch (step.do) {
    case "copySnapshot":
    case "delete":
      return true;
    case "apply":
    case "create":
      return !["ConfigMap", "ServiceAccount", "Deployment"].includes(step.object.kind) || isExporter(step.object);
    default:
      return false;
  }
}

const isExporter = ({ metadata }: { metadata: { labels?: Record<string, string> } }): boolean =>
  metadata.labels?.["holdfast.dev/role"] === "backup";

/** Whether two statuses say the same; a field that is undefined is a field that is not there. */
export function sameStatus(a: GatewayGroupStatus, b: GatewayGroupStatus): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}

/** A word of a person counts as carried out only when it was. */
function notYetDone(planned: GatewayGroupStatus, before: GatewayGroupStatus): GatewayGroupStatus {
  const { restartedAt: _, rehearsedAt: __, ...rest } = planned;
  return {
    ...rest,
    ...(before.restartedAt === undefined ? {} : { restartedAt: before.restartedAt }),
    ...(before.rehearsedAt === undefined ? {} : { rehearsedAt: before.rehearsedAt }),
  };
}

async function writeStatus(
  status: GatewayGroupStatus,
  { group }: Facts,
  deps: ActDeps,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { namespace, name, uid, resourceVersion } = group;
  const seen = { namespace, name, uid, resourceVersion };
  deps.wrote(gatewayGroups, await deps.client.replaceStatus(gatewayGroups, seen, status, { signal }));
}

async function emitAll(plan: Plan, facts: Facts, deps: ActDeps, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = facts.group;
  const group: Regarding = { apiVersion: API_VERSION, kind: "GatewayGroup", namespace, name, uid };
  const { traffic } = facts.children;
  for (const event of plan.events) {
    await deps.events.emit(group, event, signal);
    if (!event.alsoOnDeployment || !traffic) continue;
    const { apiVersion, kind } = deployments;
    await deps.events.emit({ apiVersion, kind, namespace, name: traffic.name, uid: traffic.uid }, event, signal);
  }
}

function targetOf(step: Step): string {
  switch (step.do) {
    case "apply":
    case "create":
      return `${step.object.kind}/${step.object.metadata.name}`;
    case "copySnapshot":
      return `${step.from} -> ${step.to}`;
    case "delete":
      return `${step.kind}/${step.name}`;
    case "deletePod":
    case "markPod":
      return `Pod/${step.name}`;
    default:
      return `Deployment/${step.name}`;
  }
}
