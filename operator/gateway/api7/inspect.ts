import { getHeapStatistics } from "node:v8";
import { Worker } from "node:worker_threads";
import { inspectSnapshot, type SnapshotContext } from "./snapshot.ts";
import { problem, type SnapshotReport } from "./snapshot-report.ts";
import { Room } from "./snapshot-room.ts";

export interface Inspection {
  /** Bodies of the two objects; absent where the store has none. */
  resource: Uint8Array | undefined;
  config: Uint8Array | undefined;
  context: SnapshotContext;
}

/** Reads a pair from the store. The bodies are not used by the caller any more where `handOver` says so: nothing is copied then. */
export type Inspect = (
  resource: Uint8Array | undefined,
  config: Uint8Array | undefined,
  context?: SnapshotContext,
  handOver?: "handOver",
) => Promise<SnapshotReport>;

/** Both bodies together; reading less than this takes some 10 ms, as much as a thread takes to begin. Bytes. */
const SMALL_BYTES = 256 * 1024;
/** What the process may have on its heap: the bounds of one reading are reckoned from it, as they always were. */
const HEAP_BYTES = getHeapStatistics().heap_size_limit;
/** The thread's heap: five eighths of the process's are what one reading may take (snapshot-room.ts), the rest is room to collect garbage in. */
const WORKER_HEAP_MIB = Math.ceil((HEAP_BYTES * 3) / 4 / 2 ** 20);
/** Exports come in rounds; between two of them the thread's memory is better used elsewhere. */
const IDLE_MS = 20_000;

/**
 * Reads pairs as an exporter wrote them: large ones in a thread of their own, which ends when there is nothing to read. What
 * comes from outside holds up no probe and no lease there, and a shape that takes more memory than was reckoned ends that
 * thread alone.
 */
export class Inspector {
  readonly #smallBytes: number;
  readonly #heapMiB: number;
  readonly #roomBytes: number;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #before: Promise<unknown> = Promise.resolve();

  constructor({ smallBytes = SMALL_BYTES, heapMiB = WORKER_HEAP_MIB, roomBytes = HEAP_BYTES } = {}) {
    this.#smallBytes = smallBytes;
    this.#heapMiB = heapMiB;
    this.#roomBytes = roomBytes;
  }

  /** Never rejects on what the store holds; rejects where no thread can be had. One large pair at a time. */
  read: Inspect = (resource, config, context = {}, handOver) => {
    const bytes = (resource?.byteLength ?? 0) + (config?.byteLength ?? 0);
    if (bytes <= this.#smallBytes) return inspectSnapshot(resource, config, context, new Room(this.#roomBytes));
    const inspection = { resource: whole(resource), config: whole(config), context };
    const report = this.#before.then(() => this.#inThread(inspection, handOver !== undefined));
    this.#before = report.catch(() => undefined);
    return report;
  };

  #inThread(inspection: Inspection, handOver: boolean): Promise<SnapshotReport> {
    clearTimeout(this.#idle);
    const worker = this.#worker ?? this.#start();
    return new Promise<SnapshotReport>((resolve, reject) => {
      const ended = () => {
        worker.off("message", read).off("error", failed).off("exit", exited).unref();
        this.#idle = setTimeout(() => this.#end(worker), IDLE_MS).unref();
      };
      const read = (report: SnapshotReport) => {
        ended();
        resolve(report);
      };
      const failed = (error: unknown) => {
        ended();
        this.#worker = undefined;
        if (isOutOfMemory(error)) resolve(tooLarge());
        else reject(error);
      };
      const exited = (code: number) => failed(new Error(`the thread that reads exports ended with ${code}`));
      worker.on("message", read).on("error", failed).on("exit", exited);
      worker.ref();
      const bodies = [inspection.resource, inspection.config].flatMap((body) => (body ? [body.buffer] : []));
      worker.postMessage(inspection, handOver ? (bodies as ArrayBuffer[]) : []);
    });
  }

  #start(): Worker {
    const worker = new Worker(workerFile(), {
      workerData: { roomBytes: this.#roomBytes },
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMiB },
    });
    // An error that comes between two readings is nobody's: the next one starts another thread.
    worker.on("error", () => undefined);
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }

  #end(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
    void worker.terminate();
  }
}

/** A view is handed over with all that lies behind it: only the part that is meant is copied. */
const whole = (body: Uint8Array | undefined): Uint8Array | undefined =>
  body === undefined || body.byteLength === body.buffer.byteLength ? body : new Uint8Array(body);

/** Beside this file among the sources, beside the bundle in the image (hack/build.ts). */
const workerFile = (): URL =>
  new URL(import.meta.url.endsWith(".ts") ? "./inspect-worker.ts" : "./holdfast-inspect.mjs", import.meta.url);

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";

const tooLarge = (): SnapshotReport => ({
  problems: [problem("TooLarge", "resource", "to read it would take more memory than there is for it")],
  warnings: [],
  counts: {},
  sketch: { hashes: [], whole: true },
});
