import type { Mode } from "../../api/gateway-group-status.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Evidence } from "../evidence/evidence.ts";
import { isLacking, lackingReason } from "../evidence/expectation.ts";
import { blindText, isBlind } from "../evidence/staleness.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { movingBack, movingThere } from "../motion/progress-text.ts";
import { servesFrom } from "../pods.ts";
import type { Readiness } from "../snapshot/proof.ts";
import type { ModeInput, ModeStep } from "./input.ts";
import { ORDERED_FALLBACK_LIMIT_MS, type Words } from "./orders.ts";
import { returnBlocker } from "./return.ts";

/** Held so that only status and events are written. */
export const isInert = ({ held }: ModeStep): boolean =>
  held !== undefined && ["Suspended", "HoldOrdered", "OverrideInvalid", "WatchesBlind"].includes(held.reason);

export function modeStep(input: ModeInput): ModeStep {
  const { facts, words } = input;
  const mode = facts.group.status.mode;
  if (words.order === "Suspend")
    return {
      held: { reason: "Suspended", message: "spec.suspend is true: only status and events are written" },
      wantsCanary: false,
    };
  if (words.order === "Hold") return { held: holdOf(words), wantsCanary: false };
  if (isBlind(facts)) return { held: { reason: "WatchesBlind", message: blindText(facts) }, wantsCanary: false };
  if (mode === undefined) return { move: initialMode(facts), wantsCanary: false };
  switch (mode) {
    case "Normal":
      return leaveNormal(input);
    case "ToFallback":
      return toFallback(input);
    case "Fallback":
      return leaveFallback(input);
    case "ToNormal":
      return toNormal(input);
    default:
      return mode satisfies never;
  }
}

/** An override that cannot be read may have been meant to hold: nothing is moved against it. */
function holdOf({ from, problem }: Words): NonNullable<ModeStep["held"]> {
  if (problem) return { reason: "OverrideInvalid", message: `${problem.field}: ${problem.message}` };
  return { reason: "HoldOrdered", message: `${from} says Hold: only status and events are written` };
}

/** A group without status takes its mode from its pods: what serves from the snapshot is not turned round unseen. */
function initialMode(facts: Facts): { to: Mode; reason: Reason } {
  const adopted = facts.pods.some((pod) => servesFrom(pod, "fallback"));
  return adopted ? { to: "Fallback", reason: "ModeAdopted" } : { to: "Normal", reason: "InitialMode" };
}

function leaveNormal(input: ModeInput): ModeStep {
  const { facts, words, readiness } = input;
  if (words.order === "Normal") return { wantsCanary: false };
  if (words.order === "Fallback") {
    if (orderExpired(input))
      return { wantsCanary: false, held: orderRefused("it lasted a day beside a living control plane") };
    if (canServe(readiness)) return { move: { to: "ToFallback", reason: "OrderedFallback" }, wantsCanary: false };
    return { wantsCanary: false, held: orderRefused(`no snapshot is proven: ${readiness.message}`) };
  }
  const lost = lostForMs(input);
  if (lost === undefined) return { wantsCanary: false };
  if (lost.leftMs > 0) {
    const after = facts.group.spec.fallback.outageAfterSeconds * input.evidence.verdict.dwellFactor;
    const message = `The control plane is lost; the group goes to fallback when this has lasted ${after} s`;
    return { wantsCanary: false, waiting: { reason: "WaitingOutage", message, leftMs: lost.leftMs } };
  }
  const blocked = flipBlocker(facts, readiness);
  if (blocked) return { wantsCanary: false, held: blocked };
  if (words.order === "Observe") return wouldMove("move to fallback", "ToFallback");
  return { move: { to: "ToFallback", reason: "ControlPlaneUnreachable" }, wantsCanary: false };
}

const wouldMove = (what: string, to: "ToFallback" | "ToNormal"): ModeStep => ({
  wantsCanary: false,
  would: to,
  waiting: { reason: "WouldMove", message: `modePolicy is Observe: the group would ${what} now` },
});

/** An explicit order passes the age limit, never the proof. */
const canServe = (readiness: Readiness): boolean => readiness.usable || readiness.proof !== undefined;

function orderRefused(why: string): Problem & { reason: Reason } {
  return { reason: "OverrideRefused", field: "", message: `Fallback was ordered and is refused: ${why}` };
}

/** An order that was ended by its limit may not be given again at once: a day of normal mode lies between. */
function orderExpired({ facts, evidence }: ModeInput): boolean {
  const ended = facts.group.status.history?.find((step) => step.to === "ToNormal");
  return (
    evidence.verdict.word === "Reachable" &&
    ended?.reason === "OrderExpired" &&
    facts.nowMs - Date.parse(ended.at) < ORDERED_FALLBACK_LIMIT_MS
  );
}

/** undefined: not lost. Otherwise how long until the loss counts; 0 when it does. */
export function lostForMs({ facts, evidence }: Pick<ModeInput, "facts" | "evidence">): { leftMs: number } | undefined {
  if (evidence.verdict.word !== "Unreachable") return undefined;
  const wantedMs = facts.group.spec.fallback.outageAfterSeconds * 1000 * evidence.verdict.dwellFactor;
  return { leftMs: Math.max(0, wantedMs - evidence.heldMs) };
}

/** Independent control planes rarely die together; one operator's network does. */
export const suspectsItself = ({ peers }: Pick<Facts, "peers">): boolean =>
  peers.controlPlanes >= 3 && peers.controlPlanesLost * 2 > peers.controlPlanes;

function flipBlocker(facts: Facts, readiness: Readiness): ModeStep["held"] {
  const { controlPlanes, controlPlanesLost } = facts.peers;
  if (suspectsItself(facts))
    return {
      reason: "SelfSuspicion",
      message: `${controlPlanesLost} of ${controlPlanes} control planes look lost at once: Holdfast suspects its own network and moves nothing`,
    };
  if (!readiness.usable)
    return {
      reason: "NoProof",
      message: `The control plane is lost and fallback is not ready: ${readiness.message}. Nothing that serves is touched`,
    };
  return undefined;
}

function toFallback(input: ModeInput): ModeStep {
  const back = wayBack(input);
  if (back.move) return back;
  const reached = input.published && input.motion.stuck === 0 && input.motion.remaining === 0;
  if (reached) return { move: { to: "Fallback", reason: "FallbackReached" }, wantsCanary: false };
  const message = input.published
    ? movingThere(input.facts, input.motion.stuck + input.motion.remaining)
    : "Telling the start choice";
  return { ...back, waiting: { reason: "MovingPods", message } };
}

function leaveFallback(input: ModeInput): ModeStep {
  const back = wayBack(input);
  if (back.move || input.motion.remaining === 0) return back;
  const message = movingThere(input.facts, input.motion.remaining);
  return { ...back, waiting: { reason: "MovingPods", message } };
}

/** The way back, from fallback or from half way there: never waits for the fleet to be settled. */
function wayBack(input: ModeInput): ModeStep {
  const { words, facts, evidence } = input;
  const expired = limitReached(facts, evidence);
  if (words.order === "Fallback" && !expired) return { wantsCanary: false };
  const blocker = returnBlocker(input);
  if (blocker) return { waiting: blocker.waiting, wantsCanary: blocker.wantsCanary };
  if (words.order === "Observe") return wouldMove("return", "ToNormal");
  const reason =
    words.order === "Normal" ? "OrderedNormal" : words.order === "Fallback" ? "OrderExpired" : "ControlPlaneReturned";
  return { move: { to: "ToNormal", reason }, wantsCanary: false };
}

function limitReached(facts: Facts, evidence: Evidence): boolean {
  const since = facts.group.status.modeSince;
  return (
    evidence.verdict.word === "Reachable" &&
    since !== undefined &&
    facts.nowMs - Date.parse(since) > ORDERED_FALLBACK_LIMIT_MS
  );
}

function toNormal(input: ModeInput): ModeStep {
  const { facts, words, readiness } = input;
  if (words.order === "Fallback" && !orderExpired(input) && canServe(readiness))
    return { move: { to: "ToFallback", reason: "OrderedFallback" }, wantsCanary: false };
  const lacking = isLacking(input.expectation);
  const seen = input.evidence.verdict.word === "Reachable";
  if (lacking && seen && words.order !== "Observe" && readiness.usable)
    return { move: { to: "ToFallback", reason: lackingReason(input.expectation) }, wantsCanary: false };
  const lost = lostForMs(input);
  if (lost !== undefined && lost.leftMs === 0 && words.order !== "Normal") {
    const blocked = flipBlocker(facts, readiness);
    if (blocked) return { wantsCanary: false, held: blocked };
    if (words.order === "Observe") return wouldMove("move to fallback", "ToFallback");
    return { move: { to: "ToFallback", reason: "ControlPlaneUnreachable" }, wantsCanary: false };
  }
  if (input.published && input.motion.remaining === 0)
    return { move: { to: "Normal", reason: "NormalReached" }, wantsCanary: false };
  return {
    wantsCanary: false,
    waiting: { reason: "MovingPods", message: movingBack(facts, input.evidence, input.expectation) },
  };
}
