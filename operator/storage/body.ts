/** Reading a body that may be too long, shorter than announced, or never end. */
import type { Readable } from "node:stream";
import { Failure } from "./failure.ts";

/**
 * The whole body or a Failure. `announcedBytes` is the server's Content-Length. The stream is destroyed on every way
 * out but the good one: an unread body keeps its connection for ever.
 */
export async function readBounded(
  stream: Readable,
  announcedBytes: number | undefined,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stop = () => stream.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    if (announcedBytes !== undefined && announcedBytes > maxBytes) throw tooLarge(maxBytes);
    return await collect(stream, announcedBytes, maxBytes);
  } finally {
    signal.removeEventListener("abort", stop);
    // A late error of a stream nobody listens to any more would end the process.
    stream.on("error", () => undefined);
    stream.destroy();
  }
}

async function collect(stream: Readable, announcedBytes: number | undefined, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (cutShort(error)) throw truncated(bytes, announcedBytes, error);
    throw error;
  }
  if (announcedBytes !== undefined && bytes !== announcedBytes) throw truncated(bytes, announcedBytes);
  return Buffer.concat(chunks, bytes);
}

/** The connection ended inside the body; its silence or our own signal are something else. */
function cutShort(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "EPIPE";
}

function tooLarge(maxBytes: number): Failure {
  return new Failure("TooLarge", `it is larger than ${maxBytes} bytes`);
}

function truncated(bytes: number, announcedBytes: number | undefined, error?: unknown): Failure {
  const announced = announcedBytes === undefined ? "its end" : `the announced ${announcedBytes} bytes`;
  const cause = error ?? new Error(`ended after ${bytes} bytes`);
  return new Failure("Truncated", `the answer stopped before ${announced}`, { cause });
}
