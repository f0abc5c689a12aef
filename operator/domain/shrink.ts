/** A kind that lost more than the allowed share and at least ten objects, or that became empty from three or more. */
export interface Shrunken {
  kind: string;
  before: number;
  after: number;
}

const MIN_LOST = 10;
const MIN_BEFORE_EMPTY = 3;

export function shrunkenKinds(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  maxShrinkPercent: number,
): Shrunken[] {
  return Object.entries(before)
    .map(([kind, count]) => ({ kind, before: count, after: after[kind] ?? 0 }))
    .filter(({ before: was, after: is }) => {
      const lost = was - is;
      const emptied = is === 0 && was >= MIN_BEFORE_EMPTY;
      return emptied || (lost >= MIN_LOST && lost * 100 > was * maxShrinkPercent);
    });
}
