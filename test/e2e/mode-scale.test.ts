import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { FULL, held } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/** Rolling, while somebody else has a say in the number of pods: an autoscaler, a quota. */
let story: Story;

beforeAll(async () => {
  if (!FULL) return;
  const fallback = {
    storageRef: { name: "eu" },
    outageAfterSeconds: 10,
    rollout: { type: "Rolling", startAfterSeconds: 0, maxSurge: 1 },
    recovery: { afterSeconds: 10 },
    rehearsal: { minIntervalSeconds: 0 },
  };
  story = await Story.begin("scale", { replicas: 3, spec: { fallback } });
});
afterAll(() => story?.stage.end());

/** Reads and PUTs the scale subresource of the group every 7 s, as a HorizontalPodAutoscaler does. */
async function autoscale(signal: AbortSignal): Promise<void> {
  const { cluster, namespace } = story.stage;
  const path = `${cluster.path(namespace, "gatewaygroups", story.name)}/scale`;
  for (let replicas = 4; !signal.aborted; replicas = 6 - replicas) {
    const { body } = await cluster.api.call("GET", path);
    body.spec.replicas = replicas;
    const answer = await cluster.api.call("PUT", path, body);
    if (answer.code !== 200 && answer.code !== 409) throw new Error(`PUT scale: ${answer.code}`);
    await sleep(7_000, undefined, { signal }).catch(() => undefined);
  }
}

test.runIf(FULL)("an autoscaler that goes up and down between 2 and 4 through a flip and a return", async () => {
  story.reportFailure();
  const load = await underLoad(story.stage, 40, async () => {
    const stop = new AbortController();
    const scaler = autoscale(stop.signal);
    try {
      await story.stage.controlPlane.kill();
      await story.until("all from the snapshot", 180, async (s) => {
        return s.mode === "Fallback" && s.traffic.fromSnapshot >= 2 && !(await story.sources()).includes("normal");
      });
      await story.stage.controlPlane.start();
      await story.until("all normal", 180, async (status) => {
        return status.mode === "Normal" && !(await story.sources()).includes("fallback");
      });
    } finally {
      stop.abort();
      await scaler;
    }
  });
  expectNoneLost(load);
  await story.scale(3);
  await story.untilSources("normal,normal,normal");
  await story.stage.untilProven();
});

test.runIf(FULL)(
  "a quota leaves no room for the surge: told, nothing is shrunk; the move ends when the quota goes",
  async () => {
    story.reportFailure();
    const { stage } = story;
    const load = await underLoad(stage, 40, async () => {
      // A pod that leaves still counts for a quota, and would leave room for one more.
      await stage.cluster.wait("nobody leaves, no helper runs", async () => (await passing()) === 0, 60);
      const before = (await story.pods()).map((pod) => pod.metadata.uid).sort();
      const pods = await stage.cluster.list(stage.namespace, "pods");
      await stage.cluster.apply({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "full", namespace: stage.namespace },
        spec: { hard: { pods: String(pods.length) } },
      });
      await stage.controlPlane.kill();
      await story.until("the surge is impossible", 240, (status) => held(status) === "SurgeImpossible");
      expect((await story.ready()).map((pod) => pod.metadata.uid).sort()).toEqual(before);
      await stage.cluster.kubectl("-n", stage.namespace, "delete", "quota", "full");
      await story.until("all from the snapshot", 240, (s) => s.mode === "Fallback" && s.traffic.fromSnapshot === 3);
      expect(held(await stage.status())).toBe("");
      await stage.controlPlane.start();
      await story.until("all normal", 180, (s) => s.mode === "Normal" && s.traffic.fromControlPlane === 3);
    });
    expectNoneLost(load);
  },
);

async function passing(): Promise<number> {
  const pods = await story.stage.cluster.list(story.stage.namespace, "pods");
  const stays = ({ metadata }: Json) =>
    ["traffic", "backup"].includes(metadata.labels["holdfast.dev/role"]) && !metadata.deletionTimestamp;
  return pods.filter((pod) => !stays(pod)).length;
}
