import { expect, test } from "vitest";
import type { ActDeps } from "../operator/act/act.ts";
import type { Facts, GroupFacts } from "../operator/domain/facts/facts.ts";
import { Troubles } from "../operator/failure-log.ts";
import { createLog } from "../operator/log.ts";
import { readGroup } from "../operator/observe/cluster/group.ts";
import { readRendered } from "../operator/observe/gateways/render.ts";
import type { Observed } from "../operator/observe/observe.ts";
import { nothingKnown } from "../operator/observe/store/snapshot.ts";
import { Written } from "../operator/own-writes.ts";
import { groupReconciler, type Loop } from "../operator/reconcile.ts";
import { Sessions } from "../operator/session.ts";
import { fakeClient } from "./act/fake-client.ts";
import { FakeClock } from "./kube/fake-clock.ts";
import { caches, group, type Loose } from "./observe/objects.ts";

const signal = AbortSignal.timeout(20_000);

function world() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLog({ level: "debug", write: (line) => void lines.push(line) });
  const fake = fakeClient();
  fake.groupIs(group);
  const forgotten: string[] = [];
  const letGo: string[] = [];
  const wanted: Loose[] = [];
  let observed: Observed = { seen: "gone" };
  let behind = false;
  const broken: string[] = [];
  const refused: string[] = [];
  const deps = {
    client: fake.client,
    events: { emit: async () => undefined, retry: async () => undefined },
    counted: () => undefined,
    troubled: () => undefined,
    log,
    wrote: () => undefined,
    overridden: () => undefined,
    deleted: () => undefined,
    meet: () => false,
    dryRun: async () => undefined,
    copySnapshot: async () => "done",
  } as unknown as ActDeps;
  const sessions = new Sessions();
  sessions.onDrop((key) => forgotten.push(key));
  const loop: Loop = {
    isBehind: () => behind,
    observe: async (_key, wants) => {
      wanted.push(wants);
      return observed;
    },
    actDeps: () => deps,
    sessions,
    letGo: async (key) => void letGo.push(key),
    decided: () => undefined,
    brokenLaws: () => broken,
    refused: (_key, laws) => void refused.push(...laws),
    measured: () => undefined,
    clock,
    log,
  };
  const reconcile = groupReconciler(loop);
  return {
    ...fake,
    clock,
    lines,
    forgotten,
    letGo,
    wanted,
    run: () => reconcile("gw/edge", signal),
    broken,
    refused,
    see: (next: Observed) => (observed = next),
    lag: (is: boolean) => (behind = is),
  };
}

/** A group in its first loop, everything else not known yet. */
function facts(clock: FakeClock, change: (facts: Loose) => void = () => undefined): Observed {
  const read = readGroup(group()) as GroupFacts;
  const unknown = (name: string) => ({ seen: "unknown" as const, name, why: "x" });
  const made: Facts = {
    nowMs: clock.wallMs(),
    monoMs: clock.monotonicMs(),
    watches: { oldest: "Pod in gw", staleForMs: 0 },
    group: { ...read },
    rendered: readRendered(read.spec, undefined),
    storage: { seen: "absent", name: "store" },
    secrets: { client: unknown("cert"), writer: unknown(""), reader: unknown("") },
    children: { byName: new Map(), strangers: [], configsInUse: new Set() },
    pods: [],
    helpers: [],
    controlPlane: { operator: { view: "readsOk" } },
    snapshot: nothingKnown("StorageNotFound", "x"),
    peers: { controlPlanes: 1, controlPlanesLost: 0, moving: 0, sharing: 1, earlierWavesOpen: 0 },
    neighbours: { seen: [], unread: [] },
    operator: { chooseImage: "image", version: "1" },
  };
  change(made);
  return { seen: "facts", facts: made };
}

test.for([
  ["gone: forgotten, and never looked at again by itself", { seen: "gone" }, undefined, ["gw/edge"]],
  ["first answers under way: soon again", { seen: "pending", recheckAfterMs: 250 }, { recheckAfterMs: 250 }, []],
  ["unreadable: left alone, told", { seen: "unreadable", why: "spec: x" }, { recheckAfterMs: 60_000 }, []],
] as const)("a group that is %s", async ([, observed, result, forgotten]) => {
  const { run, see, calls, ...w } = world();
  see(observed);
  expect(await run()).toEqual(result);
  expect([w.forgotten, w.letGo]).toEqual([forgotten, forgotten]);
  expect(calls, "nothing is written").toEqual([]);
});

test("while the caches lag behind our own writes nothing is even looked at", async () => {
  const { run, lag, wanted, calls } = world();
  lag(true);
  expect(await run()).toEqual({ recheckAfterMs: 50 });
  expect([wanted, calls]).toEqual([[], []]);
});

test("a new group: the mode is recorded before any object is made", async () => {
  const { run, see, clock, calls } = world();
  see(facts(clock));
  await run();
  expect(calls).toEqual(["status GatewayGroup/edge"]);
  see(facts(clock, (f) => (f.group.status = { ...f.group.status, mode: "Normal", epoch: 1 })));
  await run();
  expect(calls).toContain("create Deployment/edge");
});

test("each look leaves a line for who follows it: what was seen, what is done, and why", async () => {
  const { run, see, clock, lines } = world();
  see(facts(clock, (f) => (f.group.status = { ...f.group.status, mode: "Normal", epoch: 1 })));
  await run();
  const line = lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === "decided");
  expect(line).toMatchObject({
    level: "debug",
    group: "gw/edge",
    mode: "Normal",
    controlPlane: "readsOk",
    fallbackReady: "StorageNotFound",
    rawSnapshot: "unknown",
  });
  expect(line.steps.join("\n")).toMatch(/^create Deployment\/edge: /m);
});

test("of a plan that would break a law the status alone is written, which says so, and the loop comes again in time", async () => {
  const { run, see, clock, calls, bodies, broken, refused } = world();
  broken.push("unknown never moves the mode");
  see(facts(clock));
  expect((await run())?.recheckAfterMs).toBeGreaterThan(0);
  expect(calls).toEqual(["status GatewayGroup/edge"]);
  const [status] = bodies as Loose[];
  expect([status.mode, status.conditions.find((one: Loose) => one.type === "Held")?.reason]).toEqual([
    undefined,
    "PlanRefused",
  ]);
  expect(refused).toEqual(["unknown never moves the mode"]);
});

test("a group that is being deleted is not written to, and lets go what it held", async () => {
  const { run, see, clock, calls, letGo } = world();
  see(facts(clock, (f) => (f.group.deleting = true)));
  expect(await run()).toBeUndefined();
  expect([calls, letGo]).toEqual([[], ["gw/edge"]]);
});

test("what the plan wants of the readers they are told in the next loop; a new group of that name begins anew", async () => {
  const { run, see, clock, wanted } = world();
  const lost = () => facts(clock, (f) => (f.controlPlane = { operator: { view: "down", detail: "refused" } }));
  see(lost());
  await run();
  await run();
  expect(wanted.map((wants) => wants.podsOften)).toEqual([false, true]);
  see({ seen: "gone" });
  await run();
  see(lost());
  await run();
  expect(wanted.at(-1).podsOften).toBe(false);
});

test("a write is waited for until the cache shows it", () => {
  const service = { metadata: { name: "edge", namespace: "gw", uid: "u", resourceVersion: "5", labels: {} } };
  const all = caches({ services: [service] });
  const written = new Written(all, new Sessions());
  const kind = { apiVersion: "v1", kind: "Service", plural: "services", namespaced: true };
  written.wrote("gw/edge", kind, { ...service.metadata, resourceVersion: "6" });
  expect([written.isBehind("gw/edge"), written.isBehind("gw/other")]).toEqual([true, false]);
  all.services.put(all.services.entryOf({ metadata: { ...service.metadata, resourceVersion: "6" } }));
  expect(written.isBehind("gw/edge")).toBe(false);
  written.deleted("gw/edge", kind, "gw/edge", "u");
  expect(written.isBehind("gw/edge")).toBe(true);
  all.services.remove("gw/edge", "7");
  expect(written.isBehind("gw/edge")).toBe(false);
  written.wrote("gw/edge", { ...kind, kind: "Event" }, { ...service.metadata, resourceVersion: "9" });
  expect(written.isBehind("gw/edge"), "no decision rests on events").toBe(false);
});

test("the same trouble is told once in five minutes, another at once", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const troubles = new Troubles(clock, createLog({ write: (line) => void lines.push(line) }), new Sessions());
  const step = { do: "copySnapshot", from: "raw", to: "candidate", digest: "d", why: "w" } as const;
  troubles.met("gw/a", step, new Error("no"));
  troubles.met("gw/a", step, new Error("no"));
  troubles.met("gw/b", step, new Error("no"));
  troubles.met("gw/a", step, new Error("other"));
  expect(lines).toHaveLength(3);
  await clock.advance(5 * 60_000);
  troubles.met("gw/a", step, new Error("other"));
  expect(lines).toHaveLength(4);
});
