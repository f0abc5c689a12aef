import { expect, test } from "vitest";
import { appliedInstead, CREATE_MANAGER } from "../../operator/act/field-owner.ts";
import { isRefusal, KubeError } from "../../operator/kube/errors.ts";
import { PodDryRun } from "../../operator/observe/cluster/pod-dry-run.ts";
import { Sessions } from "../../operator/session.ts";
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
  const dryRun = new PodDryRun(client as never, new FakeClock(), new Sessions());
  const said = await dryRun.ask(group, template, signal);
  if (expected === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(expected);
  expect(await dryRun.standing(group, signal)).toBe(said);
});

test.for([
  ["Holdfast itself may not ask", refusal("Forbidden", 'User "x" cannot create resource "pods"')],
  ["nobody answers", refusal("Timeout", "no answer")],
] as const)("no refusal: %s", async ([, error]) => {
  const dryRun = new PodDryRun({ create: () => Promise.reject(error) } as never, new FakeClock(), new Sessions());
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
  const dryRun = new PodDryRun(client as never, clock, new Sessions());
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
