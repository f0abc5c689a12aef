/** The thread that reads large exports: what inspect.ts hands it, one at a time, within a heap of its own. */
import { parentPort, workerData } from "node:worker_threads";
import type { Inspection } from "./inspect.ts";
import { inspectSnapshot } from "./snapshot.ts";
import { Room } from "./snapshot-room.ts";

const { roomBytes } = workerData as { roomBytes: number };
parentPort?.on("message", async ({ resource, config, context }: Inspection) => {
  parentPort?.postMessage(await inspectSnapshot(resource, config, context, new Room(roomBytes)));
});
