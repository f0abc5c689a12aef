import { expect, test } from "vitest";
import { leave } from "../operator/run.ts";

test.each([
  [true, ["loop ended", "released", "finished"]],
  [false, ["loop ended", "stopped", "finished"]],
])("the lease is handed over when all work has ended (%s), never before", async (ended, order) => {
  const did: string[] = [];
  const elector = {
    release: async () => void did.push("released"),
    stop: async () => void did.push("stopped"),
  };
  let end = (): void => undefined;
  const works = new Promise<void>((resolve) => {
    end = resolve;
  });
  const slow = { stop: () => works.then(() => did.push("loop ended")).then(() => ended) };
  const log = { warn: () => undefined };
  const left = leave({ controllers: [{ stop: async () => true }, slow] }, elector, log, async () => {
    did.push("finished");
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(did).toEqual([]);
  end();
  await left;
  expect(did).toEqual(order);
});
