import { controlPlaneIn } from "../desired/containers.ts";
import type { HelperPodFact, PodFact } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import { isReady } from "../pods.ts";
import { cutOffPlace } from "./cut-off.ts";
import { identityOf } from "./endpoint.ts";
import type { GroupMemory } from "./memory.ts";
import { aboutNow } from "./scope.ts";
import { isBlind } from "./staleness.ts";
import { type Verdict, verdictOf, type Witnesses } from "./verdict.ts";

/**
 * A start or a witness speaks for its place this long. In fallback, and while Holdfast's own reads are answered, nothing
 * that is about to happen hangs on it, and fewer witness pods do.
 */
export function placeFreshMs({ group, controlPlane }: Pick<Facts, "group" | "controlPlane">): number {
  const { mode = "Normal" } = group.status;
  const slow = mode === "ToFallback" || mode === "Fallback" || controlPlane.operator.view === "readsOk";
  return slow ? 300_000 : 120_000;
}
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
  const { unansweredSinceMs, disputedSinceMs, relapses: _, ...others } = memory;
  const answered = facts.controlPlane.operator.view === "readsOk";
  const votes = votesOf(facts, unansweredSinceMs);
  // Who spoke before the trouble that is there now says nothing about it.
  const disputed = answered && votes.disconnected > 0;
  const since = (answered ? disputedSinceMs : unansweredSinceMs) ?? facts.nowMs;
  const { newestRefusalMs, ...places } = placesOf(facts, votes, answered && !disputed ? facts.nowMs : since);
  const witnesses: Witnesses = {
    operator: facts.controlPlane.operator.view,
    connected: votes.connected,
    late: votes.late,
    disconnected: votes.disconnected,
    silent: votes.silent,
    wanted: facts.group.spec.traffic.replicas,
    ...places,
  };
  // Whom to ask, and what starts and witness pods said, is read from caches: blind, there is no evidence, and no count.
  const verdict: Verdict = isBlind(facts) ? BLIND : verdictOf(witnesses);
  const before = memory.verdict;
  const unbroken =
    before !== undefined &&
    before.word === verdict.word &&
    facts.monoMs - before.seenMs <= gapLimitMs(facts.group.spec.controlPlane.probeIntervalSeconds);
  // While a gateway may still contradict a loss, the loss is seen and does not count: it begins with the last such look.
  const sinceMs = unbroken && votes.late === 0 ? before.sinceMs : facts.monoMs;
  // A witness speaks for its own time: one word, however long it is believed, shows no loss that lasts.
  const unseenMs = verdict.places === "decide" ? Math.max(0, facts.nowMs - newestRefusalMs) : 0;
  const heldMs = Math.max(0, facts.monoMs - sinceMs - unseenMs);
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
      ...(disputed ? { disputedSinceMs: since } : {}),
      verdict: { word: verdict.word, sinceMs, seenMs: facts.monoMs },
    },
  };
}

interface Votes {
  /** Nodes of all normal gateways that serve, and of those that say disconnected. */
  nodes: ReadonlySet<string | undefined>;
  nodesDisconnected: ReadonlySet<string | undefined>;
  connected: number;
  late: number;
  disconnected: number;
  silent: number;
}

function votesOf(facts: Facts, unansweredSinceMs: number | undefined): Votes {
  const elsewhere = madeForAnother(facts);
  const { view } = facts.controlPlane.operator;
  // A gateway asks the front alone, and late: while reads fail behind it, that it has the front says nothing.
  const frontOnly = view === "serverError" || view === "readTimeout";
  // And late: it goes on saying connected for a while after the loss, so that this is no word about it until then.
  const lostForMs = view === "down" ? facts.nowMs - (unansweredSinceMs ?? facts.nowMs) : Number.POSITIVE_INFINITY;
  const isLate = lostForMs < facts.rendered.profile.connectedLateMs;
  // Also one that serves badly: a failing check of a route says nothing of the control plane, and a veto stays one.
  const normal = facts.pods.filter((pod) => isReady(pod) && pod.start?.choice === "normal");
  const voteOf = (pod: PodFact): PodFact["vote"] => {
    if (pod.vote === "disconnected") return elsewhere(pod) ? "unknown" : "disconnected";
    return frontOnly ? "unknown" : pod.vote;
  };
  const say = (word: PodFact["vote"]) => normal.filter((pod) => voteOf(pod) === word);
  const connected = say("connected").length;
  return {
    nodes: nodesOf(normal),
    nodesDisconnected: nodesOf(say("disconnected")),
    connected: isLate ? 0 : connected,
    late: isLate ? connected : 0,
    disconnected: say("disconnected").length,
    silent: say("unknown").length,
  };
}

type Places = Pick<Witnesses, "placesAnswered" | "placesRefused" | "placesAgree" | "readFailed" | "nodesCutOff">;

/** What starts and witness pods said since then, by the place where they ran. */
function placesOf(facts: Facts, votes: Votes, sinceWallMs: number): Places & { newestRefusalMs: number } {
  const elsewhere = madeForAnother(facts);
  const freshMs = placeFreshMs(facts);
  const spoken = (pod: Speaker, word: { finishedMs: number; answered: boolean; readFailed: boolean }) => {
    const saidMs = saidAtMs(pod, word.finishedMs, facts.nowMs);
    const counts = saidMs > sinceWallMs && facts.nowMs - saidMs <= freshMs;
    return counts ? [{ node: pod.node, saidMs, answered: word.answered, readFailed: word.readFailed }] : [];
  };
  const starts = facts.pods.flatMap((pod) => {
    const { controlPlaneAnswered: answered, readFailed = false, finishedMs = 0 } = pod.start ?? {};
    return answered === undefined || (!answered && elsewhere(pod))
      ? []
      : spoken(pod, { answered, readFailed, finishedMs });
  });
  const witnessPods = facts.helpers.flatMap((pod) => (pod.result.state === "answered" ? spoken(pod, pod.result) : []));
  const places = [...starts, ...witnessPods];
  const refusals = places.filter((place) => !place.answered);
  // Two pods on one node are one place: it may be that node's own trouble.
  const refused = nodesOf(refusals);
  return {
    placesAnswered: nodesOf(places.filter((place) => place.answered)).size,
    placesRefused: refused.size,
    placesAgree: refused.size >= PLACES_NEEDED || (refused.size > 0 && votes.nodes.isSubsetOf(refused)),
    nodesCutOff: votes.nodesDisconnected.union(refused).size,
    readFailed: places.some((place) => place.readFailed),
    newestRefusalMs: Math.max(...refusals.map((place) => place.saidMs)),
  };
}

type Speaker = Pick<PodFact, "node" | "createdMs"> | Pick<HelperPodFact, "node" | "createdMs">;

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
  // Starts go out of date by themselves; while reads are answered and nobody disputes it they decide nothing and are not told.
  const told = view.view !== "readsOk" || evidence.verdict.places !== undefined;
  const places = told ? w.placesAnswered + w.placesRefused : 0;
  const place = evidence.verdict.reason === "PartlyCutOff" ? cutOffPlace(facts) : undefined;
  return (
    `Holdfast sees ${view.view}${detail}; gateways: ${w.connected} connected, ${w.disconnected} disconnected` +
    `${place === undefined ? "" : ` (all ${place}, where none is connected)`}, ` +
    `${w.silent} silent${places > 0 ? `; starts and witness pods: ${w.placesAnswered} answered, ${w.placesRefused} not` : ""}`
  );
}
