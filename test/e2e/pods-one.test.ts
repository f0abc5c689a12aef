import { afterAll, beforeAll, expect, test } from "vitest";
import { FULL, held } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/**
 * A group of one pod, and its node is drained in an outage. The budget is 10 % of one pod, which Kubernetes rounds up to
 * one, so the eviction is let through: an outage must not keep a node from being emptied. Nothing is lost because the
 * pod that leaves serves until its drain is over, and its successor starts from the snapshot in less than that.
 */
let story: Story;

beforeAll(async () => {
  if (!FULL) return;
  const podTemplate = { spec: { containers: [{ name: "gateway", env: [{ name: "SIM_EXPOSE_POD", value: "1" }] }] } };
  const traffic = { replicas: 1, drainSeconds: 20, check: { path: "/r1" }, podTemplate };
  story = await Story.begin("one", { spec: { traffic } });
});
afterAll(() => story?.stage.end());

async function drain(): Promise<void> {
  const { cluster, namespace } = story.stage;
  const [pod] = await story.ready();
  const selector = `holdfast.dev/role=traffic,holdfast.dev/group=${story.name}`;
  const node: string = pod.spec.nodeName;
  const load = await underLoad(story.stage, 40, async () => {
    await cluster.kubectl("drain", node, `--pod-selector=${selector}`, "--ignore-daemonsets", "--delete-emptydir-data");
    await story.untilSources("fallback");
  });
  await cluster.kubectl("uncordon", node);
  const [successor] = await story.ready();
  expect(successor.metadata.uid).not.toBe(pod.metadata.uid);
  expect(successor.spec.nodeName).not.toBe(node);
  expect(successor.metadata.namespace).toBe(namespace);
  expectNoneLost(load);
}

test.runIf(FULL)("drained in the outage, and again with the operator down", async () => {
  story.reportFailure();
  await story.stage.controlPlane.kill();
  await drain();
  await story.stage.untilMode("Fallback", 150);
  await story.stage.operatorScale(0);
  await drain();
});

test.runIf(FULL)(
  "with no proven snapshot the budget refuses the eviction: nothing could take the pod's place",
  async () => {
    story.reportFailure();
    const { stage } = story;
    await stage.operatorScale(2);
    await stage.controlPlane.start();
    await stage.untilProven(180);
    await story.untilSources("normal");
    await story.patch({ fallback: { storageRef: { name: "elsewhere" } } });
    await story.until("not safe", 60, (status) => status.fallbackReady === "StorageNotFound");
    const [pod] = await story.ready();
    const load = await underLoad(stage, 40, async () => {
      await stage.controlPlane.kill();
      await story.until("it holds", 60, (status) => held(status) === "NoProof");
      await stage.cluster.wait("the eviction is refused", async () => (await story.evict(pod)) === 429, 10);
      expect((await story.ready()).map(({ metadata }) => metadata.uid)).toEqual([pod.metadata.uid]);
      await stage.controlPlane.start();
      await story.until("nothing is held", 60, (status) => held(status) === "");
      await stage.cluster.wait("the eviction is let through", async () => (await story.evict(pod)) === 201, 20);
      await story.untilSources("normal");
    });
    expectNoneLost(load);
  },
);
