import fc from "fast-check";
import { expect, test } from "vitest";
import { decide } from "../../operator/domain/decide.ts";
import type { GroupMemory } from "../../operator/domain/evidence/memory.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import type { Step } from "../../operator/domain/plan.ts";
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
  "gateways notice late": set({ votes: "refused" }),
  "gateways notice late, and then say nothing": set({ votes: "hung" }),
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

// The same histories in every run, so that a red one says something of the change; HOLDFAST_PROPERTY_SEED walks elsewhere.
fc.configureGlobal({ seed: Number(process.env["HOLDFAST_PROPERTY_SEED"] ?? 20_261_121) });
const runs = Number(process.env["HOLDFAST_PROPERTY_RUNS"] ?? 24);

test("a plan that breaks a law ends its story: the law is named, and the moment; nothing of it is carried out", () => {
  const world = provenWorld().run(20);
  const replicas = world.replicas;
  const step: Step = { do: "scale", name: "edge", from: 2, to: 1, resourceVersion: "1", why: "no floor" };
  world.decides = (facts, memory) => {
    const { plan, ...rest } = decide(facts, memory);
    return { ...rest, plan: { ...plan, steps: [step], status: { ...plan.status, epoch: 7 } } };
  };
  const said = `${world.clock()} the epoch grows by one with each move, and only then; ${world.clock()} replicas are lowered`;
  expect(() => world.loop()).toThrow(said);
  expect([world.status.epoch, world.replicas]).toEqual([1, replicas]);
});

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

/** The facts at every second of a history, with what the operator remembered then. */
function moments(happenings: readonly (readonly [string, number])[], isRolling: boolean) {
  const world = live(happenings, isRolling);
  return Array.from({ length: 5 }, () => {
    world.run(2);
    return { facts: world.facts(), memory: structuredClone(world.memory) };
  });
}
const moves = (facts: Facts, memory: GroupMemory) => decide(facts, memory).plan.recordsMode;
const few = Math.ceil(runs / 3);

test("an observation that supports a move and becomes unknown never makes one", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(history, rolling, fc.nat(), (happenings, isRolling, which) => {
      for (const { facts, memory } of moments(happenings, isRolling)) {
        if (moves(facts, memory)) continue;
        const doubts: Facts[] = [
          { ...facts, controlPlane: { operator: { view: "unknown", detail: "" } } },
          { ...facts, snapshot: { ...facts.snapshot, verified: { seen: "unknown", reason: "x", why: "" } } },
          // A vote against the mode's control plane is the support; a contrary one is a veto, and may fall silent.
          {
            ...facts,
            pods: facts.pods.map((pod, i) =>
              i === which % 4 && pod.vote === "disconnected" ? { ...pod, vote: "unknown" as const } : pod,
            ),
          },
        ];
        for (const doubt of doubts) {
          const { plan } = decide(doubt, memory);
          const automatic =
            plan.recordsMode && !["FallbackReached", "NormalReached"].includes(plan.status.modeReason ?? "");
          expect(automatic).toBe(false);
        }
      }
    }),
    { numRuns: few },
  );
});

test("the order of pods and the hour of the day decide nothing", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(history, rolling, fc.integer({ min: 1, max: 1e9 }), (happenings, isRolling, ms) => {
      for (const { facts, memory } of moments(happenings, isRolling)) {
        const { plan } = decide(facts, memory);
        const shifted = decide({ ...facts, monoMs: facts.monoMs + ms }, shiftedBy(memory, ms)).plan;
        expect([shifted.recordsMode, shifted.steps]).toEqual([plan.recordsMode, plan.steps]);
        const turned = decide({ ...facts, pods: facts.pods.toReversed() }, memory).plan;
        expect([turned.recordsMode, turned.status.mode, kinds(turned.steps)]).toEqual([
          plan.recordsMode,
          plan.status.mode,
          kinds(plan.steps),
        ]);
      }
    }),
    { numRuns: few },
  );
});

test("deciding twice on the same facts gives the same plan, and the epoch only grows", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(history, rolling, (happenings, isRolling) => {
      for (const { facts, memory } of moments(happenings, isRolling)) {
        const once = decide(facts, memory);
        expect(decide(facts, memory)).toEqual(once);
        expect(once.plan.status.epoch ?? 0).toBeGreaterThanOrEqual(facts.group.status.epoch ?? 0);
      }
    }),
    { numRuns: few },
  );
});

test("an operator that dies after any step, memory and all, ends where it would have", { timeout: 600_000 }, () => {
  const deaths = fc.array(fc.option(fc.nat({ max: 3 }), { nil: undefined }), { minLength: 4, maxLength: 30 });
  fc.assert(
    fc.property(rolling, deaths, deaths, (isRolling, leaving, returning) => {
      const world = live([], isRolling);
      world.deaths = [...leaving];
      world.controlPlane = "down";
      world.until(() => world.mode === "Fallback" && (!isRolling || world.from("normal") === 0), 900);
      expect(world.mode).toBe("Fallback");
      world.deaths = [...returning];
      world.controlPlane = "up";
      world.until(() => world.mode === "Normal" && world.from("normal") === 2 && world.replicas === 2, 900);
      expect([world.mode, world.from("normal"), world.from("fallback"), world.replicas]).toEqual(["Normal", 2, 0, 2]);
      expect([world.broken, world.minServing]).toEqual([[], 2]);
    }),
    { numRuns: few },
  );
});

test("pods seen one loop late never cost one that serves, as the floor is read live", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(rolling, fc.integer({ min: 1, max: 60 }), fc.boolean(), (isRolling, seconds, restarts) => {
      const world = live([], isRolling);
      world.podsLate = true;
      world.controlPlane = "down";
      world.run(20 + seconds);
      if (restarts) world.operatorRestarts();
      world.controlPlane = "up";
      world.until(() => world.mode === "Normal" && world.from("fallback") === 0, 900);
      expect([world.minServing, world.mode, world.from("normal")]).toEqual([2, "Normal", 2]);
    }),
    { numRuns: few },
  );
});

test("a watch of pods that is blind for any part of an outage costs nobody, and the end is the same", {
  timeout: 600_000,
}, () => {
  const seconds = (max: number) => fc.integer({ min: 1, max });
  fc.assert(
    fc.property(rolling, seconds(60), seconds(300), (isRolling, seeing, blind) => {
      const world = live([], isRolling);
      world.controlPlane = "down";
      world.run(seeing).goBlind().run(blind).seeAgain();
      world.until(() => world.mode === "Fallback" && (!isRolling || world.from("normal") === 0), 900);
      expect([world.mode, world.serving().length]).toEqual(["Fallback", 2]);
      world.controlPlane = "up";
      world.run(seeing).goBlind().run(blind).seeAgain();
      world.until(() => world.mode === "Normal" && world.from("fallback") === 0 && world.replicas === 2, 900);
      expect([world.mode, world.from("normal"), world.minServing, world.broken]).toEqual(["Normal", 2, 2, []]);
    }),
    { numRuns: few },
  );
});

function shiftedBy(memory: GroupMemory, ms: number): GroupMemory {
  const later = structuredClone(memory);
  if (later.verdict) {
    later.verdict.sinceMs += ms;
    later.verdict.seenMs += ms;
  }
  if (later.moveFailedMs !== undefined) later.moveFailedMs += ms;
  return later;
}
const kinds = (steps: readonly Step[]) =>
  steps.map((step) => (step.do === "scale" ? `${step.from} -> ${step.to}` : step.do)).toSorted();
