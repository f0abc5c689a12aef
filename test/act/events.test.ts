/** Events reach people: once, however often they are planned, and also when the API server was away for a while. */
import { expect, test } from "vitest";
import { EventRecorder } from "../../operator/act/events.ts";
import type { PlannedEvent } from "../../operator/domain/plan.ts";
import { KubeError, type KubeFault } from "../../operator/kube/errors.ts";
import { createLog } from "../../operator/log.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import type { Loose } from "./acting.ts";

const signal = new AbortController().signal;

const planned = (message = "m", type: PlannedEvent["type"] = "Normal"): PlannedEvent => ({
  type,
  reason: "Scaled",
  action: "Scale",
  message,
  alsoOnDeployment: false,
});
const regarding = {
  apiVersion: "holdfast.dev/v1alpha1",
  kind: "GatewayGroup",
  namespace: "gw",
  name: "edge",
  uid: "u",
};

/** A recorder, what arrived at the API server, and what the server says to a write: undefined takes it. */
function telling() {
  const clock = new FakeClock();
  const arrived: Loose[] = [];
  const lines: string[] = [];
  const server: { fault: KubeFault | undefined; answersLost: boolean } = { fault: undefined, answersLost: false };
  const client = {
    create: async (_resource: unknown, event: Loose) => {
      if (server.fault) throw new KubeError(server.fault, "no");
      const known = arrived.some(({ metadata }) => metadata.name === event.metadata.name);
      if (known) throw new KubeError("AlreadyExists", "taken");
      arrived.push(event);
      if (server.answersLost) throw new KubeError("Timeout", "no answer");
    },
  };
  const log = createLog({ write: (line) => void lines.push(line) });
  const recorder = new EventRecorder({ client: client as never, clock, log, instance: "pod-1" });
  const emit = (event: PlannedEvent, who = regarding) => recorder.emit(who, event, signal);
  const notes = () => arrived.map(({ note }) => note);
  return { clock, arrived, notes, lines, server, emit, retry: () => recorder.retry(signal) };
}

test("the same event is said once in a minute, and again after", async () => {
  const { clock, arrived, emit } = telling();
  await emit(planned());
  await emit(planned());
  await emit(planned("other"));
  await emit(planned(), { ...regarding, uid: "other" });
  expect(arrived).toHaveLength(3);
  expect(arrived[0]).toMatchObject({
    reason: "Scaled",
    action: "Scale",
    note: "m",
    regarding,
    reportingController: "holdfast.dev",
    reportingInstance: "pod-1",
  });
  expect(arrived[0].eventTime).toMatch(/\.\d{6}Z$/);
  expect(new Set(arrived.map((event) => event.metadata.name)).size).toBe(3);
  await clock.advance(60_001);
  await emit(planned());
  expect(arrived).toHaveLength(4);
});

test.for([
  ["short", "m", "m"],
  ["long", "m".repeat(1_500), "m".repeat(1_024)],
  ["two bytes each", "ü".repeat(600), "ü".repeat(512)],
  ["cut in the middle of a character", `a${"💥".repeat(300)}`, `a${"💥".repeat(255)}`],
] as const)("a note has at most 1024 bytes: %s", async ([, message, note]) => {
  const { notes, emit } = telling();
  await emit(planned(message));
  expect(notes()).toEqual([note]);
});

test.for<KubeFault>(["Timeout", "TooManyRequests", "Unavailable", "Network"])(
  "what does not get through (%s) is told later, in its order and with its time",
  async (fault) => {
    const { clock, arrived, notes, server, emit, retry, lines } = telling();
    server.fault = fault;
    await emit(planned("first"));
    await clock.advance(5_000);
    await emit(planned("second"));
    await retry();
    expect(notes()).toEqual([]);
    expect(lines.join()).toContain("event not written yet");
    server.fault = undefined;
    await retry();
    await retry();
    expect(notes()).toEqual(["first", "second"]);
    const [first, second] = arrived.map(({ eventTime }) => Date.parse(eventTime));
    expect(Number(second) - Number(first)).toBe(5_000);
  },
);

test("one that arrived although its answer did not is told once", async () => {
  const { notes, server, emit, retry } = telling();
  server.answersLost = true;
  await emit(planned());
  server.answersLost = false;
  await retry();
  await retry();
  expect(notes()).toEqual(["m"]);
});

test("one that is refused is given up, and may be said again", async () => {
  const { notes, server, emit, retry, lines } = telling();
  server.fault = "Forbidden";
  await emit(planned());
  expect(lines.join()).toContain('"event not written"');
  server.fault = undefined;
  await retry();
  expect(notes()).toEqual([]);
  await emit(planned());
  await emit(planned());
  expect(notes()).toEqual(["m"]);
});

test("nothing is tried for ever, nor kept without bound", async () => {
  const { clock, notes, server, emit, retry } = telling();
  server.fault = "Timeout";
  await emit(planned("old"));
  await clock.advance(10 * 60_000);
  await retry();
  for (let i = 0; i < 250; i += 1) await emit(planned(`${i}`));
  server.fault = undefined;
  await retry();
  expect(notes()).toHaveLength(200);
  expect(notes()).not.toContain("old");
  expect(notes().at(-1)).toBe("249");
});
