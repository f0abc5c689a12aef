// A check that nobody can ask is reported at rest, before a move of pods waits for it in an outage.
import { expect, test } from "vitest";
import type { GroupMemory } from "../../../operator/domain/evidence/memory.ts";
import { healthy, held, type Loose, planOf, told } from "../deciding.ts";

const CHECK = { traffic: { check: { path: "/health", expectStatus: 200 } } };

/** Looks each 20 s for so long; the last plan. */
function looks(facts: Loose, seconds: number, before: GroupMemory = held(facts, "Reachable", 5_000)) {
  let memory = before;
  let plan = planOf(facts, memory);
  for (let passed = 0; passed < seconds; passed += 20) {
    memory = plan.remembers;
    facts.nowMs += 20_000;
    facts.monoMs += 20_000;
    plan = planOf(facts, memory);
  }
  return plan;
}
function answers(facts: Loose, ...checks: string[]): void {
  for (const [index, pod] of facts.pods.entries()) pod.check = checks[index] ?? checks[0];
}

test.for<[string, object, string[], number, string]>([
  ["no pod can be asked for four minutes", CHECK, ["unknown"], 240, "CheckUnanswered"],
  ["one of two cannot", CHECK, ["pass", "unknown"], 240, "CheckUnanswered"],
  ["for three minutes: not yet", CHECK, ["unknown"], 180, "Accepted"],
  ["all answer", CHECK, ["pass"], 240, "Accepted"],
  ["a wrong answer is one", CHECK, ["fail"], 240, "Accepted"],
  ["no check is given", {}, ["unknown"], 240, "Accepted"],
])("%s", ([, spec, checks, seconds, reason]) => {
  const { facts } = healthy(spec);
  answers(facts, ...checks);
  expect(told(looks(facts, seconds), "Stalled")).toBe(reason);
});

test("the message names pods, port and both ways out, and no number that changes by itself", () => {
  const { facts } = healthy(CHECK);
  answers(facts, "unknown");
  const message = (plan: Loose) => plan.status.conditions.find(({ type }: Loose) => type === "Stalled").message;
  const first = looks(facts, 240);
  expect(message(first)).toMatch(
    /^spec\.traffic\.check: Holdfast gets no answer to \/health on port 9080 of pods edge-/,
  );
  expect(message(first)).toContain("remove the check");
  expect(message(looks(facts, 600, first.remembers))).toBe(message(first));
});

test("one answer begins it anew; a pod that has just come is not counted", () => {
  const { facts } = healthy(CHECK);
  answers(facts, "unknown");
  const early = looks(facts, 180);
  answers(facts, "pass");
  const answered = looks(facts, 20, early.remembers);
  answers(facts, "unknown");
  const again = looks(facts, 60, answered.remembers);
  expect(told(again, "Stalled")).toBe("Accepted");
  for (const pod of facts.pods) pod.createdMs = facts.nowMs + 200_000;
  expect(told(looks(facts, 240, again.remembers), "Stalled")).toBe("Accepted");
});
