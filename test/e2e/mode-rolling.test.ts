import { afterAll, beforeAll, expect, test } from "vitest";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/** Rolling: the pods that serve from memory are moved to the snapshot, too, and back, under live traffic. */
let story: Story;

beforeAll(async () => {
  story = await Story.begin("rolling", {
    replicas: 3,
    spec: {
      fallback: {
        rollout: { type: "Rolling", startAfterSeconds: 0, maxSurge: "50%" },
        storageRef: { name: "eu" },
        outageAfterSeconds: 10,
        recovery: { afterSeconds: 10 },
        rehearsal: { minIntervalSeconds: 0 },
      },
    },
  });
});
afterAll(() => story?.stage.end());

test("three pods flip and return one by one: no request is lost, and the license is told at each stage", async () => {
  story.reportFailure();
  const { stage } = story;
  await story.until("three cores counted", 60, async () => (await story.license()).counted === 3);
  expect(await story.license(), "in normal times").toEqual({ counted: 3, backups: 1, normal: 3, fallback: 0 });
  let fewest = 3;

  const load = await underLoad(stage, 50, async () => {
    const watching = new AbortController();
    const watcher = (async () => {
      for (; !watching.signal.aborted; await new Promise((done) => setTimeout(done, 500)))
        fewest = Math.min(fewest, (await story.ready()).length);
    })();
    await stage.controlPlane.kill();
    await story.until(
      "all from the snapshot",
      120,
      (status) => status.mode === "Fallback" && status.traffic?.fromSnapshot === 3,
    );
    await story.untilSources("fallback,fallback,fallback");
    // A pod that drains still serves and still counts: for the seconds of its drain there are more.
    await story.until("three cores from the snapshot", 30, ({ license }) => license.cores === 3);
    expect((await stage.status()).license, "readers send no heartbeat").toEqual({ cores: 3, normal: 0, fallback: 3 });

    await stage.controlPlane.start();
    await story.until("normal again", 180, (s) => s.mode === "Normal" && s.traffic?.fromControlPlane === 3);
    await story.untilSources("normal,normal,normal");
    watching.abort();
    await watcher;
  });

  expectNoneLost(load);
  expect(fewest, "ready pods at the worst moment").toBe(3);
  // The control plane that came back knows nothing of before; heartbeats come each 10 s.
  await story.until("three cores counted again", 60, async ({ license }) => {
    return license.cores === 3 && (await story.license()).counted === 3;
  });
  expect(await story.license(), "after the return").toEqual({ counted: 3, backups: 1, normal: 3, fallback: 0 });
  const events = await story.events();
  const told = ["ControlPlaneUnreachable", "FallbackReached", "ControlPlaneReturned", "NormalReached"];
  expect(
    told.map((reason) => events.filter((event) => event === reason).length),
    "one event per step",
  ).toEqual([1, 1, 1, 1]);
  expect((await stage.status()).history.map((step: { to: string }) => step.to).slice(0, 4)).toEqual([
    "Normal",
    "ToNormal",
    "Fallback",
    "ToFallback",
  ]);
});
