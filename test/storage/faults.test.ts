import { describe, expect, test } from "vitest";
import { makeStore } from "../../operator/storage/factory.ts";
import { FAULT_ACTION, StorageError, type StorageFault } from "../../operator/storage/store.ts";
import { MemoryStorage } from "./memory-storage.ts";

const signal = new AbortController().signal;

describe("faults", () => {
  test("each has an action, and the error carries it", () => {
    for (const [fault, action] of Object.entries(FAULT_ACTION)) {
      expect(new StorageError(fault as StorageFault, "Cannot").action).toBe(action);
    }
  });

  test("what only a person can mend is told, what may pass is tried again", () => {
    const retried = Object.entries(FAULT_ACTION).flatMap(([fault, action]) => (action === "retry" ? [fault] : []));
    expect(retried.sort()).toEqual(["PreconditionFailed", "Throttled", "Timeout", "Truncated", "Unavailable"]);
  });
});

describe("the store in memory", () => {
  const clock = (iso: string) => () => new Date(iso);

  test("without the right to list, a missing object is AccessDenied, as on AWS", async () => {
    const store = new MemoryStorage().store({ list: false });
    await expect(store.read("resource", "7f3a91", {}, signal)).rejects.toMatchObject({ fault: "AccessDenied" });
    await expect(store.head("resource", "7f3a91", signal)).rejects.toMatchObject({ fault: "AccessDenied" });
  });

  test("its dates come from its own clock and lose their milliseconds, as HTTP's do", async () => {
    const server = new MemoryStorage(clock("2026-11-21T10:00:00.999Z"));
    server.put("resource", "7f3a91", "{}");
    const at = new Date("2026-11-21T10:00:00Z");
    expect(await server.store().head("resource", "7f3a91", signal)).toMatchObject({ lastModified: at, serverDate: at });
  });

  test.for(Object.keys(FAULT_ACTION) as StorageFault[])(
    "can be told to fail with %s, for one bucket",
    async (fault) => {
      const server = new MemoryStorage();
      const store = server.store();
      server.failWith(fault, "config");
      expect(await store.read("resource", "7f3a91", {}, signal)).toEqual({ state: "absent" });
      await expect(store.read("config", "7f3a91", {}, signal)).rejects.toMatchObject({ fault });
      expect(await store.check(signal)).toMatchObject({
        resource: { state: "reachable" },
        config: { state: "refused", error: { fault } },
      });
      server.failWith(undefined);
      expect(await store.read("config", "7f3a91", {}, signal)).toEqual({ state: "absent" });
    },
  );

  test("what is handed out is a copy: nobody changes the stored bytes by accident", async () => {
    const server = new MemoryStorage();
    server.put("resource", "7f3a91", "good");
    const read = await server.store().read("resource", "7f3a91", {}, signal);
    if (read.state === "found") read.body.fill(0);
    expect(Buffer.from(server.get("resource", "7f3a91")?.body ?? []).toString()).toBe("good");
  });
});

describe("makeStore", () => {
  test("connects to nothing by itself, so settings that lead nowhere harm nobody", () => {
    const credentials = { accessKeyId: "AKTEST", secretAccessKey: "test-secret" };
    const buckets = { resourceBucket: "a", configBucket: "b" };
    const nowhere = { type: "S3", region: "nowhere-1", forcePathStyle: false, ...buckets, credentials } as const;
    const store = makeStore(nowhere);
    store.close();
  });
});
