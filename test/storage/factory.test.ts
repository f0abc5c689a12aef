/** A store whose library cannot be loaded: told by each call, and no reason for the process to end. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { makeStore } from "../../operator/storage/factory.ts";
import type { StoreSettings } from "../../operator/storage/settings.ts";

const library = vi.hoisted(() => ({ broken: true, closed: 0 }));
vi.mock("../../operator/storage/s3.ts", () => ({
  S3Store: class {
    constructor() {
      if (library.broken) throw new Error("EMFILE");
    }
    async head() {
      return { state: "absent" };
    }
    close() {
      library.closed += 1;
    }
  },
}));
const SETTINGS: StoreSettings = {
  type: "S3",
  region: "r",
  forcePathStyle: true,
  resourceBucket: "res",
  configBucket: "cfg",
  credentials: { accessKeyId: "a", secretAccessKey: "b" },
};
const head = (store: ReturnType<typeof makeStore>) => store.head("resource", "key", new AbortController().signal);

test("closing it leaves nothing unhandled, which would end the process", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);
  onTestFinished(() => void process.off("unhandledRejection", note));
  library.broken = true;
  const store = makeStore(SETTINGS);
  await expect(head(store)).rejects.toThrow("EMFILE");
  store.close();
  await nextTurn();
  await nextTurn();
  expect(unhandled).toEqual([]);
});

test("the next call tries again", async () => {
  library.broken = true;
  const store = makeStore(SETTINGS);
  await expect(head(store)).rejects.toThrow("EMFILE");
  library.broken = false;
  expect(await head(store)).toEqual({ state: "absent" });
});

test("what was opened is closed, what was not is not", async () => {
  library.broken = false;
  library.closed = 0;
  const store = makeStore(SETTINGS);
  store.close();
  await nextTurn();
  expect(library.closed).toBe(0);
  await head(store);
  store.close();
  await nextTurn();
  expect(library.closed).toBe(1);
});
