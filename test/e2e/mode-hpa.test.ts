import { afterAll, beforeAll, expect, test } from "vitest";
import { type MetricsApi, startMetricsApi } from "../stage/metrics-api.ts";
import { condition, FULL } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/** A real HorizontalPodAutoscaler on the scale of the GatewayGroup, before, during and after an outage. */
let story: Story;
let metrics: MetricsApi | undefined;
/** What one pod is to use, in thousandths of a core. */
const TARGET = 100;

beforeAll(async () => {
  if (!FULL) return;
  const fallback = {
    storageRef: { name: "eu" },
    outageAfterSeconds: 10,
    rollout: { type: "Rolling", startAfterSeconds: 0, maxSurge: 1 },
    recovery: { afterSeconds: 10 },
    rehearsal: { minIntervalSeconds: 0 },
  };
  story = await Story.begin("hpa", { replicas: 2, spec: { fallback } });
  metrics = await startMetricsApi(story.stage);
});
afterAll(async () => {
  await metrics?.stop();
  await story?.stage.end();
});

/** A load for so many pods. Just below: a surge that takes a share of it must not ask for one more. */
const load = (pods: number) => metrics?.use(pods * TARGET - 5);
const wished = async (): Promise<number> => (await story.stage.group(story.name)).spec.traffic.replicas;
const all = (pods: number, source: string): string => Array(pods).fill(source).join();
/** Asks each 5 s; while a move has pods on top, these take their share of the load, and it may wait for their end. */
const untilWished = (pods: number) =>
  story.stage.cluster.wait(`the autoscaler wishes for ${pods} pods`, async () => (await wished()) === pods, 180);

const autoscaler = () => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "edge", namespace: story.stage.namespace },
  spec: {
    scaleTargetRef: { apiVersion: "holdfast.dev/v1alpha1", kind: "GatewayGroup", name: story.name },
    minReplicas: 2,
    maxReplicas: 4,
    metrics: [
      { type: "Resource", resource: { name: "cpu", target: { type: "AverageValue", averageValue: `${TARGET}m` } } },
    ],
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }, // default: five minutes
  },
});

test.runIf(FULL)("replicas follow the load before, during and after an outage, and the pods follow them", async () => {
  story.reportFailure();
  const { stage } = story;
  load(2);
  await stage.cluster.apply(autoscaler());
  const sent = await underLoad(stage, 40, async () => {
    load(3);
    await untilWished(3);
    await story.untilSources(all(3, "normal"));

    await stage.controlPlane.kill();
    load(4);
    await untilWished(4);
    await story.until("four from the snapshot", 240, ({ mode, traffic }) => {
      return mode === "Fallback" && traffic?.fromSnapshot === 4 && traffic.replicas === 4;
    });
    load(2);
    await untilWished(2);
    await story.untilSources(all(2, "fallback"));

    await stage.controlPlane.start();
    await stage.untilMode("ToNormal", 120);
    load(3);
    await untilWished(3);
    await story.until("three from the control plane", 240, ({ mode, traffic }) => {
      return mode === "Normal" && traffic?.fromControlPlane === 3 && traffic.replicas === 3;
    });
    load(2);
    await untilWished(2);
    await story.untilSources(all(2, "normal"));
  });
  expectNoneLost(sent);
  const { status } = await stage.cluster.get(stage.namespace, "horizontalpodautoscalers", "edge");
  const able = ["AbleToScale", "ScalingActive"].map((type) => condition(status, type)?.status);
  expect(able, JSON.stringify(status.conditions)).toEqual(["True", "True"]);
  expect([status.desiredReplicas, condition(await stage.status(), "Stalled")?.status]).toEqual([2, "False"]);
  await stage.untilProven();
});
