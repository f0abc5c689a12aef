import type { Content } from "../../api/gateway-group-status.ts";
import type { Facts } from "../facts/facts.ts";
import { howToReturn, restartAskedNow, returnApproved } from "../mode/approvals.ts";
import { usable } from "../snapshot/pairs.ts";
import type { Pipeline } from "../snapshot/pipeline-state.ts";
import { liveStart } from "../snapshot/published.ts";
import { baselineOf, type Counts, hasRoutes, type Shrunken, shrunkenKinds } from "../snapshot/shrink.ts";

/**
 * Does the control plane hold what is expected of it? A state, and no gate: once it is known to hold too little, or
 * another group's configuration, that is recorded, outlives the loss of the control plane and a restart of Holdfast, and
 * is asked wherever a pod that serves would be given to it. Unknown never ends it: only a count, an export or a person.
 */
export type Expectation =
  /** The store was read and holds no verified pair: there is nothing to expect. */
  | { is: "none" }
  | { is: "met" }
  /** Not counted, or not known what to count on. `sinceLoss`: the control plane was lost, and not counted since. */
  | { is: "unknown"; sinceLoss: boolean; approved: boolean }
  | Lacking;

interface Lacking {
  is: "regressed" | "foreign";
  /** What it lacks, as a sentence. */
  text: string;
  /** A person said that it is meant, and it holds no less than at that time. */
  approved: boolean;
  /** What it held when a person took it for good. */
  accepted?: Counts;
}

/** May pods that serve be given up for pods that start from the control plane? */
export const mayFollow = (expectation: Expectation): boolean =>
  expectation.is === "none" || expectation.is === "met" || expectation.approved;

/** It is known not to hold what is expected, and nobody said that it is meant. */
export const isLacking = (expectation: Expectation): expectation is Lacking =>
  (expectation.is === "regressed" || expectation.is === "foreign") && !expectation.approved;

/**
 * May pods that follow it be replaced by others that do? Where all is well nobody counts; so what was never counted holds
 * nothing back, and what was lost since it was counted does.
 */
export const mayGoOnFollowing = (expectation: Expectation): boolean =>
  !isLacking(expectation) && !(expectation.is === "unknown" && expectation.sinceLoss && !expectation.approved);

export const lackingReason = ({ is }: Expectation): "Regressed" | "ControlPlaneForeign" =>
  is === "foreign" ? "ControlPlaneForeign" : "Regressed";

export function expectationOf(facts: Facts, quarantine: Pipeline["quarantine"]): Expectation {
  const before = recordedContent(facts);
  if (isForeign(facts, quarantine, before))
    return lacking(facts, before, "foreign", (accepted) => accepted !== undefined, FOREIGN);
  const expected = expectedCounts(facts);
  if (expected === "nothing") return { is: "none" };
  const counts = countsNow(facts);
  const { maxShrinkPercent } = facts.group.spec.fallback.snapshot;
  if (expected !== "unknown" && counts !== undefined) {
    const kinds = shrunkenKinds(askedFor(expected, counts), counts, maxShrinkPercent);
    if (kinds.length === 0) return { is: "met" };
    const isAccepted = (accepted: Lacking["accepted"]) =>
      accepted !== undefined && shrunkenKinds(askedFor(accepted, counts), counts, maxShrinkPercent).length === 0;
    return lacking(facts, before, "regressed", isAccepted, regressionText(kinds));
  }
  if (holdsNothing(facts) && (expected === "unknown" ? wasExpected(facts) : hasRoutes(expected)))
    return lacking(facts, before, "regressed", (accepted) => accepted !== undefined && !hasRoutes(accepted), NOTHING);
  // An export tells what was there to export, also of a control plane that nobody can count any more.
  const shrunken = quarantine?.reason === "SnapshotShrunken" ? SHRUNKEN : undefined;
  if (shrunken !== undefined || before?.state === "Regressed") {
    const told = before?.state === "Regressed" ? toldText(facts) : undefined;
    return lacking(facts, before, "regressed", (accepted) => accepted !== undefined, told ?? shrunken ?? REGRESSED);
  }
  const sinceLoss = before?.state === "Uncounted" && wasExpected(facts);
  return { is: "unknown", sinceLoss, approved: isUncountedApproved(facts, before) };
}

/** For as long as it is not lost again, or counted: each is another question. */
function isUncountedApproved(facts: Facts, before: Content | undefined): boolean {
  if (before?.state !== "Uncounted") return false;
  const { mode = "Normal" } = facts.group.status;
  // In normal mode whoever asks for a restart has pods given to it as it is; a return is another question.
  return before.accepted !== undefined || returnApproved(facts) || (mode === "Normal" && restartAskedNow(facts));
}

/** Does an approval given now answer what an earlier loop asked? One that came before the question answers nothing. */
export const isAsked = (before: Content | undefined, state: Content["state"]): boolean =>
  before?.state === state && before.accepted === undefined;

/**
 * Did this group ever have something to count on? One that never had a verified pair, and whose store cannot be read,
 * serves all the same: its changes must not wait for a count that can be compared with nothing.
 */
function wasExpected({ group, children, snapshot: { verified } }: Facts): boolean {
  const recorded = group.status.snapshot;
  const known = recorded?.digest !== undefined || recorded?.counts !== undefined || verified.seen === "found";
  return known || Object.keys(liveStart(children, group.name).proofs).length > 0;
}

const REGRESSED = "The control plane holds much less than the snapshots that were verified in the last 24 hours";
const NOTHING = "The control plane holds nothing at all, and a verified snapshot was there";
const SHRUNKEN = `${REGRESSED}, by its newest export`;
const FOREIGN =
  "What the control plane exports is another gateway group's, or everything in it was created anew: it has nothing in common with the verified snapshot";

const regressionText = (kinds: readonly Shrunken[]): string =>
  `${REGRESSED}: ${kinds.map((k) => `${k.kind} ${k.before} -> ${k.after}`).join(", ")}`;

/** Not counted just now: what was told last stands, or each probe without an answer would make it news again. */
const toldText = ({ group }: Facts): string | undefined =>
  group.status.conditions?.find(({ type }) => type === "ControlPlaneRegressed")?.message.split(IF_MEANT)[0];

const IF_MEANT = ". If it is meant: ";

/** What it lacks, and how a person takes it for good. */
export const lackingMessage = (facts: Facts, { text, approved }: Lacking): string =>
  approved ? text : `${text}${IF_MEANT}${howToReturn(facts)}`;

function lacking(
  facts: Facts,
  before: Content | undefined,
  is: Lacking["is"],
  isGood: (accepted: Lacking["accepted"]) => boolean,
  text: string,
): Lacking {
  const state = STATES[is];
  const kept = before?.state === state && isGood(before.accepted) ? before.accepted : undefined;
  if (kept !== undefined) return { is, text, approved: true, accepted: kept };
  // What is lost after the approval is a new question, and so is what was lost before anybody was asked.
  const accepted = isAsked(before, state) && returnApproved(facts) ? heldNow(facts) : undefined;
  return accepted === undefined ? { is, text, approved: false } : { is, text, approved: true, accepted };
}

/** What is taken for good by an approval: as counted, or, where nobody can count, as exported. */
function heldNow(facts: Facts): Counts | undefined {
  return countsNow(facts) ?? (holdsNothing(facts) ? {} : usable(facts.snapshot.raw)?.counts);
}

const STATES = { regressed: "Regressed", foreign: "Foreign" } as const;

/** Once told, until an export that can be read is this group's again. */
function isForeign({ snapshot }: Facts, quarantine: Pipeline["quarantine"], before: Content | undefined): boolean {
  if (quarantine?.reason === "SnapshotForeign") return true;
  return before?.state === "Foreign" && usable(snapshot.raw) === undefined;
}

/** What it must hold: what was verified in the last day, or as the verified pair itself says where the record was lost. */
function expectedCounts({ nowMs, group, snapshot, peers, children }: Facts): Counts | "nothing" | "unknown" {
  const recorded = baselineOf(group.status.snapshot, nowMs);
  if (recorded !== undefined) return recorded;
  // What lies under a key that is another group's is nothing to expect of this one.
  if (snapshot.verified.seen === "absent" || peers.keyConflict?.foreign === true) return "nothing";
  return liveStart(children, group.name).expected ?? usable(snapshot.verified)?.counts ?? "unknown";
}

/** Only kinds that the control plane was asked for: plugins, for one, are no keys of it. */
const askedFor = (expected: Counts, counts: Counts) =>
  Object.fromEntries(Object.entries(expected).filter(([kind]) => kind in counts));

const countsNow = ({ controlPlane }: Facts): Counts | undefined =>
  controlPlane.operator.view === "readsOk" ? controlPlane.counts : undefined;

/** By the count of all objects, or by Holdfast's own read, which is answered also where nobody counts. */
function holdsNothing({ controlPlane: { operator, counts, contentSeen } }: Facts): boolean {
  if (operator.view !== "readsOk") return false;
  return counts === undefined ? contentSeen === "none" : Object.values(counts).every((count) => count === 0);
}

/** As recorded; a group that lost its status takes over what its pods are told. */
export function recordedContent({ group, children }: Pick<Facts, "group" | "children">): Content | undefined {
  if (group.status.controlPlane !== undefined) return group.status.controlPlane.content;
  const { content } = liveStart(children, group.name);
  return content === "Regressed" || content === "Foreign" ? { state: content } : undefined;
}

/** What is to be recorded; undefined where all is well or was never counted. What is approved is recorded with what was there. */
export function contentToRecord(facts: Facts, expectation: Expectation, lost: boolean): Content | undefined {
  if (expectation.is === "none" || expectation.is === "met") return undefined;
  if (expectation.is === "unknown") {
    const returns = (facts.group.status.mode ?? "Normal") !== "Normal";
    if (!(lost && wasExpected(facts)) && !expectation.sinceLoss && !returns && !expectation.approved) return undefined;
    return expectation.approved && !lost ? { state: "Uncounted", accepted: {} } : { state: "Uncounted" };
  }
  const { accepted } = expectation;
  const state = STATES[expectation.is];
  return accepted === undefined ? { state } : { state, accepted: { ...accepted } };
}

/**
 * What a pod that starts is told of it: the start choice cannot count kinds. That nothing at all is meant it must know, or it would
 * doubt it; what else was accepted it does not doubt, and it may doubt one that is emptied after that.
 */
export function contentToPublish(expectation: Expectation): "Regressed" | "Foreign" | "Accepted" | undefined {
  if (expectation.is !== "regressed" && expectation.is !== "foreign") return undefined;
  if (!expectation.approved) return STATES[expectation.is];
  return Object.values(expectation.accepted ?? {}).every((count) => count === 0) ? "Accepted" : undefined;
}
