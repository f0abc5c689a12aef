import { expect, test } from "vitest";
import { EventRecorder } from "../../operator/act/events.ts";
import { appliedInstead, CREATE_MANAGER } from "../../operator/act/field-owner.ts";
import type { PlannedEvent } from "../../operator/domain/plan.ts";
import { isRefusal, KubeError } from "../../operator/kube/errors.ts";
import { createLog } from "../../operator/log.ts";
import { PodDryRun } from "../../operator/observe/pod-dry-run.ts";
import { FakeClock } from "../kube/fake-clock.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON
type Loose = any;
const signal = AbortSignal.timeout(20_000);

const created = {
  manager: CREATE_MANAGER,
  operation: "Update",
  fieldsV1: { "f:metadata": { "f:labels": {} }, "f:spec": { "f:replicas": {}, "f:template": {} } },
};
const replicasOnly = { ...created, fieldsV1: { "f:spec": { "f:replicas": {} } } };
const applied = (fieldsV1: Loose) => ({ manager: "holdfast", operation: "Apply", fieldsV1 });
const scaler = {
  manager: "hpa",
  operation: "Update",
  subresource: "scale",
  fieldsV1: { "f:spec": { "f:replicas": {} } },
};

test.for([
  ["nothing of ours", [scaler], undefined],
  ["already rewritten", [applied({}), replicasOnly], undefined],
  [
    "what a POST made becomes an apply's, all but the replicas",
    [created, scaler],
    [applied({ "f:metadata": { "f:labels": {} }, "f:spec": { "f:template": {} } }), scaler, replicasOnly],
  ],
  [
    "an object without replicas is the apply's as a whole",
    [{ ...created, fieldsV1: { "f:data": { "f:a": {} } } }],
    [applied({ "f:data": { "f:a": {} } })],
  ],
  [
    "what was applied before stays the apply's",
    [applied({ "f:data": { "f:b": {} } }), { ...created, fieldsV1: { "f:data": { "f:a": {} } } }],
    [applied({ "f:data": { "f:b": {}, "f:a": {} } })],
  ],
] as const)("ownership: %s", ([, before, after]) => {
  expect(appliedInstead(before as Loose)).toEqual(after);
});

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

test("an event is said once in ten minutes, and again after", async () => {
  const clock = new FakeClock();
  const said: Loose[] = [];
  const client = { create: async (_res: unknown, event: Loose) => void said.push(event) };
  const recorder = new EventRecorder({
    client: client as never,
    clock,
    log: createLog({ write: () => undefined }),
    instance: "pod-1",
  });
  const emit = (event: PlannedEvent, who = regarding) => recorder.emit(who, event, signal);
  await emit(planned());
  await emit(planned());
  await emit(planned("other"));
  await emit(planned(), { ...regarding, uid: "other" });
  expect(said).toHaveLength(3);
  expect(said[0]).toMatchObject({
    reason: "Scaled",
    action: "Scale",
    note: "m",
    regarding,
    reportingController: "holdfast.dev",
    reportingInstance: "pod-1",
  });
  expect(said[0].eventTime).toMatch(/\.\d{6}Z$/);
  expect(new Set(said.map((event) => event.metadata.name)).size).toBe(3);
  await clock.advance(10 * 60_000 + 1);
  await emit(planned());
  expect(said).toHaveLength(4);
});

test.for([
  ["short", "m", "m"],
  ["long", "m".repeat(1_500), "m".repeat(1_024)],
  ["two bytes each", "ü".repeat(600), "ü".repeat(512)],
  ["cut in the middle of a character", `a${"💥".repeat(300)}`, `a${"💥".repeat(255)}`],
] as const)("a note has at most 1024 bytes: %s", async ([, message, note]) => {
  const said: Loose[] = [];
  const client = { create: async (_res: unknown, event: Loose) => void said.push(event) };
  const log = createLog({ write: () => undefined });
  const recorder = new EventRecorder({ client: client as never, clock: new FakeClock(), log, instance: "i" });
  await recorder.emit(regarding, planned(message), signal);
  expect(said[0].note).toBe(note);
});

test("an event that cannot be written is tried with the next loop and stops nothing", async () => {
  let refuse = true;
  let asked = 0;
  const client = {
    create: async () => {
      asked += 1;
      if (refuse) throw new KubeError("Forbidden", "no");
    },
  };
  const recorder = new EventRecorder({
    client: client as never,
    clock: new FakeClock(),
    log: createLog({ write: () => undefined }),
    instance: "i",
  });
  await recorder.emit(regarding, planned(), signal);
  refuse = false;
  await recorder.emit(regarding, planned(), signal);
  await recorder.emit(regarding, planned(), signal);
  expect(asked).toBe(2);
});

test.for([
  ["the server says that a webhook cannot be asked", { status: { message: 'failed calling webhook "x"' } }, true],
  ["a load balancer's 503 on a group of that name", {}, false],
] as const)("a refusal or an outage: %s", ([, details, refused]) => {
  expect(isRefusal(new KubeError("Unavailable", "Cannot apply Service gw/webhook-gw: HTTP 503", details))).toBe(
    refused,
  );
});

const group = { namespace: "gw", name: "edge", generation: 3 } as Loose;
const template = { metadata: { labels: { a: "b" } }, spec: { containers: [] } };
const refusal = (fault: ConstructorParameters<typeof KubeError>[0], message: string) =>
  new KubeError(fault, message, { status: { message } });
test.for([
  ["it would be taken", undefined, undefined],
  ["Pod Security says no", refusal("Forbidden", 'violates PodSecurity "restricted"'), "violates PodSecurity"],
  ["a quota says no", refusal("Forbidden", "exceeded quota: pods"), "exceeded quota"],
  ["its schema says no", refusal("Invalid", "spec.containers: Required"), "Required"],
  ["a webhook is down", refusal("Unavailable", "failed calling webhook x"), "webhook"],
] as const)("a dry-run: %s", async ([, error, expected]) => {
  const client = {
    create: async (_res: unknown, pod: Loose, options: Loose) => {
      expect(options).toMatchObject({ dryRun: true, strict: true });
      expect(pod.metadata.labels).toEqual({ a: "b" });
      if (error) throw error;
    },
  };
  const dryRun = new PodDryRun(client as never, new FakeClock());
  const said = await dryRun.ask(group, template, signal);
  if (expected === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(expected);
  expect(await dryRun.standing(group, signal)).toBe(said);
});

test.for([
  ["Holdfast itself may not ask", refusal("Forbidden", 'User "x" cannot create resource "pods"')],
  ["nobody answers", refusal("Timeout", "no answer")],
] as const)("no refusal: %s", async ([, error]) => {
  const dryRun = new PodDryRun({ create: () => Promise.reject(error) } as never, new FakeClock());
  await expect(dryRun.ask(group, template, signal)).rejects.toThrow();
  expect(await dryRun.standing(group, signal)).toBeUndefined();
});

test("a refusal stands until the cluster takes the pod or the spec changes", async () => {
  const clock = new FakeClock();
  let refuse = true;
  let asked = 0;
  const client = {
    create: async () => {
      asked += 1;
      if (refuse) throw refusal("Forbidden", "exceeded quota");
    },
  };
  const dryRun = new PodDryRun(client as never, clock);
  await dryRun.ask(group, template, signal);
  expect(await dryRun.standing(group, signal)).toBe("exceeded quota");
  expect(asked).toBe(1);
  await clock.advance(31_000);
  expect(await dryRun.standing(group, signal)).toBe("exceeded quota");
  expect(asked).toBe(2);
  expect(await dryRun.standing({ ...group, generation: 4 }, signal)).toBeUndefined();
  await dryRun.ask(group, template, signal);
  refuse = false;
  await clock.advance(31_000);
  expect(await dryRun.standing(group, signal)).toBeUndefined();
});
