import { cutOffPlace } from "./cut-off.ts";
import { controlPlaneIn } from "./desired/containers.ts";
import { identityOf } from "./endpoint.ts";
import type { Facts } from "./facts.ts";
import type { PodFact } from "./facts-cluster.ts";
import { isReady } from "./pods.ts";
import { isBlind } from "./sight.ts";
import type { Progress } from "./stall.ts";
import { aboutNow, type Subject } from "./subject.ts";
import { type Verdict, verdictOf, type Witnesses } from "./verdict.ts";

/**
 * What one process remembers of one group between two loops, within one term of leadership. Losing it costs time,
 * never correctness: a new term counts from zero, so that evidence of another process never moves a group.
 */
export interface GroupMemory {
  /** Of another nothing of it holds. */
  subject?: Subject;
  verdict?: { word: Verdict["word"]; sinceMs: number; seenMs: number };
  /** Wall clock, ms: since then Holdfast itself has not had its reads answered, whatever it saw instead. */
  unansweredSinceMs?: number;
  /**
   * In fallback: how often the control plane was back and went again before the group returned; `back` while it is
   * back. Lost with the process, as all of this: then a flapping control plane may cause one flip more.
   */
  relapses?: { count: number; back: boolean };
  /** A move of pods failed at this time; the next attempt waits. */
  moveFailedMs?: number;
  moveFailedWhy?: "SurgeImpossible" | "CanaryFailed";
  /** Of the move of pods that is under way. */
  progress?: Progress;
}
export const emptyMemory = (): GroupMemory => ({});

/** A start or a witness speaks for its place this long. */
export const PLACE_FRESH_MS = 120_000;
/** A loss that lasts so many probe intervals is one. */
const RELAPSE_PROBES = 2;
/** One place without an answer may be a node of its own troubles. */
export const PLACES_NEEDED = 2;
/** Two looks further apart than this leave a gap, and a gap starts the count anew: three probes and some slack. */
export const gapLimitMs = (probeIntervalSeconds: number): number => 3_000 * probeIntervalSeconds + 10_000;

const BLIND = { word: "Unknown", reason: "WatchesBlind", dwellFactor: 1 } as const;

export interface Evidence {
  verdict: Verdict;
  /** Without a gap, in this term, ms. */
  heldMs: number;
  witnesses: Witnesses;
  /** In fallback: how often the control plane came back and went again. */
  relapses: number;
  memory: GroupMemory;
}

/** Boils the facts down to a row of the verdict table and measures how long its verdict has lasted. */
export function weigh(facts: Facts, remembered: GroupMemory): Evidence {
  const memory = aboutNow(facts.group, remembered);
  const { unansweredSinceMs: since = facts.nowMs, relapses: _, ...others } = memory;
  const answered = facts.controlPlane.operator.view === "readsOk";
  const witnesses = witnessesOf(facts, answered ? facts.nowMs : since);
  // Whom to ask, and what starts and witness pods said, is read from caches: blind, there is no evidence, and no count.
  const verdict: Verdict = isBlind(facts) ? BLIND : verdictOf(witnesses);
  const before = memory.verdict;
  const unbroken =
    before !== undefined &&
    before.word === verdict.word &&
    facts.monoMs - before.seenMs <= gapLimitMs(facts.group.spec.controlPlane.probeIntervalSeconds);
  const sinceMs = unbroken ? before.sinceMs : facts.monoMs;
  const heldMs = facts.monoMs - sinceMs;
  const relapses = relapsesOf(facts, memory, verdict, heldMs);
  return {
    verdict,
    heldMs,
    witnesses,
    relapses: relapses?.count ?? 0,
    memory: {
      ...others,
      ...(relapses ? { relapses } : {}),
      ...(answered ? {} : { unansweredSinceMs: since }),
      verdict: { word: verdict.word, sinceMs, seenMs: facts.monoMs },
    },
  };
}

function witnessesOf(facts: Facts, sinceWallMs: number): Witnesses {
  const elsewhere = madeForAnother(facts);
  // Also one that serves badly: a failing check of a route says nothing of the control plane, and a veto stays one.
  const normal = facts.pods.filter((pod) => isReady(pod) && pod.start?.choice === "normal");
  // Seconds of clock difference between node and operator must not let an answer from before the loss veto it.
  const fresh = (pod: { createdMs: number }, finishedMs: number) => {
    const saidMs = saidAtMs(pod, finishedMs, facts.nowMs);
    return saidMs > sinceWallMs && facts.nowMs - saidMs <= PLACE_FRESH_MS;
  };
  const starts = facts.pods
    .flatMap((pod) => (pod.start && fresh(pod, pod.start.finishedMs) ? [{ node: pod.node, pod, ...pod.start }] : []))
    .filter(({ pod, controlPlaneAnswered }) => controlPlaneAnswered === true || !elsewhere(pod))
    .flatMap(({ node, controlPlaneAnswered: answered, readFailed }) =>
      answered === undefined ? [] : [{ node, answered, readFailed: readFailed === true }],
    );
  const witnessPods = facts.helpers.flatMap((pod) =>
    pod.result.state === "answered" && fresh(pod, pod.result.finishedMs) ? [{ node: pod.node, ...pod.result }] : [],
  );
  const places = [...starts, ...witnessPods];
  // Two pods on one node are one place: it may be that node's own trouble.
  const refused = nodesOf(places.filter((place) => !place.answered));
  const votes = normal.map((pod) => (pod.vote === "disconnected" && elsewhere(pod) ? "unknown" : pod.vote));
  const say = (word: (typeof votes)[number]) => votes.filter((vote) => vote === word).length;
  return {
    operator: facts.controlPlane.operator.view,
    connected: say("connected"),
    disconnected: say("disconnected"),
    silent: say("unknown"),
    placesAnswered: nodesOf(places.filter((place) => place.answered)).size,
    placesRefused: refused.size,
    placesAgree: refused.size >= PLACES_NEEDED || (refused.size > 0 && nodesOf(normal).isSubsetOf(refused)),
    readFailed: places.some((place) => place.readFailed),
  };
}

/** Seconds that timestamps are rounded by, and that a kubelet takes to take a pod over. */
const STAMP_SLACK_MS = 10_000;

/** Nobody speaks before being made, nor in what is still to come: a stamp that says so is of a clock that was set meanwhile. */
function saidAtMs({ createdMs }: { createdMs: number }, finishedMs: number, nowMs: number): number {
  const impossible = finishedMs < createdMs - STAMP_SLACK_MS || finishedMs > nowMs + STAMP_SLACK_MS;
  return impossible ? createdMs : finishedMs;
}

/**
 * Pods that were made for another control plane than the spec names now. That they lost theirs is no word about this one;
 * that they have theirs still is one against moving them. Of a template that is not found nothing is assumed.
 */
function madeForAnother({ group, children }: Facts): (pod: PodFact) => boolean {
  const { endpoint, serverName } = group.spec.controlPlane;
  const own = identityOf(endpoint, serverName);
  const others = (children.traffic?.replicaSets ?? []).filter((set) => (controlPlaneIn(set.template) ?? own) !== own);
  const hashes = new Set(others.map((set) => set.templateHash));
  return (pod) => hashes.has(pod.templateHash);
}

function relapsesOf(
  facts: Facts,
  { relapses }: GroupMemory,
  { word }: Verdict,
  heldMs: number,
): GroupMemory["relapses"] {
  const { mode = "Normal" } = facts.group.status;
  if (mode === "Normal") return undefined;
  const { count, back } = relapses ?? { count: 0, back: false };
  // One probe without an answer is no relapse, and Unknown is no news.
  const lasted = heldMs >= RELAPSE_PROBES * 1000 * facts.group.spec.controlPlane.probeIntervalSeconds;
  if (word === "Unreachable" && lasted) return { count: back ? count + 1 : count, back: false };
  return { count, back: back || word === "Reachable" };
}

const nodesOf = (things: readonly { node?: string | undefined }[]) => new Set(things.map(({ node }) => node));

/** The evidence in words, for status and events: who saw what. */
export function evidenceText(facts: Facts, evidence: Evidence): string {
  const w = evidence.witnesses;
  const view = facts.controlPlane.operator;
  const detail = "detail" in view ? ` (${view.detail})` : "";
  // Starts go out of date by themselves; while reads are answered they decide nothing and are not told.
  const places = view.view === "readsOk" ? 0 : w.placesAnswered + w.placesRefused;
  const place = evidence.verdict.reason === "PartlyCutOff" ? cutOffPlace(facts) : undefined;
  return (
    `Holdfast sees ${view.view}${detail}; gateways: ${w.connected} connected, ${w.disconnected} disconnected` +
    `${place === undefined ? "" : ` (all ${place}, where none is connected)`}, ` +
    `${w.silent} silent${places > 0 ? `; starts and witness pods: ${w.placesAnswered} answered, ${w.placesRefused} not` : ""}`
  );
}
