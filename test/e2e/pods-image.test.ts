import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../stage/cluster.ts";
import { FULL, isTrue } from "../stage/says.ts";
import { expectNoneLost, imageOf, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/** A new gateway image and an outage: the change that comes in the outage, and the outage that comes in the change. */
let story: Story;
const OLD = "docker.io/api7/api7-ee-3-gateway:3.9.13";
const NEW = "docker.io/api7/api7-ee-3-gateway:3.9.14";

beforeAll(async () => {
  // Each flip of one hour doubles the wait for the return, and here are five.
  if (FULL) story = await Story.begin("image", { replicas: 3, spec: { fallback: { recovery: { afterSeconds: 5 } } } });
});
afterAll(() => story?.stage.end());

async function loses0(happens: () => Promise<void>): Promise<void> {
  const load = await underLoad(story.stage, 40, happens);
  expectNoneLost(load);
}
/** "old,old,new" of the ready pods, in alphabetical order. */
const images = async () =>
  (await story.ready())
    .map((pod) => (imageOf(pod) === NEW ? "new" : "old"))
    .sort()
    .join();
const untilImages = (wanted: string, seconds = 120) =>
  story.stage.cluster.wait(
    `ready pods are of ${wanted}`,
    async () => (await images()) === wanted && (await story.pods()).length === wanted.split(",").length,
    seconds,
  );
const uids = async () => (await story.pods()).map((pod) => pod.metadata.uid).sort();
const pending = (reason: string) => story.until(`RestartPending ${reason}`, 60, (s) => pendingReason(s) === reason);
const pendingReason = (status: { conditions?: { type: string; reason: string }[] }) =>
  isTrue(status, "RestartPending") ? status.conditions?.find(({ type }) => type === "RestartPending")?.reason : "";

/** Template of a gateway that starts slowly, or that loads less than the snapshot holds: then it can never be proven. */
const gateway = (env: Record<string, string>) => ({
  podTemplate: {
    spec: {
      containers: [
        {
          name: "gateway",
          env: Object.entries({ SIM_EXPOSE_POD: "1", ...env }).map(([name, value]) => ({ name, value })),
        },
      ],
    },
  },
});

const isPlain = (pod: Json): boolean => {
  const env: Json[] = pod.spec.containers.find(({ name }: Json) => name === "gateway").env;
  return (
    env
      .filter(({ name }) => name.startsWith("SIM_"))
      .map(({ name }) => name)
      .join() === "SIM_EXPOSE_POD"
  );
};

const untilChanged = () =>
  story.stage.cluster.wait(
    "every pod is of the changed template, and ready",
    async () => {
      const [ready, all] = [await story.ready(), await story.pods()];
      return ready.length === 3 && all.length === 3 && !all.some(isPlain);
    },
    150,
  );

/** The rehearsal was of the template that pods have now, ended after it was asked for and before the first of them began. */
async function expectProvenFirst({ result, key, at }: Json, asked: string): Promise<void> {
  expect([result, at >= asked], `${at}, asked ${asked}`).toEqual(["Loaded", true]);
  for (const { metadata } of await story.pods()) {
    expect(metadata.annotations["holdfast.dev/proof-key"]).toBe(key);
    expect(Date.parse(metadata.creationTimestamp) + 999, "whole seconds").toBeGreaterThanOrEqual(Date.parse(at));
  }
}

async function outage(): Promise<void> {
  await story.stage.controlPlane.kill();
  await story.stage.untilMode("Fallback", 150);
}

async function back(): Promise<void> {
  await story.stage.controlPlane.start();
  // A gateway that was alone for a minute asks for its control plane a minute later.
  await story.stage.untilMode("Normal", 240);
}

/** The control plane is there, nothing moves or pends, and a template that can be proven is; whatever went on before. */
async function settled(): Promise<void> {
  if (story.stage.controlPlane.ended() !== undefined) await story.stage.controlPlane.start();
  await story.patch({ traffic: gateway({}) });
  // The template of the story before may only now begin to roll out.
  await story.stage.cluster.wait(
    "every pod is of the plain template",
    async () => (await story.pods()).every(isPlain),
    180,
  );
  await story.untilSources("normal,normal,normal", 180);
  await story.stage.untilProven(120);
  await story.until("nothing pends", 60, (status) => pendingReason(status) === "");
}

test.runIf(FULL)("changed in an outage: the change waits, and rolls after the return", async () => {
  story.reportFailure();
  await settled();
  await loses0(async () => {
    await outage();
    const before = await uids();
    await story.patch({ gateway: { image: NEW } });
    await pending("ChangeWaits");
    expect(await uids()).toEqual(before);
    await back();
    await untilImages("new,new,new", 180);
  });
});

test.runIf(FULL)(
  "changed in an outage and asked for with restart-at: rehearsed first, then rolled from the snapshot",
  async () => {
    story.reportFailure();
    await settled();
    await loses0(async () => {
      await outage();
      // A template that no rehearsal has seen: the image alone was proven in the story before.
      await story.patch({ gateway: { image: OLD }, traffic: gateway({ SIM_START_DELAY_MS: "500" }) });
      await pending("ChangeWaits");
      const asked = new Date().toISOString();
      await story.annotate("restart-at", asked);
      await untilChanged();
      expect(await story.sources()).toBe("fallback,fallback,fallback");
      expect(await images()).toBe("old,old,old");
      const status = await story.stage.status();
      expect(status).toMatchObject({ mode: "Fallback", restartedAt: asked });
      await expectProvenFirst(status.snapshot.lastRehearsal, asked);
      await back();
    });
  },
);

test.runIf(FULL)(
  "an outage in a roll, no pod of the new template serves: the template that serves is put back",
  async () => {
    story.reportFailure();
    await settled();
    await loses0(async () => {
      const before = await uids();
      // The gateway of this template loads less than the snapshot holds, so no rehearsal can prove it.
      const traffic = gateway({ SIM_START_DELAY_MS: "8000", SIM_LOAD_FEWER: "3" });
      await story.patch({ gateway: { image: NEW }, traffic });
      await story.stage.cluster.wait("a pod of the new template starts", async () => (await chosen()) > 0, 60);
      await story.stage.controlPlane.kill();
      await story.stage.untilMode("Fallback", 150);
      await story.stage.cluster.wait("the new pod is gone", async () => (await uids()).join() === before.join(), 60);
      expect(await story.events()).toContain("TemplateRestored");
      await pending("ChangeWaits");
      await back();
      await untilImages("new,new,new", 180);
    });
  },
);

/** How many pods of the new image have made their start choice. */
async function chosen(): Promise<number> {
  const pods = (await story.pods()).filter((pod) => imageOf(pod) === NEW);
  return pods.filter((pod) => pod.status.initContainerStatuses?.[0]?.state?.terminated).length;
}

test.runIf(FULL)(
  "an outage in a roll, pods of both templates serve: the roll is paused, and goes on after the return",
  async () => {
    story.reportFailure();
    await settled();
    await story.patch({ gateway: { image: OLD }, traffic: gateway({}) });
    await untilImages("old,old,old", 180);
    await settled();
    await loses0(async () => {
      await story.patch({ gateway: { image: NEW }, traffic: gateway({ SIM_LOAD_FEWER: "3" }) });
      await story.stage.cluster.wait("one new pod serves", async () => (await images()).includes("new"), 60);
      await outage();
      await pending("OutageDuringRoll");
      const { cluster, namespace } = story.stage;
      expect((await cluster.get(namespace, "deployments", "edge")).spec.paused).toBe(true);
      expect((await images()).split(",").length, "ready pods").toBeGreaterThanOrEqual(3);
      await back();
      await untilImages("new,new,new", 180);
    });
  },
);

test.runIf(FULL)("changed in an outage while no operator runs: it waits for him, and then as with him", async () => {
  story.reportFailure();
  await settled();
  const { stage } = story;
  const template = async () => (await stage.cluster.get(stage.namespace, "deployments", story.name)).spec.template;
  const [next, word] = imageOf((await story.ready())[0]) === NEW ? [OLD, "old"] : [NEW, "new"];
  await loses0(async () => {
    await outage();
    const [before, templateBefore] = [await uids(), await template()];
    await stage.operatorScale(0);
    await story.patch({ gateway: { image: next } });
    await sleep(10_000);
    expect([await uids(), await template()], "nobody carries it out").toEqual([before, templateBefore]);
    await stage.operatorScale(2);
    await pending("ChangeWaits");
    await sleep(5_000);
    expect([await uids(), await template()], "it waits for normal times").toEqual([before, templateBefore]);
    expect((await stage.status()).mode).toBe("Fallback");
    await back();
    await untilImages([word, word, word].join(), 180);
  });
});
