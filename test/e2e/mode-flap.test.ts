import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FULL } from "../stage/says.ts";
import { expectNoneLost, Story } from "../stage/story.ts";
import { underLoad } from "../stage/watch.ts";

/** A control plane that comes and goes must not take the gateways along. */
let story: Story;
const FLAPS_FOR_MS = 180_000;
const HALF_PERIOD_MS = 10_000;

beforeAll(async () => {
  // It answers for less time than a return waits; an outage lasts about as long as it must to count.
  const fallback = { storageRef: { name: "eu" }, outageAfterSeconds: 10, recovery: { afterSeconds: 15 } };
  if (FULL) story = await Story.begin("flap", { replicas: 3, spec: { fallback } });
});
afterAll(() => story?.stage.end());

test.runIf(FULL)(
  "10 s gone, 10 s back, for 3 minutes: at most one flip, no request lost, and all is well in the end",
  async () => {
    story.reportFailure();
    const { stage } = story;
    const before: number = (await stage.status()).epoch;
    let flaps = 0;
    let seen = 0;
    const load = await underLoad(stage, 40, async () => {
      for (const end = performance.now() + FLAPS_FOR_MS; performance.now() < end; flaps += 1) {
        await stage.admin("POST", "/admin/fault", { mode: "refuse" });
        await sleep(HALF_PERIOD_MS);
        if ((await stage.status()).controlPlane?.verdict !== "Reachable") seen += 1;
        await stage.admin("POST", "/admin/fault", { mode: "none" });
        await sleep(HALF_PERIOD_MS);
      }
      await story.untilSources("normal,normal,normal", 180);
      await stage.untilProven(180);
    });
    expect(flaps).toBe(9);
    expect(seen, "what nobody sees moves nothing: most losses must have been noticed").toBeGreaterThan(4);
    const steps = (await stage.status()).history.filter((step: { epoch: number }) => step.epoch > before);
    const flips = steps.filter((step: { to: string }) => step.to === "ToFallback");
    expect(flips.length, JSON.stringify(steps)).toBeLessThanOrEqual(1);
    expectNoneLost(load);
  },
);
