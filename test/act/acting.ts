// A plan that is carried out: objects and steps to write it down with, and what was called, told and counted meanwhile.
import { type ActDeps, act } from "../../operator/act/act.ts";
import type { StepResult } from "../../operator/act/step-deps.ts";
import { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { withNeeds } from "../../operator/domain/objects/needs.ts";
import type { Plan, PlannedEvent, Step } from "../../operator/domain/plan.ts";
import { createLog } from "../../operator/log.ts";
import { fakeClient } from "./fake-client.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON of many kinds
export type Loose = any;

export const STATUS = GatewayGroupStatus.parse({ mode: "Normal", summary: "before" });
const LABELS = { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" };
export const object = (kind: string, name: string, more: Loose = {}): Loose => ({
  apiVersion: { Deployment: "apps/v1", PodDisruptionBudget: "policy/v1" }[kind] ?? "v1",
  kind,
  ...more,
  metadata: { name, namespace: "gw", labels: LABELS, ...more.metadata },
});
/** As the server holds it. */
export const live = (kind: string, name: string, more: Loose = {}) =>
  object(kind, name, { spec: {}, ...more, metadata: { uid: `uid-${name}`, resourceVersion: "7", ...more.metadata } });
export const apply = (kind: string, name = "edge", more: Loose = {}): Step => ({
  do: "apply",
  object: object(kind, name, more),
  why: "wanted",
});
export const create = (kind: string, name = "edge"): Step => ({
  do: "create",
  object: object(kind, name),
  why: "wanted",
});
export const scale = (to: number, floor?: Loose): Step => ({
  do: "scale",
  name: "edge",
  from: 3,
  to,
  resourceVersion: "7",
  why: "wanted",
  ...(floor && { live: floor }),
});
export const event = (reason: PlannedEvent["reason"], alsoOnDeployment = false): PlannedEvent => ({
  type: "Normal",
  reason,
  action: "Do",
  message: "done",
  alsoOnDeployment,
});

export const removal = (name: string): Step => ({
  do: "delete",
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: `uid-${name}`,
  why: "unused",
});
export const withHash = (hash: string) => ({
  metadata: { annotations: { "holdfast.dev/template-hash": hash } },
  spec: { template: { spec: {} } },
});
export const trafficPod = (name: string, ready = true, deleting = false) =>
  live("Pod", name, {
    metadata: {
      ...(deleting && { deletionTimestamp: "x" }),
      labels: { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" },
    },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });

export function world(objects: Loose[] = []) {
  const fake = fakeClient(objects);
  const emitted: string[] = [];
  /** How much had been told whenever the recorder was to try again. */
  const retried: number[] = [];
  const results: string[] = [];
  const troubles: string[] = [];
  const wrote: string[] = [];
  const met: string[] = [];
  const overridden: string[] = [];
  let refusal: string | undefined;
  let copied: () => Promise<StepResult> = async () => "done";
  const deps: ActDeps = {
    client: fake.client,
    // As a call under a signal that has ended: it is not made.
    events: {
      emit: async (regarding, planned, signal) => {
        if (!signal.aborted) emitted.push(`${regarding.kind} ${planned.reason}`);
      },
      retry: async () => void retried.push(emitted.length),
    },
    counted: (step, result) => void results.push(`${step} ${result}`),
    troubled: (_step, error) => void troubles.push((error as Error).message),
    log: createLog({ write: () => undefined }),
    wrote: (resource, { metadata }) => void wrote.push(`${resource.kind}/${metadata.name}`),
    overridden: ({ kind, metadata }, uid, paths) => {
      if (paths.length > 0) overridden.push(`${kind}/${metadata.name} ${uid} ${paths}`);
    },
    deleted: (resource, name) => void wrote.push(`-${resource.kind}/${name}`),
    meet: ({ kind, metadata }) => {
      const stranger = metadata.labels?.["holdfast.dev/group"] !== "edge";
      if (stranger) met.push(`${kind}/${metadata.name}`);
      return stranger;
    },
    dryRun: async () => refusal,
    copySnapshot: () => copied(),
    claimStore: async () => "done",
    removeGeneration: async () => "done",
  };
  const byName = new Map(objects.map((one) => [`${one.kind}/${one.metadata.name}`, structuredClone(one)]));
  const facts = {
    group: { namespace: "gw", name: "edge", uid: "uid-edge", resourceVersion: "41", status: STATUS },
    children: { byName, traffic: { name: "edge", uid: "uid-d" } },
  } as unknown as Facts;
  const run = (steps: Step[], more: Partial<Plan> = {}, signal = AbortSignal.timeout(5_000)) => {
    const plan: Plan = {
      status: STATUS,
      recordsMode: false,
      steps: steps.map((step) => withNeeds(facts, step)),
      events: [],
      recheckAfterMs: 1000,
      wants: { podsOften: false, controlPlaneCounts: false },
      ...more,
    };
    return act(plan, facts, deps, signal);
  };
  return {
    ...fake,
    run,
    emitted,
    retried,
    results,
    troubles,
    wrote,
    met,
    overridden,
    refuse: (why: string) => (refusal = why),
    copy: (how: () => Promise<StepResult>) => (copied = how),
  };
}
