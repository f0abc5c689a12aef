import type { Mode } from "../api/gateway-group-status.ts";
import { ANNOTATION, childName } from "../api/names.ts";
import type { Publication } from "./desired/config-maps.ts";
import { controlPlaneIn } from "./desired/containers.ts";
import { type Desired, desired } from "./desired/index.ts";
import { type Evidence, weigh } from "./evidence/evidence.ts";
import { contentToPublish, type Expectation, expectationOf, isLacking } from "./evidence/expectation.ts";
import type { GroupMemory } from "./evidence/memory.ts";
import { type UnaskedCheck, uncheckedOf } from "./evidence/unasked-check.ts";
import type { PodFact } from "./facts/cluster.ts";
import type { Facts } from "./facts/facts.ts";
import type { Problem } from "./facts/problem.ts";
import { howToDrop, replicasAccepted } from "./mode/approvals.ts";
import { lostForMs, suspectsItself } from "./mode/mode.ts";
import { type Words, wordsOf } from "./mode/orders.ts";
import { replicasContest } from "./objects/contests.ts";
import { type NeighbourTrouble, neighbourTroubles } from "./objects/neighbours.ts";
import { surgeOf } from "./pods.ts";
import { type Readiness, readinessOf } from "./snapshot/proof.ts";
import { expectedToPublish, publishableProofs } from "./snapshot/published.ts";
import { quarantineOf } from "./snapshot/quarantine.ts";
import { type TemplateToProve, toRehearse } from "./snapshot/rehearse-which.ts";

/** The facts, understood: everything that more than one decision needs, worked out once. */
export interface Situation {
  facts: Facts;
  mode: Mode;
  words: Words;
  evidence: Evidence;
  /** When the control plane was lost, ms since 1970; undefined while it is there. */
  lostMs: number | undefined;
  desired: Desired;
  /** The template that is to be proven: what a pod would start from now, or a change that was asked for. */
  rehearse: TemplateToProve;
  /** What a pod that starts now is made from; without a template where that is the wanted one. */
  running: TemplateToProve;
  readiness: Readiness;
  /** Other people's objects that take pods of this group. */
  neighbours: readonly NeighbourTrouble[];
  expectation: Expectation;
  /** Keys of templates whose pods would find a proof. */
  publishedKeys: ReadonlySet<string>;
  /** May pods of the wanted template start from the snapshot, as far as is known now? */
  wishReady: boolean;
  /** Replicas to run, and why they differ from the spec when they do. */
  wanted: number;
  replicasHeld?: Problem;
  /** Somebody else lowers the number again and again: more pods are not tried just now. */
  raiseWaits: boolean;
  /**
   * A pod that serves and is given up now could not be had again: the control plane is not Reachable at this very look,
   * and no proof is usable. Nothing that only takes away is done; there is no dwell, as a flip has one.
   */
  irreplaceable: boolean;
  /** The same, and the loss counts: no eviction either, and people are told. */
  frozen: boolean;
  unchecked: UnaskedCheck;
  motionDue: boolean;
  /** It would be, but for a loss that is not seen, or not for long enough. */
  motionWaits: boolean;
}

export function situationOf(facts: Facts, memory: GroupMemory): Situation {
  const mode = facts.group.status.mode ?? "Normal";
  const words = wordsOf(facts);
  const evidence = weigh(facts, memory);
  const lostMs = lostSince(facts, evidence);
  // The proof's key does not depend on what is published, so a first rendering without proofs tells it.
  const wish = desired(facts, publicationOf(facts, mode, {}, { frozen: false }));
  const active = activeTemplate(facts, wish);
  const readiness = readinessNow(facts, active.key, lostMs);
  const elsewhere = isElsewhere(facts, wish);
  const allowed = mayPublish(mode, words) && (elsewhere || !isRefuted(readiness, evidence));
  const proofs = allowed ? publishableProofs(facts, elsewhere) : {};
  const irreplaceable = !readiness.usable && evidence.verdict.word !== "Reachable";
  const frozen = irreplaceable && isLost(facts, evidence, lostMs);
  const replicas = wantedReplicas(facts, evidence.memory);
  const expectation = expectationOf(facts, quarantineOf(facts, facts.group.status.snapshot ?? {}));
  const publishedKeys = new Set(Object.keys(proofs));
  const want = desired(facts, publicationOf(facts, mode, proofs, { frozen, expectation }));
  const situation: Situation = {
    facts: withoutContent(facts, { expectation, publishedKeys, lostMs }),
    mode,
    words,
    evidence,
    lostMs,
    desired: want,
    neighbours: neighbourTroubles(facts, want),
    rehearse: toRehearse(facts, wish, active, evidence.verdict.word),
    running: active,
    readiness,
    expectation,
    publishedKeys,
    wishReady: readinessOf(facts, wish.proofKey, lostMs).usable,
    wanted: replicas.wanted,
    raiseWaits: replicas.raiseWaits ?? false,
    irreplaceable,
    frozen,
    unchecked: uncheckedOf(facts, evidence.memory),
    ...motionNow(facts, mode, words, evidence, lostMs),
  };
  if (replicas.held) situation.replicasHeld = replicas.held;
  return situation;
}

/**
 * In good times the template that pods start from now is what counts. In an outage in the middle of a roll another one
 * that still has pods will do: it is what the group goes on with, by putting it back or by pausing the roll.
 */
function readinessNow(facts: Facts, key: string, lostMs: number | undefined): Readiness {
  const newest = readinessOf(facts, key, lostMs);
  if (newest.usable || lostMs === undefined) return newest;
  const sets = (facts.children.traffic?.replicaSets ?? []).filter((set) => set.replicas > 0);
  const keys = sets.flatMap((set) => (set.proofKey === undefined || set.proofKey === key ? [] : [set.proofKey]));
  return keys.map((other) => readinessOf(facts, other, lostMs)).find((other) => other.usable) ?? newest;
}

/**
 * Pods start from the template of the newest ReplicaSet; before there is one, from the wanted one. Where only the control
 * plane differs the proof is the same one, and yet a canary must ask whom pods would ask.
 */
function activeTemplate(facts: Facts, wish: Desired): TemplateToProve {
  const newest = [...(facts.children.traffic?.replicaSets ?? [])].sort((a, b) => b.revision - a.revision)[0];
  if (newest?.proofKey === undefined) return { key: wish.proofKey };
  const isSame = newest.proofKey === wish.proofKey && controlPlaneIn(newest.template) === controlPlaneIn(wish.template);
  if (isSame) return { key: wish.proofKey };
  return { key: newest.proofKey, template: newest.template };
}

/** An outage begins when the verdict first says so, and ends when the control plane is Reachable; Unknown changes nothing. */
function lostSince(facts: Facts, evidence: Evidence): number | undefined {
  if (evidence.verdict.word === "Reachable") return undefined;
  const recorded = facts.group.status.controlPlane?.lostAt;
  if (recorded !== undefined) return Date.parse(recorded);
  // A gateway that may still contradict it: nothing is recorded that only Reachable would end.
  const isSure = evidence.verdict.word === "Unreachable" && evidence.witnesses.late === 0;
  return isSure ? facts.nowMs - evidence.heldMs : undefined;
}

/** By what is recorded, not by what this process has seen: a restart of Holdfast or a moment of doubt thaws nothing. */
const isLost = (facts: Facts, evidence: Evidence, lostMs: number | undefined): boolean =>
  lostMs !== undefined &&
  facts.nowMs - lostMs >= facts.group.spec.fallback.outageAfterSeconds * 1000 * evidence.verdict.dwellFactor;

/**
 * What is published is permitted, so in normal mode nothing is where a person wants no fallback. A snapshot that is known
 * to be gone or bad, or too old beside a living control plane, is taken back; one that cannot be looked at just now is not:
 * unknown narrows nothing.
 */
const mayPublish = (mode: Mode, words: Words): boolean => mode !== "Normal" || words.order !== "Observe";

function isRefuted(readiness: Readiness, { verdict }: Evidence): boolean {
  // Old while nobody knows whether the control plane is there: it may be old because there is nothing to export from.
  if (readiness.reason === "Stale" && verdict.word !== "Reachable") return false;
  return readiness.refuted;
}

function publicationOf(
  facts: Facts,
  mode: Mode,
  proofs: Publication["proofs"],
  { frozen, expectation }: { frozen: boolean; expectation?: Expectation },
): Publication {
  const content = expectation === undefined ? undefined : contentToPublish(expectation);
  const epoch = facts.group.status.epoch ?? 0;
  const expected = expectedToPublish(facts);
  const known = { ...(content === undefined ? {} : { content }), ...(expected === undefined ? {} : { expected }) };
  return { mode, epoch, proofs, frozen, ...known };
}

/**
 * Pods that followed a control plane which lost what it held have lost it, too; once it is gone nothing brings it back
 * to them. Beside a proof they do not count as serving and are replaced as one with an empty worker is. A route that
 * still answers shows that a pod did not follow.
 */
function withoutContent(
  facts: Facts,
  { expectation, publishedKeys, lostMs }: Pick<Situation, "expectation" | "publishedKeys" | "lostMs">,
): Facts {
  if (!isLacking(expectation) || lostMs === undefined) return facts;
  const followed = ({ start, proofKey, check }: PodFact) =>
    start?.choice === "normal" && proofKey !== undefined && publishedKeys.has(proofKey) && check !== "pass";
  return { ...facts, pods: facts.pods.map((pod) => (followed(pod) ? { ...pod, lacking: true } : pod)) };
}

/** Do pods that start now read another place than the spec names: does a change of the storage still wait? */
function isElsewhere({ children }: Facts, wish: Desired): boolean {
  const storageOf = (inputs: string | undefined) => inputs?.split(".")[1];
  const live = storageOf(children.traffic?.annotations[ANNOTATION.inputsHash]);
  return live !== undefined && live !== storageOf(wish.inputsHash);
}

/**
 * When the control plane was lost is recorded, and may be of another loss or of another control plane: it was back while
 * nobody looked. So pods that serve go on one look as little as the group itself: this process must have seen the loss
 * for as long as a flip takes.
 */
function motionNow(
  facts: Facts,
  mode: Mode,
  words: Words,
  evidence: Evidence,
  lostMs: number | undefined,
): Pick<Situation, "motionDue" | "motionWaits"> {
  const none = { motionDue: false, motionWaits: false };
  if (mode !== "ToFallback" && mode !== "Fallback") return none;
  if (words.order === "Fallback") return { ...none, motionDue: true };
  const { rollout } = facts.group.spec.fallback;
  if (rollout.type !== "Rolling" || words.order === "Observe" || words.order === "Normal") return none;
  if (lostMs === undefined || facts.nowMs - lostMs < rollout.startAfterSeconds * 1000) return none;
  const sure = !suspectsItself(facts) && lostForMs({ facts, evidence })?.leftMs === 0;
  return { motionDue: sure, motionWaits: !sure };
}

function isDrop({ group }: Facts, live: number): boolean {
  const wanted = group.spec.traffic.replicas;
  if (group.replicasSetBy === "scale" || wanted * 2 >= live) return false;
  // What a move has on top is no drop.
  return live > wanted + surgeOf(group.spec.fallback.rollout.maxSurge, wanted);
}

/** The wanted number runs already: nothing is left to be accepted. */
export function reachesReplicas(facts: Facts): number | undefined {
  const live = facts.children.traffic?.replicas;
  return live === undefined || isDrop(facts, live) ? undefined : facts.group.spec.traffic.replicas;
}

/** A drop by more than half that did not come through the scale subresource is a slip until somebody says otherwise. */
function wantedReplicas(
  facts: Facts,
  { contests }: GroupMemory,
): { wanted: number; held?: Problem; raiseWaits?: boolean } {
  const wanted = facts.group.spec.traffic.replicas;
  const live = facts.children.traffic?.replicas;
  const contest = replicasContest(facts, contests);
  if (contest) return { wanted: contest.wanted, held: contest.problem, raiseWaits: contest.paused };
  if (live === undefined || !isDrop(facts, live) || replicasAccepted(facts, wanted)) return { wanted };
  const by = facts.children.traffic?.scaledBy;
  const seen = `spec.traffic.replicas is ${wanted}, set not through the scale subresource, and Deployment "${facts.group.name}" has ${live} replicas`;
  const other = by === undefined ? "" : `, set by field manager "${by}": let it scale the GatewayGroup instead`;
  const message = `${seen}${other}. ${live} pods stay. If ${wanted} is meant: ${howToDrop(facts, wanted)}`;
  return { wanted: live, held: { reason: "ReplicasDropHeld", field: "spec.traffic.replicas", message } };
}

/** Has the start choice been told of the recorded mode? Seen in the object itself, not in what was once sent. */
export function isPublished(situation: Situation): boolean {
  const { facts, desired: want } = situation;
  const name = childName.start(facts.group.name);
  const live = facts.children.byName.get(`ConfigMap/${name}`);
  const wanted = want.others.find((object) => object.kind === "ConfigMap" && object.metadata.name === name);
  return live !== undefined && wanted !== undefined && JSON.stringify(live["data"]) === JSON.stringify(wanted["data"]);
}
