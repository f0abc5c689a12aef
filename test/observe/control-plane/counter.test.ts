import { expect, test } from "vitest";
import type { countKinds } from "../../../operator/gateway/api7/probe.ts";
import { DOWN, probing, refused, UP } from "../probing.ts";

type Counted = Awaited<ReturnType<typeof countKinds>>;

/** A control plane with three routes, which answers at once and whose counting takes as long as is said. */
function world() {
  let counted: Counted = { counts: { routes: 3 } };
  let takesMs = 0;
  let rounds = 0;
  const { clock, pool, sessions, want, woken, say } = probing(() => {
    rounds += 1;
    const now = counted;
    return new Promise((resolve) => clock.after(takesMs, () => resolve(now)));
  });
  return {
    clock,
    pool,
    sessions,
    want: (counts: boolean, group = "a") => want(group, { counts }),
    woken,
    rounds: () => rounds,
    say,
    hold: (next: Counted) => (counted = next),
    slow: (ms: number) => (takesMs = ms),
    seen: () => pool.facts("a"),
  };
}

test("objects are counted when asked for; a kind without objects is 0 and not left out", async () => {
  const { clock, want, hold, seen, rounds, woken } = world();
  want(false);
  await clock.advance(20_000);
  expect([seen()?.counts, rounds()]).toEqual([undefined, 0]);
  want(true);
  await clock.advance(0);
  expect(seen()?.counts).toMatchObject({ routes: 3, services: 0, ssls: 0 });
  const before = woken.length;
  hold({ counts: {} });
  await clock.advance(6_000);
  expect(seen()?.counts).toMatchObject({ routes: 0 });
  expect(woken.length, "the group looks at what is new").toBe(before + 1);
});

test("counting that takes 40 s keeps nobody from seeing the control plane, and is done in the end", async () => {
  const { clock, want, slow, seen } = world();
  slow(40_000);
  want(true);
  await clock.advance(0);
  for (let seconds = 0; seconds < 300; seconds += 1) {
    expect(seen()?.operator, `after ${seconds} s`).toEqual({ view: "readsOk" });
    if (seconds > 45) expect(seen()?.counts, `after ${seconds} s`).toMatchObject({ routes: 3 });
    await clock.advance(1_000);
  }
});

test("what was counted before a loss, or across it, says nothing of what came back", async () => {
  const { clock, want, say, hold, slow, seen } = world();
  want(true);
  await clock.advance(1_000);
  slow(30_000);
  await clock.advance(6_000); // a count has begun
  say(DOWN);
  await clock.advance(6_000);
  expect(seen()?.counts).toBeUndefined();
  say(UP);
  hold({ counts: { routes: 1 } });
  for (let seconds = 0; seconds < 34; seconds += 1) {
    await clock.advance(1_000);
    expect(seen()?.counts, `${seconds} s later`).toBeUndefined();
  }
  await clock.advance(30_000);
  expect(seen()).toMatchObject({ operator: { view: "readsOk" }, counts: { routes: 1 } });
});

test("counts that are too old, and one that failed, are not known", async () => {
  const { clock, want, hold, slow, seen } = world();
  want(true);
  await clock.advance(1_000);
  slow(600_000);
  await clock.advance(70_000);
  expect(seen()?.counts).toMatchObject({ routes: 3 });
  await clock.advance(10_000);
  expect(seen()).toEqual({ operator: { view: "readsOk" } });
  slow(0);
  await clock.advance(600_000);
  expect(seen()?.counts).toMatchObject({ routes: 3 });
  hold({ failed: refused, kind: "routes" });
  await clock.advance(6_000);
  expect(seen()).toEqual({ operator: { view: "readsOk" } });
});

test("a control plane that does not answer is not counted, and one that answers again is", async () => {
  const { clock, want, say, rounds, seen } = world();
  say(DOWN);
  want(false);
  await clock.advance(2_000);
  want(true);
  await clock.advance(60_000);
  expect(rounds()).toBe(0);
  say(UP);
  for (let ms = 0; ms < 6_000 && seen()?.operator.view !== "readsOk"; ms += 100) await clock.advance(100);
  expect(seen()?.counts, "at once when it does").toMatchObject({ routes: 3 });
});

test("nothing is counted that nobody wants to know any more", async () => {
  const { clock, want, sessions, rounds, seen } = world();
  want(true);
  want(true, "b");
  await clock.advance(10_000);
  want(false);
  const while_ = rounds();
  await clock.advance(20_000);
  expect(rounds(), "another group wants it").toBeGreaterThan(while_);
  sessions.drop("b");
  await clock.advance(0);
  const after = rounds();
  await clock.advance(60_000);
  expect([rounds(), seen()]).toEqual([after, { operator: { view: "readsOk" } }]);
  want(true);
  await clock.advance(1_000);
  sessions.drop("a");
  expect(clock.armed).toBe(0);
});
