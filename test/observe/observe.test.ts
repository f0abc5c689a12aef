import { expect, test } from "vitest";
import { observe, type Readers } from "../../operator/observe/observe.ts";
import { nothingKnown } from "../../operator/observe/store/snapshot.ts";
import { unknownStorage } from "../../operator/observe/store/storage.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import { caches, group, type Loose } from "./objects.ts";

const CALM = { podsOften: false, controlPlaneCounts: false };
const hangs = () => new Promise<never>(() => undefined);
const rejects = () => Promise.reject(new Error("boom"));
const MET = { kind: "Service", name: "edge", adoptable: false };
const STORE = { ...unknownStorage("store", ""), store: {}, location: "here" };

/** Readers that answer at once, and what `change` makes of them. */
function readers(clock: FakeClock, change: Loose): Readers {
  return {
    clock,
    caches: caches({ groups: [group()] }),
    contents: { secret: async () => ({ seen: "absent" }) },
    storages: { read: async () => STORE },
    snapshots: {
      want: () => undefined,
      unwant: () => undefined,
      facts: () => nothingKnown("StorageUnavailable", "x"),
      mark: () => ({ seen: "nobody" }),
      isBehind: () => false,
    },
    probers: {
      want: () => undefined,
      wishOf: () => undefined,
      facts: () => ({ operator: { view: "readsOk" } }),
      census: () => ({ probed: 1, lost: 0 }),
    },
    podProber: { want: () => undefined, isFirstLook: () => false, of: () => ({}) },
    peers: { of: () => ({}) },
    strangers: { of: async () => [], met: () => [MET] },
    neighbours: { isReady: () => true, of: () => ({ seen: [], unread: [] }) },
    refusals: { of: () => [] },
    overrides: { of: () => [] },
    copies: { of: () => undefined },
    clusters: { of: async () => ({ uid: "uid-gw" }) },
    podRefusal: async () => undefined,
    oldestWatch: () => ({ oldest: "", staleForMs: 0 }),
    serverNowMs: () => undefined,
    operator: { chooseImage: "holdfast:dev", version: "0.1.0" },
    ...change,
  } as Loose;
}

const READERS: [string, (how: () => Promise<never>) => Loose, (facts: Loose) => unknown, (why: string) => unknown][] = [
  [
    "the storage",
    (how) => ({ storages: { read: how } }),
    (facts) => facts.storage,
    (why) => ({ seen: "unknown", name: "store", why }),
  ],
  [
    "the client certificate",
    (how) => ({ contents: { secret: how } }),
    (facts) => facts.secrets.client,
    (why) => ({ seen: "unknown", name: "cert", why }),
  ],
  [
    "objects of others on our names: they are there still",
    (how) => ({ strangers: { of: how, met: () => [MET] } }),
    (facts) => facts.children.strangers,
    () => [MET],
  ],
  ["the dry-run of a pod", (how) => ({ podRefusal: how }), (facts) => facts.children.podRefusal, () => undefined],
  [
    "whose the store's keys are",
    (how) => ({ clusters: { of: how } }),
    (facts) => facts.snapshot.owner,
    (why) => ({ is: "unknown", reason: "StoreOwnerUnknown", why }),
  ],
];

test.for(READERS)("a reader that hangs or fails is a fact: %s", async ([, change, factOf, expected]) => {
  const clock = new FakeClock();
  const signal = new AbortController().signal;
  const failed: Loose = await observe(readers(clock, change(rejects)), "gw/edge", CALM, signal);
  expect(failed.seen).toBe("facts");
  expect(factOf(failed.facts)).toEqual(expected("boom"));
  const late = observe(readers(clock, change(hangs)), "gw/edge", CALM, signal);
  await clock.advance(15_000);
  expect(factOf(((await late) as Loose).facts)).toEqual(expected("it was not answered in time"));
  expect(clock.armed, "the limit is released").toBe(0);
});

test("a process that ends in the middle of a read says nothing: unknown would be written as if it were so", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const looking = observe(readers(clock, { storages: { read: hangs } }), "gw/edge", CALM, stop.signal);
  stop.abort(new Error("the process ends"));
  await expect(looking).rejects.toThrow("the process ends");
  expect(clock.armed, "the limit is released").toBe(0);
});
