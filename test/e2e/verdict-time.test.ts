import { afterAll, beforeAll, expect, test } from "vitest";
import { FULL, verdict } from "../stage/says.ts";
import { Story } from "../stage/story.ts";

/** How soon a lost control plane is seen, where gateways notice it late: a metric that keeps its value for up to 25 s. */
let story: Story;

beforeAll(async () => {
  if (!FULL) return;
  const spec = { fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 60, recovery: { afterSeconds: 10 } } };
  story = await Story.begin("verdict", { spec });
  // Metrics appear some 15 s after a gateway's start: before that nobody has a vote.
  await story.stage.until("gateways have a vote", 60, (status) => status.controlPlane?.connected === 2);
});
afterAll(() => story?.stage.end());

/** Seconds until the loss is seen; what was said before is in the output. */
async function seenAfter(what: string, lose: () => Promise<unknown>): Promise<number> {
  const said = new Map<string, string>();
  await lose();
  const from = performance.now();
  const seconds = () => ((performance.now() - from) / 1_000).toFixed(1);
  await story.stage.until("seen as lost", 90, (status) => {
    if (!said.has(verdict(status))) said.set(verdict(status), seconds());
    return status.controlPlane?.verdict === "Unreachable";
  });
  console.log(`${what}: ${[...said].map(([text, after]) => `${text} after ${after} s`).join(", ")}`);
  return Number(seconds());
}

const isBack = async () => {
  await story.stage.until("seen again", 90, (status) => status.controlPlane?.verdict === "Reachable");
  await story.stage.until("gateways have it again", 90, (status) => status.controlPlane?.connected === 2);
  expect((await story.stage.status()).mode).toBe("Normal");
};

test.runIf(FULL)(
  "a control plane that is killed, and one that hangs: places say so before gateways notice",
  async () => {
    story.reportFailure();
    const { stage } = story;
    const killed = await seenAfter("killed", () => stage.controlPlane.kill());
    await stage.controlPlane.start();
    await isBack();
    const hung = await seenAfter("hangs", () => stage.admin("POST", "/admin/fault", { mode: "freeze" }));
    await stage.admin("POST", "/admin/fault", { mode: "none" });
    await isBack();
    // Gateways notice after 5 to 15 s, or after 25 s. Bounds that a busy machine keeps, too.
    expect(killed).toBeLessThan(20);
    expect(hung).toBeLessThan(24);
  },
);
