/** Disruption budget and quota, on a real API server: the budget's switch, and pods that a namespace's limits ask more of. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../lab/process.ts";
import { type Bench, condition, LIMIT_MS, type Loose, NAMESPACE, startBench, V1 } from "./operator-bench.ts";
import { makeServing, podsOf, rehearse, run } from "./operator-kubelet.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
  await bench.startOperator();
});
afterAll(async () => {
  await bench?.stop();
});

const budget = (name: string) => bench.object(`/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/${name}`);

async function runningRehearsal(group: string): Promise<Loose> {
  await until("a rehearsal pod is there", async () => (await podsOf(bench, group, "rehearsal")).length === 1, LIMIT_MS);
  const [pod] = await podsOf(bench, group, "rehearsal");
  await run(bench, pod as Loose);
  return pod as Loose;
}

test("the budget is made, and removed when it is switched off", async () => {
  await makeServing(bench, "edge");
  expect((await budget("edge"))?.["spec"]).toMatchObject({ maxUnavailable: "10%" });
  await makeServing(bench, "edge", (spec) => {
    spec["traffic"] = { disruptionBudget: { enabled: false } };
  });
  await until("the budget is gone", async () => (await budget("edge")) === undefined, LIMIT_MS);
}, 180_000);

test("a quota on limits.cpu and a LimitRange: with resources for Holdfast's own containers every pod is made", async () => {
  const quota = { hard: { "limits.cpu": "40" } };
  await bench.api.call("POST", `${V1}/resourcequotas`, {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "q" },
    spec: quota,
  });
  const limits = [{ type: "Container", max: { memory: "160Mi" } }];
  await bench.api.call("POST", `${V1}/limitranges`, {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "l" },
    spec: { limits },
  });
  await bench.group("tight");
  const refused = async () => (await condition(bench, "tight", "Stalled"))?.["reason"] === "PodsRefused";
  await until("the pods are refused", refused, LIMIT_MS);
  expect((await condition(bench, "tight", "Stalled"))?.["message"]).toContain("initContainers, name choose");
  const resources = { requests: { memory: "128Mi" }, limits: { cpu: "200m", memory: "128Mi" } };
  const podTemplate = { spec: { initContainers: [{ name: "choose", resources }] } };
  await makeServing(bench, "tight", (spec) => {
    spec["gateway"].resources = { limits: { cpu: "1", memory: "128Mi" } };
    spec["traffic"] = { podTemplate };
    spec["backup"] = { podTemplate };
  });
  await bench.exportSnapshot("tight", 3);
  await rehearse(bench, await runningRehearsal("tight"), { routes: 3, services: 1, upstreams: 0 });
  await until(
    "it is proven",
    async () => (await condition(bench, "tight", "FallbackReady"))?.["reason"] === "Proven",
    LIMIT_MS,
  );
}, 180_000);
