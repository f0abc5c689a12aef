import { afterAll, beforeAll, expect, test } from "vitest";
import { FULL } from "../stage/says.ts";
import { Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/**
 * Gateways of one worker, with the drain that a group has by default: a worker that dies in an outage leaves a pod that
 * answers nobody. It goes without waiting for its successor, and without its drain.
 */
let story: Story;

beforeAll(async () => {
  if (!FULL) return;
  const env = Object.entries({ SIM_EXPOSE_POD: "1", SIM_FLAVOUR: "opensource" });
  story = await Story.begin("worker", {
    spec: {
      gateway: { workers: 1, config: { apisix: { worker_startup_time_threshold: 1 } } },
      traffic: {
        drainSeconds: 30,
        podTemplate: {
          spec: { containers: [{ name: "gateway", env: env.map(([name, value]) => ({ name, value })) }] },
        },
      },
    },
  });
});
afterAll(() => story?.stage.end());

test.runIf(FULL)(
  "the only worker of a pod dies in the outage: its pod is gone within seconds, and nobody else fails",
  async () => {
    story.reportFailure();
    const { cluster, namespace, controlPlane } = story.stage;
    await controlPlane.kill();
    await story.stage.untilMode("Fallback", 120);
    const { name } = (await story.oneFrom("normal")).metadata;
    const load = await underLoad(story.stage, 100, async () => {
      await cluster.kubectl(
        "-n",
        namespace,
        "exec",
        name,
        "-c",
        "gateway",
        "--",
        "node",
        "/simulator.mjs",
        "kill-worker",
        "0",
      );
      await story.untilSources("fallback,normal", 120);
      await cluster.wait("it is gone", async () => (await cluster.get(namespace, "pods", name)) === undefined, 90);
    });
    const { failed, failedPods, failures, firstFailureAt, lastFailureAt } = load;
    const seconds = (Date.parse(String(lastFailureAt)) - Date.parse(String(firstFailureAt))) / 1_000;
    console.log(`worker: ${JSON.stringify({ failed, failures, seconds, failedPods })}`);
    const others = Object.keys(failedPods).filter((pod) => pod !== name);
    expect(others, JSON.stringify(load.examples)).toEqual([]);
    expect(failed, "the story is about failed requests: some must be seen").toBeGreaterThan(0);
    expect(seconds, "it was found within its interval, and left at once").toBeLessThan(15);
    expect((await story.events()).filter((reason) => reason === "PodReplaced")).not.toEqual([]);
  },
);
