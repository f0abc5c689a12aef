/** Beside another writer of Holdfast's objects, on a real API server: who it is, an end of the fight, and a restored copy. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../lab/process.ts";
import {
  type Bench,
  becomes,
  condition,
  deploymentPath,
  LIMIT_MS,
  type Loose,
  merge,
  NAMESPACE,
  startBench,
  untilQuiet,
} from "./operator-bench.ts";
import { makeServing, serveAll } from "./operator-kubelet.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
  await bench.startOperator();
});
afterAll(async () => {
  await bench?.stop();
});

const deployment = async (name: string) => (await bench.object(deploymentPath(name))) as Loose;
const replicas = async () => (await deployment("edge"))["spec"].replicas;

/** As an autoscaler does it, under a name of its own. */
async function scaleDeployment(to: number): Promise<void> {
  const scale = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "edge", namespace: NAMESPACE } };
  const path = `${deploymentPath("edge")}/scale?fieldManager=someones-autoscaler`;
  const { code } = await bench.api.call("PUT", path, { ...scale, spec: { replicas: to } });
  expect(code).toBe(200);
}

test("an autoscaler on the Deployment wants more: three times taken back, then its pods stay and it is named", async () => {
  await makeServing(bench, "edge");
  for (let round = 1; round <= 3; round += 1) {
    await scaleDeployment(3);
    await until(`taken back, round ${round}`, async () => (await replicas()) === 2, LIMIT_MS);
  }
  await scaleDeployment(3);
  await becomes(bench, "edge", "Stalled", "True", "ReplicasContested");
  expect((await condition(bench, "edge", "Stalled"))?.["message"]).toContain('Field manager "someones-autoscaler"');
  await untilQuiet(bench, 5_000);
  expect(await replicas()).toBe(3);
  await scaleDeployment(4);
  await untilQuiet(bench, 5_000);
  expect(await replicas(), "no pod is removed").toBe(4);
  await scaleDeployment(2);
  await becomes(bench, "edge", "Stalled", "False", "Accepted");
});

/** Holdfast may look seldom while pods of the copy come up: some 30 s on a quiet machine. */
const RESTORE_MS = 180_000;

/** Deletes the Deployment and makes it anew from its copy, as a restore from a backup does. */
async function restore(name: string, change: (copy: Loose) => void = () => undefined): Promise<void> {
  const { metadata, spec } = await deployment(name);
  const { labels, annotations, ownerReferences } = metadata;
  const copy: Loose = { apiVersion: "apps/v1", kind: "Deployment", spec };
  copy["metadata"] = { name, labels, annotations, ...(ownerReferences && { ownerReferences }) };
  change(copy);
  await bench.api.call("DELETE", deploymentPath(name), { propagationPolicy: "Background" });
  const made = await bench.api.call(
    "POST",
    `${deploymentPath("")}?fieldManager=velero-server`.replace("/?", "?"),
    copy,
  );
  // Holdfast may have been quicker: then the restore writes over what it made.
  if (made.code === 409)
    await merge(bench, `${deploymentPath(name)}?fieldManager=velero-server`, { metadata: copy["metadata"], spec });
  else expect(made.code, JSON.stringify(made.body)).toBe(201);
}
const nodeSelector = async (name: string) => (await deployment(name))["spec"].template.spec.nodeSelector;
const managers = async (name: string) =>
  (await deployment(name))["metadata"].managedFields.map((one: Loose) => `${one["manager"]} ${one["operation"]}`);

test("a Deployment restored by another field manager: what the spec drops afterwards is taken away", async () => {
  const selector = { podTemplate: { spec: { nodeSelector: { disk: "fast" } } } };
  await makeServing(bench, "back", (spec) => {
    spec["traffic"] = selector;
  });
  expect(await nodeSelector("back")).toEqual({ disk: "fast" });
  await restore("back");
  await until("its fields are taken over", async () => (await managers("back")).includes("holdfast Apply"), RESTORE_MS);
  await until("new pods serve", async () => (await serveAll(bench, "back")) === 2, LIMIT_MS);
  await untilQuiet(bench, 3_000);
  const { generation } = (await deployment("back"))["metadata"];
  await bench.group("back", (spec) => {
    spec["traffic"] = {};
  });
  await until("the selector is gone", async () => (await nodeSelector("back")) === undefined, LIMIT_MS);
  expect((await deployment("back"))["metadata"].generation).toBe(generation + 1);
  expect((await deployment("back"))["spec"].replicas).toBe(2);
}, 400_000);

test("a copy that holds what the spec dropped meanwhile is brought to what is meant", async () => {
  await makeServing(bench, "late");
  await restore("late", (copy) => {
    copy["spec"].template.spec.nodeSelector = { disk: "old" };
    copy["metadata"].labels.team = "blue";
  });
  await until("the selector is gone", async () => (await nodeSelector("late")) === undefined, LIMIT_MS);
  expect((await deployment("late"))["metadata"].labels.team, "a label of somebody's own").toBe("blue");
});
