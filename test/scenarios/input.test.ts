/** Mistakes beside the group, over the whole loop: they are told, keep nobody from being served, and heal. */
import { expect, test } from "vitest";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { readRendered } from "../../operator/observe/gateways/render.ts";
import { nothingKnown } from "../../operator/observe/store/snapshot.ts";
import { content, storageSpec, World } from "./world.ts";

const QUICK = {
  backup: { exportIntervalSeconds: 5 },
  fallback: { storageRef: { name: "eu" }, outageAfterSeconds: 20, recovery: { afterSeconds: 30 } },
};
const MISCONFIGURED = "the bucket does not exist (NoSuchBucket)";
const absent = { seen: "absent" } as const;
const stalled = (world: World) => `${world.condition("Stalled")?.reason}: ${world.condition("Stalled")?.message}`;

/** What is seen of the storage, what Stalled and FallbackReady say of it, and what an outage is answered with. */
test.for<[string, (world: World) => World["otherwise"], RegExp, string]>([
  [
    "missing",
    ({ spec }) => ({
      storage: { seen: "absent", name: "eu" },
      rendered: readRendered(spec, undefined),
      snapshot: nothingKnown("StorageNotFound", 'FallbackStorage "eu" does not exist'),
    }),
    /^StorageNotFound: spec\.fallback\.storageRef\.name: FallbackStorage "eu" does not exist in namespace "gateways": create it there, or correct the name$/,
    "StorageNotFound",
  ],
  [
    "wrong",
    ({ spec }) => ({
      storage: {
        seen: "present",
        name: "eu",
        uid: "u",
        spec: storageSpec,
        fault: { reason: "StorageMisconfigured", field: "spec.s3", message: MISCONFIGURED },
      },
      rendered: readRendered(spec, storageSpec),
      snapshot: nothingKnown("StorageMisconfigured", MISCONFIGURED),
    }),
    /^StorageMisconfigured: spec\.s3: the bucket does not exist/,
    "StorageMisconfigured",
  ],
  [
    "empty",
    ({ spec }) => ({
      rendered: readRendered(spec, storageSpec),
      snapshot: { raw: absent, candidate: absent, verified: absent },
    }),
    /^Accepted: /,
    "NoExportYet",
  ],
])(
  "a storage that is %s: the group deploys, serves through an outage, and is proven once it is mended",
  ([, seen, told, reason]) => {
    const world = new World(QUICK);
    world.otherwise = seen(world);
    world.run(60);
    expect([world.mode, world.from("normal"), world.condition("Ready")?.reason]).toEqual(["Normal", 2, "Serving"]);
    expect(world.objects.has("Service/edge")).toBe(true);
    expect(stalled(world)).toMatch(told);
    expect(world.condition("FallbackReady")?.reason).toBe(reason);
    world.controlPlane = "down";
    world.watching = true;
    world.run(60);
    expect([world.mode, world.condition("Held")?.reason, world.minServing]).toEqual(["Normal", "NoProof", 2]);
    world.controlPlane = "up";
    world.otherwise = { rendered: readRendered(world.spec, storageSpec) };
    world.until(() => world.status.fallbackReady === "Proven", 60);
    expect([world.status.fallbackReady, stalled(world)]).toEqual(["Proven", "Accepted: Nothing in the input is wrong"]);
    expect([world.minServing, world.broken]).toEqual([2, []]);
  },
);

const conflict = (world: World, foreign: boolean): { peers: Facts["peers"] } => ({
  peers: { ...world.facts().peers, keyConflict: { group: "gateways/older", foreign } },
});
/** The exporter of the older group goes on writing under the key that both have. */
function olderExports(world: World, seconds: number): World {
  for (let i = 0; i < seconds; i += 5) {
    world.raw = { content: content("0f"), atMs: world.nowMs };
    world.run(5);
  }
  return world;
}

/** Of one control plane the older group's export is as good as its own; of another one nothing of it is used. */
test.for([
  [
    "of one control plane",
    false,
    /^ObjectKeyShared: spec\.shortID: .* in the same buckets: give /,
    "Proven",
    "Fallback",
  ],
  ["of two", true, /in the same buckets, with another control plane: give /, "ObjectKeyShared", "Normal"],
] as const)("two groups on one key, %s: the younger deploys and does not export", ([, foreign, told, ready, mode]) => {
  const world = new World(QUICK);
  world.otherwise = conflict(world, foreign);
  olderExports(world, 60);
  expect([world.mode, world.from("normal"), world.objects.has("Deployment/edge-backup")]).toEqual(["Normal", 2, false]);
  expect(stalled(world)).toMatch(told);
  expect(stalled(world)).toContain('GatewayGroup "gateways/older" is older and uses the object key "edge"');
  expect(world.condition("FallbackReady")?.reason).toBe(ready);
  expect(world.verified).toEqual(foreign ? undefined : content("0f"));
  world.controlPlane = "down";
  world.watching = true;
  world.run(60);
  expect([world.mode, world.minServing]).toEqual([mode, 2]);
  world.controlPlane = "up";
  world.until(() => world.mode === "Normal", 200);
  world.otherwise = {};
  world.until(() => world.verified?.digest === world.held.digest, 1_000).run(10);
  expect([world.objects.has("Deployment/edge-backup"), stalled(world)]).toEqual([
    true,
    "Accepted: Nothing in the input is wrong",
  ]);
  expect([world.status.fallbackReady, world.minServing, world.broken]).toEqual(["Proven", 2, []]);
});

test("a store that this gateway cannot speak to is told whole, serves, and heals when the image changes", () => {
  const store = { ...storageSpec, s3: { ...storageSpec.s3!, endpoint: "http://minio:9000" } };
  const world = new World({ ...QUICK, gateway: { image: "api7/api7-ee-3-gateway:3.9.3" } });
  world.otherwise = { rendered: readRendered(world.spec, store) };
  world.run(60);
  expect(stalled(world)).toBe(
    "PathStyleUnsupported: spec.fallback.storageRef: gateway 3.9.3 speaks virtual-host addresses only, the storage asks for path style (forcePathStyle): " +
      "use an image of 3.9.13 or later, or set forcePathStyle: false where the endpoint answers on <bucket>.<host>",
  );
  expect([world.from("normal"), world.condition("Ready")?.reason]).toEqual([2, "Serving"]);
  expect(world.condition("FallbackReady")).toMatchObject({ status: "False", reason: "NoExportYet" });
  world.watching = true;
  world.spec = { ...world.spec, gateway: { ...world.spec.gateway, image: "api7/api7-ee-3-gateway:3.9.13" } };
  world.generation += 1;
  world.otherwise = { rendered: readRendered(world.spec, store) };
  world.until(() => world.status.fallbackReady === "Proven", 120);
  expect([world.status.fallbackReady, stalled(world)]).toEqual(["Proven", "Accepted: Nothing in the input is wrong"]);
  expect([world.minServing, world.broken]).toEqual([2, []]);
});
