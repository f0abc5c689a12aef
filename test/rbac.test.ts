/**
 * The rights are those of the calls that are made, no more: what is decided in many situations is carried out on a
 * client that notes each call. That they are enough is shown by the cluster tests, which run with exactly these.
 */
import { expect, test } from "vitest";
import { type ActDeps, act } from "../operator/act/act.ts";
import { EventRecorder } from "../operator/act/events.ts";
import type { Facts } from "../operator/domain/facts/facts.ts";
import type { KubeClient } from "../operator/kube/client.ts";
import { KubeError } from "../operator/kube/errors.ts";
import { LeaseLock } from "../operator/kube/lease-lock.ts";
import type { Resource } from "../operator/kube/resources.ts";
import { createLog } from "../operator/log.ts";
import { CACHED } from "../operator/observe/cluster/caches.ts";
import { ClusterIds } from "../operator/observe/cluster/cluster-id.ts";
import { NEIGHBOURS } from "../operator/observe/cluster/neighbour-caches.ts";
import { PodDryRun } from "../operator/observe/cluster/pod-dry-run.ts";
import { ContentReader } from "../operator/observe/cluster/secrets.ts";
import { leaseRules, NAMESPACE_RULES, type RbacRule } from "../operator/rbac.ts";
import { Sessions } from "../operator/session.ts";
import { storageReconciler } from "../operator/storage-reconcile.ts";
import { fromSnapshot, healthy, held, inMode, type Loose, lose, planOf } from "./domain/deciding.ts";
import { FakeClock } from "./kube/fake-clock.ts";
import { caches, storage } from "./observe/objects.ts";

const clock = new FakeClock();
const log = createLog({ write: () => undefined });
const signal = AbortSignal.timeout(20_000);

/** Calls as RBAC names them: `patch apps/deployments`. */
const made = new Set<string>();
const note = (verb: string, { apiVersion, plural }: Resource, subresource = ""): void => {
  made.add(`${verb} ${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}/${plural}${subresource}`);
};

/** A server that has every object that is asked for, or none. */
function client(hasAll: boolean): KubeClient {
  const live = (res: Resource, name: string): Loose => ({
    apiVersion: res.apiVersion,
    kind: res.kind,
    metadata: { name, uid: `uid-${name}`, resourceVersion: "1", labels: { "holdfast.dev/group": "edge" } },
    spec: {},
  });
  const answer = (verb: string, subresource?: string) => async (res: Resource, at: Loose) => {
    note(verb, res, subresource);
    return live(res, at.name ?? at.metadata.name);
  };
  const noted: Loose = {
    get: async (res: Resource, _: string, name: string) => {
      note("get", res);
      if (res.kind !== "GatewayGroup") return hasAll ? live(res, name) : undefined;
      return { ...live(res, name), metadata: { name, uid: "uid-group", resourceVersion: "1" } };
    },
    list: async (res: Resource) => {
      note("list", res);
      return { items: [], resourceVersion: "1" };
    },
    create: async (res: Resource, object: Loose, options: Loose) => {
      note("create", res);
      if (hasAll && !options.dryRun) throw new KubeError("AlreadyExists", "taken");
      return { ...object, metadata: { ...object.metadata, uid: "u", resourceVersion: "1" } };
    },
    apply: answer("patch"),
    mergePatch: answer("patch"),
    jsonPatch: answer("patch"),
    updateScale: answer("update", "/scale"),
    replaceStatus: answer("update", "/status"),
    delete: async (res: Resource) => note("delete", res),
  };
  return noted;
}

const ANOTHER_TEMPLATE = { limits: { cpu: "7" } };
const SITUATIONS: readonly [string, (facts: Loose) => void][] = [
  ["nothing is there yet", (f) => nothingThere(f)],
  ["the spec changed", (f) => (f.group.spec.gateway.resources = ANOTHER_TEMPLATE)],
  ["every child was edited by hand", (f) => edited(f)],
  ["more pods are wanted", (f) => (f.group.spec.traffic.replicas = 5)],
  ["no exporter is wanted", (f) => (f.group.spec.backup.enabled = false)],
  ["no Service is wanted", (f) => (f.group.spec.traffic.service.enabled = false)],
  ["no budget is wanted", (f) => (f.group.spec.traffic.disruptionBudget.enabled = false)],
  ["a configuration that nothing names", (f) => oldConfig(f)],
  ["a proof is missing", (f) => (f.group.status.snapshot = { digest: f.snapshot.verified.digest })],
  ["a rehearsal is over", (f) => f.helpers.push(helper(f, "canary"))],
  ["a pod that cannot start", (f) => stuck(f)],
  ["a successor serves: who leaves is marked", (f) => surged(f)],
  ["an outage in the middle of a roll", (f) => rolling(f, false)],
  ["the same, and both templates serve", (f) => rolling(f, true)],
];

async function carryOutAll(): Promise<void> {
  for (const [what, change] of SITUATIONS)
    for (const hasAll of [true, false]) {
      const { facts } = healthy() as { facts: Loose };
      facts.group.status.observedGeneration = -1; // so that status is written
      change(facts);
      known(facts, hasAll);
      const word = facts.controlPlane.operator.view === "down" ? "Unreachable" : "Reachable";
      const plan = planOf(facts, held(facts, word, 5_000));
      expect(plan.broken).toEqual([]);
      if (hasAll) expect(plan.steps, what).not.toEqual([]);
      await act(plan, facts, actDeps(client(hasAll), facts), signal);
    }
}

function actDeps(on: KubeClient, facts: Facts): ActDeps {
  const dryRun = new PodDryRun(on, clock, new Sessions());
  return {
    client: on,
    events: new EventRecorder({ client: on, clock, log, instance: "test" }),
    counted: () => undefined,
    troubled: (_step, error) => {
      throw error;
    },
    log,
    wrote: () => undefined,
    overridden: () => undefined,
    deleted: () => undefined,
    meet: () => false,
    dryRun: (template, stop) => dryRun.ask(facts.group, template, stop),
    copySnapshot: async () => "done",
    claimStore: async () => "done",
    removeGeneration: async () => "done",
  };
}

test("each right is one that a call needs, and each call has its right", async () => {
  for (const { resource } of [...Object.values(CACHED), ...Object.values(NEIGHBOURS)])
    for (const verb of ["list", "watch"]) note(verb, resource);
  await carryOutAll();
  const contents = new ContentReader(client(false), clock);
  await Promise.all([contents.secret("gw", "keys", 0), contents.configMap("gw", "ca", 0)]);
  await new ClusterIds(client(false), clock).of("gw");
  const unknown = { seen: "unknown", name: "keys", why: "x" };
  const reader: Loose = {
    read: async () => ({ secrets: { writer: unknown, reader: unknown, operator: unknown }, access: "notAsked" }),
  };
  const { storages } = caches({ storages: [storage()] });
  await storageReconciler({ clock, client: client(true), storages, reader, sessions: new Sessions(), log })(
    "gw/store",
    signal,
  );
  expect([...made].sort()).toEqual(rightsOf(NAMESPACE_RULES));
});

test("the Lease: made, read and taken", async () => {
  made.clear();
  for (const hasAll of [false, true]) {
    const options = { namespace: "gw", name: "holdfast", identity: "me", clock, leaseDurationMs: 1_000 };
    await new LeaseLock({ ...options, client: client(hasAll), callTimeoutMs: 1_000 }).take(signal);
  }
  expect([...made].sort()).toEqual(rightsOf(leaseRules("holdfast")));
});

const rightsOf = (rules: readonly RbacRule[]): string[] =>
  rules
    .flatMap(({ apiGroup, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroup}/${resource}`)),
    )
    .sort();

/** As the cache holds them: with a uid, or not at all. */
function known(facts: Loose, hasAll: boolean): void {
  const objects = [...facts.children.byName].map(([key, object]: [string, Loose]) => [
    key,
    { ...object, metadata: { ...object.metadata, uid: `uid-${object.metadata.name}`, resourceVersion: "1" } },
  ]);
  if (hasAll) facts.children.byName = new Map(objects as [string, Loose][]);
}
function nothingThere(facts: Loose): void {
  facts.children = { byName: new Map(), strangers: [], configsInUse: new Set() };
  facts.pods = [];
}
function edited(facts: Loose): void {
  for (const object of facts.children.byName.values()) object.metadata.labels["holdfast.dev/role"] = "none";
}
function oldConfig(facts: Loose): void {
  const name = "edge-normal-0123456789";
  const labels = { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic" };
  const metadata = { name, labels, uid: "u", creationTimestamp: "2020-01-01T00:00:00Z" };
  facts.children.byName.set(`ConfigMap/${name}`, { apiVersion: "v1", kind: "ConfigMap", metadata });
}
function helper(facts: Loose, role: string): Loose {
  const result = { state: "loaded", counts: {} };
  return { role, name: role, uid: "u", resourceVersion: "1", createdMs: facts.nowMs, deleting: false, result };
}
function stuck(facts: Loose): void {
  lose(facts);
  Object.assign(facts.pods[0], { ready: false, restarts: 2, trouble: "CrashLoopBackOff", vote: "unknown" });
}
function surged(facts: Loose): void {
  inMode(facts, "ToNormal", 60_000);
  fromSnapshot(facts);
  facts.children.traffic.replicas = 3;
  const start = { choice: "normal", reason: "ControlPlaneAnswered", finishedMs: facts.nowMs, absent: [] };
  facts.pods.push({ ...facts.pods[0], name: "edge-1-3", uid: "uid-3", start, createdMs: facts.nowMs - 5_000 });
}
function rolling(facts: Loose, newServes: boolean): void {
  const [before] = facts.children.traffic.replicaSets;
  const newer = { name: "edge-2", templateHash: "h2", proofKey: "new" };
  facts.children.traffic.replicaSets.push({ ...before, ...newer, revision: 2, replicas: 1 });
  facts.pods.push({ ...structuredClone(facts.pods[0]), ...newer, name: "edge-2-1", uid: "new", ready: newServes });
  lose(facts);
  inMode(facts, "ToFallback");
}
