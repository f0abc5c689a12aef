/** What a leader may still write when its renewals fail or come late, and when it has lost the lease. */
import { expect, test } from "vitest";
import { isKubeError } from "../../operator/kube/errors.ts";
import { LeaseGate } from "../../operator/kube/lease-gate.ts";
import { FakeClock, until } from "./fake-clock.ts";
import { bench } from "./lease-bench.ts";
import { type Exchange, type Fault, fault } from "./stub-exchange.ts";

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
  const { server, world, candidate, pass, quiet, isLease } = await bench();
  const one = candidate("one");
  one.run();
  await until("one leads", () => one.won() === true);
  let renewal: Exchange | undefined;
  server.next(isLease, (exchange) => {
    renewal = exchange;
  });
  await one.clock.advance(2_000);
  await until("the renewal at the server", () => renewal !== undefined);
  expect(server.requests.filter(isLease).length).toBe(3);
  one.clock.jump(4_000);
  world.answer(renewal!);
  await quiet();
  server.next(isLease, ...Array<Fault>(50).fill(fault.status(500, "InternalError")));
  await pass(3_750, one.clock);
  expect(one.elector.gate.isOpen()).toBe(true);
  await pass(500, one.clock);
  expect(one.elector.gate.isOpen()).toBe(false);
});
