/** Beside other people's objects, on a real API server: told while they select pods of a group, and not a moment longer. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../lab/process.ts";
import { release } from "../neighbour/release.ts";
import {
  type Bench,
  condition,
  deploymentPath,
  LIMIT_MS,
  type Loose,
  NAMESPACE,
  startBench,
  untilQuiet,
} from "./operator-bench.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
  await bench.startOperator();
});
afterAll(async () => {
  await bench?.stop();
});

const told = () => condition(bench, "edge", "SelectedByOthers");
const becomes = (reason: string | undefined) =>
  until(`SelectedByOthers says ${reason ?? "nothing"}`, async () => (await told())?.["reason"] === reason, LIMIT_MS);
const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
const BUDGETS = `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets`;
const metadata = { name: "theirs", namespace: NAMESPACE };
const gates = async () => (await bench.object(deploymentPath("edge-backup")))?.["spec"].template.spec.readinessGates;

async function make(path: string, object: Loose): Promise<void> {
  const answer = await bench.api.call("POST", path, object);
  expect(answer.code, JSON.stringify(answer.body)).toBe(201);
}

test("a release of the vendor's chart with the group's name is no neighbour to speak of", async () => {
  const theirs = release({ name: "edge", namespace: NAMESPACE, container: { name: "gateway", image: "x" } });
  await make(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`, theirs.deployment);
  await make(SERVICES, theirs.service);
  await make(BUDGETS, theirs.budget);
  await make(`/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`, theirs.autoscaler);
  await bench.group("edge");
  await until(
    "the exporter is made",
    async () => (await bench.object(deploymentPath("edge-backup"))) !== undefined,
    LIMIT_MS,
  );
  await untilQuiet(bench, 3_000);
  expect(await told()).toBeUndefined();
  expect(await gates()).toBeUndefined();
});

test("a Service that selects the exporter is told, and the exporter kept out of it, until the Service is gone", async () => {
  const spec = { selector: { "holdfast.dev/group": "edge" }, ports: [{ port: 80 }] };
  await make(SERVICES, { apiVersion: "v1", kind: "Service", metadata, spec });
  await becomes("ServiceSelectsPods");
  await until("the exporter is gated", async () => (await gates())?.length === 1, LIMIT_MS);
  await untilQuiet(bench, 3_000);
  await bench.api.call("DELETE", `${SERVICES}/theirs`);
  await becomes(undefined);
  await until("the gate is gone", async () => (await gates()) === undefined, LIMIT_MS);
});

test("a second budget is told until it is gone, and then nothing is written any more", async () => {
  const spec = { maxUnavailable: 1, selector: { matchLabels: { "holdfast.dev/role": "traffic" } } };
  await make(BUDGETS, { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata, spec });
  await becomes("BudgetSelectsPods");
  expect((await told())?.["message"]).toContain('PodDisruptionBudget "theirs"');
  await bench.api.call("DELETE", `${BUDGETS}/theirs`);
  await becomes(undefined);
  await untilQuiet(bench, 3_000);
});
