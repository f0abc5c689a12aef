import { getEventListeners, once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { getHeapStatistics } from "node:v8";
import { describe, expect, test } from "vitest";
import { readBounded } from "../../operator/storage/body.ts";
import { DEFAULT_MAX_BYTES, maxBytesFor } from "../../operator/storage/store.ts";

const LIMITS = { maxBytes: 10, silenceTimeoutMs: 60_000 };
const never = () => new AbortController().signal;
const of = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

describe("a body", () => {
  test("is put together from its pieces", async () => {
    const signal = never();
    expect(Buffer.from(await readBounded(of("01", "", "234"), 5, LIMITS, signal)).toString()).toBe("01234");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test.for([
    ["shorter than announced", of("0123"), 5, "Truncated"],
    ["longer than announced", of("0123"), 3, "Truncated"],
    ["announced too large: nothing of it is read", of(""), 11, "TooLarge"],
    ["too large without being announced", of("01234", "56789", "X"), undefined, "TooLarge"],
  ] as const)("%s is refused, and its stream is let go", async ([, stream, announced, fault]) => {
    await expect(readBounded(stream, announced, LIMITS, never())).rejects.toMatchObject({ fault });
    expect(stream.destroyed).toBe(true);
  });

  test("is put together from many pieces, announced or not", async () => {
    const pieces = Array.from({ length: 300 }, (_, i) => String(i).padStart(1_000, "-"));
    const limits = { ...LIMITS, maxBytes: 300_000 };
    for (const announced of [300_000, undefined])
      expect(Buffer.from(await readBounded(of(...pieces), announced, limits, never())).toString()).toBe(
        pieces.join(""),
      );
  });

  test("exactly at the limit is taken", async () => {
    expect((await readBounded(of("0123456789"), undefined, LIMITS, never())).byteLength).toBe(10);
  });

  test("whose reader is called off is given up", async () => {
    const stream = new PassThrough();
    stream.write("01");
    const off = new AbortController();
    const reading = readBounded(stream, 5, LIMITS, off.signal);
    setImmediate(() => off.abort());
    await expect(reading).rejects.toThrow();
    expect(stream.destroyed).toBe(true);
  });

  test("called off before it began is not read", async () => {
    const stream = of("01");
    await expect(readBounded(stream, 2, LIMITS, AbortSignal.abort())).rejects.toThrow();
    if (!stream.closed) await once(stream, "close");
    expect(stream.destroyed).toBe(true);
  });
});

describe("the largest body that is accepted", () => {
  const MIB = 1024 * 1024;
  test.for([
    ["the chart's heap", 256, 16],
    ["a small one", 64, 4],
    ["more than any snapshot needs", 4096, 64],
  ])("is a share of what the process was given: %s", ([, heapMiB, mostMiB]) => {
    expect(maxBytesFor(Number(heapMiB) * MIB)).toBe(Number(mostMiB) * MIB);
  });

  test("is that of this process where nothing else is said", () => {
    expect(DEFAULT_MAX_BYTES).toBe(maxBytesFor(getHeapStatistics().heap_size_limit));
  });
});
