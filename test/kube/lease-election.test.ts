/** Who takes the lease, when, and how it is given back. */
import { expect, test } from "vitest";
import type { LeaseTimes } from "../../operator/kube/lease.ts";
import { settle, until } from "./fake-clock.ts";
import { bench } from "./lease-bench.ts";

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
