import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { copyInTurn } from "../operator/copying.ts";
import type { Facts } from "../operator/domain/facts/facts.ts";
import { sleep } from "../operator/kube/clock.ts";
import { Controller } from "../operator/kube/controller.ts";
import { openGate } from "../operator/kube/write-gate.ts";
import { createLog } from "../operator/log.ts";
import { Copies, copyingOf } from "../operator/observe/store/copies.ts";
import { LargeTurns, SMALL_BYTES } from "../operator/observe/store/large-slots.ts";
import { SnapshotReader } from "../operator/observe/store/snapshot.ts";
import { Sessions } from "../operator/session.ts";
import { inspectHere } from "./gateway/api7/inspect-here.ts";
import { FakeClock } from "./kube/fake-clock.ts";
import { neverCalled } from "./observe/never.ts";
import { MemoryStorage } from "./storage/memory-storage.ts";

const CONFIG = '{"config":{"config_version":1,"config_payload":{"a":1}}}';
const WORKERS = 8;

/** Its digest, as the group's loop would see it. */
const digestIn = (snapshots: SnapshotReader, key: string, which: "raw" | "candidate") => {
  const fact = snapshots.facts(key)?.[which];
  return fact?.seen === "found" ? fact.digest : fact?.seen;
};

test("fourteen groups with large exports in one store: each is copied once, and all are seen", async () => {
  const clock = new FakeClock();
  const storage = new MemoryStorage(() => new Date(clock.wallMs()));
  const store = storage.store();
  const read = store.read.bind(store);
  const written: string[] = [];
  const write = store.write.bind(store);
  // A copy takes longer than a fourteenth of the five seconds after which a busy group is looked at again.
  store.read = async (...call) => {
    await sleep(clock, 300, call[3]);
    return await read(...call);
  };
  store.write = async (...call) => {
    await sleep(clock, 300, call[4]);
    if (call[0] === "config") written.push(call[1]);
    return await write(...call);
  };
  const names = Array.from({ length: 14 }, (_, i) => `g${i}`);
  const wake = (key: string): void => groups.enqueue(key);
  const large = new LargeTurns();
  const snapshots = new SnapshotReader({
    inspect: inspectHere,
    sessions: new Sessions(),
    onBug: neverCalled,
    clock,
    large,
    wake,
  });
  const copies = new Copies({ sessions: new Sessions(), clock, workers: WORKERS, wake });
  const pool = { openOf: () => ({ store, location: "one" }) };
  const signal = new AbortController().signal;
  const groups = new Controller({
    name: "group",
    workers: WORKERS,
    clock,
    log: createLog({ level: "error", write: () => undefined }),
    reconcile: async (key) => {
      const name = key.replace("gw/", "");
      const raw = digestIn(snapshots, key, "raw");
      const isNew = raw?.startsWith("sha256:") === true && raw !== digestIn(snapshots, key, "candidate");
      if (raw !== undefined && isNew && !copyingOf({ copies, snapshots }, key)?.paused) {
        const status = { controlPlane: { verdict: "Reachable" } };
        const spec = { shortID: name, fallback: { storageRef: { name: "eu" } } };
        const facts = { group: { namespace: "gw", name, spec, status } } as unknown as Facts;
        const step = { do: "copySnapshot", from: "raw", to: "candidate", digest: raw, why: "new" } as const;
        await copyInTurn(
          { snapshots, copies, large, pool, clock, gate: openGate, inspect: inspectHere },
          key,
          facts,
          step,
          signal,
        );
      }
      return { recheckAfterMs: 5_000 };
    },
  });
  groups.start();
  for (const name of names) {
    storage.put(
      "resource",
      `${name}-raw`,
      `{"routes":[{"id":"r"}],"protos":[{"id":"${name}","content":"${"x".repeat(SMALL_BYTES)}"}]}`,
    );
    storage.put("config", `${name}-raw`, CONFIG);
    const wish = { store, location: "one", shortID: name, rawIntervalMs: 60_000, validationIntervalMs: 60_000 };
    snapshots.want(`gw/${name}`, wish);
    groups.enqueue(`gw/${name}`);
  }
  // Inspection takes real time: some of it passes between the steps of the other one.
  const seen = () => names.filter((name) => digestIn(snapshots, `gw/${name}`, "candidate")?.startsWith("sha256:"));
  for (let i = 0; i < 1_000 && seen().length < names.length; i += 1) {
    await clock.advance(200);
    await pause(5);
  }
  expect(seen()).toEqual(names);
  expect([...written].sort()).toEqual(names.map((name) => `${name}-candidate`).sort());
  snapshots.stop();
  const stopped = groups.stop(0);
  await clock.advance(2_000);
  expect(await stopped).toBe(true);
});
