/** The life of a group on a real API server: made, quiet, healed, restarted, killed in the middle, deleted. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../lab/process.ts";
import {
  type Bench,
  deploymentPath,
  groupPath,
  LIMIT_MS,
  NAMESPACE,
  type OperatorProcess,
  startBench,
  untilQuiet,
} from "./operator-bench.ts";

let bench: Bench;
let operator: OperatorProcess;

beforeAll(async () => {
  bench = await startBench();
  operator = await bench.startOperator();
});
afterAll(async () => {
  await bench?.stop();
});

const condition = async (group: string, type: string) =>
  (await bench.status(group))["conditions"]?.find((one: { type: string }) => one.type === type);

test("a group gets all its children, and a status that says where it stands", async () => {
  await bench.group("edge");
  await until("the status is there", async () => (await bench.status("edge"))["mode"] === "Normal", LIMIT_MS);
  await until(
    "the traffic Deployment is there",
    async () => (await bench.object(deploymentPath("edge"))) !== undefined,
    LIMIT_MS,
  );
  await untilQuiet(bench, 3_000);
  const v1 = `/api/v1/namespaces/${NAMESPACE}`;
  for (const path of [
    deploymentPath("edge"),
    deploymentPath("edge-backup"),
    `${v1}/services/edge`,
    `${v1}/configmaps/edge-start`,
    `${v1}/serviceaccounts/edge-traffic`,
    `${v1}/serviceaccounts/edge-backup`,
    `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/edge`,
    `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies/edge-backup`,
  ]) {
    expect(await bench.object(path), path).toBeDefined();
  }
  const status = await bench.status("edge");
  expect(status["observedGeneration"]).toBe(1);
  expect(status["controlPlane"]).toMatchObject({ verdict: "Reachable" });
  expect(await condition("edge", "FallbackReady")).toMatchObject({ status: "False", reason: "NoExportYet" });
});
