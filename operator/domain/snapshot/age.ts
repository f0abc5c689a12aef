import type { Facts } from "../facts/facts.ts";
import { isKept } from "./generations.ts";
import { ownerProblem } from "./ownership.ts";
import { found } from "./pairs.ts";
import type { Pipeline } from "./pipeline-state.ts";

/**
 * How old is what pods would start from? An export with the same content confirms it, whenever the verified pair itself was
 * written. Once no export does any more, it ages from the last one that did: an exporter that goes on says nothing of it.
 */

/** A store that does not answer just now says nothing, and moves nothing. */
const SILENT = "StorageUnavailable";

/** An export that is put aside is not trusted: the verified pair stays the last good one as long as exports come. */
function isConfirmed({ snapshot }: Facts, recorded: Pipeline["status"]): boolean {
  const raw = found(snapshot.raw);
  return raw !== undefined && (raw.digest === found(snapshot.verified)?.digest || raw.digest === recorded.quarantined);
}

/** And so seldom the recorded time moves on while a newer export is held back, as a part of maxAgeSeconds. */
const MOVES_EVERY = 1 / 4;

/**
 * A newer export is there, and it is the store's rights or Holdfast's own rules that keep it from taking the place of the
 * verified pair: this is told elsewhere, and says nothing against what is published. One that does not load does.
 */
function isHeldBack(facts: Facts, recorded: Pipeline["status"]): boolean {
  const last = recorded.lastRehearsal;
  if (last?.result === "Failed") return false;
  if (facts.copying?.problem !== undefined || ownerProblem(facts) !== undefined) return true;
  // It loaded, and waits for a copy of the verified pair.
  return last !== undefined && last.digest !== found(facts.snapshot.verified)?.digest && !isKept(facts, recorded);
}

/** Since when no export confirms the verified pair, ms since 1970; undefined while one does, or nothing is known. */
export function unconfirmedSince(facts: Facts, recorded: Pipeline["status"]): number | undefined {
  const { raw } = facts.snapshot;
  const verified = found(facts.snapshot.verified);
  const known = recorded.unconfirmedSince === undefined ? undefined : Date.parse(recorded.unconfirmedSince);
  if (verified === undefined || (raw.seen === "unknown" && raw.reason === SILENT)) return known;
  if (isConfirmed(facts, recorded)) return undefined;
  if (raw.seen === "found" && isHeldBack(facts, recorded)) {
    const newestMs = facts.nowMs - raw.ageMs;
    const movesMs = facts.group.spec.fallback.snapshot.maxAgeSeconds * 1000 * MOVES_EVERY;
    return known === undefined || newestMs - known > movesMs ? newestMs : known;
  }
  if (known !== undefined) return known;
  if (raw.seen === "found") return facts.nowMs - raw.ageMs;
  return raw.seen === "unknown" && raw.before ? raw.before.lastModifiedMs : facts.nowMs - verified.ageMs;
}

/**
 * Another pair that became the verified one is as young as it can be, also where a newer export is there already. Where none was
 * on record it is no other one: the status was lost, and the pair is as old as it was.
 * @param before the digest that was on record
 */
export function recordAge(facts: Facts, status: Pipeline["status"], before: string | undefined): void {
  const isNew = status.digest !== before && !isConfirmed(facts, status);
  const writtenMs = facts.nowMs - (found(facts.snapshot.verified)?.ageMs ?? 0);
  const newMs = before === undefined ? writtenMs : facts.nowMs;
  const sinceMs = isNew ? newMs : unconfirmedSince(facts, status);
  if (sinceMs === undefined) delete status.unconfirmedSince;
  else status.unconfirmedSince = new Date(sinceMs).toISOString();
}

/** An outage does not age the snapshot that bridges it: its age counts up to the moment of the loss. */
export function ageProblem(facts: Facts, lostMs: number | undefined): string | undefined {
  const recorded = facts.group.status.snapshot ?? {};
  const { maxAgeSeconds } = facts.group.spec.fallback.snapshot;
  const raw = found(facts.snapshot.raw);
  const sinceLossMs = lostMs === undefined ? 0 : Math.max(0, facts.nowMs - lostMs);
  if (raw && isConfirmed(facts, recorded)) {
    // ageMs is the store's own clock against its own timestamp: no clock of ours is in it.
    if (raw.ageMs - sinceLossMs <= maxAgeSeconds * 1000) return undefined;
    return `The last export is of ${new Date(raw.lastModifiedMs).toISOString()}, older than maxAgeSeconds ${maxAgeSeconds}`;
  }
  const sinceMs = unconfirmedSince(facts, recorded);
  // A newer export waits for its turn to be tried, by configuration.
  const waitSeconds = raw ? facts.group.spec.fallback.rehearsal.minIntervalSeconds : 0;
  const limitMs = (maxAgeSeconds + waitSeconds) * 1000;
  if (sinceMs === undefined || facts.nowMs - sinceMs - sinceLossMs <= limitMs) return undefined;
  const since = new Date(sinceMs).toISOString();
  return `The last export with the content of the verified snapshot is of ${since}, older than maxAgeSeconds ${maxAgeSeconds}${whyUnconfirmed(facts)}`;
}

function whyUnconfirmed({ group, snapshot: { raw } }: Facts): string {
  if (raw.seen === "absent") return "; there is no export now";
  if (raw.seen === "unknown") return `; the newest export cannot be read: ${raw.why}`;
  const last = group.status.snapshot?.lastRehearsal;
  if (last?.result !== "Failed") return "; the newest export was not proven yet";
  return `; the newest export is not proven, the last rehearsal failed: ${last.message ?? "no message"}`;
}
