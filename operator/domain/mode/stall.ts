import type { Reason } from "../../api/reasons.ts";
import type { GroupMemory, Progress } from "../evidence/memory.ts";
import type { Motion } from "../motion/input.ts";
import { isReady, servesFrom } from "../pods.ts";
import type { Situation } from "../situation.ts";
import type { TemplatePlan } from "../templates/input.ts";
import { withPods } from "../templates/live.ts";
import { howToReturn } from "./approvals.ts";
import type { ModeStep } from "./input.ts";

/** A move of pods that has come no further for so long is held: it says what it waits for, and its turn goes to others. */
export const STALLED_AFTER_MS = 600_000;

export interface Stall {
  memory: Pick<GroupMemory, "progress">;
  held?: { reason: Reason; message: string };
}

interface StallInput {
  situation: Situation;
  step: ModeStep;
  motion: Motion;
  template: TemplatePlan;
  published: boolean;
  /** A group that waits for its turn does not stall. */
  waveOpen: boolean;
}

/** Pods that are replaced one by one may take hours; what counts is that there is always one pod fewer to go. */
export function stallOf(input: StallInput): Stall {
  const { situation, step, motion, published, waveOpen } = input;
  const { facts, mode, evidence } = situation;
  if (step.move || !isMoving(input)) return { memory: {} };
  const before = evidence.memory.progress;
  const now: Progress = {
    of: `${mode} ${facts.group.status.epoch ?? 0} ${published}`,
    left: Math.max(motion.leavers, motion.remaining + motion.stuck),
    arrived: facts.pods.filter((pod) => servesFrom(pod, targetOf(situation))).length,
    sinceMs: facts.monoMs,
  };
  const further = before?.of !== now.of || now.left < before.left || now.arrived > before.arrived;
  if (!waveOpen || further) return { memory: { progress: now } };
  const stalled = facts.monoMs - before.sinceMs >= STALLED_AFTER_MS;
  return {
    memory: { progress: before },
    ...(stalled ? { held: { reason: "MoveStalled", message: stalledText(input) } } : {}),
  };
}

/** The modes say that pods are to move; in Normal, that there are some which came up from the snapshot or serve badly. */
function isMoving({ situation: { mode, words }, step, motion }: StallInput): boolean {
  const inNormal = mode === "Normal" && motion.leavers > 0 && !step.held && words.order !== "Observe";
  return step.waiting?.reason === "MovingPods" || inNormal;
}

const targetOf = ({ mode, evidence }: Situation): "normal" | "fallback" =>
  mode === "ToNormal" || (mode === "Normal" && evidence.verdict.word === "Reachable") ? "normal" : "fallback";

/** Without a number that changes by itself: the text is written into status each time that it differs. */
function stalledText(input: StallInput): string {
  const { situation, published } = input;
  const waits = published || situation.mode === "Normal" ? reasonsOf(input) : ["the start choice is not published yet"];
  const what = waits.length > 0 ? waits.join("; ") : "the cause is not known: look at the pods' events";
  return `No pod was moved for ${STALLED_AFTER_MS / 60_000} minutes. The move waits: ${what}. Other groups go on meanwhile`;
}

function reasonsOf({ situation, template }: StallInput): string[] {
  const { facts, words, replicasHeld, mode, evidence, expectation } = situation;
  const { traffic } = facts.children;
  const back = targetOf(situation) === "normal";
  const reasons: (string | undefined)[] = [
    words.order === "Observe" ? "modePolicy is Observe" : undefined,
    replicasHeld?.message,
    template.pending?.reason === "OutageDuringRoll" ? template.pending.message : undefined,
    traffic?.paused && withPods(traffic).length > 1 && template.pending?.reason !== "OutageDuringRoll"
      ? `Deployment "${traffic.name}" is paused: resume it`
      : undefined,
    mode === "ToNormal" && evidence.verdict.word !== "Reachable" ? "the control plane is not back" : undefined,
    back && expectation.is === "unknown" && !expectation.approved
      ? `the objects of the control plane are not counted; to go on all the same: ${howToReturn(facts)}`
      : undefined,
    unpassedCheck(situation),
    notReady(situation),
  ];
  return reasons.filter((reason) => reason !== undefined);
}

const names = (pods: readonly { name: string }[]): string => {
  const sorted = pods.map(({ name }) => name).sort();
  return sorted.length > 5 ? `${sorted.slice(0, 5).join(", ")} and others` : sorted.join(", ");
};

/** A successor counts when it is known to pass: one that nobody can ask never does. */
function unpassedCheck(situation: Situation): string | undefined {
  const { pods, group } = situation.facts;
  const { check } = group.spec.traffic;
  if (check === undefined) return undefined;
  const successors = pods.filter((pod) => isReady(pod) && pod.start?.choice === targetOf(situation));
  const failing = successors.filter((pod) => pod.check === "fail");
  const unasked = successors.filter((pod) => pod.check === "unknown");
  if (failing.length > 0)
    return `pods do not answer ${check.expectStatus} to spec.traffic.check.path ${check.path} (${names(failing)}): repair the route, or change or remove the check`;
  if (unasked.length === 0) return undefined;
  return `Holdfast gets no answer to spec.traffic.check from pods (${names(unasked)}): allow it to connect to their HTTP port, or remove the check`;
}

function notReady({ facts }: Situation): string | undefined {
  const missing = facts.pods.filter((pod) => !pod.deleting && !pod.ready);
  const [first] = missing;
  if (first === undefined) return undefined;
  const why = missing.find((pod) => pod.trouble !== undefined)?.trouble;
  return `pods are not ready (${names(missing)})${why === undefined ? "" : `: ${why}`}`;
}
