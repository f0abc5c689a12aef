import { expect, test } from "vitest";
import type { GatewayStatus } from "../../../operator/gateway/api7/probe-gateway.ts";
import { PodProber, type PodWish, voteOf } from "../../../operator/observe/gateways/pod-prober.ts";
import { Sessions } from "../../../operator/session.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { neverCalled } from "../never.ts";

const SILENT: GatewayStatus = { ready: "unknown", emptyWorker: false, etcdReachable: "unknown" };
const CONNECTED: GatewayStatus = { ...SILENT, ready: 200, etcdReachable: 1 };
const LOST: GatewayStatus = { ...SILENT, ready: 503 };

test.for([
  ["nothing was heard", SILENT, false, "unknown"],
  ["the metric says 1", CONNECTED, false, "connected"],
  ["the metric says 0", { ...SILENT, ready: 200, etcdReachable: 0 }, false, "disconnected"],
  ["the metric is clearer than the status", { ...LOST, etcdReachable: 1 }, true, "connected"],
  ["503", LOST, false, "disconnected"],
  ["503 for an empty worker says nothing of the control plane", { ...LOST, emptyWorker: true }, false, "unknown"],
  ["200 of one that never said otherwise", { ...SILENT, ready: 200 }, false, "unknown"],
  ["200 of one that said 503 before", { ...SILENT, ready: 200 }, true, "connected"],
] as const)("vote: %s", ([, status, saidBefore, expected]) => {
  expect(voteOf(status as GatewayStatus, saidBefore)).toBe(expected);
});

function world() {
  const clock = new FakeClock();
  const woken: string[] = [];
  const asked: string[] = [];
  let status: GatewayStatus = CONNECTED;
  let codes: (number | undefined)[] = [200];
  let lagged = false;
  let requests = 0;
  let underWay = 0;
  let most = 0;
  let takesMs = 0;
  const sessions = new Sessions();
  const prober = new PodProber({
    sessions,
    onBug: neverCalled,
    clock,
    lag: { laggedSince: () => lagged },
    wake: (key) => void woken.push(key),
    status: async (ip) => {
      asked.push(ip);
      underWay += 1;
      most = Math.max(most, underWay);
      const now = status;
      if (takesMs > 0) await new Promise<void>((resolve) => clock.after(takesMs, resolve));
      underWay -= 1;
      return now;
    },
    request: async () => codes[requests++ % codes.length],
  });
  const want = (change: Partial<PodWish> = {}) =>
    prober.want("gw/edge", {
      pods: [{ uid: "p", ip: "10.0.0.1", votes: true }],
      check: undefined,
      intervalMs: 60_000,
      ...change,
    });
  return {
    clock,
    prober,
    sessions,
    want,
    woken,
    asked,
    say: (next: GatewayStatus) => (status = next),
    answer: (...next: (number | undefined)[]) => (codes = next),
    lag: (is: boolean) => (lagged = is),
    slow: (ms: number) => (takesMs = ms),
    requests: () => requests,
    most: () => most,
  };
}

test("a new pod is asked at once, then seldom; in doubt often", async () => {
  const { clock, want, asked, prober } = world();
  want();
  await clock.advance(0);
  expect(prober.of("p").vote).toBe("connected");
  await clock.advance(120_000);
  expect(asked).toHaveLength(3);
  want({ intervalMs: 5_000 });
  await clock.advance(20_000);
  expect(asked.length).toBeGreaterThanOrEqual(7);
});

test("a new pod whose metric is not there yet is asked again soon, for a minute and until its first vote", async () => {
  const { clock, want, asked, prober, say, woken } = world();
  say(SILENT);
  want();
  await clock.advance(14_000);
  expect(asked.length).toBeGreaterThanOrEqual(3);
  say(CONNECTED);
  await clock.advance(6_000);
  expect([prober.of("p").vote, woken.length]).toEqual(["connected", 2]);
  const soFar = asked.length;
  await clock.advance(50_000);
  expect(asked.length - soFar).toBeLessThanOrEqual(1);
});

test("one that never votes is asked seldom after its first minute, and one without a vote at once seldom", async () => {
  const { clock, want, asked, say } = world();
  say(SILENT);
  want();
  await clock.advance(70_000);
  const soFar = asked.length;
  await clock.advance(240_000);
  expect(asked.length - soFar).toBeLessThanOrEqual(5);
  const other = world();
  other.want({ pods: [{ uid: "p", ip: "10.0.0.1", votes: false }], check: { path: "/", expectStatus: 200 } });
  await other.clock.advance(50_000);
  expect(other.requests()).toBe(4);
});

test("the group is woken when a word changes, and only then", async () => {
  const { clock, want, woken, say } = world();
  want({ intervalMs: 5_000 });
  await clock.advance(30_000);
  expect(woken).toHaveLength(1);
  say(LOST);
  await clock.advance(6_000);
  expect(woken).toHaveLength(2);
});

test("an old word is unknown", async () => {
  const { clock, want, prober, slow } = world();
  want({ intervalMs: 5_000 });
  await clock.advance(100);
  slow(900_000);
  await clock.advance(20_000);
  expect(prober.of("p").vote).toBe("connected");
  await clock.advance(10_000);
  expect(prober.of("p").vote).toBe("unknown");
});

test("one that said 503 and then 200 is connected again; a metric that was 0 does not make its 200 mean more", async () => {
  const { clock, want, prober, sessions, say } = world();
  want({ intervalMs: 1_000 });
  say(LOST);
  await clock.advance(2_000);
  say({ ...SILENT, ready: 200 });
  await clock.advance(2_000);
  expect(prober.of("p").vote).toBe("connected");
  sessions.drop("gw/edge");
  say({ ...SILENT, ready: 200, etcdReachable: 0 });
  want({ intervalMs: 1_000 });
  await clock.advance(2_000);
  say({ ...SILENT, ready: 200 });
  await clock.advance(2_000);
  expect(prober.of("p").vote).toBe("unknown");
});

test.for([
  ["every connection gets what is expected", [200], "pass"],
  ["one worker answers 404", [200, 404], "fail"],
  ["nobody answers", [undefined], "unknown"],
  ["some connections fail, the others are right", [undefined, 200], "pass"],
] as const)("the check of one route: %s", async ([, codes, expected]) => {
  const { clock, want, prober, answer } = world();
  answer(...codes);
  want({ check: { path: "/", expectStatus: 200 } });
  await clock.advance(0);
  expect(prober.of("p").check).toBe(expected);
});

test("a pod that started from the snapshot has no vote, and its route is checked", async () => {
  const { clock, want, prober, asked, requests } = world();
  want({ pods: [{ uid: "p", ip: "10.0.0.1", votes: false }], check: { path: "/", expectStatus: 200 } });
  await clock.advance(0);
  expect(asked).toEqual([]);
  expect(requests()).toBeGreaterThan(1);
  expect(prober.of("p")).toEqual({ vote: "unknown", emptyWorker: false, check: "pass" });
});

test("what was heard while the process lagged counts for nothing", async () => {
  const { clock, want, prober, lag, say } = world();
  lag(true);
  say(LOST);
  want();
  await clock.advance(0);
  expect(prober.of("p").vote).toBe("unknown");
});

const many = (length: number) => Array.from({ length }, (_, i) => ({ uid: `p${i}`, ip: `ip-${i}`, votes: true }));

test("at most 128 pods are asked at a time, and all of them in the end", async () => {
  const { clock, want, asked, most, slow } = world();
  slow(100);
  want({ pods: many(400) });
  await clock.advance(1_000);
  expect(most()).toBe(128);
  expect(new Set(asked).size).toBe(400);
});

test("an outage in which each of 400 pods takes its whole time to answer takes the vote of none of them", async () => {
  const { clock, want, prober, say, slow } = world();
  const pods = many(400);
  want({ pods });
  await clock.advance(10_000);
  say(LOST);
  slow(4_000); // the metrics hang
  want({ pods, intervalMs: 5_000 });
  await clock.advance(30_000);
  const others = () => pods.filter(({ uid }) => prober.of(uid).vote !== "disconnected");
  for (let seconds = 30; seconds < 120; seconds += 1) {
    expect(others(), `after ${seconds} s`).toEqual([]);
    await clock.advance(1_000);
  }
});

test("pods and groups that are gone are asked no more", async () => {
  const { clock, want, prober, asked } = world();
  want();
  await clock.advance(0);
  want({ pods: [] });
  expect(prober.of("p").vote).toBe("unknown");
  const before = asked.length;
  await clock.advance(600_000);
  expect(asked).toHaveLength(before);
  expect(clock.armed).toBe(0);
});

test("the first look at a group waits until its pods have spoken; a later pod makes nobody wait", async () => {
  const { clock, want, prober, slow } = world();
  slow(500);
  want();
  expect(prober.isFirstLook("gw/edge")).toBe(true);
  await clock.advance(1_000);
  expect(prober.isFirstLook("gw/edge")).toBe(false);
  await clock.advance(10_000);
  const late = { uid: "late", ip: "10.0.0.2", votes: true };
  want({ pods: [{ uid: "p", ip: "10.0.0.1", votes: true }, late] });
  expect(prober.isFirstLook("gw/edge")).toBe(false);
});

test("pods that never speak do not keep a group from being looked at", async () => {
  const { clock, want, prober, slow } = world();
  slow(900_000);
  want();
  await clock.advance(2_500);
  expect(prober.isFirstLook("gw/edge")).toBe(true);
  await clock.advance(1_000);
  expect(prober.isFirstLook("gw/edge")).toBe(false);
});
