/** Reading a body that may be too long, shorter than announced, or never end. */
import type { Readable } from "node:stream";
import { Failure } from "./failure.ts";

export interface BodyLimits {
  maxBytes: number;
  /** The transport's: it ends a connection that was silent for so long. */
  silenceTimeoutMs: number;
}

/**
 * The whole body or a Failure. `announcedBytes` is the server's Content-Length. The stream is destroyed on every way
 * out but the good one: an unread body keeps its connection for ever.
 */
export async function readBounded(
  stream: Readable,
  announcedBytes: number | undefined,
  limits: BodyLimits,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stop = () => stream.destroy(new Error("aborted"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    if (announcedBytes !== undefined && announcedBytes > limits.maxBytes) throw tooLarge(limits);
    return await collect(stream, announcedBytes, limits);
  } finally {
    signal.removeEventListener("abort", stop);
    // A late error of a stream nobody listens to any more would end the process.
    stream.on("error", () => undefined);
    stream.destroy();
  }
}

async function collect(stream: Readable, announcedBytes: number | undefined, limits: BodyLimits): Promise<Uint8Array> {
  const body = new Growing(announcedBytes);
  let heardAtMs = performance.now();
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      heardAtMs = performance.now();
      if (body.bytes + chunk.byteLength > limits.maxBytes) throw tooLarge(limits);
      body.add(chunk);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    // Neither library hands on why the connection ended: that there was nothing to hear before tells silence apart.
    const silent = performance.now() - heardAtMs >= limits.silenceTimeoutMs * ALMOST;
    throw silent
      ? new Failure("Timeout", `no answer for ${limits.silenceTimeoutMs} ms`, { cause: error })
      : truncated(body.bytes, announcedBytes, error);
  }
  if (announcedBytes !== undefined && body.bytes !== announcedBytes) throw truncated(body.bytes, announcedBytes);
  return body.whole();
}

const FIRST_BYTES = 64 * 1024;

/** A body is there once, not once in pieces and once as a whole: where it is announced, the room for it is made at once. */
class Growing {
  #room: Buffer;
  bytes = 0;

  constructor(announcedBytes = FIRST_BYTES) {
    this.#room = Buffer.allocUnsafe(announcedBytes);
  }

  add(chunk: Uint8Array): void {
    const bytes = this.bytes + chunk.byteLength;
    if (bytes > this.#room.byteLength) {
      const more = Buffer.allocUnsafe(Math.max(bytes, 2 * this.bytes));
      more.set(this.whole());
      this.#room = more;
    }
    this.#room.set(chunk, this.bytes);
    this.bytes = bytes;
  }

  whole(): Uint8Array {
    return this.#room.subarray(0, this.bytes);
  }
}

/** The transport's clock starts when a chunk arrives, ours when it was handed on. */
const ALMOST = 0.9;

function tooLarge({ maxBytes }: BodyLimits): Failure {
  return new Failure("TooLarge", `it is larger than ${maxBytes} bytes`);
}

function truncated(bytes: number, announcedBytes: number | undefined, error?: unknown): Failure {
  const announced = announcedBytes === undefined ? "its end" : `the announced ${announcedBytes} bytes`;
  const cause = error ?? new Error(`ended after ${bytes} bytes`);
  return new Failure("Truncated", `the answer stopped before ${announced}`, { cause });
}
