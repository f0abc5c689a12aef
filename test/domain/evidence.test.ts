import { expect, test } from "vitest";
import { weigh } from "../../operator/domain/evidence.ts";
import { healthy, held, type Loose, lose } from "./deciding.ts";

/** Lost for a minute, last looked at some time ago; probes every 5 s. How long does the loss count? */
test.for<[string, number, "Unreachable" | "Unknown", number]>([
  ["looked at just now", 0, "Unreachable", 60_000],
  ["three probes and some slack ago", 25_000, "Unreachable", 60_000],
  ["a gap: the count starts anew", 25_001, "Unreachable", 0],
  ["it was another verdict", 0, "Unknown", 0],
])("%s", ([, gapMs, before, heldMs]) => {
  const { facts } = healthy();
  lose(facts);
  const memory = held(facts, before, 60_000);
  memory.verdict = { word: before, sinceMs: facts.monoMs - 60_000, seenMs: facts.monoMs - gapMs };
  expect(weigh(facts, memory).heldMs).toBe(heldMs);
});

/** Holdfast stopped seeing the control plane 30 s ago. Whose word of a start counts? */
test.for<[string, number, number]>([
  ["a start since then", 29_999, 1],
  ["a start from before the loss", 30_000, 0],
])("%s", ([, agoMs, answered]) => {
  const { facts } = healthy();
  lose(facts);
  const start = { controlPlaneAnswered: true, readFailed: false, finishedMs: facts.nowMs - agoMs };
  Object.assign((facts.pods as Loose)[0].start, start);
  expect(weigh(facts, held(facts, "Unreachable", 30_000)).witnesses.placesAnswered).toBe(answered);
});
