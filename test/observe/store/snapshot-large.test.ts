import { expect, test } from "vitest";
import { LARGE_TURN_MS, LargeTurns, SMALL_BYTES } from "../../../operator/observe/store/large-slots.ts";
import { StorageError } from "../../../operator/storage/faults.ts";
import type { ReadResult, SnapshotStore } from "../../../operator/storage/store.ts";
import { FakeClock, settle } from "../../kube/fake-clock.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import { CONFIG, reading } from "./reading.ts";

const exportOf = (bytes: number) =>
  JSON.stringify({ routes: [{ id: "r", uri: "/" }], protos: [{ id: "p", content: "x".repeat(bytes) }] });

function world() {
  const { clock, snapshots, want } = reading();
  const storageWith = (...groups: [string, number][]) => {
    const storage = new MemoryStorage(() => new Date(clock.wallMs()));
    for (const [group, bytes] of groups) {
      storage.put("resource", `${group}-raw`, exportOf(bytes));
      storage.put("config", `${group}-raw`, CONFIG);
    }
    return storage;
  };
  return { clock, snapshots, want, storageWith, raw: (group: string) => snapshots.facts(group)?.raw };
}

const isLarge = (options: { maxBytes?: number }) => (options.maxBytes ?? Number.POSITIVE_INFINITY) > SMALL_BYTES;

/** A store whose large bodies are on their way until they are let go, or until the reader gives up. */
function slow(storage: MemoryStorage, underWay: Set<() => void>): SnapshotStore {
  const store = storage.store();
  const read = store.read.bind(store);
  store.read = async (which, key, options, signal): Promise<ReadResult> => {
    if (which === "config" || !isLarge(options) || !storage.get(which, key))
      return await read(which, key, options, signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => reject(new StorageError("Timeout", "ended")));
    underWay.add(resolve);
    await promise.finally(() => underWay.delete(resolve));
    return await read(which, key, options, signal);
  };
  return store;
}

test("large snapshots are read one at a time over all stores, and small ones meanwhile", async () => {
  const { clock, want, storageWith, raw } = world();
  const underWay = new Set<() => void>();
  const [here, there] = [storageWith(["a", 2 * SMALL_BYTES], ["small", 10]), storageWith(["b", 2 * SMALL_BYTES])];
  want("a", slow(here, underWay), "here");
  want("b", slow(there, underWay), "there");
  await clock.advance(0);
  want("small", slow(here, underWay), "here");
  await clock.advance(0);
  expect(underWay.size).toBe(1);
  expect(raw("small")).toMatchObject({ seen: "found" });
  for (const group of ["a", "b"]) {
    for (const letGo of underWay) letGo();
    await settle();
    await clock.advance(0);
    expect(raw(group)).toMatchObject({ seen: "found", counts: { protos: 1, routes: 1 }, problems: [] });
  }
});

test("a large snapshot that did not change does not travel again, and waits for no turn", async () => {
  const { clock, snapshots, want, storageWith, raw } = world();
  const storage = storageWith(["a", 2 * SMALL_BYTES]);
  const store = storage.store();
  const found: string[] = [];
  const read = store.read.bind(store);
  store.read = async (...asked) => {
    const answer = await read(...asked);
    if (answer.state === "found" && asked[0] === "resource") found.push(asked[1]);
    return answer;
  };
  want("a", store, "here");
  await clock.advance(200_000);
  expect(raw("a")).toMatchObject({ seen: "found", ageMs: 200_000 });
  expect(found).toEqual(["a-raw"]);
  snapshots.stop();
  expect(clock.armed).toBe(0);
});

test("a store that trickles loses its turn, is told, and keeps the others waiting for one turn, however many its groups are", async () => {
  const { clock, want, storageWith, raw, snapshots } = world();
  const many = Array.from({ length: 9 }, (_, i) => `slow${i}`);
  const trickling = slow(storageWith(...many.map((name): [string, number] => [name, 2 * SMALL_BYTES])), new Set());
  for (const name of many) want(name, trickling, "slow");
  await clock.advance(0);
  want("good", storageWith(["good", 2 * SMALL_BYTES]).store(), "good");
  await clock.advance(LARGE_TURN_MS - 1);
  expect(snapshots.facts("slow0")?.raw).toMatchObject({ why: "the store has not answered yet" });
  await clock.advance(1);
  expect(raw("slow0")).toMatchObject({ seen: "unknown", reason: "StorageUnavailable" });
  expect(raw("slow0")).toMatchObject({ why: "the store is too slow: the snapshot was not there after 30 s" });
  expect(raw("good")).toMatchObject({ seen: "found" });
});

test("a group that is dropped while it waits gives its place up", async () => {
  const clock = new FakeClock();
  const turns = new LargeTurns();
  const never = new AbortController().signal;
  const first = await turns.take("a", never);
  const off = new AbortController();
  const given = [turns.take("a", off.signal), turns.take("b", off.signal)].map((taken) => taken.catch(() => "gave up"));
  off.abort();
  expect(await Promise.all(given)).toEqual(["gave up", "gave up"]);
  first();
  const again = await turns.take("b", never);
  again();
  (await turns.take("a", never))();
  expect(clock.armed).toBe(0);
});
