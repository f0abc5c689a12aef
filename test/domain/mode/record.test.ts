/** Under modePolicy Observe the moves that are not made leave an event and a line of history, each once. */
import { expect, test } from "vitest";
import { fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "../deciding.ts";

function observing(change: (facts: Loose) => void = lose): Loose {
  const { facts } = healthy();
  facts.group.spec.modePolicy = "Observe";
  change(facts);
  return facts;
}
const told = ({ events }: ReturnType<typeof planOf>) => events.filter(({ reason }) => reason === "WouldMove");

test("an outage: once, however often it is looked at", () => {
  const facts = observing();
  const first = planOf(facts, held(facts, "Unreachable", 60_000));
  expect(first.status.wouldHave).toEqual([
    {
      count: 1,
      to: "ToFallback",
      at: new Date(facts.nowMs).toISOString(),
      evidence: expect.stringMatching(/2 disconnected/),
    },
  ]);
  expect(told(first)).toMatchObject([
    {
      type: "Warning",
      action: "Observe",
      message: expect.stringMatching(/mode Normal -> ToFallback would be recorded now \(number 1\)/),
    },
  ]);
  expect([first.recordsMode, first.broken]).toEqual([false, []]);
  facts.group.status = first.status;
  facts.nowMs += 5_000;
  const again = planOf(facts, held(facts, "Unreachable", 65_000));
  expect([again.status.wouldHave, told(again)]).toEqual([first.status.wouldHave, []]);
});

test("the next outage is the second", () => {
  const facts = observing();
  const entry = { count: 1, to: "ToFallback", at: "2026-01-01T00:00:00Z", evidence: "" };
  facts.group.status.wouldHave = [entry];
  const plan = planOf(facts, held(facts, "Unreachable", 60_000));
  expect(plan.status.wouldHave?.map(({ count }) => count)).toEqual([2, 1]);
});

test("ten are kept, and counted on", () => {
  const facts = observing();
  const entry = (count: number) => ({ count, to: "ToFallback", at: "2026-01-01T00:00:00Z", evidence: "" });
  facts.group.status.wouldHave = Array.from({ length: 10 }, (_, n) => entry(40 - n));
  const { wouldHave = [] } = planOf(facts, held(facts, "Unreachable", 60_000)).status;
  expect([wouldHave.length, wouldHave[0]?.count, wouldHave[9]?.count]).toEqual([10, 41, 32]);
});

test("a return is good news, and another direction is another move", () => {
  const facts = observing((f) => {
    inMode(f, "Fallback", 60_000);
    fromSnapshot(f);
    const like = { uid: "uid-c", resourceVersion: "1", createdMs: f.nowMs - 1_000, deleting: false };
    f.helpers = [{ ...like, role: "canary", name: "edge-canary-1", result: { state: "loaded", counts: {} } }];
    f.group.status.wouldHave = [{ count: 1, to: "ToFallback", at: "2026-01-01T00:00:00Z", evidence: "" }];
    f.group.status.conditions.find((one: Loose) => one.type === "Reconciling").reason = "WouldMove";
  });
  const plan = planOf(facts, held(facts, "Reachable", 60_000));
  expect(plan.status.wouldHave?.map(({ to }) => to)).toEqual(["ToNormal", "ToFallback"]);
  expect(told(plan)).toMatchObject([{ type: "Normal" }]);
});

test("who moves groups leaves none", () => {
  const { facts } = healthy();
  lose(facts);
  expect(planOf(facts, held(facts, "Unreachable", 60_000)).status.wouldHave).toBeUndefined();
});
