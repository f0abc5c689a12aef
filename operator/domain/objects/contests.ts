import { childName } from "../../api/names.ts";
import { MARK } from "../desired/common.ts";
import type { Contest, GroupMemory } from "../evidence/memory.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import type { Step } from "../plan.ts";
import { describeDiff } from "./diff.ts";

/**
 * Another writer sets again what Holdfast takes back: an autoscaler on the Deployment, a tool that applies a copy of an
 * object. Each round makes and removes pods, and nobody wins. After three rounds Holdfast pauses, longer each time, and
 * names the writer. Pods that serve are not removed in such a fight at all.
 */
const ROUNDS = 3;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 1_800_000;
/** Without a round for so long, the next one is the first. */
const FORGOTTEN_AFTER_MS = 3_600_000;
/** After an attempt the problem stays for so long, as the other writer has not had the time to answer. */
const ANSWER_MS = 60_000;
const REPLICAS = "replicas";

type Contests = NonNullable<GroupMemory["contests"]>;
interface Writer {
  manager: string;
  at: string;
}

const pauseMs = ({ rounds }: Contest): number =>
  rounds < ROUNDS ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (rounds - ROUNDS));
const isPaused = (known: Contest, nowMs: number): boolean => nowMs - known.lastMs < pauseMs(known);

/** The writer has written since Holdfast last took something back, and that was not the first time. */
const isBack = (known: Contest, writer: Writer): boolean => known.rounds >= ROUNDS && writer.at !== known.at;

const idOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`;
const writerOf = ({ children }: Facts, id: string): Writer | undefined => children.writers?.get(id);

function scalerOf({ children: { traffic } }: Facts): Writer | undefined {
  if (traffic?.scaledBy === undefined) return undefined;
  return { manager: traffic.scaledBy, at: traffic.scaledAt ?? "" };
}

export interface ReplicasContest {
  problem: Problem;
  /** The pods that there are, or as many as the spec wants where that is more. */
  wanted: number;
  /** More pods are wanted, and the next attempt is not due yet. */
  paused: boolean;
}

/** Does somebody else set the number of traffic pods again and again? */
export function replicasContest(facts: Facts, contests: Contests = {}): ReplicasContest | undefined {
  const { traffic } = facts.children;
  const known = contests[REPLICAS];
  const writer = scalerOf(facts);
  const { replicas } = facts.group.spec.traffic;
  if (!traffic || !known || !writer || !isBack(known, writer)) return undefined;
  // Another number through the right door is tried once more.
  if (known.wanted !== replicas) return undefined;
  const paused = isPaused(known, facts.monoMs);
  // It may have taken away the surge of a move; the very number that is wanted ends the fight.
  const lostSurge = (known.to ?? 0) > replicas && paused;
  if (traffic.replicas === replicas && !lostSurge) return undefined;
  return { problem: replicasProblem(facts, writer.manager), wanted: Math.max(traffic.replicas, replicas), paused };
}

function replicasProblem({ group: { namespace, name, spec } }: Facts, manager: string): Problem {
  const fix = `kubectl -n ${namespace} scale deployment ${name} --replicas=${spec.traffic.replicas}`;
  return {
    reason: "ReplicasContested",
    field: "spec.traffic.replicas",
    message: `Field manager "${manager}" sets the replicas of Deployment "${name}" again each time that Holdfast sets them to ${spec.traffic.replicas}. Holdfast removes no pod meanwhile, and adds missing ones at growing intervals of up to 30 minutes. Let that writer scale the GatewayGroup "${name}" instead (scaleTargetRef of an HPA), then: ${fix}`,
  };
}

/**
 * What pods that start read, and what holds evictions up in an outage, is written in any fight, at once: a mode that is recorded and
 * not published is worse than one write more.
 */
const isUrgent = ({ kind, metadata }: KubeObject, { group }: Facts): boolean =>
  kind === "PodDisruptionBudget" || (kind === "ConfigMap" && metadata.name === childName.start(group.name));

/** Objects that somebody else keeps changing: those are left alone until the pause is over. */
export function withoutContested(steps: readonly Step[], facts: Facts, contests: Contests = {}): Step[] {
  return steps.filter((step) => {
    if (step.do !== "apply" || isUrgent(step.object, facts)) return true;
    const writer = writerOf(facts, idOf(step.object));
    const known = contests[idOf(step.object)];
    return !writer || !known || !isBack(known, writer) || !isPaused(known, facts.monoMs);
  });
}

/** An attempt after a pause, so short a time ago that the other writer may still answer it. */
const wasTried = (known: Contest, nowMs: number): boolean => known.rounds > ROUNDS && nowMs - known.lastMs < ANSWER_MS;

/** One problem for each object that is left alone, or was tried again just now; of the replicas only the latter. */
export function contestProblems(facts: Facts, meant: readonly KubeObject[], contests: Contests = {}): Problem[] {
  const known = contests[REPLICAS];
  const replicas = known && wasTried(known, facts.monoMs) && !replicasContest(facts, contests);
  return [...(replicas ? [replicasProblem(facts, known.by)] : []), ...objectProblems(facts, meant, contests)];
}

function objectProblems(facts: Facts, meant: readonly KubeObject[], contests: Contests): Problem[] {
  return meant.flatMap((object) => {
    const id = idOf(object);
    const known = contests[id];
    const live = facts.children.byName.get(id);
    if (!known || !live) return [];
    const writer = writerOf(facts, id);
    const path = describeDiff(object, live);
    const differs = path !== undefined || facts.children.copies?.has(id);
    if (!wasTried(known, facts.monoMs) && !(differs && writer && isBack(known, writer))) return [];
    const what = path === undefined ? "" : ` (${path})`;
    return {
      reason: "FieldContested",
      field: "",
      message: `Field manager "${writer?.manager ?? known.by}" writes ${object.kind} "${object.metadata.name}"${what} again each time that Holdfast does. ${isUrgent(object, facts) ? "Pods or evictions depend on it, so Holdfast writes it again at once" : "Holdfast now writes it at growing intervals of up to 30 minutes"}. Change the GatewayGroup instead, and let that writer leave the object out`,
    };
  });
}

/** It writes what it wrote before, or over a copy: what Holdfast writes for reasons of its own is no fight. */
function takesBack(object: KubeObject, { children }: Facts): boolean {
  const id = idOf(object);
  const hashOf = (one: KubeObject | undefined) => one?.metadata.annotations?.[MARK.appliedHash];
  return children.copies?.has(id) === true || hashOf(object) === hashOf(children.byName.get(id));
}

/** What is remembered once these steps are carried out: each that takes back what a writer wrote is one round. */
export function afterSteps(steps: readonly Step[], facts: Facts, before: Contests = {}): Pick<GroupMemory, "contests"> {
  const { replicas } = facts.group.spec.traffic;
  const contests: Record<string, Contest> = {};
  for (const [id, known] of Object.entries(before)) {
    const stands = id === REPLICAS && known.rounds >= ROUNDS && facts.children.traffic?.replicas !== replicas;
    if (stands || facts.monoMs - known.lastMs < FORGOTTEN_AFTER_MS) contests[id] = known;
  }
  const round = (id: string, writer: Writer | undefined, more: Pick<Contest, "to" | "wanted"> = {}) => {
    const known = contests[id];
    // The same attempt once more: a cache that lags, a write that was refused.
    if (!writer || (known?.by === writer.manager && known.at === writer.at)) return;
    const rounds = (known?.rounds ?? 0) + 1;
    contests[id] = { by: writer.manager, at: writer.at, rounds, lastMs: facts.monoMs, ...more };
  };
  for (const step of steps) {
    if (step.do === "scale") round(REPLICAS, scalerOf(facts), { to: step.to, wanted: replicas });
    if (step.do === "apply" && takesBack(step.object, facts))
      round(idOf(step.object), writerOf(facts, idOf(step.object)));
  }
  return Object.keys(contests).length === 0 ? {} : { contests };
}
