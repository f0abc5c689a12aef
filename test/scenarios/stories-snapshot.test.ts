/** Whether a group could serve from its snapshot, and that it is said when it could not. */
import { expect, test } from "vitest";
import { short } from "../../operator/domain/values/digest.ts";
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

test.for([true, false])(
  "another exporter writes an emptied pair under the verified key (a candidate is there: %s): it is put back, and told",
  (candidate) => {
    const world = provenWorld();
    const good = world.verified;
    expect([...world.generations.keys()]).toEqual([short(good?.digest ?? "")]);
    const said: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      if (!candidate) world.candidate = undefined;
      world.verified = content("f0", 0);
      world.until(() => world.verified === good, 10).run(10);
      expect(world.verified, "put back").toEqual(good);
      const { status, reason } = world.condition("FallbackReady") ?? {};
      said.push(`${status} ${reason}`);
    }
    expect(said).toEqual(Array(3).fill("True WrittenByAnother"));
    expect(world.status.snapshot).toMatchObject({ digest: good?.digest, counts: good?.counts });
    expect(world.transcript.filter((line) => line.includes("rehears"))).toEqual([]);
  },
);

test("an operator that dies between the two halves of the verified pair: the next one puts the former one back, then goes on", () => {
  const world = provenWorld();
  const former = world.verified;
  world.held = content("b1");
  world.until(() => world.candidate?.digest === world.held.digest, 2_000);
  world.until(() => world.verified?.digest === world.held.digest, 2_000);
  world.run(10);
  // Half of the next one: a pair that nobody has proven.
  world.held = content("c1");
  world.until(() => world.candidate?.digest === world.held.digest, 2_000);
  const second = world.verified;
  world.verified = content("5a1f");
  world.operatorRestarts().run(2);
  expect([former?.digest === second?.digest, world.verified]).toEqual([false, second]);
  world.until(() => world.verified?.digest === world.held.digest, 2_000);
  expect(world.verified).toEqual(world.held);
});
