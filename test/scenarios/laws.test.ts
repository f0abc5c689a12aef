import fc from "fast-check";
import { expect, test } from "vitest";
import { content, provenWorld, type World } from "./world.ts";

/** Anything that may happen to a group, in any order; then the world is left in peace and must come to rest. */
type Happening = (world: World) => void;
const set =
  (change: Partial<World>): Happening =>
  (world) => {
    Object.assign(world, change);
  };
const replicas =
  (wanted: number): Happening =>
  (world) => {
    world.spec.traffic.replicas = wanted;
  };
const holds =
  (name: string, routes: number): Happening =>
  (world) => {
    world.held = content(`${name}${world.nowMs}`, routes);
  };
const HAPPENINGS: Record<string, Happening> = {
  "control plane down": set({ controlPlane: "down" }),
  "control plane up": set({ controlPlane: "up" }),
  "database down": set({ controlPlane: "databaseDown" }),
  "operator cut off": set({ controlPlane: "operatorCutOff" }),
  "gateways cut off": set({ controlPlane: "gatewaysCutOff" }),
  "reads slow": set({ controlPlane: "slow" }),
  "store down": set({ storeUp: false }),
  "store up": set({ storeUp: true }),
  "operator restarts": (world) => {
    world.operatorRestarts();
  },
  "operator down": set({ operatorUp: false }),
  "operator up": set({ operatorUp: true }),
  "a pod is killed": (world) => {
    const pod = world.pods.find((other) => !other.deleting);
    if (pod) world.kill(pod);
  },
  "scaled up": replicas(4),
  "scaled down": replicas(2),
  "surge impossible": set({ surgePossible: false }),
  "surge possible": set({ surgePossible: true }),
  "content changes": holds("c", 41),
  "control plane emptied": holds("e", 0),
  "gateways silent": set({ votes: "silent" }),
  "gateways speak": set({ votes: "vendor" }),
};
const history = fc.array(fc.tuple(fc.constantFrom(...Object.keys(HAPPENINGS)), fc.integer({ min: 1, max: 40 })), {
  minLength: 1,
  maxLength: 14,
});
const rolling = fc.boolean();

function live(happenings: readonly (readonly [string, number])[], isRolling: boolean): World {
  const rollout = isRolling ? { type: "Rolling", startAfterSeconds: 0 } : { type: "OnRestart" };
  const world = provenWorld({
    fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 10, recovery: { afterSeconds: 10 }, rollout },
  });
  for (const [name, seconds] of happenings) {
    HAPPENINGS[name]?.(world);
    world.run(seconds);
  }
  return world;
}

const runs = Number(process.env["HOLDFAST_PROPERTY_RUNS"] ?? 60);

test("no history breaks a law", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(history, rolling, (happenings, isRolling) => {
      expect(live(happenings, isRolling).broken).toEqual([]);
    }),
    { numRuns: runs },
  );
});

test("from every history a world that is left in peace comes to rest in normal mode", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(history, rolling, (happenings, isRolling) => {
      const world = live(happenings, isRolling);
      world.controlPlane = "up";
      world.storeUp = true;
      world.operatorUp = true;
      world.surgePossible = true;
      world.votes = "vendor";
      world.held = content("peace");
      const atRest = () =>
        world.mode === "Normal" && world.from("normal") === world.spec.traffic.replicas && world.from("fallback") === 0;
      world.until(atRest, 4_000);
      expect(world.mode).toBe("Normal");
      expect([world.from("normal"), world.from("fallback")]).toEqual([world.spec.traffic.replicas, 0]);
    }),
    { numRuns: Math.ceil(runs / 3) },
  );
});

test("from every history a lasting outage with a store ends in fallback, with all wanted pods serving", {
  timeout: 600_000,
}, () => {
  fc.assert(
    fc.property(history, rolling, (happenings, isRolling) => {
      const world = live(happenings, isRolling);
      // Peace first, so that there is a proof: without one the group rightly stays where it is.
      Object.assign(world, {
        controlPlane: "up",
        storeUp: true,
        operatorUp: true,
        surgePossible: true,
        votes: "vendor",
      });
      world.held = content("peace");
      world.until(
        () =>
          world.mode === "Normal" &&
          world.status.fallbackReady === "Proven" &&
          world.from("normal") === world.spec.traffic.replicas,
        6_000,
      );
      world.controlPlane = "down";
      world.run(60);
      world.until(() => world.mode === "Fallback" && world.serving().length === world.spec.traffic.replicas, 600);
      expect([world.mode, world.serving().length]).toEqual(["Fallback", world.spec.traffic.replicas]);
    }),
    { numRuns: Math.ceil(runs / 3) },
  );
});

test("while nothing but the control plane is lost, never do fewer pods serve than wanted", { timeout: 600_000 }, () => {
  const names = [
    "control plane down",
    "control plane up",
    "database down",
    "operator restarts",
    "operator down",
    "operator up",
    "store down",
    "store up",
    "gateways cut off",
    "operator cut off",
  ];
  const gentle = fc.array(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max: 40 })), {
    minLength: 1,
    maxLength: 14,
  });
  fc.assert(
    fc.property(gentle, rolling, (happenings, isRolling) => {
      expect(live(happenings, isRolling).minServing).toBeGreaterThanOrEqual(2);
    }),
    { numRuns: runs },
  );
});
