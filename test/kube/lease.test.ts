import { afterEach, expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { isKubeError } from "../../operator/kube/errors.ts";
import { LeaderElector, type LeaseTimes } from "../../operator/kube/lease.ts";
import { LeaseGate } from "../../operator/kube/lease-gate.ts";
import { deployments } from "../../operator/kube/resources.ts";
import { createLog } from "../../operator/log.ts";
import { FakeClock, settle, until } from "./fake-clock.ts";
import { LeaseWorld } from "./lease-world.ts";
import { type Fault, fault } from "./stub-exchange.ts";
import { StubServer } from "./stub-server.ts";

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function bench() {
  const world = new LeaseWorld();
  const server = await StubServer.start({ answer: world.answer });
  cleanUp.push(() => server.close());
  const clocks: FakeClock[] = [];
  const candidate = (identity: string, times: Partial<LeaseTimes> = {}) => {
    const clock = new FakeClock();
    clocks.push(clock);
    const logs: string[] = [];
    const log = createLog({ write: (line) => logs.push(line), level: "debug" });
    const config = { from: "file" as const, path: server.writeConfig() };
    const plain = KubeClient.create({ config, gate: new LeaseGate(clock, 1), clock }); // a gate that stays closed
    const elector = new LeaderElector({ client: plain, namespace: "ns", name: "leader", identity, clock, log, times });
    const client = plain.withGate(elector.gate);
    const stop = new AbortController();
    let won: boolean | undefined;
    const run = () => {
      void elector.acquire(stop.signal).then((result) => {
        won = result;
      });
    };
    const write = () => client.updateScale(deployments, { namespace: "a", name: "b", resourceVersion: "1" }, 1);
    cleanUp.push(async () => {
      stop.abort();
      await elector.stop();
      await client.close();
    });
    return { clock, elector, logs, run, stop, write, won: () => won };
  };
  /** Time for everybody, in small steps, with room for the network. */
  const pass = async (ms: number, ...only: FakeClock[]) => {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const clock of only.length > 0 ? only : clocks) await clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await quiet();
  };
  /** Until no answer is under way. */
  const quiet = async () => {
    let before = -1;
    while (before !== server.requests.length) {
      before = server.requests.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const isLease = (request: { path: string }) => request.path.includes("/leases");
  return { world, server, candidate, pass, quiet, isLease };
}

test("the first candidate creates the lease and leads, a second waits while it is renewed", async () => {
  const { world, candidate, pass, quiet } = await bench();
  const [one, two] = [candidate("one"), candidate("two")];
  one.run();
  await until("one leads", () => one.won() === true);
  two.run();
  await quiet();
  await pass(60_000);
  expect(two.won()).toBeUndefined();
  expect(new Set(world.holders)).toEqual(new Set(["one"]));
  expect(world.lease?.spec).toMatchObject({ holderIdentity: "one", leaseDurationSeconds: 15, leaseTransitions: 0 });
  expect(world.lease?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(one.elector.lost.aborted).toBe(false);
  expect(two.elector.holder()).toBe("one");
});

test("a lease is judged by how long it was SEEN unchanged, not by the times written into it", async () => {
  const { world, candidate, pass, quiet } = await bench();
  world.write({
    holderIdentity: "gone",
    leaseDurationSeconds: 15,
    renewTime: "1999-01-01T00:00:00.000000Z",
    leaseTransitions: 4,
  });
  const two = candidate("two");
  two.run();
  await quiet();
  await pass(14_500);
  expect(two.won()).toBeUndefined();
  await pass(5_500); // a try each 2 to 4.4 s
  expect(two.won()).toBe(true);
  expect(world.lease?.spec).toMatchObject({ holderIdentity: "two", leaseTransitions: 5 });
});

test("each renewal starts the wait anew, whatever its time stamp", async () => {
  const { world, candidate, pass, quiet } = await bench();
  const spec = { holderIdentity: "other", leaseDurationSeconds: 15 };
  world.write({ ...spec, renewTime: "2000-01-01T00:00:00.000000Z" });
  const two = candidate("two");
  two.run();
  await quiet();
  for (let second = 1; second <= 4; second += 1) {
    await pass(10_000);
    world.write({ ...spec, renewTime: `2000-01-01T00:00:0${second}.000000Z` });
  }
  expect(two.won()).toBeUndefined();
});

test("a released lease is taken without waiting", async () => {
  const { world, candidate, pass } = await bench();
  const [one, two] = [candidate("one"), candidate("two")];
  one.run();
  await until("one leads", () => one.won() === true);
  two.run();
  await pass(3_000);
  await one.elector.release();
  expect(world.lease?.spec).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
  await pass(5_000, two.clock);
  expect(two.won()).toBe(true);
  expect(one.elector.lost.aborted).toBe(false); // handed over, not lost
});

test("release closes the gate first, and repeats once when a renewal that was cut off arrived all the same", async () => {
  const { world, server, candidate } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  world.write({ ...world.lease?.spec, renewTime: "2030-01-01T00:00:00.000000Z" });
  await one.elector.release();
  expect(world.lease?.spec?.holderIdentity).toBe("");
  expect(await one.write().catch((error) => error.fault)).toBe("GateClosed");
  expect(server.requests.filter((request) => request.path.includes("/deployments")).length).toBe(0);
});

test("stop without release leaves the lease to run out: work may still be under way", async () => {
  const { world, candidate } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  await one.elector.stop();
  expect(world.lease?.spec?.holderIdentity).toBe("one");
  expect(one.elector.gate.isOpen()).toBe(false);
});

test.for<[string, Fault]>([
  ["hangs", fault.hang],
  ["answers 500", fault.status(500, "InternalError")],
  ["answers 429", fault.status(429, "TooManyRequests")],
  ["resets", fault.reset],
  ["answers 401", fault.status(401, "Unauthorized")],
])("a server that %s: the gate closes after 8 s, the lease is lost after 10 s, once", async ([, act]) => {
  const { server, candidate, pass, quiet, isLease } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  let lost = 0;
  one.elector.lost.addEventListener("abort", () => {
    lost += 1;
  });
  server.next(isLease, ...Array<Fault>(200).fill(act));
  await pass(7_750);
  expect(one.elector.gate.isOpen()).toBe(true);
  await pass(500);
  expect(one.elector.gate.isOpen()).toBe(false);
  expect(one.elector.lost.aborted).toBe(false);
  await pass(1_500);
  expect(one.elector.lost.aborted).toBe(false);
  await pass(3_000);
  expect(lost).toBe(1);
  expect(one.elector.isLeader()).toBe(false);
  const asked = server.requests.length;
  await pass(30_000);
  await quiet();
  expect(server.requests.length).toBe(asked);
  expect(lost).toBe(1);
});

test("renewals that fail for less than the deadline close the gate for a while, and that is all", async () => {
  const { server, candidate, pass, isLease } = await bench();
  const one = candidate("one", { gateMarginMs: 4_000 });
  one.run();
  await until("one leads", () => one.won() === true);
  server.next(isLease, ...Array<Fault>(3).fill(fault.status(500, "InternalError")));
  await pass(5_750);
  expect(one.elector.gate.isOpen()).toBe(true);
  await pass(1_000);
  expect(one.elector.gate.isOpen()).toBe(false);
  await pass(2_000);
  expect(one.elector.gate.isOpen()).toBe(true);
  await pass(20_000);
  expect(one.elector.gate.isOpen()).toBe(true);
  expect(one.elector.lost.aborted).toBe(false);
});

test("a lease that another holds is lost at once, not at the deadline", async () => {
  const { world, candidate, pass } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  world.write({ holderIdentity: "thief", leaseDurationSeconds: 15 });
  await pass(2_500);
  expect(one.elector.lost.aborted).toBe(true);
  expect(one.elector.gate.isOpen()).toBe(false);
  expect(world.lease?.spec?.holderIdentity).toBe("thief");
});

test("a lease that was deleted is made anew by its leader", async () => {
  const { world, candidate, pass } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  world.lease = undefined;
  await pass(4_000);
  expect(world.lease).toMatchObject({ spec: { holderIdentity: "one" } });
  expect(one.elector.lost.aborted).toBe(false);
});

test("a write under way is cut off when the gate closes", async () => {
  const { server, candidate, pass, isLease } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  server.next(isLease, ...Array<Fault>(50).fill(fault.hang));
  await pass(1_500);
  server.next((request) => request.path.includes("/deployments"), fault.hang);
  const writing = one.write().catch((error: unknown) => error);
  await until("the write at the server", () =>
    server.requests.some((request) => request.path.includes("/deployments")),
  );
  await pass(7_000);
  const error = await writing;
  expect(isKubeError(error, "GateClosed")).toBe(true);
});

test.for<[string, (clock: FakeClock) => void]>([
  ["stopped for 40 s", (clock) => clock.jump(40_000)],
  ["on a machine that slept for 40 s, where the monotonic clock stood still", (clock) => clock.jumpWall(40_000)],
])(
  "a process that was %s wakes with the gate closed, and loses the lease although nobody took it",
  async ([, sleepOf]) => {
    const { server, candidate, pass, quiet } = await bench();
    const one = candidate("one");
    one.run();
    await until("one leads", () => one.won() === true);
    await pass(1_000);
    expect(one.elector.gate.isOpen()).toBe(true);
    sleepOf(one.clock);
    expect(await one.write().catch((error) => error.fault)).toBe("GateClosed");
    const asked = server.requests.length;
    await pass(2_500);
    await quiet();
    expect(one.elector.lost.aborted).toBe(true);
    expect(server.requests.length).toBe(asked);
  },
);

test("a wall clock that is set back does not hold the gate open", async () => {
  const clock = new FakeClock();
  const gate = new LeaseGate(clock, 8_000);
  gate.renewed({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
  clock.jumpWall(-3_600_000);
  clock.jump(7_999);
  expect(gate.isOpen()).toBe(true);
  clock.jump(1);
  expect(gate.isOpen()).toBe(false);
});

test("the gate counts from when the renewal was sent, not from when its answer came", async () => {
  const { server, world, candidate, pass, isLease } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  server.next(isLease, (exchange) => void setTimeout(() => world.answer(exchange), 60));
  await one.clock.advance(2_000);
  await until("the renewal at the server", () => server.requests.filter(isLease).length === 3);
  one.clock.jump(4_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  server.next(isLease, ...Array<Fault>(50).fill(fault.status(500, "InternalError")));
  await pass(3_750, one.clock);
  expect(one.elector.gate.isOpen()).toBe(true);
  await pass(500, one.clock);
  expect(one.elector.gate.isOpen()).toBe(false);
});

test("two candidates who find it free at the same moment: the server lets one in", async () => {
  const { world, candidate, pass } = await bench();
  world.write({ holderIdentity: "", leaseDurationSeconds: 1 });
  const all = ["one", "two", "three"].map((identity) => candidate(identity));
  for (const each of all) each.run();
  await until("a leader", () => all.some((each) => each.won() === true));
  await pass(10_000);
  expect(all.filter((each) => each.won() === true).length).toBe(1);
  expect(new Set(world.holders).size).toBe(1);
});

test("giving up the wait resolves false, and nothing is left armed", async () => {
  const { world, candidate, quiet } = await bench();
  world.write({ holderIdentity: "other", leaseDurationSeconds: 15 });
  const two = candidate("two");
  two.run();
  await quiet();
  two.stop.abort();
  await settle();
  expect(two.won()).toBe(false);
  expect(two.clock.armed).toBe(0);
});

test.for<Partial<LeaseTimes>>([{ leaseDurationMs: 10_000 }, { retryPeriodMs: 9_000 }, { gateMarginMs: 10_000 }])(
  "times out of order are refused: %o",
  async (times) => {
    const { candidate } = await bench();
    expect(() => candidate("one", times)).toThrow("must hold");
  },
);
