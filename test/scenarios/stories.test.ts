import { expect, test } from "vitest";
import { content, provenWorld, World } from "./world.ts";

test("a new group serves from the control plane and proves its first export", () => {
  const world = new World({ backup: { exportIntervalSeconds: 5 } });
  world.until(() => world.status.fallbackReady === "Proven", 60);
  expect(world.broken).toEqual([]);
  expect(world.mode).toBe("Normal");
  expect(world.status.fallbackReady).toBe("Proven");
  expect(world.from("normal")).toBe(2);
  expect(world.verified).toEqual(world.held);
});

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

test("no proof: the group stays, nothing is touched, and it is said loudly", () => {
  const world = new World({ fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 20 } });
  world.storeUp = false;
  world.run(30);
  world.controlPlane = "down";
  world.run(120);
  expect(world.mode).toBe("Normal");
  expect(world.condition("Held")?.reason).toBe("NoProof");
  expect(world.condition("FallbackReady")?.status).toBe("Unknown");
  const budget = world.objects.get("PodDisruptionBudget/edge")?.["spec"] as { maxUnavailable: unknown };
  expect(budget.maxUnavailable).toBe(0);
  expect(world.from("normal")).toBe(2);
});

test("the store dies together with the control plane: held, nothing shrunk", () => {
  const world = provenWorld();
  world.controlPlane = "down";
  world.storeUp = false;
  world.run(300);
  expect(world.modes).toEqual([]);
  expect(world.condition("Held")?.reason).toBe("NoProof");
  expect(world.minServing).toBe(2);
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

test("an exporter that writes to the verified key is told, before its export was loaded and after", () => {
  const world = new World({ backup: { exportIntervalSeconds: 5 } });
  world.exporterKey = "verified";
  const said = () => `${world.condition("FallbackReady")?.status} ${world.condition("FallbackReady")?.reason}`;
  world.until(() => world.verified !== undefined, 60).run(1);
  expect(said()).toBe("False ExporterKeyIgnored");
  world.run(60);
  expect(said()).toBe("True ExporterKeyIgnored");
  expect(world.condition("FallbackReady")?.message).toContain(
    'is proven with api7/api7-ee-3-gateway:3.9.13 at 2026-01-01T00:00:05.500Z; but the exporter writes to the key "edge" instead of "edge-raw"',
  );
  world.exporterKey = "raw";
  world.run(60);
  expect(said()).toBe("True Proven");
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

test("flapping every ten seconds: at most one flip, and the next return waits longer", () => {
  const world = provenWorld();
  for (let i = 0; i < 18; i += 1) {
    world.controlPlane = i % 2 === 0 ? "down" : "up";
    world.run(10);
  }
  expect(world.modes.filter((mode) => mode === "ToFallback").length).toBeLessThanOrEqual(1);
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
  held.annotations["holdfast.dev/override"] = "Fallback until=2026-01-01T00:10:00Z";
  held.controlPlane = "up";
  held.until(() => held.mode === "Fallback", 100);
  expect(held.from("fallback")).toBe(2);
  held.until(() => held.mode === "Normal", 900);
  expect([held.mode, held.from("normal")]).toEqual(["Normal", 2]);
  expect([...observe.broken, ...held.broken]).toEqual([]);
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

test("every pod serves badly and fallback is ordered: they are replaced one by one, none before its successor serves", () => {
  const world = provenWorld();
  world.checkFails = "normal";
  world.annotations["holdfast.dev/override"] = "Fallback until=2026-01-02T00:00:00Z";
  world.until(() => world.mode === "Fallback" && world.from("fallback") === 2, 200);
  expect([world.mode, world.from("fallback")]).toEqual(["Fallback", 2]);
  expect(world.minServing).toBe(2);
  expect(world.broken).toEqual([]);
});
