/** What a control plane must hold outlives a short outage, its own death, a restart of Holdfast, and the loss of the status. */
import { expect, test } from "vitest";
import { type Content, content, provenWorld, type World } from "./world.ts";

const EMPTY: Content = { digest: content("e0").digest, counts: { routes: 0, upstreams: 0, services: 0 } };

function killAll(world: World): World {
  for (const pod of [...world.pods]) world.kill(pod);
  return world;
}
const isBack = (world: World): boolean => world.mode === "Normal" && world.from("normal") === 2;

test("an outage too short to move the group, and it comes back emptied: pods of the snapshot stay until it holds its routes", () => {
  const world = provenWorld({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 120 } });
  world.controlPlane = "down";
  killAll(world.run(5)).run(20);
  expect([world.mode, world.from("fallback")]).toEqual(["Normal", 2]);
  world.held = EMPTY;
  world.controlPlane = "up";
  world.transcript = [];
  world.run(300);
  expect(world.condition("ControlPlaneRegressed")?.reason).toBe("Regressed");
  expect([world.from("fallback"), world.transcript]).toEqual([2, []]);
  world.held = content("a1");
  world.run(300);
  expect([isBack(world), world.status.controlPlane?.content]).toEqual([true, undefined]);
});

test("a control plane that comes back as another group's: no pod is given to it until its export is this group's", () => {
  const world = provenWorld();
  const mine: Content = { ...content("a2"), gatewayGroup: "gg-mine" };
  world.held = mine;
  world.until(() => world.verified?.digest === mine.digest, 2_000).run(10);
  world.controlPlane = "down";
  killAll(world.run(60)).run(20);
  world.held = { ...content("b1"), gatewayGroup: "gg-theirs" };
  world.controlPlane = "up";
  world.run(300);
  expect(world.condition("SnapshotQuarantined")?.reason).toBe("SnapshotForeign");
  expect([world.mode, world.from("fallback")]).toEqual(["Fallback", 2]);
  world.held = mine;
  world.until(() => isBack(world), 600);
  expect([world.mode, world.from("normal")]).toEqual(["Normal", 2]);
});

test("emptied, and then dead: pods that hold nothing are replaced from the snapshot, and go back once it holds its routes", () => {
  const world = provenWorld();
  world.held = EMPTY;
  world.run(60);
  world.controlPlane = "down";
  world.run(2).until(() => world.from("fallback") === 2 && world.from("normal") === 0, 300);
  expect([world.from("fallback"), world.from("normal")]).toEqual([2, 0]);
  world.controlPlane = "up";
  world.run(300);
  expect(world.from("fallback")).toBe(2);
  world.held = content("a1");
  world.until(() => isBack(world), 600);
  expect([isBack(world), world.condition("ControlPlaneRegressed")]).toEqual([true, undefined]);
});

test("emptied, and all pods die after a restart of Holdfast: they start from the snapshot beside a control plane that answers", () => {
  const world = provenWorld();
  world.held = EMPTY;
  killAll(world.run(60).operatorRestarts()).run(60);
  expect([world.mode, world.from("fallback")]).toEqual(["Normal", 2]);
});

test("the status is lost in fallback, the store is silent, and it comes back emptied: nothing returns before it holds its routes", () => {
  const world = provenWorld();
  world.controlPlane = "down";
  killAll(world.run(40)).run(20);
  world.status = { observedGeneration: -1 };
  world.operatorRestarts();
  world.storeUp = false;
  world.held = EMPTY;
  world.controlPlane = "up";
  world.run(300);
  expect(world.from("fallback")).toBe(2);
  world.storeUp = true;
  world.run(300);
  expect([world.mode, world.from("fallback")]).toEqual(["Fallback", 2]);
  expect(world.condition("ControlPlaneRegressed")?.reason).toBe("Regressed");
  world.held = content("a1");
  world.until(() => isBack(world), 900);
  expect([world.mode, world.from("normal")]).toEqual(["Normal", 2]);
});
