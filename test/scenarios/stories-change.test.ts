/** Another pod template, wished for in an outage: it waits; asked for, a gateway of it loads the snapshot first. */
import { expect, test } from "vitest";
import { provenWorld, type World } from "./world.ts";

const [OLD, NEW] = ["api7/api7-ee-3-gateway:3.9.13", "api7/api7-ee-3-gateway:3.9.14"];

/** In fallback, and the spec names another image. */
function changedInFallback(): World {
  const world = provenWorld();
  world.controlPlane = "down";
  world.until(() => world.mode === "Fallback", 100);
  world.spec = { ...world.spec, gateway: { ...world.spec.gateway, image: NEW } };
  world.generation += 1;
  return world.run(60);
}
const ask = (world: World) => {
  world.annotations["holdfast.dev/restart-at"] = new Date(world.nowMs).toISOString();
};

/** The image that pods are made of from now on. */
function imageOf(world: World): string | undefined {
  type Spec = { template: { spec: { containers: { name: string; image: string }[] } } };
  const spec = world.objects.get("Deployment/edge")?.["spec"] as Spec | undefined;
  return spec?.template.spec.containers.find(({ name }) => name === "gateway")?.image;
}
const rehearsals = (world: World) => world.helpers.filter(({ role }) => role === "rehearsal");
const proven = (world: World) => (world.status.snapshot?.proofs ?? []).map(({ image }) => image);

test("it waits, and nobody rehearses it", () => {
  const world = changedInFallback();
  expect([imageOf(world), world.condition("RestartPending")?.reason]).toEqual([OLD, "ChangeWaits"]);
  expect([rehearsals(world), proven(world)]).toEqual([[], [OLD]]);
});

test("asked for: proven with the new template, and only then written", () => {
  const world = changedInFallback();
  ask(world);
  world.until(() => rehearsals(world).length > 0, 60);
  const [rehearsal] = rehearsals(world);
  const runs = world.facts().children.traffic?.replicaSets[0]?.proofKey;
  expect(rehearsal?.proofKey).not.toBe(runs);
  expect([rehearsal?.image, imageOf(world), proven(world)]).toEqual([NEW, OLD, [OLD]]);
  world.until(() => imageOf(world) === NEW, 60);
  expect(proven(world)).toContain(NEW);
  const [newest] = (world.status.snapshot?.proofs ?? []).filter(({ image }) => image === NEW);
  expect(newest?.key).toBe(rehearsal?.proofKey);
  expect([world.mode, world.minServing]).toEqual(["Fallback", 2]);
  expect(world.status.restartedAt).toBe(world.annotations["holdfast.dev/restart-at"]);
});

test("asked for, and the snapshot does not load with it: what runs stays, and so does its proof", () => {
  const world = changedInFallback();
  world.rehearsalFails = true;
  ask(world);
  world.run(300);
  const runs = world.facts().children.traffic?.replicaSets[0]?.proofKey;
  const { result, key } = world.status.snapshot?.lastRehearsal ?? {};
  expect([result, key === runs]).toEqual(["Failed", false]);
  expect([imageOf(world), proven(world), world.condition("RestartPending")?.reason]).toEqual([
    OLD,
    [OLD],
    "ChangeWaits",
  ]);
  expect([world.minServing, world.status.restartedAt]).toEqual([2, undefined]);
});
