import type { Facts } from "../facts/facts.ts";

/**
 * Older than this, what the caches hold is not decided on. A healthy watch is told something at least once a minute, and
 * is opened anew after 70 s of silence (kube/reflector.ts), so that none gets here by being quiet; and short enough that
 * one that is blind is not believed for the length of an outage.
 */
export const SIGHT_LIMIT_MS = 110_000;

/** May something have happened to the group's objects that the caches do not show? */
export const isBlind = ({ watches }: Pick<Facts, "watches">): boolean => watches.staleForMs >= SIGHT_LIMIT_MS;

/** Without a number that grows: a condition that says something else in each loop would be written in each loop. */
export const blindText = ({ watches }: Pick<Facts, "watches">): string =>
  `No sign of the API server on the watch of ${watches.oldest}: what is known of this group may be out of date. Only status and events are written until the watch works again`;
