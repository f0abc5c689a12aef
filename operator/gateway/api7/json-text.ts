/** Where one value lies in a text. */
export interface Extent {
  from: number;
  to: number;
  /** Lists, objects and values in it: what takes memory once it is parsed. */
  parts: number;
  /** Lists and objects in each other. */
  depth: number;
}

const code = (char: string): number => char.charCodeAt(0);
const QUOTE = code('"');
const BACKSLASH = code("\\");
const COMMA = code(",");
const SPACE = code(" ");
const NO_BYTE = 256;

const table = (chars: string): Uint8Array => {
  const found = new Uint8Array(NO_BYTE + 1);
  for (const char of chars) found[code(char)] = 1;
  return found;
};
// Tables: this is looked up for each of millions of bytes.
const OPENS = table("{[");
const CLOSES = table("}]");
const BLANK = table(" \n\r\t");
const ENDS_SCALAR = table(",}] \n\r\t");

/**
 * A JSON text, walked through value by value. Parsed at once a text can take sixty times its size (lists of empty
 * lists), and where that is more than there is, the process ends. Only brackets and quotes are looked at here: if every
 * value on the way is one to JSON.parse and the walk comes to the end, the whole is JSON; else it is not.
 */
export class JsonText {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(body: string | Uint8Array) {
    // A view: the copy of a large body would stand beside it.
    this.#bytes =
      typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  /** Goes behind this character where it is what comes next; blanks are nothing. */
  take(char: string): boolean {
    this.#skipBlanks();
    if (this.#byte() !== code(char)) return false;
    this.#at += 1;
    return true;
  }

  /** Goes behind the next value, whatever it is; nothing lies in it where there is none. */
  value(): Extent {
    this.#skipBlanks();
    const from = this.#at;
    if (OPENS[this.#byte()] === 1) return { from, ...this.#skipNested(), to: this.#at };
    if (this.#byte() === QUOTE) this.#skipString();
    else while (this.#at < this.#bytes.length && ENDS_SCALAR[this.#byte()] === 0) this.#at += 1;
    return { from, parts: 1, depth: 0, to: this.#at };
  }

  read({ from, to }: Extent): string {
    return this.#bytes.toString("utf8", from, to);
  }

  /** Nothing but blanks comes any more. */
  ended(): boolean {
    this.#skipBlanks();
    return this.#at >= this.#bytes.length;
  }

  /** A text that was cut off hardly ends as it should. */
  endsWith(char: string): boolean {
    let last = this.#bytes.length - 1;
    while ((this.#bytes[last] ?? NO_BYTE) <= SPACE) last -= 1;
    return this.#bytes[last] === code(char);
  }

  #byte(): number {
    return this.#bytes[this.#at] ?? NO_BYTE;
  }

  #skipBlanks(): void {
    while (BLANK[this.#byte()] === 1) this.#at += 1;
  }

  #skipString(): void {
    for (this.#at += 1; this.#at < this.#bytes.length; this.#at += 1) {
      const byte = this.#byte();
      if (byte === BACKSLASH) this.#at += 1;
      else if (byte === QUOTE) break;
    }
    this.#at = Math.min(this.#bytes.length, this.#at + 1);
  }

  #skipNested(): Pick<Extent, "parts" | "depth"> {
    let [parts, within, depth] = [0, 0, 0];
    while (this.#at < this.#bytes.length) {
      const byte = this.#byte();
      if (byte === QUOTE) {
        this.#skipString();
        continue;
      }
      this.#at += 1;
      if (byte === COMMA) parts += 1;
      else if (OPENS[byte] === 1) {
        parts += 1;
        within += 1;
        depth = Math.max(depth, within);
      } else if (CLOSES[byte] === 1) {
        within -= 1;
        if (within === 0) break;
      }
    }
    return { parts, depth };
  }
}
