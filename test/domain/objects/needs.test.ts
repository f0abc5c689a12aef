import { expect, test } from "vitest";
import type { Facts } from "../../../operator/domain/facts/facts.ts";
import { withNeeds } from "../../../operator/domain/objects/needs.ts";
import type { Step } from "../../../operator/domain/plan.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON of many kinds
type Loose = any;
const apply = (kind: string, name: string, more: Loose = {}, role = "traffic"): Step => ({
  do: "apply",
  object: { apiVersion: "v1", kind, ...more, metadata: { name, labels: { "holdfast.dev/role": role } } },
  why: "x",
});
const pod = {
  serviceAccountName: "edge-traffic",
  volumes: [{ configMap: { name: "edge-start" } }, { configMap: { name: "edge-normal-1" } }, { emptyDir: {} }],
};
const NAMED = ["ConfigMap/edge-start", "ConfigMap/edge-normal-1", "ServiceAccount/edge-traffic"];
const deployment = { spec: { template: { spec: pod } } };
const live = apply("ConfigMap", "edge-start", { data: { a: "1" } }) as Loose;
const facts = {
  group: { name: "edge" },
  children: { byName: new Map([["ConfigMap/edge-start", live.object]]) },
} as unknown as Facts;
const scale: Step = { do: "scale", name: "edge", from: 1, to: 2, resourceVersion: "1", why: "x" };
const copy: Step = { do: "copySnapshot", from: "raw", to: "candidate", digest: "sha256:1", why: "x" };
const put = {
  do: "restoreTemplate",
  name: "edge",
  resourceVersion: "1",
  template: {},
  annotations: {},
  why: "x",
} as Step;

test.for<[string, Step, { needs?: string[]; gives?: string[]; optional?: true }]>([
  [
    "a Deployment needs what its pods name",
    apply("Deployment", "edge", deployment),
    { needs: NAMED, gives: ["Deployment/edge"] },
  ],
  [
    "the exporter's, too, and nobody waits for it",
    apply("Deployment", "edge-backup", deployment, "backup"),
    { needs: NAMED, gives: ["Deployment/edge-backup"], optional: true },
  ],
  [
    "a pod names them itself",
    apply("Pod", "edge-rehearsal", { spec: pod }, "rehearsal"),
    { needs: NAMED, gives: ["Pod/edge-rehearsal"], optional: true },
  ],
  [
    "a ConfigMap with other data is missing without it",
    apply("ConfigMap", "edge-start", { data: { a: "2" } }),
    { gives: ["ConfigMap/edge-start"] },
  ],
  ["one that has these data is there", apply("ConfigMap", "edge-start", { data: { a: "1" } }), {}],
  ["a Service keeps nobody waiting", apply("Service", "edge"), { gives: ["Service/edge"], optional: true }],
  [
    "pods move only after the mode is published, and after the move before",
    scale,
    { needs: ["ConfigMap/edge-start", "motion"], gives: ["motion"] },
  ],
  ["a template is put back only after the mode is published", put, { needs: ["ConfigMap/edge-start"] }],
  ["a copy in the store keeps nobody waiting", copy, { optional: true }],
])("%s", ([, step, order]) => {
  expect(withNeeds(facts, step)).toEqual({ ...step, ...order });
});
