import { setImmediate as nextTurn } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { MAX_DEPTH } from "./canonical.ts";
import type { Extent } from "./json-text.ts";

/** Why a text is not read: it is not what it should be, or more than there is memory for. */
export class Unreadable extends Error {
  readonly is: "notJson" | "noObject" | "tooDeep" | "tooLarge";

  constructor(is: Unreadable["is"]) {
    super(is);
    this.is = is;
  }
}

/** What the process may have on its heap at most: --max-old-space-size, or what node takes without it. */
const HEAP_BYTES = getHeapStatistics().heap_size_limit;

/**
 * [M] One value as parsed, with its canonical copy and both texts, on node 24, at most: 190 bytes for one of many names,
 * 136 for `{}`, 118 for a list in a list, 43 for a number; six times its bytes where all is text that is not Latin-1.
 */
const PARSED = { perPart: 160, perByte: 6 };
/** [M] What is kept of an item, sorted and compared: 200 bytes and its texts, of two bytes a character at most. */
const KEPT = { perItem: 250, perChar: 2 };
/**
 * Of the heap. [M] The worst of all shapes lived with less than half of the heap that these were reckoned from: the
 * rest is the operator's.
 */
const SHARE = { parsed: 1 / 4, kept: 3 / 8 };

/** A probe that is answered late by so much is not late. */
const TURN_MS = 50;

/** What one reading of a snapshot may take: of memory, and of the thread that the probes and the lease run on, too. */
export class Room {
  readonly #parsedBytes: number;
  #keptBytes: number;
  #turnMs = performance.now();

  constructor(heapBytes = HEAP_BYTES) {
    this.#parsedBytes = heapBytes * SHARE.parsed;
    this.#keptBytes = heapBytes * SHARE.kept;
  }

  /** @throws Unreadable before a value is parsed that must not be; it lies so deep in others. */
  admit({ from, to, parts, depth }: Extent, within: number): void {
    if (within + depth > MAX_DEPTH) throw new Unreadable("tooDeep");
    const bytes = parts * PARSED.perPart + (to - from) * PARSED.perByte;
    if (bytes > this.#parsedBytes) throw new Unreadable("tooLarge");
  }

  /** @throws Unreadable when more is kept than there is room for; these are the texts of one more item */
  keep(texts: readonly (string | undefined)[]): void {
    let chars = 0;
    for (const text of texts) chars += text?.length ?? 0;
    this.#keptBytes -= KEPT.perItem + chars * KEPT.perChar;
    if (this.#keptBytes < 0) throw new Unreadable("tooLarge");
  }

  /** Is it time to let others have the thread? */
  get turnIsOver(): boolean {
    return performance.now() - this.#turnMs > TURN_MS;
  }

  async nextTurn(): Promise<void> {
    await nextTurn();
    this.#turnMs = performance.now();
  }
}
