import { afterAll, beforeAll, expect, test } from "vitest";
import { signal } from "../stage/faults.ts";
import { expectLostOfTheKilledAlone } from "../stage/killed.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/**
 * One outage of a group whose pods are left alone (OnRestart), and all that happens to pods meanwhile. The tests follow
 * one another in this outage. The same without an operator: pods-alone.test.ts.
 */
let story: Story;
const RATE = 40;
/** The container's first process: what the gateway's workers end with. */
const GATEWAY = "/simulator.mjs";

beforeAll(async () => {
  story = await Story.begin("pods", { replicas: 3 });
  await story.stage.controlPlane.kill();
  await story.stage.untilMode("Fallback", 150);
});
afterAll(() => story?.stage.end());

/** No request was lost in `happens`, with no allowance at all. */
async function loses0(happens: () => Promise<void>): Promise<void> {
  const load = await underLoad(story.stage, RATE, happens);
  expectNoneLost(load);
}

test("evicted, as a drain does it: the successor comes from the snapshot", async () => {
  story.reportFailure();
  await loses0(async () => {
    expect(await story.evict(await story.oneFrom("normal"))).toBe(201);
    await story.untilSources("fallback,normal,normal");
  });
});

test("a container killed in place keeps its normal configuration: Holdfast deletes the pod, the next one serves", async () => {
  story.reportFailure();
  const victim = await story.oneFrom("normal");
  let killedAt = new Date();
  const load = await underLoad(story.stage, RATE, async () => {
    killedAt = new Date();
    signal(victim, GATEWAY, "SIGKILL");
    await story.untilSources("fallback,fallback,normal", 120);
  });
  expect((await story.pods()).map((pod) => pod.metadata.name)).not.toContain(victim.metadata.name);
  expectLostOfTheKilledAlone(load, { pod: victim.metadata.name, at: killedAt, of: 3 });
});

test("scaled up and down by the scale subresource of the group", async () => {
  story.reportFailure();
  await loses0(async () => {
    await story.scale(4);
    await story.untilSources("fallback,fallback,fallback,normal");
    await story.scale(3);
    await story.stage.cluster.wait("three ready pods", async () => (await story.pods()).length === 3, 60);
  });
  expect((await story.ready()).length).toBe(3);
});

test("kubectl rollout restart: each pod leaves after its successor serves from the snapshot", async () => {
  story.reportFailure();
  await loses0(async () => {
    await story.rolloutRestart();
    await story.untilSources("fallback,fallback,fallback");
  });
  expect((await story.stage.status()).mode).toBe("Fallback");
});
