import { expect, test } from "vitest";
import type { PairFact, SnapshotFacts } from "../../../operator/domain/facts/outside.ts";
import { LargeTurns } from "../../../operator/observe/store/large-slots.ts";
import { SnapshotReader } from "../../../operator/observe/store/snapshot.ts";
import { readPair } from "../../../operator/observe/store/snapshot-pair.ts";
import { Sessions } from "../../../operator/session.ts";
import type { SnapshotStore } from "../../../operator/storage/store.ts";
import { inspectHere } from "../../gateway/api7/inspect-here.ts";
import { FakeClock } from "../../kube/fake-clock.ts";
import { MemoryStorage } from "../../storage/memory-storage.ts";
import { neverCalled } from "../never.ts";

const resource = (routes: number) =>
  JSON.stringify({ routes: Array.from({ length: routes }, (_, i) => ({ id: `r${i}`, uri: `/${i}` })) });
const CONFIG = JSON.stringify({ config: { config_version: 1, config_payload: { keyring: ["k"] } } });

function world() {
  const clock = new FakeClock();
  const storage = new MemoryStorage(() => new Date(clock.wallMs()));
  const exported = (routes: number, key = "edge-raw") => {
    storage.put("resource", key, resource(routes));
    storage.put("config", key, CONFIG);
  };
  const pauses: number[] = [];
  const during: (() => void)[] = [];
  const read = (
    store: SnapshotStore = storage.store(),
    before?: Awaited<ReturnType<typeof readPair>>,
    pair: Parameters<typeof readPair>[1] = { key: "edge-raw", writer: "exporter" },
  ) =>
    readPair(
      { store, inspect: inspectHere },
      pair,
      before,
      async (ms) => {
        pauses.push(ms);
        during.shift()?.();
      },
      AbortSignal.timeout(5_000),
    );
  return { clock, storage, exported, read, pauses, during };
}

test("a pair is found, with its counts and its age by the store's own clock", async () => {
  const { clock, exported, read } = world();
  exported(3);
  await clock.advance(90_000);
  const { fact, etags } = await read();
  expect(fact).toMatchObject({ seen: "found", counts: { routes: 3 }, problems: [], ageMs: 90_000 });
  expect(etags).toBeDefined();
});

test("an unchanged pair is not read again, and its age is", async () => {
  const { clock, storage, exported, read } = world();
  exported(3);
  const first = await read();
  await clock.advance(60_000);
  const bodies: string[] = [];
  const store = storage.store();
  const counting = new Proxy(store, {
    get: (target, name) =>
      name === "read"
        ? async (...args: Parameters<SnapshotStore["read"]>) => {
            const answer = await target.read(...args);
            bodies.push(answer.state);
            return answer;
          }
        : Reflect.get(target, name).bind(target),
  });
  const second = await read(counting, first);
  expect(bodies).toEqual(["notModified", "notModified"]);
  expect(second.fact).toEqual({ ...first.fact, ageMs: 60_000 });
});

test("the same content written again is the same digest", async () => {
  const { clock, exported, read } = world();
  exported(3);
  const first = await read();
  await clock.advance(5_000);
  exported(3);
  const second = await read(undefined, first);
  expect(second.fact).toMatchObject({ digest: (first.fact as { digest: string }).digest, ageMs: 0 });
});

test("nothing there is absent; one of two is a problem, and no error", async () => {
  const { storage, read, pauses } = world();
  expect((await read()).fact).toEqual({ seen: "absent" });
  storage.put("resource", "edge-raw", resource(1));
  expect((await read()).fact).toMatchObject({ seen: "found", problems: ["MissingConfig"] });
  expect(pauses.length, "a writer may be in the middle of it").toBeGreaterThan(0);
});

test("a pair that a writer is in the middle of is read once more", async () => {
  const { clock, storage, exported, read, during } = world();
  exported(1);
  await clock.advance(60_000);
  storage.put("resource", "edge-raw", resource(2));
  during.push(() => storage.put("config", "edge-raw", CONFIG));
  expect((await read()).fact).toMatchObject({ seen: "found", counts: { routes: 2 }, problems: [] });
});

test("a pair that stays torn is told", async () => {
  const { clock, storage, exported, read } = world();
  exported(1);
  await clock.advance(60_000);
  storage.put("resource", "edge-raw", resource(2));
  expect((await read()).fact).toMatchObject({ problems: ["TornPair"] });
});

test("our own copies, or what a backup brought back, may be of different times: the digest tells what they are", async () => {
  const { clock, storage, exported, read } = world();
  exported(1, "edge");
  await clock.advance(60_000);
  storage.put("resource", "edge", resource(2));
  const { fact } = await read(storage.store(), undefined, { key: "edge", writer: "holdfast" });
  expect(fact).toMatchObject({ seen: "found", problems: [], counts: { routes: 2 } });
});

test("a resource object that changes while it is read is read again, and not for ever", async () => {
  const { storage, exported, read } = world();
  exported(1);
  const store = storage.store();
  let routes = 1;
  const restless = new Proxy(store, {
    get: (target, name) =>
      name === "head"
        ? async (...args: Parameters<SnapshotStore["head"]>) => {
            routes += 1;
            exported(routes);
            return await target.head(...args);
          }
        : Reflect.get(target, name).bind(target),
  });
  expect((await read(restless)).fact).toMatchObject({ seen: "unknown", reason: "StorageUnavailable" });
});

test.for([
  ["broken JSON", "{", ["Truncated"]],
  ["not JSON", "<html></html>", ["Truncated"]],
  ["nothing that serves", "{}", ["Empty"]],
] as const)("%s is a problem of the pair", async ([, body, problems]) => {
  const { storage, read } = world();
  storage.put("resource", "edge-raw", body);
  storage.put("config", "edge-raw", CONFIG);
  expect((await read()).fact).toMatchObject({ seen: "found", problems });
});

test.for([
  ["Unavailable", "StorageUnavailable"],
  ["Timeout", "StorageUnavailable"],
  ["Throttled", "StorageUnavailable"],
  ["AccessDenied", "StorageDenied"],
  ["WrongCredentials", "StorageDenied"],
  ["BucketMissing", "StorageMisconfigured"],
  ["WrongRegion", "StorageMisconfigured"],
] as const)("a store that fails with %s makes the pair unknown, never absent", async ([fault, reason]) => {
  const { storage, exported, read } = world();
  exported(1);
  storage.failWith(fault);
  expect((await read()).fact).toMatchObject({ seen: "unknown", reason });
});

function reader() {
  const w = world();
  const woken: string[] = [];
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    onBug: neverCalled,
    clock: w.clock,
    large: new LargeTurns(),
    wake: (key) => void woken.push(key),
  });
  const want = (store: SnapshotStore, location = "here") =>
    snapshots.want("gw/edge", {
      store,
      location,
      shortID: "edge",
      rawIntervalMs: 60_000,
      validationIntervalMs: 60_000,
    });
  const fact = (which: "raw" | "candidate" | "verified") => snapshots.facts("gw/edge")?.[which] as PairFact;
  return { ...w, woken, snapshots, want, fact };
}

test("the first reads are waited for; afterwards the group is woken by news alone", async () => {
  const { clock, storage, exported, snapshots, want, fact, woken } = reader();
  exported(3);
  want(storage.store());
  expect(snapshots.facts("gw/edge")).toBeUndefined();
  await clock.advance(0);
  expect(fact("raw")).toMatchObject({ seen: "found" });
  expect(fact("verified")).toEqual({ seen: "absent" });
  const before = woken.length;
  exported(3);
  await clock.advance(70_000);
  expect(woken).toHaveLength(before);
  exported(4);
  await clock.advance(70_000);
  expect(woken.length).toBe(before + 1);
});

test("a store that hangs is waited for only so long, and holds up nothing", async () => {
  const { clock, want, snapshots, fact } = reader();
  const hanging = { read: () => new Promise(() => undefined), close: () => undefined } as unknown as SnapshotStore;
  want(hanging);
  await clock.advance(5_900);
  expect(snapshots.facts("gw/edge")).toBeUndefined();
  await clock.advance(200);
  expect(fact("raw")).toEqual({ seen: "unknown", reason: "StorageUnavailable", why: "the store has not answered yet" });
});

test("after a copy the pair is looked at again at once", async () => {
  const { clock, storage, exported, want, fact, snapshots } = reader();
  want(storage.store());
  await clock.advance(1_000);
  exported(3, "edge-candidate");
  snapshots.again("gw/edge", ["candidate"]);
  await clock.advance(0);
  expect(fact("candidate")).toMatchObject({ seen: "found", counts: { routes: 3 } });
});

test("the age goes on between two reads", async () => {
  const { clock, storage, exported, want, fact } = reader();
  exported(3);
  want(storage.store());
  await clock.advance(30_000);
  expect(fact("raw")).toMatchObject({ ageMs: 30_000 });
});

test("other keys are tried at once; another place begins anew", async () => {
  const { clock, storage, exported, want, fact, snapshots } = reader();
  exported(3);
  storage.store();
  want(storage.store({ read: false }));
  await clock.advance(0);
  expect(fact("raw")).toMatchObject({ seen: "unknown", reason: "StorageDenied" });
  want(storage.store());
  await clock.advance(0);
  expect(fact("raw")).toMatchObject({ seen: "found" });
  want(new MemoryStorage().store(), "there");
  expect(snapshots.facts("gw/edge"), "what lay elsewhere says nothing").toBeUndefined();
  snapshots.stop();
  expect(clock.armed).toBe(0);
});

test("copies that are kept are known by their digest, newest first; half a copy is none", async () => {
  const { clock, storage, exported } = world();
  for (const digest of ["aaa", "bbb", "ccc"]) {
    exported(3, `edge-gen-${digest}`);
    await clock.advance(2_000);
  }
  storage.remove("config", "edge-gen-bbb");
  exported(3, "edge2-gen-ddd");
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    clock,
    large: new LargeTurns(),
    wake: () => undefined,
    onBug: neverCalled,
  });
  const wish = { location: "here", shortID: "edge", rawIntervalMs: 60_000, validationIntervalMs: 60_000 };
  snapshots.want("gw/edge", { ...wish, store: storage.store() });
  await clock.advance(10);
  expect(snapshots.facts("gw/edge")?.generations?.map(({ digest }) => digest)).toEqual(["ccc", "aaa"]);
  snapshots.stop();
});

test.for(["AccessDenied", "Timeout"] as const)(
  "a listing that fails with %s takes no copy away, and is asked for again soon",
  async (fault) => {
    const { clock, storage, exported } = world();
    exported(3, "edge-gen-aaa");
    storage.put("resource", "edge-owner", JSON.stringify({ cluster: "uid-gw", namespace: "gw", name: "edge" }));
    const snapshots = new SnapshotReader({
      inspect: inspectHere,
      sessions: new Sessions(),
      clock,
      large: new LargeTurns(),
      wake: () => undefined,
      onBug: neverCalled,
    });
    const wish = { location: "here", shortID: "edge", rawIntervalMs: 60_000, validationIntervalMs: 60_000 };
    const look = () => {
      snapshots.want("gw/edge", { ...wish, store: store });
      const { generations, listingFails } = snapshots.facts("gw/edge") ?? {};
      return [generations?.map(({ digest }) => digest), listingFails];
    };
    const store = storage.store();
    look();
    await clock.advance(10);
    expect(look()).toEqual([["aaa"], undefined]);
    storage.failWith(fault, "config");
    snapshots.again("gw/edge", ["beside"]);
    expect(snapshots.isBehind("gw/edge")).toBe(true);
    await clock.advance(10);
    expect([look(), snapshots.isBehind("gw/edge")]).toEqual([[["aaa"], true], false]);
    await clock.advance(70_000);
    expect(look()).toEqual([["aaa"], true]);
    storage.failWith(undefined);
    exported(3, "edge-gen-bbb");
    await clock.advance(70_000);
    expect(look()).toEqual([["bbb", "aaa"], undefined]);
    snapshots.stop();
  },
);

test("a store that never listed the copies says nothing of them", async () => {
  const { clock, storage } = world();
  storage.failWith("AccessDenied");
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    clock,
    large: new LargeTurns(),
    wake: () => undefined,
    onBug: neverCalled,
  });
  const wish = { location: "here", shortID: "edge", rawIntervalMs: 60_000, validationIntervalMs: 60_000 };
  snapshots.want("gw/edge", { ...wish, store: storage.store() });
  await clock.advance(10);
  expect(snapshots.facts("gw/edge")?.generations).toBeUndefined();
  snapshots.stop();
});

test("an export that cannot be read any more was read once, and how old it was then stays known", async () => {
  const { clock, storage, exported } = world();
  exported(3);
  const written = clock.wallMs();
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    clock,
    large: new LargeTurns(),
    wake: () => undefined,
    onBug: neverCalled,
  });
  const wish = { location: "here", shortID: "edge", rawIntervalMs: 60_000, validationIntervalMs: 60_000 };
  snapshots.want("gw/edge", { ...wish, store: storage.store() });
  await clock.advance(10);
  const { raw } = snapshots.facts("gw/edge") as SnapshotFacts;
  const digest = raw.seen === "found" ? raw.digest : undefined;
  storage.failWith("AccessDenied");
  for (let minute = 0; minute < 3; minute += 1) {
    await clock.advance(70_000);
    const before = { digest, lastModifiedMs: Math.floor(written / 1_000) * 1_000 };
    expect(snapshots.facts("gw/edge")?.raw).toMatchObject({ seen: "unknown", reason: "StorageDenied", before });
  }
  snapshots.stop();
});
