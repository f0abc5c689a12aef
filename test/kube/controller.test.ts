import { expect, test } from "vitest";
import { Controller, type ControllerOptions, type Outcome } from "../../operator/kube/controller.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";
import { createLog } from "../../operator/log.ts";
import { FakeClock, settle } from "./fake-clock.ts";

function bench(options: Partial<ControllerOptions> = {}) {
  const clock = new FakeClock();
  clock.nextRandom = () => 1;
  const logs: string[] = [];
  const outcomes: Outcome[] = [];
  const ran: string[] = [];
  const open = new Map<string, () => void>();
  /** A reconcile that ends when the test says so. */
  const held = (key: string) =>
    new Promise<undefined>((resolve) => {
      ran.push(key);
      open.set(key, () => resolve(undefined));
    });
  const controller = new Controller({
    name: "test",
    workers: 2,
    reconcile: held,
    clock,
    log: createLog({ write: (line) => logs.push(line), level: "debug" }),
    observer: { reconcileEnded: (_name, outcome) => outcomes.push(outcome) },
    ...options,
  });
  return { clock, controller, logs, outcomes, ran, open };
}

test("workers run different keys at once, one key never twice", async () => {
  const { controller, ran, open } = bench();
  for (const key of ["a", "a", "b", "c"]) controller.enqueue(key);
  controller.start();
  await settle();
  expect(ran).toEqual(["a", "b"]);
  controller.enqueue("a");
  open.get("b")?.();
  await settle();
  expect(ran).toEqual(["a", "b", "c"]);
  open.get("a")?.();
  await settle();
  expect(ran).toEqual(["a", "b", "c", "a"]);
});

test("nothing runs before start: a standby may fill its queue", async () => {
  const { controller, ran } = bench();
  controller.enqueue("a");
  await settle();
  expect(ran).toEqual([]);
  expect(controller.depth()).toEqual({ due: 1, delayed: 0, running: 0 });
});

test("recheckAfterMs comes again by itself", async () => {
  const ran: number[] = [];
  const { controller, clock } = bench({
    reconcile: async () => {
      ran.push(clock.monotonicMs());
      return { recheckAfterMs: 5_000 };
    },
  });
  const startMs = clock.monotonicMs();
  controller.enqueue("a");
  controller.start();
  await clock.advance(15_500);
  expect(ran.map((at) => at - startMs)).toEqual([0, 5_000, 10_000, 15_000]);
});

test("failures of one key back off to the cap and do not slow another; success starts anew", async () => {
  const ran: number[] = [];
  let broken = true;
  const { controller, clock, outcomes } = bench({
    reconcile: async (key) => {
      if (key !== "bad") return undefined;
      ran.push(clock.monotonicMs() - startMs);
      if (broken) throw new Error("broken");
      return undefined;
    },
    backoffCapMs: 4_000,
  });
  const startMs = clock.monotonicMs();
  controller.enqueue("bad");
  controller.start();
  await clock.advance(12_000);
  expect(ran).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500]);
  controller.enqueue("good");
  await settle();
  expect(outcomes.at(-1)).toBe("success");
  broken = false;
  await clock.advance(4_000);
  broken = true;
  controller.enqueue("bad");
  await settle();
  const failedAt = ran.at(-1) ?? 0;
  await clock.advance(500);
  expect(ran.at(-1)).toBe(failedAt + 500);
});

test.for<[KubeFault | "a bug", Outcome, string]>([
  ["Conflict", "conflict", "debug"],
  ["AlreadyExists", "conflict", "debug"],
  ["Unavailable", "error", "warn"],
  ["Unauthorized", "error", "warn"],
  ["GateClosed", "gate_closed", "warn"],
  ["a bug", "error", "error"],
])("%s is retried, counted as %s, told as %s", async ([fault, outcome, level]) => {
  let runs = 0;
  const { controller, clock, outcomes, logs } = bench({
    reconcile: async () => {
      runs += 1;
      if (runs > 1) return undefined;
      throw fault === "a bug" ? new TypeError("x is undefined") : new KubeError(fault, "no");
    },
  });
  controller.enqueue("a");
  controller.start();
  await settle();
  expect(outcomes).toEqual([outcome]);
  expect(JSON.parse(logs[0] ?? "{}")).toMatchObject({
    level,
    controller: "test",
    object: "a",
    failures: 1,
    retryMs: 500,
  });
  await clock.advance(500);
  expect(outcomes).toEqual([outcome, "success"]);
});

test("a server that asks to stay away is obeyed", async () => {
  let runs = 0;
  const { controller, clock } = bench({
    reconcile: async () => {
      runs += 1;
      throw new KubeError("TooManyRequests", "slow down", { retryAfterMs: 20_000 });
    },
  });
  controller.enqueue("a");
  controller.start();
  await clock.advance(19_999);
  expect(runs).toBe(1);
  await clock.advance(1);
  expect(runs).toBe(2);
});

const untilAborted = (_key: string, signal: AbortSignal) =>
  new Promise<undefined>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

test("a reconcile has a deadline, and the key is tried again", async () => {
  const { controller, clock, outcomes } = bench({ reconcile: untilAborted, deadlineMs: 3_000 });
  controller.enqueue("a");
  controller.start();
  await clock.advance(3_000);
  expect(outcomes).toEqual(["timeout"]);
  expect(controller.depth().delayed).toBe(1);
});

test("stop lets what runs end, and begins nothing", async () => {
  const { controller, ran, open, clock } = bench({ workers: 1 });
  controller.enqueue("a");
  controller.enqueue("b");
  controller.start();
  await settle();
  const stopping = controller.stop(8_000);
  await clock.advance(5_000);
  open.get("a")?.();
  expect(await stopping).toBe(true);
  expect(ran).toEqual(["a"]);
  expect(clock.armed).toBe(0);
});

test("what does not end in its grace time is aborted, and then all has ended", async () => {
  const { controller, clock, outcomes } = bench({ reconcile: untilAborted });
  controller.enqueue("a");
  controller.start();
  await settle();
  const stopping = controller.stop(8_000);
  await clock.advance(8_000);
  expect(await stopping).toBe(true);
  expect(outcomes).toEqual(["stopped"]);
});

test("work that obeys nothing: stop says that it has not ended, so the lease must not be released", async () => {
  const { controller, clock } = bench();
  controller.enqueue("a");
  controller.start();
  await settle();
  const stopping = controller.stop(8_000, 2_000);
  await clock.advance(10_000);
  expect(await stopping).toBe(false);
});
