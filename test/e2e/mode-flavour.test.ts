import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoadSummary } from "../simulator/load.ts";
import { FULL } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/**
 * Gateways of two workers, whose /status/ready means one of two things: the vendor's "I reach the control plane", and
 * open-source APISIX's "each of my workers has had a configuration once", which stays 200 all through an outage.
 */
let story: Story;

const traffic = (flavour: "opensource" | "vendor") => {
  const env = Object.entries({ SIM_EXPOSE_POD: "1", SIM_FLAVOUR: flavour }).map(([name, value]) => ({ name, value }));
  return { replicas: 2, podTemplate: { spec: { containers: [{ name: "gateway", env }] } } };
};

/** Open source: a worker that comes within worker_startup_time_threshold (60 s) of the start is not empty. */
const INHERIT_MS = 75_000;

beforeAll(async () => {
  if (!FULL) return;
  const gateway = { workers: 2 };
  story = await Story.begin("flavour", {
    spec: { gateway, traffic: { ...traffic("opensource"), drainSeconds: 4, check: { path: "/r1" } } },
  });
});
afterAll(() => story?.stage.end());

/** The new worker is empty: its share of the pod's requests meets 404 until the pod has been replaced. */
async function aWorkerDies(): Promise<{ load: LoadSummary; victim: string }> {
  const { cluster, namespace } = story.stage;
  const pod = await story.oneFrom("normal");
  const victim: string = pod.metadata.name;
  const startedAt = Date.parse(pod.status.startTime);
  await cluster.wait(
    "it runs for longer than new workers inherit",
    async () => Date.now() - startedAt > INHERIT_MS,
    90,
  );
  const load = await underLoad(story.stage, 40, async () => {
    await cluster.kubectl(
      ...["-n", namespace, "exec", victim, "-c", "gateway", "--", "node", "/simulator.mjs", "kill-worker", "0"],
    );
    await story.untilSources("fallback,normal", 120);
  });
  return { load, victim };
}

/** All that failed was answered by the worker that died or took its place, or stood open on it. */
function expectOnlyTheVictims({ load, victim }: { load: LoadSummary; victim: string }): void {
  const others = Object.entries(load.failedPods).filter(([pod]) => pod !== victim);
  expect(others, JSON.stringify(load.examples.filter(({ pod }) => pod !== victim))).toEqual([]);
  expect(load.failedPods[victim], "each 404 names who said it").toBeGreaterThanOrEqual(load.failures.status ?? 0);
  expect(load.failed, "the story is about failed requests: some must be seen").toBeGreaterThan(0);
  expect(load.failedStatus["404"], "the empty worker's share").toBe(load.failed - (load.failures.reset ?? 0));
  expect(load.pods[victim] ?? 0, "the other worker went on serving").toBeGreaterThan(0);
}

async function loses0(happens: () => Promise<void>): Promise<void> {
  const load = await underLoad(story.stage, 40, happens);
  expectNoneLost(load);
}

const flips = () =>
  loses0(async () => {
    await story.stage.controlPlane.kill();
    await story.stage.untilMode("Fallback", 150);
    expect(await story.sources(), "what serves from memory stays").toBe("normal,normal");
  });

const returns = () =>
  loses0(async () => {
    await story.stage.controlPlane.start();
    await story.untilSources("normal,normal", 180);
    await story.stage.untilMode("Normal", 150);
  });

test.runIf(FULL)(
  "open source: /status/ready says 200 all the while, and the flip goes by the metric alone",
  async () => {
    story.reportFailure();
    await flips();
    const status = await story.stage.status();
    expect(status.controlPlane).toMatchObject({ verdict: "Unreachable", connected: 0, disconnected: 2 });
  },
);

test.runIf(FULL)("open source: a worker dies in the outage, and its pod is replaced from the snapshot", async () => {
  story.reportFailure();
  expectOnlyTheVictims(await aWorkerDies());
  await returns();
});

test.runIf(FULL)("vendor: the same, found by the group's own check of one route", async () => {
  story.reportFailure();
  await loses0(async () => {
    await story.patch({ traffic: traffic("vendor") });
    const { cluster, namespace } = story.stage;
    await cluster.wait(
      "the change is on its way",
      async () =>
        JSON.stringify((await cluster.get(namespace, "deployments", "edge")).spec.template).includes('"vendor"'),
      60,
    );
    await cluster.kubectl("-n", namespace, "rollout", "status", "deployment/edge", "--timeout=120s");
    await story.untilSources("normal,normal");
  });
  await story.stage.untilProven();
  await flips();
  expectOnlyTheVictims(await aWorkerDies());
  await returns();
});
