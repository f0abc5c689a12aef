import { expect, test } from "vitest";
import { sleep } from "../../operator/kube/clock.ts";
import { LargeTurns } from "../../operator/observe/large-turns.ts";
import { SnapshotReader } from "../../operator/observe/snapshot.ts";
import { StorageError } from "../../operator/storage/faults.ts";
import { MemoryStorage } from "../../operator/storage/memory.ts";
import type { SnapshotStore } from "../../operator/storage/store.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import { neverCalled } from "./never.ts";

const EXPORT = JSON.stringify({ routes: [{ id: "r", uri: "/" }] });
const CONFIG = JSON.stringify({ config: { config_version: 1, config_payload: { keyring: ["k"] } } });

function world() {
  const clock = new FakeClock();
  const snapshots = new SnapshotReader({ onBug: neverCalled, clock, large: new LargeTurns(), wake: () => undefined });
  const want = (group: string, store: SnapshotStore, location: string) =>
    snapshots.want(group, { store, location, shortID: group, rawIntervalMs: 60_000, validationIntervalMs: 60_000 });
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
