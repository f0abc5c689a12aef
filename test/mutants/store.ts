import type { Mutant } from "./mutants.ts";

const m = (file: string, removes: string, find: string, replace: string): Mutant => ({ file, find, replace, removes });

/** What was proven, whose it is, and what it is measured on. */
export const STORE_MUTANTS: readonly Mutant[] = [
  m("shrink.ts", "the last route is not given up, however few there were", "return emptied ||", "return"),
  m("shrink.ts", "a share of a kind", "(before - after) * 100 > before * maxShrinkPercent", "false"),
  m("shrink.ts", "two objects may go", "lostInAll >= MIN_LOST && ", ""),
  m(
    "shrink.ts",
    "a day is the measure, not the last step",
    "...standing(baseline, nowMs).map((former) => former.counts)",
    "",
  ),
  m("shrink.ts", "a day ends", "nowMs - Date.parse(until) < BASELINE_MS", "true"),
  m("shrink.ts", "the list is bounded", "Math.floor(Date.parse(until) / SLOT_MS)", "until"),
  m("pipeline.ts", "an acceptance starts the measure anew", "accepted ? [] : nextBaseline", "nextBaseline"),
  m(
    "pipeline.ts",
    "what was replaced is remembered",
    "accepted ? [] : nextBaseline(status, verified.counts, nowMs)",
    "[]",
  ),
  m(
    "expectation.ts",
    "a control plane is measured on a day",
    "baselineOf(group.status.snapshot, nowMs)",
    "group.status.snapshot?.counts",
  ),
  m(
    "generations.ts",
    "the pair on record is replaced only while a copy is kept",
    "digest === undefined || usable(facts.snapshot.verified)?.digest !== digest || hasGeneration(facts, digest)",
    "true",
  ),
  m("generations.ts", "what another writer brought is replaced", "if (from === undefined) return;", "return;"),
  m("generations.ts", "what was proven once and lost too much is another's", " && !doubtOf(facts, recorded, pair)", ""),
  m(
    "generations.ts",
    "what another writer brought is judged",
    "return verified && isReplaced(facts, recorded) ? doubtOf(facts, recorded, verified) : undefined;",
    "return undefined;",
  ),
  m(
    "generations.ts",
    "a pair that a person put back is no other writer's",
    "if (pair && pair.digest === usable(candidate)?.digest) return false;",
    "",
  ),
  m(
    "generations.ts",
    "where the store takes no copy, nothing is promised",
    "another && !fails && copy",
    "another && copy",
  ),
  m("generations.ts", "a copy that was cut off is no other writer", " && facts.copying === undefined", ""),
  m("generations.ts", "copies are bounded", "generations.slice(keep - 1)", "generations.slice(1_000)"),
  m("published.ts", "what is put back within moments stays published", " && !isBeingRestored(facts);", ";"),
  m("age.ts", "an outage does not age the snapshot", "raw.ageMs - sinceLossMs <=", "raw.ageMs <="),
  m("age.ts", "nor one that no export confirms", "facts.nowMs - sinceMs - sinceLossMs <=", "facts.nowMs - sinceMs <="),
  m(
    "age.ts",
    "too old is not ready",
    "if (raw.ageMs - sinceLossMs <= maxAgeSeconds * 1000) return undefined;",
    "return undefined;",
  ),
  m("age.ts", "what no export confirms grows old", "if (sinceMs === undefined || ", "if (true || "),
  m("age.ts", "exports that are not trusted age nothing", " || raw.digest === recorded.quarantined", ""),
  m(
    "age.ts",
    "a store that is silent moves nothing",
    'verified === undefined || (raw.seen === "unknown" && raw.reason === SILENT)',
    "verified === undefined",
  ),
  m(
    "proof.ts",
    "what was proven once and is another's now is not used",
    "const strange = strangePair(facts);",
    "const strange = proof ? undefined : strangePair(facts);",
  ),
  m("ownership.ts", "keys of another cluster", 'ownerOf(facts).is === "another" && !isTakenOver(facts);', "false;"),
  m(
    "ownership.ts",
    "a word for one cluster takes nothing from another",
    "?.trim() === ownerText(owner.owner)",
    " !== undefined",
  ),
  m("pipeline.ts", "the mark comes first", "if (!isOurStore(facts)) pipeline.steps", "if (false) pipeline.steps"),
  m(
    "pipeline.ts",
    "nothing is written over another cluster's pair",
    " || isAnothersStore(facts)) return pipeline;",
    ") return pipeline;",
  ),
  m("backup.ts", "no exporter before the keys are ours", "live === undefined && !isOurStore(facts)", "false"),
  m(
    "ownership.ts",
    "without a mark that says otherwise, the keys always were ours",
    'const owner = ownerOf(facts);\n  return owner.is === "ours"',
    'const { owner } = facts.snapshot;\n  return owner?.is === "ours"',
  ),
  m(
    "quarantine.ts",
    "a group made anew measures on what is under its mark",
    "if (digest === undefined) return underOurMark;",
    "",
  ),
];
