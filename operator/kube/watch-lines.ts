import type { Clock, Timer } from "./clock.ts";
import { KubeError } from "./errors.ts";

const LINE_MAX_BYTES = 16 * 1024 * 1024; // etcd takes objects of 1.5 MB, aggregated servers somewhat more
const NEWLINE = 0x0a;

export interface LineOptions {
  clock: Clock;
  /** No byte for so long: the generator calls `onSilence` (which must break the stream). */
  silenceMs: number;
  onSilence: () => void;
}

/**
 * The lines of a watch, parsed. A line that is not JSON, is endless, or was cut off by a clean end is Undecodable: an
 * event may be lost with it, so only a new list helps (pitfall N9). Errors of the stream pass through.
 */
export async function* watchLines(body: AsyncIterable<Uint8Array>, options: LineOptions): AsyncGenerator<unknown> {
  const { clock, silenceMs, onSilence } = options;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let timer: Timer = clock.after(silenceMs, onSilence);
  try {
    for await (const chunk of body) {
      timer.cancel();
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        pending.push(chunk.subarray(from, at));
        from = at + 1;
        const line = join(pending);
        pending = [];
        pendingBytes = 0;
        if (line.trim() !== "") yield parse(line);
      }
      if (from < chunk.length) {
        pending.push(chunk.subarray(from));
        pendingBytes += chunk.length - from;
        if (pendingBytes > LINE_MAX_BYTES) throw undecodable(`a line is over ${LINE_MAX_BYTES} bytes`);
      }
      timer = clock.after(silenceMs, onSilence);
    }
  } finally {
    timer.cancel();
  }
  if (join(pending).trim() !== "") throw undecodable("the stream ended in the middle of a line");
}

// Joined before decoding: a character may lie across two chunks.
function join(parts: Uint8Array[]): string {
  return Buffer.concat(parts).toString("utf8");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw undecodable("a line is not JSON"); // its text may be part of a Secret
  }
}

function undecodable(why: string): KubeError {
  return new KubeError("Undecodable", `Cannot follow the watch: ${why}`);
}
