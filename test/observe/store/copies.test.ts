import { expect, test } from "vitest";
import { Copies, copyingOf } from "../../../operator/observe/store/copies.ts";
import { Sessions } from "../../../operator/session.ts";
import { StorageError } from "../../../operator/storage/faults.ts";
import { FakeClock } from "../../kube/fake-clock.ts";

const slow = new StorageError("Timeout", "Cannot copy the snapshot");
const PROBLEM = {
  reason: "StorageUnavailable",
  field: "spec.fallback.storageRef",
  message: "Cannot copy the snapshot",
};

test("each failure makes the next try wait longer; from the second on it is told; a copy that is made ends it", async () => {
  const clock = new FakeClock();
  const copies = new Copies({ sessions: new Sessions(), clock, workers: 8, wake: () => undefined });
  expect(copies.of("gw/edge")).toBeUndefined();
  const pauses = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000];
  for (const [index, pauseMs] of pauses.entries()) {
    copies.failed("gw/edge", false, slow);
    const told = index === 0 ? {} : { problem: PROBLEM };
    await clock.advance(pauseMs - 1);
    expect(copies.of("gw/edge")).toEqual({ paused: true, ...told });
    await clock.advance(1);
    expect(copies.of("gw/edge")).toEqual({ paused: false, ...told });
  }
  expect(copies.of("gw/other")).toBeUndefined();
  copies.made("gw/edge");
  expect(copies.of("gw/edge")).toBeUndefined();
});

test("objects that were not as decided on make the next try wait, and are no fault to tell", async () => {
  const clock = new FakeClock();
  const copies = new Copies({ sessions: new Sessions(), clock, workers: 8, wake: () => undefined });
  for (let i = 0; i < 9; i += 1) copies.failed("gw/edge", false);
  expect(copies.of("gw/edge")).toEqual({ paused: true });
  await clock.advance(5_000);
  expect(copies.of("gw/edge"), "an exporter that writes often is not waited for longer and longer").toEqual({
    paused: false,
  });
});

test("a copy that is wanted no more is forgotten", async () => {
  const clock = new FakeClock();
  const copies = new Copies({ sessions: new Sessions(), clock, workers: 8, wake: () => undefined });
  copies.failed("gw/edge", false, slow);
  copies.failed("gw/edge", false, slow);
  await clock.advance(10_000 + 60_000);
  expect(copies.of("gw/edge")).toBeDefined();
  await clock.advance(1);
  expect(copies.of("gw/edge")).toBeUndefined();
});

test("half of a pair is mended soon, however often it failed", async () => {
  const clock = new FakeClock();
  const copies = new Copies({ sessions: new Sessions(), clock, workers: 8, wake: () => undefined });
  for (let i = 0; i < 6; i += 1) copies.failed("gw/edge", true, slow);
  await clock.advance(5_000);
  expect(copies.of("gw/edge")).toEqual({ paused: false, problem: PROBLEM });
});

test("waiting for a turn is a pause that does not grow, and nothing to tell", async () => {
  const clock = new FakeClock();
  const woken: string[] = [];
  const copies = new Copies({ sessions: new Sessions(), clock, workers: 8, wake: (key) => void woken.push(key) });
  for (const key of ["a", "b"]) expect(copies.turns.begin(key, "here")).toBe(true);
  for (let i = 0; i < 9; i += 1) expect(copies.turns.begin("gw/edge", "here")).toBe(false);
  await clock.advance(300_000);
  expect(copies.of("gw/edge")).toEqual({ paused: true });
  expect(copies.of("gw/other"), "nobody knows yet what it wants").toBeUndefined();
  copies.turns.ended("a");
  copies.turns.ended("b");
  expect([copies.of("gw/edge"), woken]).toEqual([undefined, ["gw/edge"]]);
});

test("nothing is copied while what was copied last was not read yet", () => {
  const copies = new Copies({ sessions: new Sessions(), clock: new FakeClock(), workers: 8, wake: () => undefined });
  const of = (isBehind: boolean) => copyingOf({ copies, snapshots: { isBehind: () => isBehind } }, "gw/edge");
  expect([of(true), of(false)]).toEqual([{ paused: true }, undefined]);
  for (let i = 0; i < 2; i += 1) copies.failed("gw/edge", false, slow);
  expect(of(true)).toEqual({ paused: true, problem: PROBLEM });
});
