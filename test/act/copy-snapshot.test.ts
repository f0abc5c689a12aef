import { expect, test } from "vitest";
import { COPY_LIMITS_MS, type CopyDeps, copySnapshot } from "../../operator/act/copy-snapshot.ts";
import { gapLimitMs } from "../../operator/domain/evidence/evidence.ts";
import { moment } from "../../operator/kube/clock.ts";
import { LeaseGate } from "../../operator/kube/lease-gate.ts";
import { StorageError, type Which } from "../../operator/storage/store.ts";
import { FakeClock, settle } from "../kube/fake-clock.ts";
import { MemoryStorage } from "../storage/memory-storage.ts";

// biome-ignore lint/suspicious/noExplicitAny: arguments of whichever call
type Loose = any;
const { signal } = new AbortController();
const step = { do: "copySnapshot", from: "candidate", to: "verified", digest: "good", why: "x" } as const;

/** A proven pair R, C to be copied over an older one, by a process that leads. */
function world() {
  const clock = new FakeClock();
  const storage = new MemoryStorage();
  const put = (key: string, resource: string, config: string) => {
    storage.put("resource", key, resource);
    storage.put("config", key, config);
  };
  put("edge-candidate", "R", "C");
  put("edge", "old R", "old C");
  const store = storage.store();
  const gate = new LeaseGate(clock, 8_000);
  gate.renewed(moment(clock));
  let halves = 0;
  const deps: CopyDeps = {
    store,
    shortID: "edge",
    digestOf: async (resource) => (Buffer.from(resource).toString() === "R" ? "good" : "bad"),
    clock,
    gate,
    limitsMs: COPY_LIMITS_MS.inDoubt,
    halfWritten: () => {
      halves += 1;
    },
    rolledBack: () => {
      halves -= 1;
    },
  };
  const before = (call: "read" | "write" | "head", which: Which, run: () => unknown): void => {
    const real = store[call].bind(store) as (...asked: Loose[]) => Promise<never>;
    store[call] = async (...asked: Loose[]) => {
      if (asked[0] === which) await run();
      return await real(...asked);
    };
  };
  const at = (key: string) =>
    (["resource", "config"] as const).map((which) => storage.get(which, key)?.body.toString() ?? "-").join(", ");
  const copy = () => copySnapshot(deps, step, signal).catch((error: unknown) => error);
  return { clock, deps, storage, put, store, gate, before, at, copy, halves: () => halves };
}

test.for<[string, (w: ReturnType<typeof world>) => void, string, string]>([
  ["the pair that was decided on", () => undefined, "done", "R, C"],
  ["to where nothing is yet", ({ storage }) => remove(storage, "edge"), "done", "R, C"],
  ["one that was overwritten since", ({ put }) => put("edge-candidate", "new R", "C"), "conflict", "old R, old C"],
  ["half of one", ({ storage }) => storage.remove("config", "edge-candidate"), "conflict", "old R, old C"],
])("a copy: %s", async ([, change, result, verified]) => {
  const w = world();
  change(w);
  expect(await w.copy()).toBe(result);
  expect(w.at("edge")).toBe(verified);
  expect(w.halves()).toBe(result === "done" ? 1 : 0);
  expect(w.clock.armed, "only the gate's own timer").toBe(1);
});

test.for<[string, (w: ReturnType<typeof world>) => void, string[], number]>([
  ["one equal half is not written", (w) => w.put("edge", "R", "old C"), ["config"], 0],
  ["nor the other one", (w) => w.put("edge", "old R", "C"), ["resource"], 1],
  ["nor both", (w) => w.put("edge", "R", "C"), [], 0],
  ["one of the same size is", (w) => w.put("edge", "Q", "C"), ["resource"], 1],
])("%s", async ([, change, written, halves]) => {
  const w = world();
  change(w);
  const writes: Which[] = [];
  for (const which of ["resource", "config"] as const) w.before("write", which, () => writes.push(which));
  expect(await w.copy()).toBe("done");
  expect([w.at("edge"), writes, w.halves()]).toEqual(["R, C", written, halves]);
});

test.for<[string, (w: ReturnType<typeof world>) => void, fault: string | undefined, verified: string, half: number]>([
  ["refused: the former first half is put back", (w) => denies(w), "AccessDenied", "old R, old C", 0],
  [
    "refused, and no copy of the former pair is kept",
    (w) => {
      denies(w);
      remove(w.storage, "edge-gen-old");
    },
    "AccessDenied",
    "R, old C",
    1,
  ],
  [
    "refused, and somebody else wrote the first half since",
    (w) => {
      w.before("read", "resource", () => w.at("edge") === "R, old C" && w.put("edge", "their R", "old C"));
      denies(w);
    },
    "AccessDenied",
    "their R, old C",
    1,
  ],
  ["not answered: it may have come through", (w) => denies(w, "Timeout"), "Timeout", "R, old C", 1],
])("the second half is %s", async ([, change, fault, verified, half]) => {
  const w = world();
  w.put("edge-gen-old", "old R", "old C");
  w.deps.before = "sha256:old";
  change(w);
  expect(await w.copy()).toMatchObject({ fault });
  expect([w.at("edge"), w.halves()]).toEqual([verified, half]);
});

test("a copy that is kept is put back, under whichever half was written", async () => {
  const w = world();
  w.put("edge-gen-good", "R", "C");
  w.put("edge", "another R", "C");
  expect(await copySnapshot(w.deps, { ...step, from: "generation" }, signal)).toBe("done");
  expect(w.at("edge")).toBe("R, C");
});

function denies(w: ReturnType<typeof world>, fault: "AccessDenied" | "Timeout" = "AccessDenied"): void {
  w.before("write", "config", () => {
    throw new StorageError(fault, "no");
  });
}

/** Another process leads and writes its pair at some point; this one knows nothing of it and goes on. */
test.for<[string, (w: ReturnType<typeof world>) => void]>([
  ["once the target was looked at", (w) => w.before("read", "resource", () => w.put("edge", "their R", "their C"))],
  ["just before the first write", (w) => w.before("write", "resource", () => w.put("edge", "their R", "their C"))],
  ["between the two", (w) => w.before("write", "config", () => w.put("edge", "their R", "their C"))],
  [
    "where nothing was",
    (w) => {
      remove(w.storage, "edge");
      w.before("write", "resource", () => w.put("edge", "their R", "their C"));
    },
  ],
])("somebody else's pair stays whole: written %s", async ([, change]) => {
  const w = world();
  change(w);
  expect(await w.copy()).toBe("conflict");
  expect(w.at("edge")).toBe("their R, their C");
});

test.for<[string, "read" | "write", string]>([
  ["before the first write", "read", "old R, old C"],
  ["before the second", "write", "R, old C"],
])("a process that stood still %s writes nothing when it wakes", async ([, call, verified]) => {
  const w = world();
  const real = w.store[call].bind(w.store) as (...asked: Loose[]) => Promise<never>;
  w.store[call] = async (...asked: Loose[]) => {
    const answer = await real(...asked);
    w.clock.jump(60_000); // no timer fires, and the lease was last renewed too long ago
    return answer;
  };
  expect(await w.copy()).toMatchObject({ fault: "GateClosed" });
  expect(w.at("edge")).toBe(verified);
});

test("a write that is under way when leadership ends is cut off", async () => {
  const w = world();
  w.store.write = (...asked: Loose[]) => hangs(asked.at(-1));
  const copied = w.copy();
  await settle();
  w.gate.close("lost");
  expect(await copied).toMatchObject({ fault: "Timeout" });
});

test.for([
  ["read", COPY_LIMITS_MS.inDoubt.untilHalf, "old R, old C"],
  ["write", COPY_LIMITS_MS.inDoubt.untilHalf, "old R, old C"],
  ["second write", COPY_LIMITS_MS.inDoubt.secondHalf, "R, old C"],
] as const)(
  "a store that trickles ends the copy long before the evidence gets a gap: %s",
  async ([slow, limitMs, verified]) => {
    const w = world();
    const call = slow === "read" ? "read" : "write";
    const real = w.store[call].bind(w.store) as (...asked: Loose[]) => Promise<never>;
    w.store[call] = (...asked: Loose[]) =>
      slow === "second write" && asked[0] === "resource" ? real(...asked) : hangs(asked.at(-1));
    const copied = w.copy();
    await settle();
    await w.clock.advance(limitMs);
    const message = expect.stringContaining("from candidate to verified in time");
    expect(await copied).toMatchObject({ fault: "Timeout", message });
    expect(w.at("edge")).toBe(verified);
    expect(COPY_LIMITS_MS.inDoubt.untilHalf + COPY_LIMITS_MS.inDoubt.secondHalf).toBeLessThan(gapLimitMs(1));
  },
);

const hangs = (call: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    call.addEventListener("abort", () => reject(new StorageError("Timeout", "the operator ended the attempt")));
  });
function remove(storage: MemoryStorage, key: string): void {
  storage.remove("resource", key);
  storage.remove("config", key);
}

test("a time that runs out during the inspection leaves nothing half: nothing was sent", async () => {
  const w = world();
  w.deps.digestOf = async () => {
    await w.clock.advance(COPY_LIMITS_MS.inDoubt.untilHalf);
    return "good";
  };
  expect(await w.copy()).toMatchObject({ fault: "Timeout" });
  expect([w.halves(), w.at("edge")]).toEqual([0, "old R, old C"]);
});
