import { expect, test } from "vitest";
import { sleep } from "../../../operator/kube/clock.ts";
import { LARGE_TURN_MS, LargeTurns, SMALL_BYTES } from "../../../operator/observe/store/large-slots.ts";
import { SnapshotReader } from "../../../operator/observe/store/snapshot.ts";
import { Sessions } from "../../../operator/session.ts";
import type { SnapshotStore } from "../../../operator/storage/store.ts";
import { inspectHere } from "../../gateway/api7/inspect-here.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import { neverCalled } from "../never.ts";

const CONFIG = '{"config":{"config_version":1,"config_payload":{"a":1}}}';
const exportOf = (route: string) => JSON.stringify({ routes: [{ id: route }] });

/** A store that takes `ms` for each read, and what is asked of it, in order. */
function world(ms: number) {
  const clock = new FakeClock();
  const storage = new MemoryStorage(() => new Date(clock.wallMs()));
  const woken: string[] = [];
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    onBug: neverCalled,
    clock,
    large: new LargeTurns(),
    wake: (group) => void woken.push(group),
  });
  const store = storage.store();
  const read = store.read.bind(store);
  const asked: string[] = [];
  store.read = async (...call) => {
    asked.push(call[1]);
    await sleep(clock, ms, call[3]);
    return await read(...call);
  };
  const want = (group: string, at: SnapshotStore = store) =>
    snapshots.want(group, {
      store: at,
      location: "one",
      shortID: group,
      rawIntervalMs: 60_000,
      validationIntervalMs: 60_000,
    });
  const put = (key: string, route: string) => {
    storage.put("resource", key, exportOf(route));
    storage.put("config", key, CONFIG);
  };
  const digest = (group: string) => {
    const verified = snapshots.facts(group)?.verified;
    return verified?.seen === "found" ? verified.digest : verified?.seen;
  };
  return { clock, storage, store, snapshots, want, put, digest, asked, woken };
}

test("the middle of a copy is never taken for a pair", async () => {
  const { clock, storage, snapshots, want, put, digest, woken } = world(10);
  put("edge", "old");
  want("edge");
  await clock.advance(1_000);
  const before = digest("edge");
  expect(before).toMatch(/^sha256:/);
  expect(snapshots.isBehind("edge")).toBe(false);

  snapshots.hold("edge", ["verified"]);
  storage.put("resource", "edge", exportOf("new"));
  woken.length = 0;
  await clock.advance(130_000);
  expect([digest("edge"), woken, snapshots.isBehind("edge")], "read twice meanwhile").toEqual([before, [], true]);
  storage.put("config", "edge", CONFIG.replace("1}", "2}"));
  snapshots.again("edge", ["candidate", "verified"]);
  expect(snapshots.isBehind("edge")).toBe(true);
  await clock.advance(1_000);
  expect(digest("edge")).not.toBe(before);
  expect([woken, snapshots.isBehind("edge")]).toEqual([["edge"], false]);
  snapshots.stop();
});

test("what was written is read before what others wait for", async () => {
  const { clock, snapshots, want, put, asked } = world(500);
  const groups = Array.from({ length: 60 }, (_, i) => `g${i}`);
  for (const group of groups) {
    put(group, "r");
    put(`${group}-raw`, "r");
    want(group);
  }
  await clock.advance(60_000);
  asked.length = 0;
  // All raw and verified pairs are due in these seconds, twelve at a time.
  await clock.advance(3_000);
  expect(new Set(asked).size, "others wait").toBeGreaterThan(12);
  asked.length = 0;
  snapshots.again("g7", ["candidate"]);
  await clock.advance(1_100);
  expect(asked).toContain("g7-candidate");
  await clock.advance(2_000);
  expect(snapshots.isBehind("g7")).toBe(false);
  snapshots.stop();
});

test("a large pair whose bodies came in time is known, however long its inspection took", async () => {
  const { clock, store, snapshots, want, put, storage, digest } = world(10);
  put("edge", "r");
  storage.put("resource", "edge", JSON.stringify({ protos: [{ id: "p", content: "x".repeat(SMALL_BYTES) }] }));
  const after = clock.after.bind(clock);
  let runOut: (() => void) | undefined;
  clock.after = (ms, run) => {
    if (ms === LARGE_TURN_MS) runOut = run;
    return after(ms, run);
  };
  const head = store.head.bind(store);
  store.head = async (...call) => {
    const seen = await head(...call);
    runOut?.(); // the last word of the store; what follows is the inspection alone
    return seen;
  };
  want("edge");
  await clock.advance(1_000);
  expect(runOut).toBeDefined();
  await expect.poll(() => digest("edge")).toMatch(/^sha256:/);
  snapshots.stop();
});
