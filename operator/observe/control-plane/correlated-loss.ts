/** What one prober knows of the control plane that it asks. */
export interface Watched {
  controlPlane: string;
  /** On the monotonic clock; undefined while it is there. */
  lostSinceMs: number | undefined;
}

export interface Census {
  /** Distinct control planes that can be compared with the group's own. */
  probed: number;
  lost: number;
}

/** Losses further apart than this have nothing to do with each other. */
const APART_MS = 10 * 60_000;

/**
 * How many control planes are lost at the same time as the group's own: what one's own network does, and independent
 * control planes rarely do. One that was lost long before this one (given up, moved, broken for days) shows nothing
 * about now and is left out. `own` undefined: the group's own is there, or not known.
 */
export function census(sights: readonly Watched[], own: string | undefined, nowMs: number): Census {
  const sinceOf = new Map<string, number | undefined>();
  for (const { controlPlane, lostSinceMs } of sights) {
    const before = sinceOf.get(controlPlane);
    // Several certificates for one control plane: it is there as soon as one of them gets through.
    const there = lostSinceMs === undefined || (sinceOf.has(controlPlane) && before === undefined);
    sinceOf.set(controlPlane, there ? undefined : Math.max(lostSinceMs, before ?? lostSinceMs));
  }
  const ownSinceMs = (own === undefined ? undefined : sinceOf.get(own)) ?? nowMs;
  const counted = [...sinceOf.values()].filter((since) => since === undefined || since >= ownSinceMs - APART_MS);
  return { probed: counted.length, lost: counted.filter((since) => since !== undefined).length };
}
