/** Who says that the control plane is lost, and who is believed. */
import { expect, test } from "vitest";
import { provenWorld } from "./world.ts";

test("the operator alone is cut off: nothing moves, and it says so", () => {
  const world = provenWorld();
  world.controlPlane = "operatorCutOff";
  world.run(600);
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
  world.run(40);
  expect(world.transcript.filter((line) => line.includes("witness pod is started"))).toHaveLength(2);
  world.run(80);
  expect(world.mode).toBe("Fallback");
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
