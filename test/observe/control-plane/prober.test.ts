import { expect, test } from "vitest";
import type { ControlPlaneProbe } from "../../../operator/gateway/api7/probe.ts";
import type { FakeClock } from "../../kube/fake-clock.ts";
import { DOWN, ok, probing, UP } from "../probing.ts";

test.for([
  ["it answers both questions", UP, { view: "readsOk" }],
  [
    "its read is an error",
    { version: ok, read: { kind: "serverError", status: 500, ms: 1 } },
    { view: "serverError", detail: "its read was answered with an error" },
  ],
  [
    "its read hangs",
    { version: ok, read: { kind: "timeout", phase: "answer", lagMs: 0, ms: 1 } },
    { view: "readTimeout", detail: "its read was not answered" },
  ],
  ["nobody listens", DOWN, { view: "down", detail: "refused" }],
  ["silence", { version: { kind: "timeout", phase: "connect", lagMs: 3, ms: 1 } }, { view: "down", detail: "timeout" }],
  [
    "silence, and we were late ourselves",
    { version: { kind: "timeout", phase: "connect", lagMs: 1500, ms: 1 } },
    { view: "unknown", detail: "operatorLagging" },
  ],
  [
    "no such name",
    { version: { kind: "dnsFailure", code: "ENOTFOUND", ms: 1 } },
    { view: "unknown", detail: "dnsFailure: ENOTFOUND" },
  ],
  [
    "no way there, or a Service without backends",
    { version: { kind: "noRoute", code: "EHOSTUNREACH", ms: 1 } },
    { view: "noRoute", detail: "noRoute: EHOSTUNREACH" },
  ],
  [
    "our certificate ended",
    { version: { kind: "tlsLocal", reason: "CertificateExpired", ms: 1 } },
    { view: "unknown", detail: "tlsLocal: CertificateExpired" },
  ],
  [
    "it does not want us",
    { version: { kind: "denied", status: 403, ms: 1 } },
    { view: "misconfigured", detail: "denied: HTTP 403" },
  ],
] as const)("%s", async ([, answer, expected]) => {
  const { clock, want, say, view } = probing();
  say(answer as ControlPlaneProbe);
  want("a");
  await clock.advance(0);
  expect(view()).toEqual(expected);
});

test("groups with the same endpoint and certificate share one probe, at the shortest interval asked for", async () => {
  const { clock, want, probes, woken } = probing();
  want("a", { intervalMs: 60_000 });
  want("b", { intervalMs: 10_000 });
  want("c", { endpoint: "https://other" });
  await clock.advance(0);
  expect(probes.toSorted()).toEqual(["https://cp", "https://other"]);
  expect(woken.flat().toSorted()).toEqual(["a", "b", "c"]);
  await clock.advance(30_000);
  expect(probes.filter((endpoint) => endpoint === "https://cp")).toHaveLength(4);
});

test("a renewed certificate is probed anew, and the old one no more", async () => {
  const { clock, want, pool, probes, sessions } = probing();
  want("a");
  await clock.advance(0);
  want("a", { tls: { cert: "new", key: "new" } });
  expect(pool.facts("a"), "its first answer is waited for").toBeUndefined();
  await clock.advance(0);
  expect(pool.census("a")).toEqual({ probed: 1, lost: 0 });
  sessions.drop("a");
  const asked = probes.length;
  await clock.advance(60_000);
  expect(probes).toHaveLength(asked);
  expect(clock.armed).toBe(0);
});

test("a first answer that does not come is waited for only so long", async () => {
  const { clock, want, slow, view, pool } = probing();
  slow(60_000);
  want("a");
  await clock.advance(4_900);
  expect(pool.facts("a")).toBeUndefined();
  await clock.advance(200);
  expect(view()).toEqual({ view: "unknown", detail: "it has not answered yet" });
});

test("groups are woken when the view changes, and only then", async () => {
  const { clock, want, say, woken, view } = probing();
  want("a");
  await clock.advance(20_000);
  expect(woken).toHaveLength(1);
  say(DOWN);
  await clock.advance(6_000);
  expect(woken).toHaveLength(2);
  expect(view()).toMatchObject({ view: "down" });
});

test.for([
  ["no key: the control plane holds nothing", { ...UP, count: 0 }, "none"],
  ["keys", { ...UP, count: 41_000 }, "some"],
  ["keys, and nobody wants their number: one more is no news", { ...UP, count: 1 }, "some"],
  ["no count", UP, undefined],
  ["an error", { version: ok, read: { kind: "serverError", status: 500, ms: 1 }, count: 0 }, undefined],
  ["nothing, as nobody listens", DOWN, undefined],
] as const)("its read, which costs nothing more, found %s", async ([, answer, seen]) => {
  const { clock, want, say, pool } = probing();
  say(answer as ControlPlaneProbe);
  want("a");
  await clock.advance(0);
  expect(pool.facts("a")?.contentSeen).toBe(seen);
});

test("groups are woken when a control plane is emptied, though nobody counts, and not for each object", async () => {
  const { clock, want, say, woken, pool } = probing();
  say({ ...UP, count: 7 });
  want("a");
  await clock.advance(6_000);
  say({ ...UP, count: 8 });
  await clock.advance(6_000);
  expect(woken).toHaveLength(1);
  say({ ...UP, count: 0 });
  await clock.advance(6_000);
  expect([woken.length, pool.facts("a")?.contentSeen]).toEqual([2, "none"]);
  say(DOWN);
  await clock.advance(6_000);
  expect(pool.facts("a")).not.toHaveProperty("contentSeen");
});

test("an answer that is too old says nothing about now", async () => {
  const { clock, want, slow, view } = probing();
  want("a");
  await clock.advance(1_000);
  slow(600_000);
  await clock.advance(20_000);
  expect(view()).toEqual({ view: "readsOk" });
  await clock.advance(10_000);
  expect(view()).toMatchObject({ view: "unknown", detail: "the last answer is too old" });
});

test.for([
  ["stopped (the monotonic clock went on)", (clock: FakeClock) => clock.jump(40_000)],
  ["asleep (only the wall clock went on)", (clock: FakeClock) => clock.jumpWall(40_000)],
] as const)("after a time %s the first answer counts for nothing", async ([, pass]) => {
  const { clock, want, view, woken } = probing();
  want("a");
  await clock.advance(1_000);
  pass(clock);
  await clock.advance(0);
  for (let ms = 0; ms < 5_600 && woken.length < 2; ms += 100) await clock.advance(100);
  expect(view()).toEqual({ view: "unknown", detail: "Holdfast itself stood still" });
  await clock.advance(5_600);
  expect(view()).toEqual({ view: "readsOk" });
  expect(woken, "the group sees the hole, or its evidence would reach across").toHaveLength(3);
});

test.for([
  ["a group asks for a shorter interval", "a"],
  ["a group with a shorter interval joins", "b"],
] as const)("%s: that the next question was due later is no stop of ours", async ([, group]) => {
  const { clock, want, woken, view } = probing();
  want("a", { intervalMs: 60_000 });
  await clock.advance(40_000);
  want(group, { intervalMs: 5_000 });
  expect(view("a"), "the answer of before is as fresh as it was").toEqual({ view: "readsOk" });
  for (let seconds = 0; seconds < 60; seconds += 1) {
    await clock.advance(1_000);
    expect(view(group), `${seconds} s later`).toEqual({ view: "readsOk" });
  }
  expect(woken, "no group sees a hole in its evidence").toEqual([["a"]]);
});

test("intervals that change to and fro are no stop of ours, and a stop among them is one", async () => {
  const { clock, want, view, woken } = probing();
  want("a");
  await clock.advance(1_000);
  want("a", { intervalMs: 60_000 });
  want("a", { intervalMs: 30_000 });
  await clock.advance(25_000);
  want("a", { intervalMs: 5_000 });
  await clock.advance(1_000);
  expect([view(), woken.length]).toEqual([{ view: "readsOk" }, 1]);
  clock.jump(40_000);
  await clock.advance(100);
  expect(view()).toEqual({ view: "unknown", detail: "Holdfast itself stood still" });
});

test("an answer that came while the process lagged counts for nothing", async () => {
  const { clock, want, lag, say, view } = probing();
  lag(true);
  say(DOWN);
  want("a");
  await clock.advance(0);
  expect(view()).toEqual({ view: "unknown", detail: "Holdfast itself is too slow to tell" });
});

test("the census leaves out what never answered and cannot be judged: a mistake is no loss", async () => {
  const { clock, want, pool, say } = probing();
  say({ version: { kind: "dnsFailure", code: "ENOTFOUND", ms: 1 } });
  want("a");
  await clock.advance(0);
  expect(pool.census("a")).toEqual({ probed: 0, lost: 0 });
  say(UP);
  await clock.advance(6_000);
  expect(pool.census("a")).toEqual({ probed: 1, lost: 0 });
  say({ version: { kind: "dnsFailure", code: "ENOTFOUND", ms: 1 } });
  await clock.advance(6_000);
  expect(pool.census("a"), "known, and out of sight").toEqual({ probed: 1, lost: 1 });
});

test("the census counts control planes, not certificates", async () => {
  const { clock, want, pool, say } = probing();
  want("a");
  want("b", { tls: { cert: "other", key: "other" } });
  want("c", { endpoint: "https://second" });
  expect(pool.census("a"), "one that is asked for the first time is not lost").toEqual({ probed: 0, lost: 0 });
  await clock.advance(0);
  expect(pool.census("a")).toEqual({ probed: 2, lost: 0 });
  say(DOWN);
  await clock.advance(6_000);
  expect(pool.census("a")).toEqual({ probed: 2, lost: 2 });
});

test("one control plane spelled in several ways is probed once for each certificate, and counted once", async () => {
  const { clock, want, pool, say, probes } = probing();
  want("a", { endpoint: "https://cp-a.acme.com" });
  want("b", { endpoint: "https://cp-a.acme.com:443" });
  want("c", { endpoint: "https://CP-A.acme.com", tls: { cert: "other", key: "other" } });
  want("d", { endpoint: "https://cp-d.acme.com" });
  await clock.advance(0);
  expect(probes).toHaveLength(3);
  say(DOWN);
  await clock.advance(6_000);
  for (const group of ["a", "b", "c", "d"]) expect(pool.census(group), group).toEqual({ probed: 2, lost: 2 });
});

test("the census of a group leaves out what was lost long before it, however that looked in between", async () => {
  const { clock, want, pool, say } = probing();
  want("old");
  await clock.advance(0);
  say(DOWN);
  await clock.advance(6_000);
  say({ version: { kind: "dnsFailure", code: "ENOTFOUND", ms: 1 } });
  await clock.advance(12 * 60_000);
  say(UP);
  want("new", { endpoint: "https://second" });
  // The first is asked again only after its interval: it stays lost until then.
  await clock.advance(0);
  expect(pool.census("new")).toEqual({ probed: 1, lost: 0 });
  await clock.advance(6_000);
  expect(pool.census("new"), "answered: there again").toEqual({ probed: 2, lost: 0 });
  say(DOWN);
  await clock.advance(6_000);
  expect(pool.census("new"), "both at once").toEqual({ probed: 2, lost: 2 });
});

async function threeLost() {
  const w = probing();
  w.want("a");
  w.want("b", { endpoint: "https://second" });
  w.want("c", { endpoint: "https://third" });
  await w.clock.advance(0);
  w.say(DOWN);
  return w;
}

/** Three control planes have been out of sight for a quarter of an hour: Holdfast's own network. Then this; of one of them, how many? */
const DNS: ControlPlaneProbe = { version: { kind: "dnsFailure", code: "ENOTFOUND", ms: 1 } };
const NEW = { tls: { cert: "new", key: "new" } };
test.for<[string, (w: ReturnType<typeof probing>) => unknown, string, { probed: number; lost: number }]>([
  ["nothing more", () => {}, "a", { probed: 3, lost: 3 }],
  ["its certificate is renewed: no new loss", ({ want }) => want("a", NEW), "a", { probed: 3, lost: 3 }],
  ["a second group with another certificate, seen by it", ({ want }) => want("d", NEW), "d", { probed: 3, lost: 3 }],
  [
    "a second group with another certificate, seen by the first",
    ({ want }) => want("d", NEW),
    "a",
    { probed: 3, lost: 3 },
  ],
  [
    "its certificate is renewed, and its name does not resolve: one that is known is lost all the same",
    ({ want, say }) => {
      say(DNS);
      want("a", NEW);
    },
    "a",
    { probed: 3, lost: 3 },
  ],
  [
    "another certificate got through, and it is lost again: the others were lost long before",
    async ({ want, say, clock }) => {
      say(UP);
      want("d", NEW);
      await clock.advance(0);
      say(DOWN);
    },
    "a",
    { probed: 1, lost: 1 },
  ],
  [
    "its group went, and comes again: what was before is forgotten",
    ({ want, sessions }) => {
      sessions.drop("a");
      want("a");
    },
    "a",
    { probed: 1, lost: 1 },
  ],
])("a loss is the control plane's, whoever asks: %s", async ([, happens, group, expected]) => {
  const w = await threeLost();
  await w.clock.advance(15 * 60_000);
  await happens(w);
  await w.clock.advance(6_000);
  expect(w.pool.census(group)).toEqual(expected);
});

test("a question that is under way when its group goes is no loss", async () => {
  const w = await threeLost();
  w.slow(4_000);
  await w.clock.advance(6_000);
  w.sessions.drop("a");
  await w.clock.advance(15 * 60_000);
  w.want("a");
  await w.clock.advance(6_000);
  expect(w.pool.census("a")).toEqual({ probed: 1, lost: 1 });
});
