/** An outage from its loss to the return, however long it is and whatever happens meanwhile. */
import { expect, test } from "vitest";
import { content, provenWorld, World } from "./world.ts";

test("an outage, OnRestart: recorded, nothing that serves moves, a new pod starts from the snapshot; then the return", () => {
  const world = provenWorld();
  world.controlPlane = "down";
  world.run(60);
  expect(world.modes).toEqual(["ToFallback", "Fallback"]);
  expect(world.from("normal")).toBe(2);
  world.kill(world.serving()[0]!);
  world.run(20);
  expect(world.from("fallback")).toBe(1);
  world.controlPlane = "up";
  world.until(() => world.mode === "Normal", 300).run(10);
  expect(world.modes).toEqual(["ToFallback", "Fallback", "ToNormal", "Normal"]);
  expect([world.from("normal"), world.replicas]).toEqual([2, 2]);
  expect(world.broken).toEqual([]);
});

test("an outage, Rolling: every pod moves to the snapshot and back, and never do fewer serve than wanted", () => {
  const world = provenWorld({
    traffic: { replicas: 5 },
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 20,
      recovery: { afterSeconds: 30 },
      rollout: { type: "Rolling", startAfterSeconds: 0 },
    },
  });
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 200);
  expect([world.from("fallback"), world.from("normal")]).toEqual([5, 0]);
  world.controlPlane = "up";
  world.until(() => world.mode === "Normal", 400).run(10);
  expect([world.from("fallback"), world.from("normal"), world.replicas]).toEqual([0, 5, 5]);
  expect(world.minServing).toBe(5);
  expect(world.broken).toEqual([]);
});

test("a move that turns round in the middle comes back without a pod too few", () => {
  const world = provenWorld({
    traffic: { replicas: 6 },
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 20,
      recovery: { afterSeconds: 5 },
      rollout: { type: "Rolling", startAfterSeconds: 0 },
    },
  });
  world.controlPlane = "down";
  world.until(() => world.from("fallback") >= 2, 100);
  world.controlPlane = "up";
  world.until(() => world.mode === "Normal", 300).run(10);
  expect(world.mode).toBe("Normal");
  expect([world.from("normal"), world.replicas]).toEqual([6, 6]);
  expect(world.minServing).toBe(6);
  expect(world.broken).toEqual([]);
});

test("an outage shorter than the dwell records nothing; a pod that started meanwhile from the snapshot goes back later", () => {
  const world = provenWorld();
  world.controlPlane = "down";
  world.run(5);
  world.kill(world.serving()[0]!);
  world.run(8);
  expect(world.from("fallback")).toBe(1);
  world.controlPlane = "up";
  world.run(120);
  expect(world.modes).toEqual([]);
  expect([world.from("normal"), world.from("fallback")]).toEqual([2, 0]);
  expect(world.minServing).toBe(1); // the one that was killed
});

test("flapping every ten seconds, faster than a loss or a return is believed: it is seen, and nothing moves", () => {
  const world = provenWorld();
  const seen: unknown[] = [];
  for (let i = 0; i < 18; i += 1) {
    world.controlPlane = i % 2 === 0 ? "down" : "up";
    world.run(10);
    seen.push(world.condition("ControlPlaneReachable")?.status);
  }
  expect(seen).toEqual(Array.from({ length: 9 }, () => ["False", "True"]).flat());
  expect([world.mode, world.modes]).toEqual(["Normal", []]);
  expect([world.from("normal"), world.minServing, world.replicas]).toEqual([2, 2, 2]);
});

test("flapping about as fast as the group's own times: a wait that was once too short is not trusted again", () => {
  const world = provenWorld({
    fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 10, recovery: { afterSeconds: 10 } },
  });
  for (const up of [8, 8, 15, 8, 8, 15]) {
    world.controlPlane = "down";
    world.run(20);
    world.controlPlane = "up";
    world.run(up);
  }
  expect(world.modes).toEqual(["ToFallback", "Fallback"]);
  world.until(() => world.mode === "Normal", 200);
  expect(world.mode).toBe("Normal");
});

test("a surge that cannot be had is taken back, nothing is shrunk, and it is said", () => {
  const world = provenWorld({
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 20,
      recovery: { afterSeconds: 30 },
      rollout: { type: "Rolling", startAfterSeconds: 0 },
    },
  });
  world.surgePossible = false;
  world.controlPlane = "down";
  world.until(() => world.condition("Stalled")?.reason === "PodsRefused", 100);
  expect(world.condition("Stalled")?.reason).toBe("PodsRefused"); // told at once, and waited for
  expect([world.condition("Held"), world.replicas]).toEqual([undefined, 3]);
  world.until(() => world.condition("Held") !== undefined, 100);
  world.run(5);
  expect(world.replicas).toBe(2);
  expect(world.from("normal")).toBe(2);
  expect(world.minServing).toBe(2);
  expect(world.condition("Held")?.reason).toBe("SurgeImpossible");
  world.surgePossible = true;
  world.until(() => world.mode === "Fallback", 400);
  expect(world.from("fallback")).toBe(2);
});

test("disaster recovery in a new place: nothing serves, the control plane was never seen, an old snapshot stands in the store", () => {
  const world = new World({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 20 } });
  world.controlPlane = "down";
  world.verified = content("d1");
  world.raw = { content: world.verified, atMs: world.nowMs - 30 * 86_400_000 };
  const exported = new Date(world.raw.atMs).toISOString();
  world.until(() => world.from("fallback") === 2, 200);
  expect(world.from("fallback")).toBe(2);
  world.run(30);
  expect(world.mode).toBe("Fallback");
  expect(world.condition("FallbackReady")).toMatchObject({
    status: "True",
    reason: "ServingOldSnapshot",
    message: expect.stringContaining(`The last export is of ${exported}, older than maxAgeSeconds 3600; nothing else`),
  });
});

test("an operator that restarts in the middle of everything reaches the same end", () => {
  const world = provenWorld({
    traffic: { replicas: 4 },
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 20,
      recovery: { afterSeconds: 30 },
      rollout: { type: "Rolling", startAfterSeconds: 0 },
    },
  });
  world.controlPlane = "down";
  for (let i = 0; i < 40; i += 1) world.run(7 + i).operatorRestarts();
  expect([world.mode, world.from("fallback")]).toEqual(["Fallback", 4]);
  world.controlPlane = "up";
  for (let i = 0; i < 20; i += 1) world.run(40 + i).operatorRestarts();
  expect([world.mode, world.from("normal"), world.replicas]).toEqual(["Normal", 4, 4]);
  expect(world.minServing).toBe(4);
  expect(world.broken).toEqual([]);
});

test("a pod that a kubelet evicted and left behind keeps no group from leaving, and none from returning", () => {
  const world = provenWorld();
  const [first] = world.pods;
  const seen = world.facts.bind(world);
  const left = { ...structuredClone(first!), name: "edge-old", uid: "old", ready: false, trouble: "Evicted" };
  world.facts = () => ({ ...seen(), pods: [...seen().pods, { ...left, over: true, start: chose("normal") }] });
  world.controlPlane = "down";
  world.run(60);
  expect(world.mode).toBe("Fallback");
  for (const pod of [...world.pods]) world.kill(pod);
  world.run(30);
  world.facts = () => ({ ...seen(), pods: [...seen().pods, { ...left, over: true, start: chose("fallback") }] });
  world.controlPlane = "up";
  world.until(() => world.mode === "Normal", 600).run(10);
  expect([world.mode, world.from("normal"), world.status.traffic?.replicas]).toEqual(["Normal", 2, 2]);
});

const chose = (choice: "normal" | "fallback") => ({ choice, reason: "x", finishedMs: 0, absent: [] });
