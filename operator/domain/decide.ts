import type { GatewayGroupStatus } from "../api/gateway-group-status.ts";
import { LABEL } from "../api/names.ts";
import type { Reason } from "../api/reasons.ts";
import { obsolete } from "./desired/cleanup.ts";
import { relabelSteps } from "./desired/relabel.ts";
import { evidenceText, gapLimitMs } from "./evidence/evidence.ts";
import type { GroupMemory } from "./evidence/memory.ts";
import { isBlind } from "./evidence/staleness.ts";
import type { KubeObject } from "./facts/cluster.ts";
import { currentFacts, skewOf } from "./facts/current.ts";
import type { Facts } from "./facts/facts.ts";
import type { ModeStep } from "./mode/input.ts";
import { isInert, modeStep } from "./mode/mode.ts";
import { recordMove, recordWould } from "./mode/record.ts";
import { stallOf } from "./mode/stall.ts";
import type { Motion } from "./motion/input.ts";
import { motionOf } from "./motion/motion.ts";
import { withAdoption } from "./objects/adoption.ts";
import { afterSteps, withoutContested } from "./objects/contests.ts";
import { needsApply } from "./objects/diff.ts";
import { withNeeds } from "./objects/needs.ts";
import { helperSteps } from "./objects/throwaway-pods.ts";
import type { Plan, PlannedEvent, Step, Wants } from "./plan.ts";
import { isPublished, type Situation, situationOf } from "./situation.ts";
import { backupPlan } from "./snapshot/backup.ts";
import { needsNoCopy, pipelineOf } from "./snapshot/pipeline.ts";
import type { Pipeline } from "./snapshot/pipeline-state.ts";
import { eventsFrom } from "./status/conditions.ts";
import { statusOf } from "./status/status.ts";
import { withEvents } from "./status/step-events.ts";
import type { TemplatePlan } from "./templates/input.ts";
import { withPods } from "./templates/live.ts";
import { templatePlan } from "./templates/template.ts";

/**
 * The decision: facts in, plan out. One step per loop: either the recorded mode moves, or the objects of the recorded
 * mode are brought about. Pure; `memory` is what one process saw in earlier loops of the same term.
 */
export function decide(seen: Facts, memory: GroupMemory): { plan: Plan; memory: GroupMemory } {
  if (seen.group.deleting) return { plan: leaveAlone(seen), memory };
  const situation = situationOf(currentFacts(seen), memory);
  const { facts } = situation;
  const waveOpen = isWaveOpen(situation);
  const { irreplaceable: frozen, evidence } = situation;
  const motion = motionOf({ ...situation, frozen, memory: evidence.memory, waveOpen });
  const published = isPublished(situation);
  const step = modeStep({ ...situation, published, motion });
  const settled = situation.lostMs !== undefined && needsNoCopy(facts, situation.running.key);
  const pipeline = pipelineOf(facts, situation.rehearse.key, situation.mode, settled);
  const observing = situation.words.order === "Observe";
  const { contests } = evidence.memory;
  const traffic = uncontested(
    templatePlan({ ...situation, verdict: evidence.verdict.word, observing }),
    facts,
    contests,
  );
  const backup = uncontested(backupPlan(situation), facts, contests);
  const pending = traffic.pending ?? backup.pending;
  const template = pending === undefined ? traffic : { ...traffic, pending };
  const stall = stallOf({ situation, step, motion, template: traffic, published, waveOpen });
  const inert = isInert(step);
  const { steps, instead } =
    step.move || inert ? NOTHING : stepsOf(situation, step, { pipeline, template, backup, motion });
  // A person's word counts as carried out only in a loop that carries something out.
  const idle = step.move !== undefined || inert;
  if (idle || !steps.some(isRehearsal)) delete pipeline.rehearsedAt;
  const { restartedAt: _, ...waits } = template;
  const skew = skewOf(seen, evidence.memory.skew);
  const status = statusOf({
    situation,
    step,
    pipeline,
    template: inert ? { steps: [] } : idle ? waits : template,
    ...(motion.problem ? { motionProblem: motion.problem } : {}),
    ...(stall.held ? { stalled: stall.held } : {}),
    ...(motion.waits ? { motionWaits: motion.waits } : {}),
    ...(skew === undefined ? {} : { clockSkew: skew.text }),
    busy: steps.length > 0 || isSettling(situation),
  });
  const events = [...pipeline.events, ...eventsFrom(facts.group.status.conditions, status.conditions ?? [])];
  if (step.move) {
    const why = evidenceText(facts, situation.evidence);
    Object.assign(status, recordMove(facts, step.move.to, step.move.reason, why));
    events.push(moveEvent(facts, status.epoch, step.move, why));
  }
  const finished = (one: Step): Step => withNeeds(facts, withEvents(one));
  const wouldHave = recordWould(facts, step.would, evidenceText(facts, situation.evidence));
  if (step.would && wouldHave) {
    status.wouldHave = wouldHave;
    events.push(wouldEvent(facts, step.would, status));
  }
  const plan: Plan = {
    status,
    recordsMode: step.move !== undefined,
    steps: steps.map(finished),
    ...(instead.length > 0 ? { instead: instead.map(finished) } : {}),
    events,
    recheckAfterMs: recheck(situation, step, steps.length > 0),
    wants: wantsOf(situation, pipeline, status),
  };
  // Pods that are not seen to come up may be up: blind, no move has failed.
  const { memory: kept } = situation.evidence;
  const fought = afterSteps(steps, facts, contests);
  const seenNow = {
    ...fought,
    ...situation.unchecked.memory,
    ...(skew && { skew }),
    ...motion.memory,
    ...stall.memory,
  };
  return { plan, memory: isBlind(facts) ? kept : { ...forgetful(kept), ...seenNow } };
}

/** A word of a person that is not carried out now is not used up. */
function uncontested<P extends Pick<TemplatePlan, "steps" | "restartedAt">>(
  plan: P,
  facts: Facts,
  contests: GroupMemory["contests"],
): P {
  const steps = withoutContested(plan.steps, facts, contests);
  if (steps.length === plan.steps.length) return plan;
  const { restartedAt: _, ...others } = plan;
  return { ...others, steps } as P;
}

/** A group that is being deleted gets nothing any more: what stays, and what goes with it, was decided by its owners. */
const leaveAlone = (facts: Facts): Plan => ({
  status: facts.group.status,
  recordsMode: false,
  steps: [],
  events: [],
  recheckAfterMs: REST_MS,
  wants: { podsOften: false, controlPlaneCounts: false },
});

const isRehearsal = (step: Step): boolean =>
  step.do === "create" && step.object.metadata.labels?.[LABEL.role] === "rehearsal";

/** What is remembered of this look replaces what was remembered of the same before, its silence included. */
function forgetful(memory: GroupMemory): GroupMemory {
  const { moveFailedMs: _ms, moveFailedWhy: _why, progress: _progress, ...rest } = memory;
  const { contests: _contests, skew: _skew, uncheckedSinceMs: _unchecked, ...others } = rest;
  return others;
}

function isWaveOpen({ facts: { peers, children }, wanted, words }: Situation): boolean {
  const moving = (children.traffic?.replicas ?? 0) > wanted;
  const allowed = Math.max(1, Math.ceil(peers.sharing * 0.2));
  const ordered = words.order === "Fallback" || words.order === "Normal";
  return moving || ordered || (peers.moving < allowed && peers.earlierWavesOpen === 0);
}

interface Parts {
  pipeline: Pipeline;
  template: TemplatePlan;
  backup: Pick<TemplatePlan, "steps">;
  motion: Motion;
}

/** In a fixed order: what pods need before pods, the truth for the start choice before anything that restarts a pod. */
function stepsOf(
  situation: Situation,
  step: ModeStep,
  { pipeline, template, backup, motion }: Parts,
): Pick<Required<Plan>, "steps" | "instead"> {
  const { facts, desired } = situation;
  const observing = situation.words.order === "Observe";
  const live = (object: KubeObject) => facts.children.byName.get(idOf(object));
  // Observe makes what is missing and changes nothing that is there.
  const differs = (object: KubeObject) => needsApply(object, live(object), facts.children);
  const objects = desired.others.filter((object) => differs(object) && !(observing && live(object)));
  const applied = objects.map((object): Step => ({ do: "apply", object, why: "as the spec wants" }));
  const steps = withoutContested(applied, facts, situation.evidence.memory.contests);
  steps.push(...backup.steps, ...template.steps);
  if (!observing) steps.push(...relabelSteps(facts, steps));
  steps.push(...pipeline.steps);
  // One thing that replaces pods at a time: a template that changes, or a motion of pods.
  // A Deployment that is paused in the middle of a roll shares a new number out among its templates, and takes pods that serve;
  // with pods of one template alone it scales as any other.
  const inRoll = withPods(facts.children.traffic ?? { replicaSets: [] }).length > 1;
  const paused = (facts.children.traffic?.paused && inRoll) || template.pending?.reason === "OutageDuringRoll";
  const mayMove = !observing && !paused;
  const rolls = template.steps.length > 0;
  if (mayMove && !rolls) steps.push(...motion.steps);
  // A ReplicaSet replaces a pod that is deleted, whether its Deployment is paused or not.
  if (paused && !observing && !rolls) steps.push(...motion.steps.filter((one) => one.do === "deletePod"));
  steps.push(...helperSteps(situation, step, pipeline), ...(observing ? [] : obsolete(facts, desired)));
  const instead = mayMove && template.steps.some(({ do: what }) => what === "apply") ? motion.steps : [];
  return { steps: withAdoption(situation, steps), instead };
}

const NOTHING = { steps: [], instead: [] };

const idOf = (object: KubeObject): string => `${object.kind}/${object.metadata.name}`;

function isSettling({ facts, wanted }: Situation): boolean {
  const traffic = facts.children.traffic;
  if (!traffic || traffic.replicas !== wanted || !traffic.observed) return true;
  if (traffic.replicaSets.filter((set) => set.replicas > 0).length > 1) return true;
  return facts.pods.some((pod) => pod.deleting || !pod.ready) || facts.pods.length !== wanted;
}

const REST_MS = 30_000;

/** Never so late that the evidence gets a gap while it matters. */
function recheck({ facts, evidence, mode }: Situation, step: ModeStep, busy: boolean): number {
  const probeMs = facts.group.spec.controlPlane.probeIntervalSeconds * 1000;
  const calm = mode === "Normal" && evidence.verdict.word === "Reachable" && !busy;
  const base = calm ? Math.min(REST_MS, gapLimitMs(probeMs / 1000) / 2) : Math.min(probeMs, 5_000);
  const left = step.waiting?.leftMs;
  return Math.max(100, left === undefined ? base : Math.min(base, left + 20));
}

/** Counted is wherever something waits for what the control plane holds, or a roll gives pods to it; at rest nobody asks. */
function wantsOf({ facts, evidence, mode }: Situation, pipeline: Pipeline, status: GatewayGroupStatus): Wants {
  const calm = mode === "Normal" && evidence.verdict.reason === "ControlPlaneAnswers";
  const doubted = pipeline.quarantine !== undefined || status.controlPlane?.content !== undefined;
  const back = facts.pods.some((pod) => pod.start?.choice === "fallback");
  const rolls = withPods(facts.children.traffic ?? { replicaSets: [] }).length > 1;
  return { podsOften: !calm, controlPlaneCounts: mode !== "Normal" || doubted || back || rolls };
}

/** The epoch is in the text, too: a second flip with the same reason and evidence is not the first one told again. */
function moveEvent(
  { group }: Facts,
  epoch: number | undefined,
  move: { to: string; reason: Reason },
  evidence: string,
): PlannedEvent {
  const bad = move.to === "ToFallback";
  return {
    type: bad ? "Warning" : "Normal",
    reason: move.reason,
    action: `To${move.to.replace(/^To/, "")}`,
    message: `Mode ${group.status.mode ?? "none"} -> ${move.to}, epoch ${epoch}. ${evidence}`,
    alsoOnDeployment: true,
  };
}

/** Counted in the text: the second time is not the first one reported again. */
function wouldEvent({ group }: Facts, to: "ToFallback" | "ToNormal", { wouldHave }: GatewayGroupStatus): PlannedEvent {
  const [latest] = wouldHave ?? [];
  return {
    type: to === "ToFallback" ? "Warning" : "Normal",
    reason: "WouldMove",
    action: "Observe",
    message: `modePolicy is Observe: mode ${group.status.mode ?? "none"} -> ${to} would be recorded now (number ${latest?.count}). ${latest?.evidence}`,
    alsoOnDeployment: false,
  };
}
