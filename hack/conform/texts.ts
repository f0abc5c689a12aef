import type { TallyRow } from "./in-pod/asker.mts";
import type { Start } from "./seen.ts";

export function startText(start: Start): string {
  const seconds = `${start.seconds.toFixed(0)} s`;
  if (start.is === "listening") return `listens after ${seconds}`;
  return start.is === "ended" ? `exits ${start.code} after ${seconds}` : `neither listens nor exits within ${seconds}`;
}

/** `20 routes, 5 services, 0 upstreams`. */
export const countsText = (counts: Readonly<Record<string, unknown>>): string =>
  ["routes", "services", "upstreams"].map((kind) => `${counts[kind] ?? 0} ${kind}`).join(", ");

/** `404 x 12, 200 x 80`, in the order in which they came. */
export const tallyText = (rows: readonly TallyRow[]): string =>
  rows.length === 0 ? "no answer" : rows.map(({ status, count }) => `${status} x ${count}`).join(", ");
