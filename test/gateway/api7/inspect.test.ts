import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { Inspector } from "../../../operator/gateway/api7/inspect.ts";
import { inspectSnapshot } from "../../../operator/gateway/api7/snapshot.ts";

const CONFIG = Buffer.from('{"config":{"config_version":1,"config_payload":{"a":1}}}');
const routes = (count: number) =>
  Buffer.from(JSON.stringify({ routes: Array.from({ length: count }, (_, i) => ({ id: `r${i}`, uri: `/${i}/*` })) }));

test("a large pair is read in a thread, with the same report as a small one", async () => {
  const body = routes(5_000);
  const context = { resourceModifiedAt: new Date(0), configModifiedAt: new Date(60_000) };
  const report = await inspectSnapshot(body, CONFIG, context);
  expect(report.problems.map(({ fault }) => fault)).toEqual(["TornPair"]);
  expect(await new Inspector({ smallBytes: 0 }).read(body, CONFIG, context)).toEqual(report);
  expect(await new Inspector().read(body, CONFIG, context)).toEqual(report);
});

test("of a view only the part that is meant is read", async () => {
  const body = routes(10);
  const padded = Buffer.concat([Buffer.from("xx"), body, Buffer.from("yy")]).subarray(2, 2 + body.byteLength);
  const { problems, counts } = await new Inspector({ smallBytes: 0 }).read(
    new Uint8Array(padded.buffer, padded.byteOffset, padded.byteLength),
    CONFIG,
  );
  expect([problems, counts]).toEqual([[], { routes: 10 }]);
});

test("an absent object is a problem of the pair, in a thread as elsewhere", async () => {
  const inspector = new Inspector({ smallBytes: 0 });
  expect((await inspector.read(routes(1), undefined)).problems.map(({ fault }) => fault)).toEqual(["MissingConfig"]);
});

// Reckoned with a room that is far larger than the thread's heap: the reckoning was wrong, as it may be one day.
test("a pair that takes more memory than was reckoned ends its thread alone, and the next one is read", async () => {
  const inspector = new Inspector({ smallBytes: 1024 * 1024, heapMiB: 16, roomBytes: 2 ** 40 });
  const many = inspector.read(routes(400_000), CONFIG);
  const next = inspector.read(routes(30_000), CONFIG);
  expect((await many).problems).toEqual([
    {
      fault: "TooLarge",
      object: "resource",
      message: "resource object: to read it would take more memory than there is for it",
    },
  ]);
  expect((await next).counts).toEqual({ routes: 30_000 });
}, 60_000);

test("in the image the thread is a bundle of its own, beside the one that starts it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bundle-"));
  try {
    execFileSync(process.execPath, [join(import.meta.dirname, "../../../hack/build.ts"), folder, "holdfast.mjs"]);
    const bundles = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    expect(bundles.some((text) => text.includes('"./holdfast-inspect.mjs"'))).toBe(true);
    const worker = new Worker(join(folder, "holdfast-inspect.mjs"), { workerData: { roomBytes: 2 ** 28 } });
    try {
      const answer = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
      worker.postMessage({ resource: routes(3), config: CONFIG, context: {} });
      expect(await answer).toMatchObject({ problems: [], counts: { routes: 3 } });
    } finally {
      await worker.terminate();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
