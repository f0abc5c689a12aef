import { ANNOTATION } from "../api/names.ts";
import type { Facts } from "./facts.ts";
import { type Found, found } from "./pairs.ts";
import { DISTRUST, type Distrust, type Pipeline } from "./pipeline-state.ts";
import { short } from "./proof.ts";
import { shrunkenKinds } from "./shrink.ts";
import { snapshotAccepted } from "./words.ts";

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
  const doubt = doubtOf(facts, status, raw);
  return (
    doubt && {
      reason: doubt.reason,
      digest: raw.digest,
      message: `${doubt.why}; the verified snapshot stays. If it is meant: annotate ${ANNOTATION.acceptSnapshot}=${short(raw.digest)}`,
    }
  );
}

/** What speaks against a pair that would load, measured on the verified one; a person's word takes it away. */
export function doubtOf(
  facts: Facts,
  status: Pipeline["status"],
  pair: Found,
): { reason: Distrust; why: string } | undefined {
  if (snapshotAccepted(facts, pair.digest)) return undefined;
  const verified = found(facts.snapshot.verified);
  // Measured on what was proven alone; on what a deleted group left, as long as nothing is.
  const ours = status.digest === undefined || verified?.digest === status.digest;
  if (verified && ours && isForeign(verified, pair)) {
    const why =
      "The newest export has nothing in common with the verified snapshot: it is another gateway group's, or everything was created anew";
    return { reason: "SnapshotForeign", why };
  }
  const before = status.counts ?? verified?.counts;
  if (!before) return undefined;
  const shrunken = shrunkenKinds(before, pair.counts, facts.group.spec.fallback.snapshot.maxShrinkPercent);
  if (shrunken.length === 0) return undefined;
  const lost = shrunken.map((kind) => `${kind.kind} ${kind.before} -> ${kind.after}`).join(", ");
  return { reason: "SnapshotShrunken", why: `The newest export lost much: ${lost}` };
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
  const reach = sketches.flatMap(({ hashes, whole }) => (whole ? [] : hashes.slice(-1))).sort()[0];
  const [before = [], after = []] = sketches.map(({ hashes }) =>
    hashes.filter((hash) => reach === undefined || hash <= reach),
  );
  const compared = before.length >= MIN_COMPARED && after.length >= MIN_COMPARED;
  return compared && !after.some((hash) => before.includes(hash));
}

/** A store that cannot be read just now neither trusts nor doubts anything anew. */
function asBefore(facts: Facts, { quarantined }: Pipeline["status"]): Pipeline["quarantine"] {
  const told = facts.group.status.conditions?.find((condition) => condition.type === "SnapshotQuarantined");
  if (quarantined === undefined || told === undefined) return undefined;
  const reason = DISTRUST.find((one) => one === told.reason) ?? "SnapshotShrunken";
  return { reason, message: told.message, digest: quarantined };
}
