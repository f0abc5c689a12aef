/** Who says that the control plane is lost, and who is believed. */
import { expect, test } from "vitest";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { provenWorld, type World } from "./world.ts";

test("the operator alone is cut off: nothing moves, and it says so", () => {
  const world = provenWorld();
  world.controlPlane = "operatorCutOff";
  world.run(600);
  expect(world.modes).toEqual([]);
  expect(world.condition("ControlPlaneReachable")?.reason).toBe("OperatorCutOff");
});

/** When is a loss seen that gateways notice late, at the latest; and it moves the group when they have noticed, not before. */
test.for([
  ["refused", 10],
  ["hung", 25],
] as const)(
  "gateways notice a loss late (%s): places are believed before, and move nothing alone",
  ([votes, noticed]) => {
    const world = provenWorld({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 5 } });
    world.votes = votes;
    world.run(2);
    world.controlPlane = "down";
    const lostMs = world.nowMs;
    const since = () => (world.nowMs - lostMs) / 1000;
    world.until(() => world.status.controlPlane?.verdict === "Unreachable", 60);
    expect(since()).toBeLessThan(noticed);
    world.until(() => world.mode !== "Normal", 120);
    expect(since()).toBeGreaterThanOrEqual(noticed);
    expect(since()).toBeLessThanOrEqual(noticed + 15);
  },
);

test.for(["refused", "hung"] as const)(
  "gateways that notice late, and Holdfast alone is cut off (%s): nothing moves",
  (votes) => {
    const world = provenWorld({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 5 } });
    world.votes = votes;
    world.run(2);
    world.controlPlane = "operatorCutOff";
    const verdicts = new Set<string | undefined>();
    for (let i = 0; i < 120; i += 1) verdicts.add(world.run(1).status.controlPlane?.verdict);
    expect([...verdicts]).not.toContain("Unreachable");
    expect(world.modes).toEqual([]);
    expect(world.condition("ControlPlaneReachable")?.reason).toBe("OperatorCutOff");
    expect(world.status.controlPlane?.lostAt).toBeUndefined();
  },
);

test("Holdfast and all witness pods are cut off, gateways are not: however soon a loss counts, nothing moves", () => {
  const world = provenWorld({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 5 } });
  world.run(2);
  const has = { vote: "connected" } as const;
  seeing(world, ({ pods }) => ({
    pods: pods.map((pod) => (pod.start?.choice === "normal" ? { ...pod, ...has } : pod)),
  }));
  world.controlPlane = "down";
  world.run(120);
  expect(world.modes).toEqual([]);
  expect(world.condition("ControlPlaneReachable")?.reason).toBe("OperatorCutOff");
});

test("the gateways alone are cut off: they are believed after twice the time", () => {
  const world = provenWorld();
  world.controlPlane = "gatewaysCutOff";
  world.run(36);
  expect(world.modes).toEqual([]);
  world.run(14);
  expect(world.modes[0]).toBe("ToFallback");
});

test("the database is dead behind a living front", () => {
  const world = provenWorld();
  world.controlPlane = "databaseDown";
  world.run(40);
  expect(world.mode).toBe("Fallback");
  expect(world.status.controlPlane?.cause).toBe("DatabaseDown");
});

test("reads that are slow for Holdfast alone move nothing", () => {
  const world = provenWorld();
  world.controlPlane = "slow";
  world.run(600);
  expect(world.modes).toEqual([]);
  expect(world.condition("ControlPlaneReachable")?.reason).toBe("ControlPlaneSlow");
});

test("gateways that cannot be asked: witness pods speak for them", () => {
  const world = provenWorld();
  world.votes = "silent";
  world.controlPlane = "down";
  world.run(20);
  expect(world.mode).toBe("Normal");
  world.run(30);
  expect(world.mode).toBe("Fallback");
  expect(world.transcript.filter((line) => line.includes("witness pod is started"))).toHaveLength(6);
  world.run(550);
  // Nothing hangs on them any more: in ten minutes a dozen, and the verdict stands all the time.
  expect(world.transcript.filter((line) => line.includes("witness pod is started"))).toHaveLength(12);
  expect(world.status.controlPlane?.verdict).toBe("Unreachable");
});

test("one round of witness pods decides nothing, however soon a loss counts", () => {
  const world = provenWorld({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 5 } });
  world.votes = "silent";
  const seen = world.facts.bind(world);
  const first = () => world.helpers.filter(({ role }) => role === "witness").slice(0, 2);
  world.facts = () => ({ ...seen(), helpers: [...first()] });
  world.controlPlane = "down";
  world.run(110);
  expect([world.mode, world.status.controlPlane?.verdict]).toEqual(["Normal", "Unreachable"]);
});

/** What is seen of pods and of the control plane is bent. */
function seeing(world: World, bend: (facts: Facts) => Partial<Facts>): World {
  const facts = world.facts.bind(world);
  world.facts = () => ({ ...facts(), ...bend(facts()) });
  return world;
}

test.for([undefined, "Normal until=2027-01-01T00:00:00Z"])(
  "one gateway of ten that stays cut off keeps nobody from returning (order: %s)",
  (order) => {
    const world = provenWorld({ traffic: { replicas: 10 } });
    world.controlPlane = "down";
    world.run(40);
    const [first] = world.pods;
    for (const pod of [...world.pods]) if (pod !== first) world.kill(pod);
    world.run(30);
    seeing(world, ({ pods }) => ({
      pods: pods.map((pod) => (pod.uid === first?.uid ? { ...pod, vote: "disconnected" as const } : pod)),
    }));
    world.controlPlane = "up";
    if (order) world.annotations = { "holdfast.dev/override": order };
    world.until(() => world.mode === "Normal", 900);
    expect([world.mode, world.from("fallback")]).toEqual(["Normal", 0]);
  },
);

test.for([1, 2, 3])("gateways say 503 for reasons of their own: no flip and no return (replicas: %i)", (replicas) => {
  const world = provenWorld({ traffic: { replicas } });
  seeing(world, ({ pods }) => ({ pods: pods.map((pod) => ({ ...pod, vote: "disconnected" as const })) }));
  world.run(900);
  expect([world.modes, world.status.controlPlane?.verdict]).toEqual([[], "Reachable"]);
});

test("a server error that Holdfast alone gets moves nothing, and it says so", () => {
  const world = provenWorld({ traffic: { replicas: 4 } });
  seeing(world, () => ({ controlPlane: { operator: { view: "serverError", detail: "503" } } }));
  world.run(600);
  expect([world.modes, world.condition("ControlPlaneReachable")?.reason]).toEqual([[], "DatabaseDoubted"]);
});

test("a database that is dead for all, whatever gateways say of the front: witness pods confirm it", () => {
  const world = provenWorld();
  world.controlPlane = "databaseDown";
  seeing(world, ({ pods }) => ({ pods: pods.map((pod) => ({ ...pod, vote: "connected" as const })) }));
  world.run(60);
  expect([world.mode, world.status.controlPlane?.cause]).toEqual(["Fallback", "DatabaseDown"]);
});

test("the watch of pods is blind while pods are made: two witness pods and no more, it is said, and it goes on after", () => {
  const world = provenWorld().goBlind();
  world.votes = "silent";
  world.controlPlane = "down";
  world.run(600);
  expect(world.transcript.filter((line) => line.includes("pod is started"))).toHaveLength(2);
  expect([world.modes, world.condition("Held")?.reason]).toEqual([[], "WatchesBlind"]);
  world.seeAgain().until(() => world.mode === "Fallback", 200);
  expect([world.mode, world.condition("Held")]).toEqual(["Fallback", undefined]);
  expect(world.broken).toEqual([]);
});

test("blind in an outage: nothing moves, and what was counted before does not count after", () => {
  const world = provenWorld().goBlind().run(105);
  world.controlPlane = "down";
  world.run(300);
  expect([world.modes, world.condition("ControlPlaneReachable")?.reason]).toEqual([[], "WatchesBlind"]);
  world.seeAgain().run(19);
  expect(world.modes).toEqual([]);
  world.until(() => world.mode === "Fallback", 30);
  expect([world.mode, world.minServing, world.broken]).toEqual(["Fallback", 2, []]);
});

test("a minute without a sign, as of a kind that is quiet or an API server that restarts, holds nobody", () => {
  const world = provenWorld().goBlind();
  world.controlPlane = "down";
  world.run(60);
  expect([world.modes, world.condition("Held")]).toEqual([["ToFallback", "Fallback"], undefined]);
});

test("a long loss of one control plane is no loss of the next: another endpoint counts from nothing, either way", () => {
  const world = provenWorld({ modePolicy: "Normal" });
  world.controlPlane = "down";
  world.run(200);
  expect([world.modes, world.condition("ControlPlaneReachable")?.status]).toEqual([[], "False"]);
  const { endpoint } = world.spec.controlPlane;
  const edit = (modePolicy: "Auto" | "Fallback", to: string) => {
    world.spec = { ...world.spec, modePolicy, controlPlane: { ...world.spec.controlPlane, endpoint: to } };
    world.generation += 1;
  };
  edit("Auto", "https://b.api7.svc:7943");
  world.run(19);
  expect(world.modes, "refused, as a control plane is that is about to start").toEqual([]);
  world.controlPlane = "up";
  world.run(60);
  expect(world.modes).toEqual([]);
  edit("Fallback", "https://b.api7.svc:7943");
  world.until(() => world.mode === "Fallback", 60).run(60);
  edit("Auto", endpoint);
  world.run(29);
  expect(world.mode, "answered, and for how long nobody knows yet").toBe("Fallback");
  world.until(() => world.mode === "Normal", 60);
  expect([world.modes.at(-1), world.broken]).toEqual(["Normal", []]);
});
