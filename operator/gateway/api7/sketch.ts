import { hash } from "node:crypto";

/** So many of the smallest hashes stand for all. */
const SKETCH_SIZE = 1024;
/** 48 bits: a number that JavaScript holds exactly, at 8 bytes each. */
const HASH_DIGITS = 12;

export interface Sketch {
  /** Ascending. */
  hashes: readonly number[];
  /** None was left out. */
  whole: boolean;
}

/**
 * What tells two snapshots with nothing in common apart from two that share some of these items, whatever their number:
 * the smallest hashes of `kind/id`. An item that both hold is in both sketches, unless one of them ends before it.
 */
export function sketchOf(
  kinds: ReadonlyMap<string, readonly { id: string | undefined }[]>,
  of: readonly string[],
): Sketch {
  const hashes = of.flatMap((kind) =>
    (kinds.get(kind) ?? []).map(({ id = "" }) =>
      Number.parseInt(hash("sha256", `${kind}/${id}`, "hex").slice(0, HASH_DIGITS), 16),
    ),
  );
  const sorted = [...new Set(hashes)].sort((a, b) => a - b);
  return { hashes: sorted.slice(0, SKETCH_SIZE), whole: sorted.length <= SKETCH_SIZE };
}
