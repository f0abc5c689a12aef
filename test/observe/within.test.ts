import { expect, test } from "vitest";
import { within } from "../../operator/observe/within.ts";

const never = new Promise<string>(() => undefined);
const told = (why: string) => `unknown: ${why}`;

test("an answer in time is the answer", async () => {
  expect(await within(new AbortController().signal, Promise.resolve("answer"), told)).toBe("answer");
});

test("a failure is a fact", async () => {
  const signal = new AbortController().signal;
  expect(await within(signal, Promise.reject(new Error("no route")), told)).toBe("unknown: no route");
  expect(await within(signal, Promise.reject("text"), told)).toBe("unknown: text");
});

test("one that hangs is not waited for beyond the signal", async () => {
  const limit = new AbortController();
  const reading = within(limit.signal, never, told);
  limit.abort();
  expect(await reading).toBe("unknown: it was not answered in time");
  expect(await within(limit.signal, never, told), "aborted before").toBe("unknown: it was not answered in time");
});
