import { LABEL } from "../api/names.ts";
import type { KubeObject } from "../domain/facts/cluster.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { Plan, PlannedEvent, Step } from "../domain/plan.ts";
import { isKubeError, isOutOfReach, isRefusal } from "../kube/errors.ts";
import type { Log } from "../log.ts";
import { isAsDecidedOn } from "./as-decided.ts";
import { idOf, type StepDeps, type StepResult } from "./step-deps.ts";
import { carryOut } from "./steps.ts";

export interface RunDeps extends StepDeps {
  counted: (step: Step["do"], result: StepResult) => void;
  /** Once per new trouble of a group, not once per loop. */
  troubled: (step: Step, error: unknown) => void;
  log: Log;
}

export interface Outcome {
  /** The first thing that was not as the plan had seen it. */
  met?: "conflict" | "stranger" | "refused" | "outdated";
  /** The first error. */
  failed?: unknown;
  /** Steps that were carried out, or found to be. */
  done: ReadonlySet<Step>;
  /** What is to be told of what was done. */
  events: readonly PlannedEvent[];
}

/**
 * Carries out the steps in their order. A step that is refused takes with it only what depends on it: one object that
 * a policy does not let through must not keep the recorded mode from being told, nor pods from being moved.
 */
export async function runSteps(plan: Plan, facts: Facts, deps: RunDeps, signal: AbortSignal): Promise<Outcome> {
  const done = new Set<Step>();
  const lacking = new Set<string>();
  const events: PlannedEvent[] = [];
  const outcome: Outcome = { done, events };
  const [first] = plan.steps;
  if (first === undefined) return outcome;
  try {
    if (!(await isAsDecidedOn(facts, deps, signal))) return { ...outcome, met: "outdated" };
  } catch (error) {
    deps.counted(first.do, "failed");
    // A right that is missing is not the step's: told as a refusal of it, it would send people to the wrong rule.
    if (isRefusal(error)) deps.log.error("no plan is carried out: Holdfast may not read the group", { error });
    else deps.troubled(first, error);
    return { ...outcome, failed: error };
  }
  let late = false;
  const runAll = async (steps: readonly Step[]): Promise<"ended" | "through"> => {
    for (const step of steps) {
      // A copy may take most of a minute: a word that a person said meanwhile counts for what comes after it.
      if (late && !(await isAsDecidedOn(facts, deps, signal).catch(() => false))) {
        outcome.met = "outdated";
        return "ended";
      }
      late = step.do === "copySnapshot";
      const { result, error } = (step.needs ?? []).some((need) => lacking.has(need))
        ? ({ result: "blocked", error: undefined } as const)
        : await runStep(step, facts, deps, signal);
      tell(step, result, error, deps);
      if (error !== undefined) outcome.failed ??= error;
      // A refusal by dry-run is known to the next loop; one by an error is not, and would be met again at once.
      const met = result === "conflict" || result === "stranger" || (result === "refused" && error === undefined);
      if (met) outcome.met ??= result;
      if (result === "done" || result === "alreadyDone" || result === "overridden") {
        done.add(step);
        events.push(...(step.events ?? []).filter((event) => isTrue(event, result)));
        continue;
      }
      const changed = result === "conflict" || result === "stranger";
      if (isOutOfReach(error) || (changed && !step.optional)) return "ended";
      for (const gone of step.gives ?? []) lacking.add(gone);
    }
    return "through";
  };
  if ((await runAll(plan.steps)) === "ended") return outcome;
  const kept = plan.steps.some((step) => isTemplateChange(step) && !done.has(step));
  if (kept) await runAll(plan.instead ?? []);
  return outcome;
}

/** What was there already, nobody did; and no edit by hand was taken back where the cluster itself made it. */
const isTrue = ({ reason }: PlannedEvent, result: StepResult): boolean =>
  result === "done" || (result === "overridden" && reason !== "HandEditReverted");

async function runStep(
  step: Step,
  facts: Facts,
  deps: RunDeps,
  signal: AbortSignal,
): Promise<{ result: StepResult; error?: unknown }> {
  try {
    return { result: await carryOut(step, facts, deps, signal) };
  } catch (error) {
    if (isKubeError(error, "Conflict", "AlreadyExists")) return { result: "conflict" };
    return { result: isRefusal(error) ? "refused" : "failed", error };
  }
}

function tell(step: Step, result: StepResult, error: unknown, { counted, troubled, log }: RunDeps): void {
  counted(step.do, result);
  if (error !== undefined) troubled(step, error);
  else if (result === "done") log.info("step done", { step: step.do, object: targetOf(step), why: step.why });
  else if (result === "overridden")
    log.warn("step done, and the cluster changed what was written", { step: step.do, object: targetOf(step) });
  else if (result === "abandoned")
    log.warn("step abandoned: by a live read it would break a law", { step: step.do, object: targetOf(step) });
}

const roleOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.[LABEL.role];
const isTemplateChange = (step: Step): boolean =>
  step.do === "apply" && step.object.kind === "Deployment" && roleOf(step.object) === "traffic";

/** What a step is done to, for logs: `Deployment/edge`, `raw -> candidate`. */
export function targetOf(step: Step): string {
  switch (step.do) {
    case "apply":
    case "create":
      return idOf(step.object);
    case "copySnapshot":
      return `${step.from} -> ${step.to}`;
    case "claimStore":
      return "the mark of the owner";
    case "removeGeneration":
      return `generation ${step.digest}`;
    case "delete":
    case "relabel":
      return `${step.kind}/${step.name}`;
    case "deletePod":
    case "markPod":
      return `Pod/${step.name}`;
    default:
      return `Deployment/${step.name}`;
  }
}
