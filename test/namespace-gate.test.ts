import { expect, test } from "vitest";
import { createLog } from "../operator/log.ts";
import { onlyKept } from "../operator/namespace-gate.ts";

const signal = AbortSignal.timeout(20_000);

test("keys of a namespace of which some kind was never read are left alone, said once, and taken up when it was", async () => {
  const lines: string[] = [];
  const done: string[] = [];
  const unread = new Set(["b"]);
  const reconcile = onlyKept(
    [{ keeps: () => true }, { keeps: (namespace) => !unread.has(namespace) }],
    createLog({ write: (line) => void lines.push(line) }),
    async (key) => {
      done.push(key);
      return { recheckAfterMs: 30_000 };
    },
  );
  const run = (key: string) => reconcile(key, signal);
  expect(await run("a/edge")).toEqual({ recheckAfterMs: 30_000 });
  expect([await run("b/edge"), await run("b/lane")]).toEqual([{ recheckAfterMs: 5_000 }, { recheckAfterMs: 5_000 }]);
  expect([done, lines.length]).toEqual([["a/edge"], 1]);
  unread.clear();
  await run("b/edge");
  expect(done).toEqual(["a/edge", "b/edge"]);
  expect(lines.at(-1)).toContain("can be read again");
});
