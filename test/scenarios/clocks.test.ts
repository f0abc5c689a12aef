/** Clocks of Holdfast's node and of the gateways' nodes, up to half an hour away from the API server's: all comes as without. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { endedMs } from "../../operator/observe/gateways/pods.ts";
import { provenWorld, World } from "./world.ts";
import { quickly } from "./world-spec.ts";

const MINUTE = 60_000;
interface Skew {
  /** Holdfast's clock is ahead of the API server's by so much; nodes' clocks, by their names' turns. */
  operatorMs: number;
  nodesMs: readonly number[];
}

/** Timestamps of the API server and of kubelets are whole seconds. */
const stamp = (ms: number) => new Date(Math.floor(ms / 1000) * 1000).toISOString();
const whole = (ms: number) => Math.floor(ms / 1000) * 1000;

/** What a start or witness said, as its kubelet stamps it, read back as the operator reads it. */
function read(createdMs: number, finishedMs: number, nodeMs: number): number {
  const conditions = [{ type: "PodScheduled", status: "True", lastTransitionTime: stamp(createdMs) }];
  const status = { startTime: stamp(createdMs + nodeMs), conditions };
  return endedMs(
    { metadata: { name: "p", creationTimestamp: stamp(createdMs) }, status } as never,
    stamp(finishedMs + nodeMs),
  );
}

function skewed(world: World, { operatorMs, nodesMs }: Skew): World {
  const nodeMs = (index: number) => nodesMs[index % nodesMs.length] ?? 0;
  const seen = world.facts.bind(world);
  world.facts = (): Facts => {
    const facts = seen();
    return {
      ...facts,
      nowMs: facts.nowMs + operatorMs,
      pods: facts.pods.map((pod, i) => ({
        ...pod,
        createdMs: whole(pod.createdMs),
        ...(pod.start && {
          start: { ...pod.start, finishedMs: read(pod.createdMs, pod.start.finishedMs, nodeMs(i)) },
        }),
      })),
      helpers: facts.helpers.map((pod, i) => ({
        ...pod,
        createdMs: whole(pod.createdMs),
        ...(pod.result.state === "answered" && {
          result: { ...pod.result, finishedMs: read(pod.createdMs, pod.result.finishedMs, nodeMs(i)) },
        }),
      })),
    };
  };
  return world;
}

const made = (world: World): number => world.transcript.filter((line) => / pod is started$/.test(line)).length;
const minutes = fc.integer({ min: -30, max: 30 }).map((many) => many * MINUTE);
const skews: fc.Arbitrary<Skew> = fc.record({
  operatorMs: minutes,
  nodesMs: fc.array(minutes, { minLength: 1, maxLength: 3 }),
});
const numRuns = Number(process.env["HOLDFAST_PROPERTY_RUNS"] ?? 6);
const LONG_MS = 120_000;
/** The worst that was found first: ahead by minutes, far behind. */
const FOUND: [Skew][] = [2, 5, 20, -20].map((ahead) => [{ operatorMs: ahead * MINUTE, nodesMs: [0, -ahead * MINUTE] }]);

test("an export is proven, by one rehearsal", { timeout: LONG_MS }, () => {
  fc.assert(
    fc.property(skews, (skew) => {
      const world = skewed(new World(quickly({})), skew);
      world.until(() => world.status.fallbackReady === "Proven", 120).run(60);
      expect([world.status.fallbackReady, made(world)]).toEqual(["Proven", 1]);
    }),
    { numRuns, examples: FOUND },
  );
});

/** How long after the loss the group has moved, in seconds; and how many throw-away pods it took in five minutes. */
function outage(votes: World["votes"], skew: Skew): { moved: number; pods: number } {
  const world = skewed(provenWorld(), skew);
  world.votes = votes;
  // One that starts just before the loss finds the control plane: it must not veto afterwards.
  world.kill(world.pods[0]!);
  world.run(5);
  world.transcript = [];
  world.controlPlane = "down";
  const lostMs = world.nowMs;
  world.until(() => world.mode === "Fallback", 300);
  const moved = Math.round((world.nowMs - lostMs) / 1000);
  world.run(300 - moved);
  return { moved, pods: made(world) };
}

test.for(["vendor", "silent"] as const)(
  "a lost control plane moves the group as soon, gateways' votes: %s",
  { timeout: LONG_MS },
  (votes) => {
    const usual = outage(votes, { operatorMs: 0, nodesMs: [0] });
    expect(usual.moved).toBeLessThan(60);
    fc.assert(
      fc.property(skews, (skew) => {
        const { moved, pods } = outage(votes, skew);
        expect(Math.abs(moved - usual.moved)).toBeLessThanOrEqual(5);
        expect(pods).toBeLessThanOrEqual(12);
      }),
      { numRuns, examples: FOUND },
    );
  },
);

test("it comes back as soon, too", { timeout: LONG_MS }, () => {
  fc.assert(
    fc.property(skews, (skew) => {
      const world = skewed(provenWorld(), skew);
      world.controlPlane = "down";
      world.run(60);
      for (const pod of [...world.pods]) world.kill(pod);
      world.run(20);
      world.controlPlane = "up";
      world.until(() => world.mode === "Normal", 120);
      expect([world.mode, made(world)]).toEqual(["Normal", 1]);
    }),
    { numRuns, examples: FOUND },
  );
});

test.for<[number, string | undefined]>([
  [60, undefined],
  [61, "ahead of"],
  [-61, "behind"],
  [-60, undefined],
])("clocks apart by %i s", ([seconds, told]) => {
  const world = skewed(provenWorld(), { operatorMs: seconds * 1000, nodesMs: [0] }).run(5);
  const { reason, message } = world.condition("ClockSkew") ?? {};
  expect(reason).toBe(told === undefined ? undefined : "ClocksApart");
  if (told !== undefined) expect(message).toContain(`${told} the API server's`);
});

test("two API servers whose clocks differ by a minute: ClockSkew does not come and go with each answer", () => {
  const world = provenWorld();
  const seen = world.facts.bind(world);
  let aheadMs = 61_000;
  world.facts = () => ({ ...seen(), nowMs: seen().nowMs + aheadMs });
  const since = world.run(5).condition("ClockSkew")?.lastTransitionTime;
  expect(since).toBeDefined();
  for (let look = 0; look < 10; look += 1) {
    aheadMs = look % 2 === 0 ? 0 : 61_000;
    expect(world.run(30).condition("ClockSkew")?.lastTransitionTime, `look ${look}`).toBe(since);
  }
  aheadMs = 0;
  expect(world.run(560).condition("ClockSkew"), "not yet ten minutes").toBeDefined();
  expect(world.run(60).condition("ClockSkew")).toBeUndefined();
});
