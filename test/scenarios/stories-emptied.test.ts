/** A control plane that holds nothing any more is not followed until a person says so. */
import { expect, test } from "vitest";
import { content, provenWorld, type World } from "./world.ts";

/** Seconds until this is told of the world. */
function secondsUntil(world: World, type: string): number {
  const fromMs = world.nowMs;
  world.until(() => world.condition(type)?.status === "True", 120);
  return (world.nowMs - fromMs) / 1000;
}

// When exports are read and objects counted is the readers': here both are seen as soon as they are there.
test("an emptied control plane is told within two exports, and one that comes back emptied within two probes", () => {
  const world = provenWorld({ backup: { exportIntervalSeconds: 10 }, controlPlane: { probeIntervalSeconds: 2 } });
  const { backup, controlPlane } = world.spec;
  const good = world.held;
  world.held = content("e0", 0);
  expect(secondsUntil(world, "SnapshotQuarantined")).toBeLessThanOrEqual(2 * backup.exportIntervalSeconds);
  expect(secondsUntil(world, "ControlPlaneRegressed")).toBeLessThanOrEqual(2 * controlPlane.probeIntervalSeconds);
  world.held = good;
  world.until(() => world.condition("ControlPlaneRegressed")?.status !== "True", 60).run(10);
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 100);
  expect(world.condition("ControlPlaneRegressed")?.status).not.toBe("True");
  world.held = content("e0", 0);
  world.controlPlane = "up";
  expect(secondsUntil(world, "ControlPlaneRegressed")).toBeLessThanOrEqual(2 * controlPlane.probeIntervalSeconds);
  expect([world.mode, world.verified]).toEqual(["Fallback", good]);
});

test("an emptied control plane in normal mode: quarantined, the verified pair stays", () => {
  const world = provenWorld();
  const good = world.held;
  world.held = content("e0", 0);
  world.run(60);
  expect(world.verified).toEqual(good);
  expect(world.condition("SnapshotQuarantined")?.reason).toBe("SnapshotShrunken");
  expect(world.condition("ControlPlaneRegressed")?.status).toBe("True");
  expect(world.condition("FallbackReady")?.status).toBe("True");
  world.annotations["holdfast.dev/accept-snapshot"] = world.held.digest.slice("sha256:".length, 20);
  world.run(60);
  expect(world.verified).toEqual(world.held);
});

test("an emptied control plane at the return: the group stays in fallback until a person approves this return", () => {
  const world = provenWorld();
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 100);
  world.kill(world.serving()[0]!);
  world.run(10);
  world.controlPlane = "up";
  world.held = content("e0", 0);
  world.run(600);
  expect(world.mode).toBe("Fallback");
  expect(world.condition("ControlPlaneRegressed")?.status).toBe("True");
  world.annotations["holdfast.dev/approve-return"] = "1"; // of another time: approves nothing
  world.run(60);
  expect(world.mode).toBe("Fallback");
  world.annotations["holdfast.dev/approve-return"] = String(world.status.epoch);
  world.until(() => world.mode === "Normal", 200);
  expect(world.mode).toBe("Normal");
});

test("a control plane that comes back emptied while pods still serve from memory: a person moves all to the last good pair", () => {
  const world = provenWorld();
  const good = world.held;
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 100);
  world.kill(world.serving()[0]!);
  world.run(10);
  world.controlPlane = "up";
  world.held = content("e0", 0);
  world.transcript = [];
  world.run(600);
  expect([world.mode, world.from("fallback"), world.from("normal")]).toEqual(["Fallback", 1, 1]);
  expect(world.transcript).toEqual([]);
  expect(world.condition("ControlPlaneRegressed")).toMatchObject({ reason: "Regressed", status: "True" });
  expect(world.condition("Reconciling")).toMatchObject({
    reason: "Regressed",
    message: expect.stringContaining(`routes 40 -> 0. Restore it, or to return all the same: annotate`),
  });
  const until = new Date(world.nowMs + 3_600_000).toISOString();
  world.annotations["holdfast.dev/override"] = `Fallback until=${until}`;
  world.until(() => world.from("fallback") === 2 && world.from("normal") === 0, 200).run(10);
  expect([world.mode, world.from("fallback"), world.from("normal"), world.replicas]).toEqual(["Fallback", 2, 0, 2]);
  expect([world.verified, world.condition("FallbackReady")?.reason]).toEqual([good, "Proven"]);
  expect([world.minServing, world.broken]).toEqual([1, []]); // the one that was killed
});
