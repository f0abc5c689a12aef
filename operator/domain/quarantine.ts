import { ANNOTATION } from "../api/names.ts";
import type { Facts } from "./facts.ts";
import { type Found, found } from "./pairs.ts";
import type { Pipeline } from "./pipeline-state.ts";
import { short } from "./proof.ts";
import { shrunkenKinds } from "./shrink.ts";
import { snapshotAccepted } from "./words.ts";

/** Not trusted: unusable, or much of a kind vanished against the verified pair and nobody said that it is meant. */
export function quarantineOf(facts: Facts, status: Pipeline["status"]): Pipeline["quarantine"] {
  const raw = found(facts.snapshot.raw);
  if (!raw) return facts.snapshot.raw.seen === "unknown" ? asBefore(facts, status) : undefined;
  if (raw.problems.length > 0)
    return {
      reason: "SnapshotInvalid",
      digest: raw.digest,
      message: `The newest export cannot be used: ${raw.problems.join(", ")}; the verified snapshot stays`,
    };
  if (raw.digest === status.digest || snapshotAccepted(facts, raw.digest)) return undefined;
  const before = status.counts ?? found(facts.snapshot.verified)?.counts;
  if (!before) return undefined;
  const shrunken = shrunkenKinds(before, raw.counts, facts.group.spec.fallback.snapshot.maxShrinkPercent);
  if (shrunken.length === 0) return undefined;
  const lost = shrunken.map((kind) => `${kind.kind} ${kind.before} -> ${kind.after}`).join(", ");
  return {
    reason: "SnapshotShrunken",
    digest: raw.digest,
    message: `The newest export lost much: ${lost}; the verified snapshot stays. If it is meant: annotate ${ANNOTATION.acceptSnapshot}=${short(raw.digest)}`,
  };
}

/** A store that cannot be read just now neither trusts nor doubts anything anew. */
function asBefore(facts: Facts, { quarantined }: Pipeline["status"]): Pipeline["quarantine"] {
  const told = facts.group.status.conditions?.find((condition) => condition.type === "SnapshotQuarantined");
  if (quarantined === undefined || told === undefined) return undefined;
  const reason = told.reason === "SnapshotInvalid" ? "SnapshotInvalid" : "SnapshotShrunken";
  return { reason, message: told.message, digest: quarantined };
}

/** Looked at once more where it counts: whatever came under the candidate's key, a good pair is not lost to it. */
export function isShrunken(facts: Facts, { counts }: Pipeline["status"], candidate: Found): boolean {
  if (counts === undefined || snapshotAccepted(facts, candidate.digest)) return false;
  return shrunkenKinds(counts, candidate.counts, facts.group.spec.fallback.snapshot.maxShrinkPercent).length > 0;
}
