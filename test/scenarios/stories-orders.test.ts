/** What a person orders, and what waits for a person's word. */
import { expect, test } from "vitest";
import { provenWorld } from "./world.ts";

test("manual approval: the return waits for a person", () => {
  const world = provenWorld({
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 20,
      recovery: { afterSeconds: 30, approval: "Manual" },
    },
  });
  world.controlPlane = "down";
  world.run(60);
  world.controlPlane = "up";
  world.run(120);
  expect(world.mode).toBe("Fallback");
  expect(world.condition("Reconciling")?.reason).toBe("WaitingApproval");
});

test("words: Observe says what it would do, Hold and suspend write nothing, an override goes before the policy", () => {
  const observe = provenWorld({ modePolicy: "Observe" });
  observe.controlPlane = "down";
  observe.run(60);
  expect([observe.modes.length, observe.condition("Reconciling")?.reason]).toEqual([0, "WouldMove"]);
  const held = provenWorld();
  held.annotations["holdfast.dev/override"] = "Hold until=2027-01-01T00:00:00Z";
  held.controlPlane = "down";
  held.run(60);
  expect([held.modes.length, held.condition("Held")?.reason]).toEqual([0, "HoldOrdered"]);
  const suspended = provenWorld();
  suspended.spec.suspend = true;
  suspended.controlPlane = "down";
  suspended.run(60);
  expect([suspended.modes.length, suspended.condition("Held")?.reason]).toEqual([0, "Suspended"]);
  held.annotations["holdfast.dev/override"] = "Fallback until=2026-01-01T00:10:00Z";
  held.controlPlane = "up";
  held.until(() => held.mode === "Fallback", 100);
  expect(held.from("fallback")).toBe(2);
  held.until(() => held.mode === "Normal", 900);
  expect([held.mode, held.from("normal")]).toEqual(["Normal", 2]);
  expect([...observe.broken, ...held.broken, ...suspended.broken]).toEqual([]);
});

test("every pod serves badly and fallback is ordered: they are replaced one by one, none before its successor serves", () => {
  const world = provenWorld();
  world.checkFails = "normal";
  world.annotations["holdfast.dev/override"] = "Fallback until=2026-01-02T00:00:00Z";
  world.until(() => world.mode === "Fallback" && world.from("fallback") === 2, 200);
  expect([world.mode, world.from("fallback")]).toEqual(["Fallback", 2]);
  expect(world.minServing).toBe(2);
  expect(world.broken).toEqual([]);
});
