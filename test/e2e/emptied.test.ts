import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoadSummary } from "../simulator/load.ts";
import type { Json } from "../stage/cluster.ts";
import { FULL, isTrue, lost } from "../stage/says.ts";
import { type Pair, readPair } from "../stage/snapshots.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { sourceOf, timed, underLoad } from "../stage/watch.ts";

/**
 * A control plane that comes back with nothing in it, or loses all while the group returns to it. Probes come each
 * second: 20 s for a verdict are far more than it takes, and far less than a person waits.
 */
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
const uidsOf = (pods: readonly Json[]) => pods.map((pod) => pod.metadata.uid).sort();
const uids = async () => uidsOf(await story.pods());
const seenAsEmptied = () =>
  timed("emptied -> regressed", () =>
    story.until("seen as emptied", 20, (status) => isTrue(status, "ControlPlaneRegressed")),
  );
/** What pods start from: its digest as Holdfast tells it, and the objects themselves. */
const verified = async (): Promise<[string, Pair]> => [
  (await story.stage.status()).snapshot.digest,
  await readPair(story.stage, "edge"),
];
/** One that drains still has its connections, and would take over from the control plane whatever that holds. */
const untilOthersAreGone = () =>
  story.stage.cluster.wait("the others are gone", async () => (await story.stage.pods()).length === 2, 30);
const intoFallback = async () => {
  await story.stage.controlPlane.kill();
  await story.until("all from the snapshot", 120, (s) => s.mode === "Fallback" && s.traffic?.fromSnapshot === 2);
  await story.untilSources("fallback,fallback");
  await untilOthersAreGone();
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
    const good = await verified();
    const load = await underLoad(story.stage, 50, async () => {
      await intoFallback();
      const serving = await uids();
      await story.stage.controlPlane.start();
      await empty();
      await seenAsEmptied();
      await sleep(30_000); // three times as long as a return waits
      const status = await story.stage.status();
      expect([status.mode, await uids()]).toEqual(["Fallback", serving]);
      expect(await verified()).toEqual(good);
      expect(isTrue(status, "FallbackReady"), "the verified pair stays").toBe(true);
      expect(await story.events()).toContain("Regressed");
      await restore();
      await backToNormal();
    });
    expectNoneLost(load);
  },
);

/** Every request but those that these pods answered with 404. */
function expectOnly404Of(load: LoadSummary, isTheirs: (pod: string) => boolean): number {
  const theirs = Object.entries(load.failedPods).filter(([pod]) => isTheirs(pod));
  const count = theirs.reduce((sum, [, failed]) => sum + failed, 0);
  expect(lost({ ...load, failed: load.failed - count }), "failed on other pods").toEqual([]);
  expect([load.failures, load.failedStatus]).toEqual(count === 0 ? [{}, {}] : [{ status: count }, { 404: count }]);
  return count;
}

test.runIf(FULL)(
  "emptied during the return: the group turns round, and no pod of the snapshot was given up",
  async () => {
    story.reportFailure();
    const { stage } = story;
    const good = await verified();
    await intoFallback();
    let serving: Json[] = [];
    const load = await underLoad(stage, 50, async () => {
      await stage.controlPlane.start();
      await stage.untilMode("ToNormal", 90);
      await empty();
      serving = (await story.ready()).filter((pod) => sourceOf(pod) === "fallback");
      await timed("emptied in the return -> turned round", () =>
        story.until("turned round", 20, ({ mode }) => ["ToFallback", "Fallback"].includes(mode)),
      );
      await story.untilSources("fallback,fallback", 120);
      await untilOthersAreGone();
      await sleep(10_000);
    });
    expect(serving).toHaveLength(2);
    expect(await uids(), "the same two served all the while").toEqual(uidsOf(serving));
    const status = await stage.status();
    expect(status.mode).toBe("Fallback");
    expect(status.history.find((step: Json) => step.to === "ToFallback").reason).toBe("Regressed");
    expect(await verified()).toEqual(good);
    // A pod that came up from the control plane just then is Ready and holds nothing, until the group has turned round.
    const names = serving.map((pod) => pod.metadata.name);
    const early = expectOnly404Of(load, (pod) => !names.includes(pod));
    console.log(`404 from a pod that came up from the emptied control plane: ${early}`);
    expect(early).toBeLessThanOrEqual(100); // its third of 50 a second, for 6 s
    await restore();
    await backToNormal();
  },
);

test.runIf(FULL)("emptied, and it is meant: the documented command takes the group back to it", async () => {
  story.reportFailure();
  const { stage } = story;
  const { cluster, namespace, controlPlane } = stage;
  await intoFallback();
  await controlPlane.start();
  await empty();
  // It is told once the return has waited: 10 s, doubled by each flip of this hour, of which the stories above made three.
  const WAY_OUT = /holdfast\.dev\/approve-return=[0-9a-f-]+/;
  await story.until("the way out is told", 240, (status) => WAY_OUT.test(status.summary));
  const { epoch, summary } = await stage.status();
  const [word] = WAY_OUT.exec(summary) ?? [];
  await cluster.kubectl("-n", namespace, "annotate", "gwg/edge", String(word), "--overwrite");
  await story.until("a successor fails the check: told, and no pod of the snapshot leaves", 90, ({ mode, summary }) => {
    return mode === "ToNormal" && /do not answer 200 to spec.traffic.check.path \/r1/.test(summary);
  });
  expect(await story.sources()).toBe("fallback,fallback,normal");
  await story.patch({ traffic: { check: null } });
  await story.until("normal", 180, (s) => s.mode === "Normal" && s.traffic?.fromControlPlane === 2);
  expect((await stage.status()).history.find((step: Json) => step.to === "ToNormal").epoch).toBe(epoch + 1);
  await restore();
  await story.patch({ traffic: { check: { path: "/r1" } } });
  await backToNormal();
});

// The last one here: the group stays in the fallback that a person has ordered.
test.runIf(FULL)(
  "emptied while one pod serves from memory: that one loses all, the snapshot's serve on, one command mends it",
  async () => {
    story.reportFailure();
    const { stage } = story;
    const { cluster, namespace, controlPlane } = stage;
    const good = await verified();
    await story.patch({ fallback: { rollout: { type: "OnRestart" } } });
    await controlPlane.kill();
    await stage.untilMode("Fallback", 150);
    await cluster.delete(namespace, "pods", (await story.oneFrom("normal")).metadata.name);
    await story.untilSources("fallback,normal");
    await untilOthersAreGone();
    const [memory, snapshot] = [await story.oneFrom("normal"), await story.oneFrom("fallback")];
    const route = `http://${memory.status.podIP}:9080/r1`;
    const ask = async () => (await fetch(route, { headers: { connection: "close" } })).status;
    expect(await ask()).toBe(200);

    const load = await underLoad(stage, 50, async () => {
      await controlPlane.start();
      await empty();
      await seenAsEmptied();
      // A gateway asks for its control plane ever more seldom, in the end each 64 s.
      await timed("emptied -> a pod on memory answers 404", () =>
        cluster.wait("it has lost its routes", async () => (await ask()) === 404, 150),
      );
      expect((await stage.status()).mode).toBe("Fallback");
      expect(await verified()).toEqual(good);
      await story.annotate("override", `Fallback until=${new Date(Date.now() + 600_000).toISOString()}`);
      await timed("ordered -> all from the snapshot", () =>
        story.until("all from the snapshot", 120, (s) => s.mode === "Fallback" && s.traffic?.fromSnapshot === 2),
      );
      await story.untilSources("fallback,fallback");
      await untilOthersAreGone();
    });
    expect(expectOnly404Of(load, (pod) => pod === memory.metadata.name)).toBeGreaterThan(0);
    expect(load.pods[snapshot.metadata.name] ?? 0, "served by the snapshot's all the while").toBeGreaterThan(0);
    expectNoneLost(await underLoad(stage, 50, () => sleep(10_000)));
    expect(await verified()).toEqual(good);
  },
);
