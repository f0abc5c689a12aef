import { createHash } from "node:crypto";
import type { JsonObject } from "./api7-render-merge.ts";
import { itemID } from "./api7-snapshot-references.ts";

/** So many of the smallest hashes stand for all. */
const SKETCH_SIZE = 64;
const HASH_DIGITS = 12;

export interface Sketch {
  /** Hexadecimal, sorted. */
  hashes: readonly string[];
  /** None was left out. */
  whole: boolean;
}

/**
 * What tells two snapshots with nothing in common apart from two that share some of these items, whatever their number:
 * the smallest hashes of `kind/id`. An item that both hold is in both sketches, unless one of them ends before it.
 */
export function sketchOf(kinds: ReadonlyMap<string, JsonObject[]>, of: readonly string[]): Sketch {
  const hashes = of.flatMap((kind) =>
    (kinds.get(kind) ?? []).map((item) =>
      createHash("sha256")
        .update(`${kind}/${itemID(item) ?? ""}`)
        .digest("hex")
        .slice(0, HASH_DIGITS),
    ),
  );
  const sorted = [...new Set(hashes)].sort();
  return { hashes: sorted.slice(0, SKETCH_SIZE), whole: sorted.length <= SKETCH_SIZE };
}
