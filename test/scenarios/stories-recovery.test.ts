/** Disaster recovery: the control plane is dead from the start, a good verified pair is in the store, nothing ever ran here. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { readRendered } from "../../operator/observe/gateways/render.ts";
import { nothingKnown } from "../../operator/observe/store/snapshot.ts";
import { content, provenWorld, storageSpec, World } from "./world.ts";

const GOOD = "api7/api7-ee-3-gateway:3.9.13";
const TYPO = "api7/api7-ee-3-gateway:3.9.113";
const SPEC = { backup: { exportIntervalSeconds: 5 }, gateway: { image: TYPO } };
const FALLBACK = { storageRef: { name: "eu" }, outageAfterSeconds: 20, recovery: { afterSeconds: 30 } };
const present = (name: string, keys: string[]) => ({ seen: "present", name, resourceVersion: "1", keys }) as const;
const STORE_KEYS = present("keys", ["accessKeyId", "secretAccessKey"]);
const CERTIFICATE = present("cert", ["tls.crt", "tls.key", "ca.crt"]);

/** What is wrong or missing at first, and how it is put right. */
type Part = "storage" | "mended storage" | "reader Secret" | "certificate" | "image" | "endpoint";
const PARTS: readonly Part[] = ["storage", "mended storage", "reader Secret", "certificate", "image", "endpoint"];

class Recovery extends World {
  readonly missing: Set<Part>;

  constructor(missing: readonly Part[]) {
    super({ ...SPEC, fallback: FALLBACK });
    this.missing = new Set(missing);
    this.controlPlane = "down";
    this.verified = content("d1");
    this.unpullable.add(TYPO);
    this.#see();
  }

  comes(part: Part): void {
    // What was rendered for the wrong storage leads nowhere, now as then.
    if (part === "mended storage") for (const name of this.#readerConfigs()) this.misled.add(name);
    this.missing.delete(part);
    this.#see();
  }

  #see(): void {
    const is = (part: Part) => this.missing.has(part);
    this.spec = structuredClone(this.spec);
    this.spec.gateway.image = is("image") ? TYPO : GOOD;
    this.spec.controlPlane.endpoint = `https://${is("endpoint") ? "typo" : "dp-manager"}.api7.svc:7943`;
    this.generation += 1;
    const spec = is("mended storage")
      ? { ...storageSpec, s3: { ...storageSpec.s3!, region: "eu-west-9" } }
      : storageSpec;
    const reads = !is("storage") && !is("mended storage");
    this.otherwise = {
      storage: is("storage") ? { seen: "absent", name: "eu" } : { seen: "present", name: "eu", uid: "u", spec },
      rendered: readRendered(this.spec, is("storage") ? undefined : spec),
      secrets: {
        client: is("certificate") ? { seen: "absent", name: "cert" } : CERTIFICATE,
        writer: STORE_KEYS,
        reader: is("reader Secret") ? { seen: "absent", name: "keys" } : STORE_KEYS,
      },
      ...(reads ? {} : { snapshot: nothingKnown("StorageMisconfigured", "the bucket does not exist") }),
    };
  }

  #readerConfigs(): string[] {
    return [...this.objects.keys()].filter((id) => id.startsWith("ConfigMap/edge-reader-")).map((id) => id.slice(10));
  }
}

const MINUTES = 60;
/** An outage of minutes, second by second, on a machine that has other work. */
const LONG = { timeout: 120_000 };
const served = (world: World) => [world.serving().length, world.from("fallback")];
const ALL = [2, 2];

test.for([5, 200, 1_000])("the group first, its storage %i s later: all pods serve within minutes", LONG, (seconds) => {
  const world = new Recovery(["storage"]);
  world.run(seconds).comes("storage");
  world.until(() => world.serving().length === 2, 5 * MINUTES).run(MINUTES);
  expect(served(world)).toEqual(ALL);
});

/** What a start from the snapshot does not need keeps nobody from it. */
const NOT_NEEDED: readonly Part[] = ["certificate", "endpoint"];

test.for(PARTS)("one thing is wrong for ten minutes and put right in the outage: %s", LONG, (part) => {
  const world = new Recovery([part]);
  world.run(10 * MINUTES);
  expect(served(world)).toEqual(NOT_NEEDED.includes(part) ? ALL : [0, 0]);
  world.comes(part);
  world.until(() => world.serving().length === 2, 5 * MINUTES).run(MINUTES);
  expect(served(world)).toEqual(ALL);
});

const orders = fc.record({
  order: fc.shuffledSubarray([...PARTS], { minLength: 1 }),
  gaps: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 6, maxLength: 6 }),
});
const numRuns = Math.ceil(Number(process.env["HOLDFAST_PROPERTY_RUNS"] ?? 24) / 2);

test("whatever is missing, and in whatever order it comes: all pods serve from the snapshot within minutes", {
  timeout: 600_000,
}, () => {
  fc.assert(
    fc.property(orders, ({ order, gaps }) => {
      const world = new Recovery(order);
      for (const [index, part] of order.entries()) world.run(gaps[index] ?? 1).comes(part);
      world.until(() => world.serving().length === 2, 8 * MINUTES).run(MINUTES);
      expect(served(world)).toEqual(ALL);
    }),
    { numRuns, seed: 20_261_201 },
  );
});

test("pods that serve from memory are left alone by all of it", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...PARTS], { minLength: 1 }), fc.integer({ min: 1, max: 120 }), (order, gap) => {
      const world = provenWorld();
      const uids = world.pods.map(({ uid }) => uid);
      world.status = { ...world.status, snapshot: { ...world.status.snapshot, proofs: [] } };
      world.rehearsalFails = true;
      world.controlPlane = "down";
      const changed = new Recovery(order);
      for (const part of order) {
        world.run(gap);
        changed.comes(part);
        world.spec = changed.spec;
        world.generation += 1;
        world.otherwise = { ...changed.otherwise } as Partial<Facts>;
      }
      world.run(5 * MINUTES);
      expect(world.serving().map(({ uid }) => uid)).toEqual(uids);
    }),
    { numRuns, seed: 20_261_201 },
  );
});

test.for([
  ["lost a moment ago", "down", 5],
  ["slow for long", "slow", 120],
] as const)(
  "without a proof an autoscaler takes no pod that serves while the control plane is %s",
  LONG,
  ([, controlPlane, seconds]) => {
    const world = provenWorld({ traffic: { replicas: 6 }, fallback: { ...FALLBACK, outageAfterSeconds: 120 } });
    world.status = { ...world.status, snapshot: { ...world.status.snapshot, proofs: [] } };
    Object.assign(world, { rehearsalFails: true, storeUp: false, controlPlane });
    world.run(seconds);
    world.spec = structuredClone(world.spec);
    world.spec.traffic.replicas = 2;
    world.run(30);
    expect(world.serving().length).toBe(6);
    world.controlPlane = "up";
    world.run(60);
    expect(world.serving().length).toBe(2);
  },
);
