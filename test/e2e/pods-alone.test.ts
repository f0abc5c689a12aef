import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signal } from "../stage/faults.ts";
import { expectLostOfTheKilledAlone } from "../stage/killed.ts";
import { expectNoneLost, isReady, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/** An outage that begins while no operator runs: what pods do by themselves, and what waits for the operator. */
let story: Story;
const RATE = 40;
const GATEWAY = "/simulator.mjs";

beforeAll(async () => {
  story = await Story.begin("alone", { replicas: 3 });
  await story.stage.operatorScale(0);
  await story.stage.controlPlane.kill();
});
afterAll(() => story?.stage.end());

async function loses0(happens: () => Promise<void>): Promise<void> {
  const load = await underLoad(story.stage, RATE, happens);
  expectNoneLost(load);
}

const gatewayOf = (pod: { status: { containerStatuses: { name: string; restartCount: number }[] } }) =>
  pod.status.containerStatuses.find((container) => container.name === "gateway");

test("evicted: the successor finds the proof that was published in good times, and serves", async () => {
  story.reportFailure();
  await loses0(async () => {
    expect(await story.evict(await story.oneFrom("normal"))).toBe(201);
    await story.untilSources("fallback,normal,normal");
  });
});

test("a snapshot pod's container killed in place reads the snapshot again and serves", async () => {
  story.reportFailure();
  const victim = await story.oneFrom("fallback");
  let killedAt = new Date();
  const load = await underLoad(story.stage, RATE, async () => {
    killedAt = new Date();
    signal(victim, GATEWAY, "SIGKILL");
    await story.stage.cluster.wait(
      "it serves again",
      async () =>
        (await story.ready()).some(
          (pod) => pod.metadata.uid === victim.metadata.uid && gatewayOf(pod)?.restartCount === 1,
        ),
      60,
    );
  });
  expect(await story.sources()).toBe("fallback,normal,normal");
  expectLostOfTheKilledAlone(load, { pod: victim.metadata.name, at: killedAt, of: 3 });
});

test("a normal pod's container killed in place waits: the others serve, and the operator that returns replaces it", async () => {
  story.reportFailure();
  const victim = await story.oneFrom("normal");
  let killedAt = new Date();
  const load = await underLoad(story.stage, RATE, async () => {
    killedAt = new Date();
    signal(victim, GATEWAY, "SIGKILL");
    await story.stage.cluster.wait(
      "it has tried again and again",
      async () =>
        (await story.pods()).some(
          (pod) =>
            pod.metadata.uid === victim.metadata.uid && !isReady(pod) && (gatewayOf(pod)?.restartCount ?? 0) >= 2,
        ),
      60,
    );
    expect(await story.sources()).toBe("fallback,normal");
    await story.stage.operatorScale(2);
    await story.untilSources("fallback,fallback,normal");
  });
  expect((await story.pods()).map((pod) => pod.metadata.uid)).not.toContain(victim.metadata.uid);
  expectLostOfTheKilledAlone(load, { pod: victim.metadata.name, at: killedAt, of: 3 });
});

const replicas = async (): Promise<number> =>
  (await story.stage.cluster.get(story.stage.namespace, "deployments", story.name)).spec.replicas;
const scaleDeployment = (to: number) =>
  story.stage.cluster.kubectl(
    ...["-n", story.stage.namespace, "scale", `deployment/${story.name}`, `--replicas=${to}`],
  );

test("scaling the group waits for the operator, scaling the Deployment does not: up and down", async () => {
  story.reportFailure();
  await story.stage.untilMode("Fallback", 150);
  await story.stage.operatorScale(0);
  await loses0(async () => {
    await story.scale(4);
    for (let looks = 0; looks < 10; looks += 1) {
      await sleep(500);
      expect([await replicas(), (await story.pods()).length], "nobody carries it out").toEqual([3, 3]);
    }
    await scaleDeployment(5);
    await story.untilSources("fallback,fallback,fallback,fallback,normal");
    await scaleDeployment(3);
    // Which of them leave is Kubernetes' choice; their drains are over before the load is.
    const left = async () => [(await story.stage.pods()).length, (await story.ready()).length].join();
    await story.stage.cluster.wait("three are left, all ready", async () => (await left()) === "3,3", 60);
  });
});

test("kubectl rollout restart: each pod leaves after its successor serves from the snapshot", async () => {
  story.reportFailure();
  await loses0(async () => {
    await story.rolloutRestart();
    await story.untilSources("fallback,fallback,fallback");
  });
});

test("the operator returns: what was wished of the group meanwhile is brought about, in the outage still", async () => {
  story.reportFailure();
  expect(await replicas()).toBe(3);
  await loses0(async () => {
    await story.stage.operatorScale(2);
    await story.stage.cluster.wait("the group's own wish", async () => (await replicas()) === 4, 60);
    await story.untilSources("fallback,fallback,fallback,fallback");
  });
});

test("the control plane returns: all pods go back to normal", async () => {
  story.reportFailure();
  await loses0(async () => {
    await story.scale(3);
    await story.stage.controlPlane.start();
    await story.untilSources("normal,normal,normal", 180);
    await story.stage.untilMode("Normal", 30);
  });
});
