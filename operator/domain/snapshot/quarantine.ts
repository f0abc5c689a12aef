import type { Facts } from "../facts/facts.ts";
import { howToAccept, snapshotAccepted } from "../mode/approvals.ts";
import { oursSince } from "./ownership.ts";
import { type Found, found } from "./pairs.ts";
import { DISTRUST, type Distrust, type Pipeline } from "./pipeline-state.ts";
import { baselineOf, shrunkenKinds } from "./shrink.ts";

/** Not trusted: unusable, or not what was verified before and nobody said that it is meant. */
export function quarantineOf(facts: Facts, status: Pipeline["status"]): Pipeline["quarantine"] {
  const raw = found(facts.snapshot.raw);
  if (!raw) return facts.snapshot.raw.seen === "unknown" ? asBefore(facts, status) : undefined;
  if (raw.problems.length > 0)
    return {
      reason: "SnapshotInvalid",
      digest: raw.digest,
      message: `The newest export cannot be used: ${raw.problems.join(", ")}; the verified snapshot stays`,
    };
  if (raw.digest === status.digest) return undefined;
  // Nothing to measure it on just now, or any more: what was told of this group's exports stands.
  const told = asBefore(facts, status);
  const verified = found(facts.snapshot.verified);
  const measurable = verified !== undefined && isMeasure(facts, status, verified);
  const stands = !measurable && told?.reason === "SnapshotForeign" && !snapshotAccepted(facts, raw.digest);
  const doubt = stands ? FOREIGN : doubtOf(facts, status, raw);
  return (
    doubt && {
      reason: doubt.reason,
      digest: raw.digest,
      message: `${doubt.why}; the verified snapshot stays. If it is meant: ${howToAccept(facts, raw.digest)}`,
    }
  );
}

export interface Doubt {
  reason: Distrust;
  why: string;
}
const FOREIGN: Doubt = {
  reason: "SnapshotForeign",
  why: "The newest export has nothing in common with the verified snapshot: it is another gateway group's, or everything was created anew",
};

/** What speaks against a pair that would load, measured on the verified one; a person's word takes it away. */
export function doubtOf(facts: Facts, status: Pipeline["status"], pair: Found): Doubt | undefined {
  if (snapshotAccepted(facts, pair.digest)) return undefined;
  const verified = found(facts.snapshot.verified);
  if (verified && isMeasure(facts, status, verified) && isForeign(verified, pair)) return FOREIGN;
  const before = baselineOf(status, facts.nowMs) ?? verified?.counts;
  if (!before) return undefined;
  const shrunken = shrunkenKinds(before, pair.counts, facts.group.spec.fallback.snapshot.maxShrinkPercent);
  if (shrunken.length === 0) return undefined;
  const lost = shrunken.map((kind) => `${kind.kind} ${kind.before} -> ${kind.after}`).join(", ");
  return { reason: "SnapshotShrunken", why: `The newest export lost much: ${lost}` };
}

/**
 * Proven, and written since this group exists: by Holdfast, from an export of this group. What lay there before may be
 * another's, and must not keep the group's own exports out.
 */
function isMeasure(facts: Facts, { digest }: Pipeline["status"], verified: Found): boolean {
  // Both by the store's clock. A group that is made anew has nothing on record: what is under its own mark is its own.
  const since = oursSince(facts);
  const underOurMark = since !== undefined && verified.lastModifiedMs >= since;
  if (digest === undefined) return underOurMark;
  // Two ages, each by the clock that stamped it: the store's may be far from the API server's.
  const sinceMade = verified.ageMs < facts.nowMs - (facts.group.createdMs ?? 0);
  return verified.digest === digest && (underOurMark || sinceMade);
}

/** Fewer items than this on either side may all have been replaced by a person. */
const MIN_COMPARED = 3;
const NOTHING: NonNullable<Found["sketch"]> = { hashes: [], whole: true };

/**
 * Written whole, by an exporter with another group's short id or certificate: nothing else in it would look wrong. Of
 * sketches that were cut off, only what both reach can be compared.
 */
function isForeign(verified: Found, pair: Found): boolean {
  if (verified.gatewayGroup !== undefined && pair.gatewayGroup !== undefined)
    return verified.gatewayGroup !== pair.gatewayGroup;
  const sketches = [verified.sketch ?? NOTHING, pair.sketch ?? NOTHING];
  const reach = Math.min(...sketches.flatMap(({ hashes, whole }) => (whole ? [] : hashes.slice(-1))));
  const [before = [], after = []] = sketches.map(({ hashes }) => hashes.filter((hash) => hash <= reach));
  const known = new Set(before);
  return before.length >= MIN_COMPARED && after.length >= MIN_COMPARED && !after.some((hash) => known.has(hash));
}

/** A store that cannot be read just now neither trusts nor doubts anything anew. */
function asBefore(facts: Facts, { quarantined }: Pipeline["status"]): Pipeline["quarantine"] {
  const told = facts.group.status.conditions?.find((condition) => condition.type === "SnapshotQuarantined");
  if (quarantined === undefined || told === undefined) return undefined;
  const reason = DISTRUST.find((one) => one === told.reason) ?? "SnapshotShrunken";
  return { reason, message: told.message, digest: quarantined };
}
