/** A control plane that holds nothing any more is not followed until a person says so. */
import { expect, test } from "vitest";
import { content, provenWorld, World } from "./world.ts";
import { quickly } from "./world-spec.ts";

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
  world.annotations["holdfast.dev/accept-snapshot"] = `${world.held.digest.slice("sha256:".length, 19)}-1-uid-grou`;
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
  world.annotations["holdfast.dev/approve-return"] = "1-uid-grou"; // of another time: approves nothing
  world.run(60);
  expect(world.mode).toBe("Fallback");
  world.annotations["holdfast.dev/approve-return"] = `${world.status.epoch}-uid-grou`;
  world.until(() => world.mode === "Normal", 200);
  expect(world.mode).toBe("Normal");
});

test("an acceptance and an approval count once: the next time the same is lost, they are asked for anew", () => {
  const world = provenWorld();
  const good = world.held;
  const emptied = content("e0", 0);
  const asked = (type: string, annotation: string) =>
    new RegExp(`${annotation}=(\\S+)`).exec(world.condition(type)?.message ?? "")?.[1] ?? "nothing";
  world.held = emptied;
  world.run(60);
  const first = asked("SnapshotQuarantined", "accept-snapshot");
  world.annotations["holdfast.dev/accept-snapshot"] = first;
  world.until(() => world.verified?.digest === emptied.digest, 100).run(10);
  expect(world.status.approvals).toEqual({ acceptSnapshot: first });
  world.held = good;
  world.until(() => world.verified?.digest === good.digest, 1_000).run(10);
  world.held = emptied;
  world.run(1_000);
  expect([world.verified?.digest, world.condition("SnapshotQuarantined")?.reason]).toEqual([
    good.digest,
    "SnapshotShrunken",
  ]);
  world.annotations["holdfast.dev/accept-snapshot"] = asked("SnapshotQuarantined", "accept-snapshot");
  world.until(() => world.verified?.digest === emptied.digest, 1_000);
  expect(world.verified?.digest).toBe(emptied.digest);
});

test("a drop of replicas that was accepted once is held the next time", () => {
  const world = provenWorld({ traffic: { replicas: 6 } });
  world.replicasSetBy = "other";
  const wants = (replicas: number) => {
    world.spec = structuredClone(world.spec);
    world.spec.traffic.replicas = replicas;
    world.run(60);
  };
  world.watching = false;
  wants(2);
  const [, value = ""] = /accept-replicas=(\S+)$/.exec(world.condition("Stalled")?.message ?? "") ?? [];
  world.annotations["holdfast.dev/accept-replicas"] = value;
  world.run(60);
  expect(world.replicas).toBe(2);
  wants(6);
  expect(world.replicas).toBe(6);
  wants(2);
  expect([world.replicas, world.condition("Stalled")?.reason]).toEqual([6, "ReplicasDropHeld"]);
});

test("a return that was approved in an earlier outage approves none of the next", () => {
  const world = provenWorld();
  const outage = () => {
    world.held = content("d1");
    world.controlPlane = "down";
    world.until(() => world.mode === "Fallback", 200);
    for (const pod of [...world.pods]) world.kill(pod);
    world.run(30);
    world.held = content("e0", 0);
    world.controlPlane = "up";
    world.run(300);
  };
  outage();
  world.annotations["holdfast.dev/approve-return"] = `${world.status.epoch}-uid-grou`;
  world.until(() => world.mode === "Normal", 300);
  expect([world.mode, world.status.approvals?.approveReturn]).toEqual([
    "Normal",
    world.annotations["holdfast.dev/approve-return"],
  ]);
  world.held = content("d1");
  world.run(60);
  outage();
  expect([world.mode, world.from("fallback")]).toEqual(["Fallback", 2]);
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

const NEW_IMAGE = "api7/api7-ee-3-gateway:3.9.14";
/** Another image is wanted, and the first pod of it starts. */
function inARoll(): World {
  const world = provenWorld({ traffic: { replicas: 3 } });
  world.spec = { ...world.spec, gateway: { ...world.spec.gateway, image: NEW_IMAGE } };
  world.generation += 1;
  return world.until(() => new Set(world.pods.map(({ templateHash }) => templateHash)).size > 1, 60);
}
const made = (world: World, hash: string | undefined) => world.pods.filter((pod) => pod.templateHash === hash).length;

test.for(["emptied beside it", "lost, and back emptied before a flip"])(
  "a roll that Holdfast began a moment ago, and the control plane is %s: it waits, and goes on once it is restored",
  (how) => {
    const world = inARoll();
    const [old] = world.pods.map(({ templateHash }) => templateHash);
    const good = world.held;
    if (how !== "emptied beside it") {
      world.controlPlane = "down";
      world.run(10);
    }
    world.held = content("e0", 0);
    world.controlPlane = "up";
    world.until(() => world.condition("ControlPlaneRegressed")?.status === "True", 60).run(2);
    const staying = made(world, old);
    expect([world.paused, world.condition("RestartPending")?.reason]).toEqual([true, "OutageDuringRoll"]);
    world.run(300);
    expect([world.mode, world.paused, made(world, old)]).toEqual(["Normal", true, staying]);
    expect(staying).toBeGreaterThanOrEqual(2);
    world.held = good;
    world.run(120);
    expect([world.paused, made(world, old), world.serving().length]).toEqual([false, 0, 3]);
    expect([world.minServing, world.condition("RestartPending")]).toEqual([3, undefined]);
  },
);

/** Proven with `counts`, in fallback; then the control plane comes back with `held`. */
function cameBackWith(counts: Record<string, number>, held: Record<string, number>): World {
  const world = new World(quickly({}));
  world.held = { digest: content("b1").digest, counts };
  world.until(() => world.status.fallbackReady === "Proven", 200).run(10);
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 100);
  for (const pod of [...world.pods]) world.kill(pod);
  world.run(20);
  world.held = { digest: content("b2").digest, counts: held };
  world.controlPlane = "up";
  return world.run(400);
}

test.for<[Record<string, number>, Record<string, number>, string, number]>([
  [{ routes: 2, upstreams: 1 }, { routes: 0, upstreams: 1 }, "Fallback", 2],
  [{ routes: 10, upstreams: 10, services: 10 }, { routes: 1, upstreams: 1, services: 1 }, "Fallback", 2],
  [{ routes: 2, upstreams: 2 }, { routes: 1, upstreams: 2 }, "Normal", 0],
])("a small group, from %j to %j: %s", ([counts, held, mode, fromSnapshot]) => {
  const world = cameBackWith(counts, held);
  expect([world.mode, world.from("fallback")]).toEqual([mode, fromSnapshot]);
});

test("a control plane that is emptied step by step is told at the first step that is too much of a day", () => {
  const world = provenWorld({ fallback: { storageRef: { name: "eu" }, rehearsal: { minIntervalSeconds: 60 } } });
  const steps = [400, 288, 207, 149, 107, 0];
  const verified: (number | undefined)[] = [];
  for (const [index, routes] of steps.entries()) {
    world.held = content(`c${index}`, routes);
    world.run(150);
    verified.push(world.verified?.counts["routes"]);
  }
  expect(verified).toEqual([400, 288, 288, 288, 288, 288]);
  expect(world.condition("SnapshotQuarantined")?.message).toContain("routes 400 -> 0");
  expect(world.condition("ControlPlaneRegressed")?.reason).toBe("Regressed");
  world.annotations["holdfast.dev/accept-snapshot"] = `${world.held.digest.slice("sha256:".length, 19)}-1-uid-grou`;
  world.run(120);
  expect([world.verified?.counts["routes"], world.condition("ControlPlaneRegressed")]).toEqual([0, undefined]);
});
