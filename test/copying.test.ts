import { expect, test } from "vitest";
import { COPY_LIMITS_MS } from "../operator/act/copy-snapshot.ts";
import { type CopyParts, claimStore, copyInTurn } from "../operator/copying.ts";
import { gapLimitMs } from "../operator/domain/evidence/evidence.ts";
import type { Facts } from "../operator/domain/facts/facts.ts";
import { sleep } from "../operator/kube/clock.ts";
import { Controller } from "../operator/kube/controller.ts";
import { openGate } from "../operator/kube/write-gate.ts";
import { createLog } from "../operator/log.ts";
import { markOf } from "../operator/observe/store/beside.ts";
import { Copies } from "../operator/observe/store/copies.ts";
import { LargeTurns, SMALL_BYTES } from "../operator/observe/store/large-slots.ts";
import { Sessions } from "../operator/session.ts";
import { StorageError } from "../operator/storage/faults.ts";
import type { SnapshotStore } from "../operator/storage/store.ts";
import { inspectHere } from "./gateway/api7/inspect-here.ts";
import { FakeClock, settle } from "./kube/fake-clock.ts";
import { MemoryStorage } from "./storage/memory-storage.ts";

const WORKERS = 8;
const CONFIG = '{"config":{"config_version":1,"config_payload":{"a":1}}}';
const exportOf = (bytes: number) => `{"routes":[{"id":"r"}],"protos":[{"id":"p","content":"${"x".repeat(bytes)}"}]}`;
const { signal } = new AbortController();

function world() {
  const clock = new FakeClock();
  const woken: string[] = [];
  let wake = (key: string): void => void woken.push(key);
  const copies = new Copies({ sessions: new Sessions(), clock, workers: WORKERS, wake: (key) => wake(key) });
  const large = new LargeTurns();
  const stores = new Map<string, { store: SnapshotStore; location: string }>();
  const again: string[] = [];
  const parts: CopyParts = {
    copies,
    large,
    clock,
    gate: openGate,
    inspect: inspectHere,
    pool: { openOf: (key) => stores.get(key) },
    snapshots: {
      hold: (key, which) => void again.push(`hold ${key} ${which}`),
      again: (key, which) => void again.push(`${key} ${which}`),
    },
  };
  const facts = (name: string, storage: string, verdict = "Reachable", isProven = true) =>
    ({
      group: {
        namespace: "gw",
        name,
        spec: { shortID: name, fallback: { storageRef: { name: storage } } },
        status: {
          controlPlane: { verdict },
          conditions: [{ type: "FallbackReady", status: isProven ? "True" : "False" }],
        },
      },
    }) as unknown as Facts;
  const copy = (name: string, storage: string, digest: string | undefined, at = {}, end = signal) => {
    const { verdict, isProven }: { verdict?: string; isProven?: boolean } = at;
    const step = { do: "copySnapshot", from: "raw", to: "candidate", digest: digest ?? "", why: "new" } as const;
    return copyInTurn(parts, `gw/${name}`, facts(name, storage, verdict, isProven), step, end);
  };
  const opens = (name: string, store: SnapshotStore) => stores.set(`gw/${name}`, { store, location: name });
  const storage = new MemoryStorage();
  const exported = async (name: string, bytes = 10) => {
    storage.put("resource", `${name}-raw`, exportOf(bytes));
    storage.put("config", `${name}-raw`, CONFIG);
    return (await inspectHere(Buffer.from(exportOf(bytes)), Buffer.from(CONFIG))).digest;
  };
  const candidate = (name: string) => storage.get("resource", `${name}-candidate`)?.body.length;
  return {
    parts,
    clock,
    copies,
    large,
    opens,
    copy,
    exported,
    candidate,
    storage,
    again,
    woken,
    wakes: (to: typeof wake) => (wake = to),
  };
}

/** It answers until a body is asked for, and then trickles. */
function trickling(clock: FakeClock): SnapshotStore {
  const store = new MemoryStorage().store();
  store.read = async (_which, _key, _options, ends) => {
    await sleep(clock, 1_000_000, ends);
    throw new StorageError("Timeout", "ended");
  };
  return store;
}

test("sixteen copies from a store that trickles keep no other group from being looked at in time", async () => {
  const { clock, copies, opens, copy, exported, candidate, storage, wakes } = world();
  opens("slow", trickling(clock));
  opens("good", storage.store());
  const digest = await exported("copying");
  const looks: number[] = [];
  const groups = new Controller({
    name: "group",
    workers: WORKERS,
    clock,
    log: createLog({ level: "error", write: () => undefined }),
    reconcile: async (key, end) => {
      const name = key.replace("gw/", "");
      if (name === "other") looks.push(clock.monotonicMs());
      else if (!copies.of(key)?.paused && candidate(name) === undefined)
        await copy(name, name === "copying" ? "good" : "slow", digest, {}, end).catch(() => undefined);
      return { recheckAfterMs: 12_500 };
    },
  });
  wakes((key) => groups.enqueue(key));
  for (let i = 0; i < 16; i += 1) groups.enqueue(`gw/slow${i}`);
  groups.enqueue("gw/other");
  groups.start();
  await clock.advance(1_000);
  groups.enqueue("gw/copying");
  await clock.advance(60_000);
  expect(candidate("copying"), "a copy within another store is made meanwhile").toBeDefined();
  await clock.advance(240_000);
  const gaps = looks.slice(1).map((ms, i) => ms - (looks[i] ?? 0));
  expect(gaps.length).toBeGreaterThan(20);
  expect(Math.max(...gaps)).toBeLessThan(gapLimitMs(5));
  const stopped = groups.stop(0);
  await clock.advance(2_000);
  expect(await stopped).toBe(true);
});

test("a copy whose turn it is not costs nothing, is woken, and is no failure", async () => {
  const { clock, copies, opens, copy, exported, candidate, storage, again, woken } = world();
  opens("slow", trickling(clock));
  opens("good", storage.store());
  const digest = await exported("edge");
  const hanging = ["a", "b"].map((name) => copy(name, "slow", "x").catch(() => "failed"));
  await settle();
  expect(await copy("edge", "good", digest)).toBe("postponed");
  expect([copies.of("gw/edge"), again.join().includes("edge"), woken]).toEqual([{ paused: true }, false, []]);
  await clock.advance(COPY_LIMITS_MS.calm.untilHalf);
  expect(await Promise.all(hanging)).toEqual(["failed", "failed"]);
  expect([copies.of("gw/edge"), woken]).toEqual([undefined, ["gw/edge"]]);
  expect(await copy("edge", "good", digest)).toBe("done");
  expect(candidate("edge")).toBeDefined();
  expect(again.slice(-2)).toEqual(["hold gw/edge candidate", "gw/edge raw,candidate"]);
});

test("a large pair is copied when it is the turn of large ones; to wait for that is no failure", async () => {
  const { clock, copies, large, opens, copy, exported, candidate, storage } = world();
  opens("good", storage.store());
  const digest = await exported("edge", 2 * SMALL_BYTES);
  const turnEnds = await large.take("elsewhere", signal);
  const waiting = copy("edge", "good", digest);
  await settle();
  await clock.advance(COPY_LIMITS_MS.calm.untilHalf / 2);
  expect([await waiting, copies.of("gw/edge"), candidate("edge")]).toEqual(["postponed", undefined, undefined]);
  const inTime = copy("edge", "good", digest);
  await settle();
  turnEnds();
  expect(await inTime).toBe("done");
  expect(candidate("edge")).toBeGreaterThan(2 * SMALL_BYTES);
  (await large.take("elsewhere", signal))();
  expect(clock.armed).toBe(0);
});

test.for<[string, object, number, string]>([
  [
    "both tries at a large pair, and the wait between them, end before the evidence gets a gap",
    { verdict: "Unknown" },
    COPY_LIMITS_MS.inDoubt.untilHalf,
    "Timeout",
  ],
  [
    "a group that has nothing to go to takes its time: without this copy it never will",
    { verdict: "Unreachable", isProven: false },
    20_000,
    "done",
  ],
])("in doubt %s", async ([, at, atMostMs, result]) => {
  const { clock, large, opens, copy, exported, storage } = world();
  const store = storage.store();
  const read = store.read.bind(store);
  store.read = async (...asked) => {
    await sleep(clock, 3_000, asked[3]);
    if (asked[3].aborted) throw new StorageError("Timeout", "ended");
    return await read(...asked);
  };
  opens("slow", store);
  const digest = await exported("edge", 2 * SMALL_BYTES);
  const turnEnds = await large.take("elsewhere", signal);
  let endedMs = Number.POSITIVE_INFINITY;
  const startMs = clock.monotonicMs();
  const copied = copy("edge", "slow", digest, at)
    .catch((error: StorageError) => error.fault)
    .finally(() => {
      endedMs = clock.monotonicMs() - startMs;
    });
  await clock.advance(4_000);
  turnEnds();
  await clock.advance(20_000);
  expect(await copied).toBe(result);
  expect(endedMs).toBeLessThanOrEqual(atMostMs);
});

test.for<[string, () => string | undefined, string, boolean]>([
  ["there is none", () => undefined, "done", true],
  ["another one was first", () => "{}", "conflict", false],
])("the mark of the owner is written where %s", async ([, before, result, isOurs]) => {
  const { parts, clock, opens, storage } = world();
  opens("eu", storage.store());
  const there = before();
  if (there !== undefined) storage.put("resource", "edge-owner", there);
  const owner = { cluster: "uid", namespace: "gw", name: "edge" };
  const group = { namespace: "gw", name: "edge", spec: { shortID: "edge", fallback: { storageRef: { name: "eu" } } } };
  const step = { do: "claimStore", owner, why: "nobody's" } as const;
  expect(await claimStore(parts, "gw/edge", { group } as unknown as Facts, step, signal)).toBe(result);
  expect(storage.get("resource", "edge-owner")?.body.toString() === JSON.stringify(owner)).toBe(isOurs);
  expect(clock.armed).toBe(0);
});

test("a store that refuses the mark is left alone for a while, and told", async () => {
  const { parts, copies, opens, storage } = world();
  opens("eu", storage.store({ write: false }));
  const owner = { cluster: "uid", namespace: "gw", name: "edge" };
  const group = { namespace: "gw", name: "edge", spec: { shortID: "edge", fallback: { storageRef: { name: "eu" } } } };
  const step = { do: "claimStore", owner, why: "nobody's" } as const;
  for (const _ of [1, 2])
    await expect(claimStore(parts, "gw/edge", { group } as unknown as Facts, step, signal)).rejects.toThrow(
      "edge-owner",
    );
  expect(copies.of("gw/edge")).toMatchObject({ paused: true, problem: { reason: "StorageDenied" } });
});

test("a copy is not made once another cluster has taken the keys over", async () => {
  const { parts, opens, exported, candidate, storage } = world();
  opens("eu", storage.store());
  const digest = (await exported("edge")) ?? "";
  const etag = storage.put("resource", "edge-owner", markOf({ cluster: "here", namespace: "gw", name: "edge" }));
  const group = {
    namespace: "gw",
    name: "edge",
    spec: { shortID: "edge", fallback: { storageRef: { name: "eu" } } },
    status: {},
  };
  const facts = { group, snapshot: { owner: { is: "ours", sinceMs: 0, etag } } } as unknown as Facts;
  const step = { do: "copySnapshot", from: "raw", to: "candidate", digest, why: "new" } as const;
  storage.put("resource", "edge-owner", markOf({ cluster: "there", namespace: "gw", name: "edge" }));
  expect([await copyInTurn(parts, "gw/edge", facts, step, signal), candidate("edge")]).toEqual(["conflict", undefined]);
  storage.put("resource", "edge-owner", markOf({ cluster: "here", namespace: "gw", name: "edge" }));
  expect([await copyInTurn(parts, "gw/edge", facts, step, signal), candidate("edge") !== undefined]).toEqual([
    "done",
    true,
  ]);
});
