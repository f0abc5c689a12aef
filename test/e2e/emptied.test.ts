import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FULL, isTrue, lost } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { sourceOf, underLoad } from "../stage/watch.ts";

/** A control plane that comes back with nothing in it, or loses all while the group returns to it. */
let story: Story;

beforeAll(async () => {
  story = await Story.begin("emptied", {
    spec: {
      fallback: {
        rollout: { type: "Rolling", startAfterSeconds: 0 },
        storageRef: { name: "eu" },
        outageAfterSeconds: 10,
        recovery: { afterSeconds: 10 },
        rehearsal: { minIntervalSeconds: 0 },
      },
    },
  });
});
afterAll(() => story?.stage.end());

const empty = () => story.stage.admin("POST", "/admin/fault", { mode: "empty" });
const restore = () => story.stage.fillControlPlane();
const uids = async () => (await story.pods()).map((pod) => pod.metadata.uid).sort();
const intoFallback = async () => {
  await story.stage.controlPlane.kill();
  await story.until("all from the snapshot", 120, (s) => s.mode === "Fallback" && s.traffic?.fromSnapshot === 2);
  await story.untilSources("fallback,fallback");
  // One that drains still has its connections, and would take over from the control plane whatever that holds.
  const { cluster } = story.stage;
  await cluster.wait("the others are gone", async () => (await story.stage.pods()).length === 2, 30);
};
const backToNormal = async () => {
  await story.until("normal again", 240, (s) => s.mode === "Normal" && s.traffic?.fromControlPlane === 2);
  await story.untilSources("normal,normal");
  await story.stage.untilProven();
};

test.runIf(FULL)(
  "emptied in fallback: what serves goes on, and nobody returns to it until it is restored",
  async () => {
    story.reportFailure();
    const { digest } = (await story.stage.status()).snapshot;
    const load = await underLoad(story.stage, 50, async () => {
      await intoFallback();
      const serving = await uids();
      await story.stage.controlPlane.start();
      await empty();
      await story.until("seen as emptied", 30, (status) => isTrue(status, "ControlPlaneRegressed"));
      await sleep(30_000); // three times as long as a return waits
      const status = await story.stage.status();
      expect([status.mode, status.snapshot.digest, await uids()]).toEqual(["Fallback", digest, serving]);
      expect(isTrue(status, "FallbackReady"), "the verified pair stays").toBe(true);
      expect(await story.events()).toContain("Regressed");
      await restore();
      await backToNormal();
    });
    expectNoneLost(load);
  },
);

test.runIf(FULL)(
  "emptied during the return: the group turns round, and no pod of the snapshot was given up",
  async () => {
    story.reportFailure();
    const { digest } = (await story.stage.status()).snapshot;
    await intoFallback();
    await story.stage.controlPlane.start();
    await story.stage.untilMode("ToNormal", 90);
    await empty();
    const turned = async () => (await story.stage.status()).mode;
    await story.until("turned round", 30, async () => ["ToFallback", "Fallback"].includes(await turned()));
    await story.untilSources("fallback,fallback", 120);
    const load = await underLoad(story.stage, 50, () => sleep(20_000));
    const status = await story.stage.status();
    expect([status.mode, status.snapshot.digest]).toEqual(["Fallback", digest]);
    expect((await story.pods()).map(sourceOf)).toEqual(["fallback", "fallback"]);
    expect(lost(load), "served from the last good pair alone").toEqual([]);
    await restore();
    await backToNormal();
  },
);
