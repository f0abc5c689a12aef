import { expect, test } from "vitest";
import { sleep } from "../../../operator/kube/clock.ts";
import { StorageError } from "../../../operator/storage/faults.ts";
import type { SnapshotStore } from "../../../operator/storage/store.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import { CONFIG, reading } from "./reading.ts";

const EXPORT = JSON.stringify({ routes: [{ id: "r", uri: "/" }] });
const WHICH = ["raw", "candidate", "verified"] as const;

function world() {
  const { clock, snapshots, want } = reading();
  const storage = new MemoryStorage(() => new Date(clock.wallMs()));
  const exported = (group: string) => {
    for (const key of [`${group}-raw`, group]) {
      storage.put("resource", key, EXPORT);
      storage.put("config", key, CONFIG);
    }
  };
  /** What becomes of a call before the store in memory answers it. */
  const through = (before: (key: string, signal: AbortSignal) => Promise<void>): SnapshotStore => {
    const store = storage.store();
    const { read, head } = { read: store.read.bind(store), head: store.head.bind(store) };
    store.read = async (...asked) => {
      await before(asked[1], asked[3]);
      return await read(...asked);
    };
    store.head = async (...asked) => {
      await before(asked[1], asked[2]);
      return await head(...asked);
    };
    return store;
  };
  const answersAfter = (ms: number) => through((_key, signal) => sleep(clock, ms, signal));
  /** As the transport does: 10 s without a byte end a call. */
  const hangs = () =>
    through(async (_key, signal) => {
      await sleep(clock, 10_000, signal);
      throw new StorageError("Timeout", "Cannot read: no answer for 10000 ms");
    });
  return { clock, snapshots, want, exported, answersAfter, hangs, through };
}

const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const SAID_TOO_EARLY = { seen: "unknown", reason: "StorageUnavailable" };

test.for([1, 10])(
  "stores that hang (%i, with forty groups each) keep no other store from being read in time",
  async (stores) => {
    const { clock, snapshots, want, exported, answersAfter, hangs } = world();
    const hanging = hangs();
    for (const place of names(stores, "hanging")) for (const group of names(40, place)) want(group, hanging, place);
    await clock.advance(1_000);
    want("good", answersAfter(30), "good");
    exported("good");
    await clock.advance(30_000);
    for (let second = 0; second < 600; second += 5) {
      if (second % 60 === 0) exported("good");
      await clock.advance(5_000);
      for (const which of ["raw", "verified"] as const) {
        const fact = snapshots.facts("good")?.[which];
        expect(fact, `${which} after ${second} s`).toMatchObject({ seen: "found" });
        expect(fact?.seen === "found" && fact.ageMs, `${which} after ${second} s`).toBeLessThan(2 * 60_000);
      }
    }
    snapshots.stop();
    expect(clock.armed).toBe(0);
  },
);

test("four hundred groups that are new to this process: that it was not their turn yet is no fault of the store", async () => {
  const { clock, snapshots, want, exported, answersAfter } = world();
  const groups = names(400, "g");
  const store = answersAfter(30);
  for (const group of groups) exported(group);
  for (const group of groups) want(group, store, "here");
  let waiting = groups.length;
  for (let ms = 0; waiting > 0; ms += 250) {
    expect(ms, "all were read").toBeLessThan(15_000);
    await clock.advance(250);
    const facts = groups.map((group) => snapshots.facts(group));
    for (const of of facts) for (const which of WHICH) expect(of?.[which]).not.toMatchObject(SAID_TOO_EARLY);
    waiting = facts.filter((of) => of === undefined).length;
  }
  snapshots.stop();
});

test("a store that hangs is told to all of its groups as soon, also to those that it was not asked for yet", async () => {
  const { clock, snapshots, want, hangs } = world();
  const groups = names(40, "stuck");
  const hanging = hangs();
  for (const group of groups) want(group, hanging, "hanging");
  await clock.advance(5_900);
  for (const group of groups) expect(snapshots.facts(group)).toBeUndefined();
  await clock.advance(200);
  const said = { ...SAID_TOO_EARLY, why: "the store has not answered yet" };
  for (const group of groups)
    expect(snapshots.facts(group)).toMatchObject({ raw: said, candidate: said, verified: said });
});

test("no group waits in silence for ever, and what it could start from is read before all else", async () => {
  const { clock, snapshots, want, exported, answersAfter } = world();
  const groups = names(60, "g");
  for (const group of groups) exported(group);
  const store = answersAfter(1_500);
  for (const group of groups) want(group, store, "here");
  await clock.advance(29_900);
  expect(snapshots.facts("g59")).toBeUndefined();
  await clock.advance(200);
  const why = "it was not read yet: the snapshots of many other groups are read first";
  expect(snapshots.facts("g59")?.raw).toEqual({ ...SAID_TOO_EARLY, why });
  const told = groups.map((group) => snapshots.facts(group)).filter((facts) => facts !== undefined);
  expect(told.length, "of the others a pair is being asked for just now").toBeGreaterThan(40);
  for (const facts of told) expect(facts.verified).toMatchObject({ seen: "found" });
  await clock.advance(45_000);
  for (const group of groups) expect(snapshots.facts(group)?.raw).toMatchObject({ seen: "found" });
});
