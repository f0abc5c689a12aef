import type { Facts, OperatorView } from "./facts.ts";
import { isServing } from "./pods.ts";
import { type Verdict, verdictOf, type Witnesses } from "./verdict.ts";

/**
 * What one process remembers of one group between two loops, within one term of leadership. Losing it costs time,
 * never correctness: a new term counts from zero, so that evidence of another process never moves a group.
 */
export interface GroupMemory {
  verdict?: { word: Verdict["word"]; sinceMs: number; seenMs: number };
  operatorView?: { view: OperatorView["view"]; sinceMs: number; sinceWallMs: number };
  /** A move of pods failed at this time; the next attempt waits. */
  moveFailedMs?: number;
  moveFailedWhy?: "SurgeImpossible" | "CanaryFailed";
}
export const emptyMemory = (): GroupMemory => ({});

/** A start or a witness speaks for its place this long. */
export const PLACE_FRESH_MS = 120_000;
/** Two looks further apart than this leave a gap, and a gap starts the count anew: three probes and some slack. */
export const gapLimitMs = (probeIntervalSeconds: number): number => 3_000 * probeIntervalSeconds + 10_000;

export interface Evidence {
  verdict: Verdict;
  /** Without a gap, in this term, ms. */
  heldMs: number;
  witnesses: Witnesses;
  memory: GroupMemory;
}

/** Boils the facts down to a row of the verdict table and measures how long its verdict has lasted. */
export function weigh(facts: Facts, memory: GroupMemory): Evidence {
  const operator = facts.controlPlane.operator.view;
  const operatorView =
    memory.operatorView?.view === operator
      ? memory.operatorView
      : { view: operator, sinceMs: facts.monoMs, sinceWallMs: facts.nowMs };
  const witnesses = witnessesOf(facts, operatorView.sinceWallMs);
  const verdict = verdictOf(witnesses);
  const before = memory.verdict;
  const unbroken =
    before !== undefined &&
    before.word === verdict.word &&
    facts.monoMs - before.seenMs <= gapLimitMs(facts.group.spec.controlPlane.probeIntervalSeconds);
  const sinceMs = unbroken ? before.sinceMs : facts.monoMs;
  return {
    verdict,
    heldMs: facts.monoMs - sinceMs,
    witnesses,
    memory: { ...memory, operatorView, verdict: { word: verdict.word, sinceMs, seenMs: facts.monoMs } },
  };
}

function witnessesOf(facts: Facts, sinceWallMs: number): Witnesses {
  const normal = facts.pods.filter((pod) => isServing(pod) && pod.start?.choice === "normal");
  // Seconds of clock difference between node and operator must not let an answer from before the loss veto it.
  const fresh = (finishedMs: number) => finishedMs > sinceWallMs && facts.nowMs - finishedMs <= PLACE_FRESH_MS;
  const starts = facts.pods
    .map((pod) => pod.start)
    .filter((start) => start !== undefined && start.controlPlaneAnswered !== undefined && fresh(start.finishedMs))
    .map((start) => ({ answered: start?.controlPlaneAnswered === true, readFailed: start?.readFailed === true }));
  const witnessPods = facts.helpers
    .map((pod) => pod.result)
    .filter((result) => result.state === "answered" && fresh(result.finishedMs))
    .map((result) => (result.state === "answered" ? result : { answered: false, readFailed: false }));
  const places = [...starts, ...witnessPods];
  return {
    operator: facts.controlPlane.operator.view,
    connected: normal.filter((pod) => pod.vote === "connected").length,
    disconnected: normal.filter((pod) => pod.vote === "disconnected").length,
    silent: normal.filter((pod) => pod.vote === "unknown").length,
    placesAnswered: places.filter((place) => place.answered).length,
    placesRefused: places.filter((place) => !place.answered).length,
    readFailed: places.some((place) => place.readFailed),
  };
}

/** The evidence in words, for status and events: who saw what. */
export function evidenceText(facts: Facts, evidence: Evidence): string {
  const w = evidence.witnesses;
  const view = facts.controlPlane.operator;
  const detail = "detail" in view ? ` (${view.detail})` : "";
  // Starts go out of date by themselves; while reads are answered they decide nothing and are not told.
  const places = view.view === "readsOk" ? 0 : w.placesAnswered + w.placesRefused;
  return (
    `Holdfast sees ${view.view}${detail}; gateways: ${w.connected} connected, ${w.disconnected} disconnected, ` +
    `${w.silent} silent${places > 0 ? `; starts and witness pods: ${w.placesAnswered} answered, ${w.placesRefused} not` : ""}`
  );
}
