import { hash } from "node:crypto";

/**
 * Which items are missing, of a list that is not at hand. A table of fixed size holds the sum of all names, in cells; whoever
 * has most of the items takes theirs out of it, and what is left are the names of those that it does not have. It is an
 * invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011): 5,976 characters for any number of items, where a list of
 * 60,000 names would fit neither into the environment of a pod nor, three times for each group, into memory.
 */

/**
 * Four parts, a cell of each for every name. [M] Of twenty names that are missing all are read back in 998 of 1000 cases, and
 * none is ever another's; the rest is counted.
 */
const PARTS = 4;
const PART_CELLS = 20;
/** `routes/` and a UUID have 43 bytes. A longer name is cut, and is told apart by its digest. */
const NAME_BYTES = 48;
const DIGEST_CHARS = 12;
/** Of a cell, in words of four bytes (little-endian, as on every machine that runs this): how many, a check, the name. */
const NAME_WORDS = NAME_BYTES / 4;
const CELL_WORDS = 2 + NAME_WORDS;
const TABLE_WORDS = PARTS * PART_CELLS * CELL_WORDS;

/** The names of a list, base64. Two lists with the same names have the same table, whatever their order. */
export function tableOf(names: Iterable<string>): string {
  const table = new Int32Array(TABLE_WORDS);
  for (const name of names) add(table, wordsOf(name), 1);
  return Buffer.from(table.buffer).toString("base64");
}

export interface Missing {
  /** Sorted. */
  names: string[];
  /** How many of those that are present are not in the table. */
  strange: number;
  /** False: more are missing than can be read back, or the table is none; `names` may hold some of them. */
  whole: boolean;
}

/** Names of the table that are not among those. */
export function missingFrom(table: string, present: Iterable<string>): Missing {
  const bytes = Buffer.from(table, "base64");
  if (bytes.length !== TABLE_WORDS * 4) return { names: [], strange: 0, whole: false };
  const rest = new Int32Array(TABLE_WORDS);
  Buffer.from(rest.buffer).set(bytes);
  for (const name of new Set(present)) add(rest, wordsOf(name), -1);
  const names: string[] = [];
  let strange = 0;
  for (let found = pureCell(rest); found !== undefined; found = pureCell(rest)) {
    // A name can be read back from a broken table for ever.
    if (names.length + strange > PARTS * PART_CELLS) return { names: names.sort(), strange, whole: false };
    if (found.count > 0) names.push(textOf(found.name));
    else strange += 1;
    add(rest, found.name, -found.count);
  }
  return { names: names.sort(), strange, whole: rest.every((word) => word === 0) };
}

function add(table: Int32Array, name: Int32Array, count: number): void {
  const { places, check } = digestOf(name);
  for (let part = 0; part < PARTS; part += 1) {
    const at = (part * PART_CELLS + ((places[part] ?? 0) % PART_CELLS)) * CELL_WORDS;
    // It wraps, and back: what counts is the difference.
    table[at] = (table[at] ?? 0) + count;
    table[at + 1] = (table[at + 1] ?? 0) ^ check;
    for (let i = 0; i < NAME_WORDS; i += 1) table[at + 2 + i] = (table[at + 2 + i] ?? 0) ^ (name[i] ?? 0);
  }
}

/** A cell with one name in it, or with one that should not be there. */
function pureCell(table: Int32Array): { name: Int32Array; count: 1 | -1 } | undefined {
  for (let at = 0; at < TABLE_WORDS; at += CELL_WORDS) {
    const count = table[at];
    if (count !== 1 && count !== -1) continue;
    const name = table.slice(at + 2, at + CELL_WORDS);
    if (digestOf(name).check === table[at + 1]) return { name, count };
  }
  return undefined;
}

/**
 * Four places and a check of 32 bits: MurmurHash3's mixing (Appleby, 2011), with two seeds. Sixty thousand names are added on the
 * thread that the probes run on, and a cryptographic digest takes five times as long. Who makes names that collide gains
 * that they are counted and not named.
 */
function digestOf(name: Int32Array): { places: readonly number[]; check: number } {
  let [a, b] = [0x3f2504e0, 0x1b873593];
  for (let i = 0; i < NAME_WORDS; i += 1) {
    const word = Math.imul(name[i] ?? 0, 0xcc9e2d51 | 0);
    a = Math.imul(rotated(a ^ rotated(word, 15), 13), 5) + 0xe6546b64;
    b = Math.imul(rotated(b ^ rotated(word, 9), 17), 9) + 0x38b34ae5;
  }
  const [one, two] = [finished(a), finished(b ^ a)];
  return { places: [one >>> 16, one & 0xffff, two >>> 16, two & 0xffff], check: finished(one ^ Math.imul(two, 5)) | 0 };
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

function finished(word: number): number {
  const one = Math.imul(word ^ (word >>> 16), 0x85ebca6b | 0);
  const two = Math.imul(one ^ (one >>> 13), 0xc2b2ae35 | 0);
  return two ^ (two >>> 16);
}

/** Ids come from outside: what is read back is printed. */
function wordsOf(name: string): Int32Array {
  const words = new Int32Array(NAME_WORDS);
  const padded = Buffer.from(words.buffer);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = name.replace(/[\u0000-\u001f\u007f]/g, "?");
  const written = padded.write(text);
  if (written === Buffer.byteLength(text)) return words;
  const digest = hash("sha256", name, "hex").slice(0, DIGEST_CHARS);
  padded.fill(0);
  padded.write(text, 0, NAME_BYTES - DIGEST_CHARS - 1);
  padded.write(`~${digest}`, NAME_BYTES - DIGEST_CHARS - 1, "latin1");
  return words;
}

const textOf = (name: Int32Array): string =>
  Buffer.from(name.buffer, name.byteOffset, NAME_BYTES).toString("utf8").replace(/\0/g, "");
