import type { GatewayGroupStatus } from "../../api/gateway-group-status.ts";

/** Objects per kind. */
export type Counts = Readonly<Record<string, number>>;
type Snapshot = NonNullable<GatewayGroupStatus["snapshot"]>;
type Baseline = NonNullable<Snapshot["baseline"]>;

/** A kind that lost more than it may. */
export interface Shrunken {
  kind: string;
  before: number;
  after: number;
}

/** Kinds that answer requests: a gateway without one serves nothing, however few there were. */
const ROUTES = ["routes", "stream_routes"];
export const hasRoutes = (counts: Counts): boolean => ROUTES.some((kind) => (counts[kind] ?? 0) > 0);
/** Fewer objects than this, over all kinds, a person may have removed in one go. */
const MIN_LOST = 3;
const BASELINE_MS = 24 * 3_600_000;
/** Pairs that were replaced within one slot are kept as one, so that the list is bounded; it counts that much too long. */
const SLOT_MS = 4 * 3_600_000;

/**
 * The kinds that lost too much: the last route is gone, or more than the allowed share of a kind is, and at least three
 * objects in all. There is no higher floor: most groups are small.
 */
export function shrunkenKinds(baseline: Counts, counts: Counts, maxShrinkPercent: number): Shrunken[] {
  const kinds = Object.entries(baseline).map(([kind, before]) => ({ kind, before, after: counts[kind] ?? 0 }));
  const lostInAll = kinds.reduce((sum, { before, after }) => sum + Math.max(0, before - after), 0);
  return kinds.filter(({ kind, before, after }) => {
    const emptied = ROUTES.includes(kind) && before > 0 && after === 0;
    return emptied || (lostInAll >= MIN_LOST && (before - after) * 100 > before * maxShrinkPercent);
  });
}

/** What a snapshot and a control plane are measured on: of each kind the most that a verified pair of the last day had. */
export function baselineOf(snapshot: Snapshot | undefined, nowMs: number): Counts | undefined {
  const { counts, baseline = [] } = snapshot ?? {};
  const all = [...(counts === undefined ? [] : [counts]), ...standing(baseline, nowMs).map((former) => former.counts)];
  return all.length === 0 ? undefined : most(all);
}

/** The same without a clock: what is published must not change by itself. It counts a former pair for too long, until the next one. */
export function mostVerified(snapshot: Snapshot | undefined): Counts | undefined {
  const { counts, baseline = [] } = snapshot ?? {};
  const all = [...(counts === undefined ? [] : [counts]), ...baseline.map((former) => former.counts)];
  return all.length === 0 ? undefined : most(all);
}

/** Of a status that was lost: what pods are told, or the store holds, is what an export is measured on, for a day, whatever takes its place. */
export function baselineWithoutStatus(
  snapshot: Snapshot,
  verified: Counts | undefined,
  nowMs: number,
): Baseline | undefined {
  if (verified === undefined || baselineOf(snapshot, nowMs) !== undefined) return snapshot.baseline;
  return [{ until: new Date(nowMs).toISOString(), counts: { ...verified } }];
}

/**
 * Another pair becomes the verified one. The former one counts for a day from now on, however long it had stood: each of
 * many small steps would pass if it were measured on the last one alone.
 */
export function nextBaseline({ counts, baseline = [] }: Snapshot, after: Counts, nowMs: number): Baseline {
  const former = counts === undefined ? [] : [{ until: new Date(nowMs).toISOString(), counts }];
  const slots = Object.values(Object.groupBy([...former, ...standing(baseline, nowMs)], slotOf));
  const entries = slots.flatMap((slot = []) => {
    const [newest] = slot;
    return newest ? [{ until: newest.until, counts: most(slot.map((entry) => entry.counts)) }] : [];
  });
  const newer = (index: number): Counts => most([after, ...entries.slice(0, index).map((entry) => entry.counts)]);
  // What a newer pair has as well, that one will tell for longer.
  return entries.filter((entry, index) => !covers(newer(index), entry.counts));
}

const slotOf = ({ until }: Baseline[number]): string => `slot ${Math.floor(Date.parse(until) / SLOT_MS)}`;
/** One that lies ahead was written by a clock that was set back since: it counts from now on. */
const standing = (baseline: Baseline, nowMs: number): Baseline =>
  baseline
    .filter(({ until }) => nowMs - Date.parse(until) < BASELINE_MS)
    .map(({ until, counts }) => ({ until: Date.parse(until) > nowMs ? new Date(nowMs).toISOString() : until, counts }));

function most(all: readonly Counts[]): Counts {
  const kinds = new Set(all.flatMap((counts) => Object.keys(counts)));
  return Object.fromEntries([...kinds].map((kind) => [kind, Math.max(...all.map((counts) => counts[kind] ?? 0))]));
}

const covers = (counts: Counts, others: Counts): boolean =>
  Object.entries(others).every(([kind, count]) => (counts[kind] ?? 0) >= count);
