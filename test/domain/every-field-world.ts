// One group, run as the operator runs it (observe, decide, act), against a cluster, a store and a control plane in memory.
import { rootCertificates } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { decide } from "../../operator/domain/decide.ts";
import { emptyMemory } from "../../operator/domain/evidence/memory.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import type { Plan, Step, Wants } from "../../operator/domain/plan.ts";
import { isObject } from "../../operator/domain/values/json.ts";
import { CACHED, CHILD_CACHES, ofGroup } from "../../operator/observe/cluster/caches.ts";
import { PeerIndex } from "../../operator/observe/cluster/group-index.ts";
import { Overrides } from "../../operator/observe/cluster/overrides.ts";
import { Refusals } from "../../operator/observe/cluster/refusals.ts";
import { RoleKeys } from "../../operator/observe/cluster/role-keys.ts";
import { ContentReader } from "../../operator/observe/cluster/secrets.ts";
import { Strangers } from "../../operator/observe/cluster/strangers.ts";
import { ProberPool } from "../../operator/observe/control-plane/prober.ts";
import { PodProber } from "../../operator/observe/gateways/pod-prober.ts";
import { observe, type Readers } from "../../operator/observe/observe.ts";
import { markOf } from "../../operator/observe/store/beside.ts";
import { Copies } from "../../operator/observe/store/copies.ts";
import { LargeTurns } from "../../operator/observe/store/large-slots.ts";
import { SnapshotReader } from "../../operator/observe/store/snapshot.ts";
import { StorageReader } from "../../operator/observe/store/storage.ts";
import { StorePool } from "../../operator/observe/store/stores.ts";
import { Sessions } from "../../operator/session.ts";
import type { StoreSettings } from "../../operator/storage/settings.ts";
import type { SnapshotStore } from "../../operator/storage/store.ts";
import { inspectHere } from "../gateway/api7/inspect-here.ts";
import { FakeClock } from "../kube/fake-clock.ts";
import { neverCalled } from "../observe/never.ts";
import { caches, type Loose, metadata, pod } from "../observe/objects.ts";
import { S3 } from "./desired/world.ts";

const GROUP = "gw/edge";

/** Runs it by these specs until nothing is left to do; then: all that there is, and whom Holdfast asks how often. */
export function operated(): (spec: object, storage: object) => Promise<Loose> {
  const clock = new FakeClock();
  const s3 = { ...S3.s3, resourceBucket: "us-resources", configBucket: "us-config" };
  const all = caches({ pods: [pod("edge-1")], storages: [{ metadata: metadata("us"), spec: { ...S3, s3 } }] });
  const asked = new Map<string, number[]>();
  const last: Last = {};
  const ask = (what: string) => void asked.set(what, [...(asked.get(what) ?? []), clock.monotonicMs()]);
  const readers = makeReaders(clock, all, last, ask);
  let memory = emptyMemory();
  let wants: Wants = { podsOften: false, controlPlaneCounts: false };

  const put = (cache: keyof typeof CACHED, object: Loose) => {
    const store: Loose = all[cache];
    const complete = { ...metadata(object.metadata.name), ...object.metadata };
    store.put(store.entryOf(structuredClone({ ...object, metadata: complete })));
  };
  const cacheOf = (kind: string) => CHILD_CACHES.find((cache) => CACHED[cache].resource.kind === kind)!;
  const deployment = (name: string): Loose => all.deployments.get(`gw/${name}`)?.value;
  const act = (step: Step): unknown => {
    switch (step.do) {
      case "apply":
      case "create": {
        const { kind, metadata, spec } = step.object as Loose;
        if (kind !== "Deployment") return put(cacheOf(kind), step.object);
        // Applied without them, a Deployment keeps the replicas that it has.
        const kept = { replicas: deployment(metadata.name)?.spec.replicas, ...spec };
        return put("deployments", { ...step.object, spec: kept, status: { observedGeneration: 1 } });
      }
      case "scale": {
        const live = deployment(step.name);
        return put("deployments", { ...live, spec: { ...live.spec, replicas: step.to } });
      }
      case "delete":
        return all[cacheOf(step.kind)].remove(`gw/${step.name}`, "");
      default:
        throw new Error(`nothing asks for this at rest: ${step.do}`);
    }
  };
  const look = async (): Promise<Facts> => {
    const seen = await observe(readers, GROUP, wants, new AbortController().signal);
    if (seen.seen === "facts") return seen.facts;
    if (seen.seen !== "pending") throw new Error(JSON.stringify(seen));
    await clock.advance(seen.recheckAfterMs);
    return await look();
  };
  const loop = async (): Promise<{ facts: Facts; plan: Plan }> => {
    const facts = await look();
    const { plan, memory: remembered } = decide(facts, memory);
    memory = remembered;
    wants = plan.wants;
    plan.steps.forEach(act);
    put("groups", { ...all.groups.get(GROUP)?.value, status: JSON.parse(JSON.stringify(plan.status)) });
    return { facts, plan };
  };

  return async (spec, storage) => {
    put("groups", { metadata: metadata("edge"), ...all.groups.get(GROUP)?.value, spec });
    put("storages", { metadata: metadata("eu"), spec: storage });
    let seen = await loop();
    for (let more = 20; seen.plan.steps.length > 0 || seen.plan.recordsMode; more -= 1) {
      if (more === 0) throw new Error(`it never comes to rest: ${JSON.stringify(seen.plan.steps)}`);
      seen = await loop();
    }
    await clock.advance(60_000); // what was due by the intervals before is no news of these
    const sinceMs = clock.monotonicMs();
    for (let looks = 0; looks < 8; looks += 1) {
      await clock.advance(20_000);
      seen = await loop();
    }
    const { facts, plan } = seen;
    const reasons = Object.fromEntries(plan.status.conditions?.map(({ type, reason }) => [type, reason]) ?? []);
    return withoutHashes({
      ...objectsIn(all),
      status: { ...reasons, assumed: plan.status.assumed },
      store: last.store && { [last.store.type]: last.store },
      probe: last.probe,
      check: { ...last.check, says: facts.pods[0]?.check },
      every: Object.fromEntries([...asked].map(([what, times]) => [what, secondsBetween(times, sinceMs)])),
    });
  };
}

/** Between the last two questions of this time; undefined when there were not two. */
function secondsBetween(times: readonly number[], sinceMs: number): number | undefined {
  const [now, before] = [...new Set(times)].filter((ms) => ms >= sinceMs).reverse();
  return now === undefined || before === undefined ? undefined : (now - before) / 1000;
}

/** Who was asked last, by what the specs say. */
interface Last {
  store?: StoreSettings;
  probe?: object;
  check?: { host: string | undefined; path: string };
}
type Ask = (what: string) => void;

function makeReaders(clock: FakeClock, all: Readers["caches"], last: Last, ask: Ask): Readers {
  const background = { clock, wake: () => undefined, onBug: neverCalled };
  const lag = { laggedSince: () => false };
  const client = {
    get: async ({ kind }: Loose, _namespace: string, name: string) => {
      ask(`${kind}/${name}`);
      return contentOf(kind, name);
    },
  } as never;
  const contents = new ContentReader(client, clock);
  const pool = new StorePool((settings) => emptyStore(settings, last, ask), new Sessions());
  const roleKeys = new RoleKeys({
    sessions: new Sessions(),
    ...background,
    make: (settings) => emptyStore(settings, {}, () => undefined),
  });
  const probe = async (target: object) => {
    last.probe = target;
    ask("control plane");
    return { version: { kind: "ok", ms: 1 }, read: { kind: "ok", ms: 1 } } as const;
  };
  return {
    clock,
    caches: all,
    contents,
    storages: new StorageReader({ sessions: new Sessions(), ...background, caches: all, contents, pool, roleKeys }),
    snapshots: new SnapshotReader({
      inspect: inspectHere,
      sessions: new Sessions(),
      ...background,
      large: new LargeTurns(),
    }),
    probers: new ProberPool({
      sessions: new Sessions(),
      ...background,
      lag,
      probe,
      count: async () => ({ counts: {} }),
    }),
    podProber: new PodProber({
      sessions: new Sessions(),
      ...background,
      lag,
      status: async () => ({ ready: "unknown", emptyWorker: false, etcdReachable: 1 }),
      request: async (_ip, { host, path }) => {
        last.check = { host, path };
        return 200;
      },
    }),
    peers: new PeerIndex(all.storages),
    strangers: new Strangers(client, clock, new Sessions()),
    neighbours: { isReady: () => true, of: () => ({ seen: [], unread: [] }) },
    refusals: new Refusals(clock, new Sessions()),
    overrides: new Overrides(clock, new Sessions()),
    clusters: { of: async () => ({ uid: "uid-gw" }) },
    copies: new Copies({ sessions: new Sessions(), clock, workers: 8, wake: () => undefined }),
    oldestWatch: () => ({ oldest: "GatewayGroup", staleForMs: 0 }),
    podRefusal: async () => undefined,
    serverNowMs: () => clock.wallMs(),
    operator: { chooseImage: "localhost/holdfast:dev", version: "0.1.0" },
  };
}

/** Every Secret and ConfigMap is there, has all keys, and is known again by its values. */
function contentOf(kind: string, name: string): Loose {
  const encoded = (text: string) => Buffer.from(text).toString("base64");
  const keys = ["tls.crt", "tls.key", "ca.crt", "accessKeyId", "secretAccessKey", "accountKey"];
  // An account key is base64 by itself.
  const textOf = (key: string) => (key === "accountKey" ? encoded(name) : `${key}-of-${name}`);
  // What a ConfigMap holds is read as a bundle of certificates.
  const publicOf = (key: string) => `# ${textOf(key)}\n${rootCertificates[0]}`;
  const data = keys.map((key) => [key, kind === "Secret" ? encoded(textOf(key)) : publicOf(key)]);
  return { metadata: { name, resourceVersion: `version of ${name}` }, data: Object.fromEntries(data) };
}

function emptyStore(settings: StoreSettings, last: Last, ask: Ask): SnapshotStore {
  const reachable = { state: "reachable", clockSkewMs: 0 } as const;
  return {
    read: async (which, key) => {
      // Whose the keys are is known from the beginning.
      if (key.endsWith("-owner")) return { state: "found", body: markOf(OWNER), etag: "mark", ...NOW };
      last.store = settings;
      ask(`${which} ${key}`);
      return { state: "absent" };
    },
    check: async () => {
      if (last.store === settings) ask("access");
      return { resource: reachable, config: reachable };
    },
    head: async () => ({ state: "absent" }),
    write: async () => ({ etag: "" }),
    list: async () => [],
    remove: async () => undefined,
    close: () => undefined,
  };
}

const OWNER = { cluster: "uid-gw", namespace: "gw", name: "edge" };
const NOW = { lastModified: new Date(0), serverDate: new Date(0) };
const NAMES: Record<string, string> = { "Deployment/edge": "traffic", "Deployment/edge-backup": "backup" };
const TEXTS: Record<string, string> = { normal: "normal", fallback: "reader", config: "exporter" };

/** All objects, and each config.yaml as pods mount it: a text that is rendered and not mounted honours nothing. */
function objectsIn(all: Readers["caches"]): Loose {
  const found: Loose = {};
  for (const cache of CHILD_CACHES) {
    for (const { data: _, ...object } of ofGroup(all[cache] as Loose, GROUP) as Loose[]) {
      const id = `${CACHED[cache].resource.kind}/${object.metadata.name}`;
      found[NAMES[id] ?? id] = object;
    }
  }
  const volumes: Loose[] = [found.traffic, found.backup].flatMap((one) => one?.spec.template.spec.volumes ?? []);
  for (const { name, configMap } of volumes.filter((volume) => volume.name in TEXTS)) {
    const mounted: Loose = all.configMaps.get(`gw/${configMap.name}`)?.value;
    found[TEXTS[name]!] = parse(mounted.data["config.yaml"]);
  }
  return found;
}

/** Names and annotations that stand for content: the content itself is looked at. */
const withoutHashes = (sight: Loose): Loose =>
  JSON.parse(JSON.stringify(sight).replaceAll(/-?\b[0-9a-f]{12,16}\b/g, ""));

/** Places where two sights differ. Items of lists go by their names; what one side lacks is told as a whole. */
export function differences(a: unknown, b: unknown, at = ""): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  const [from, to] = [byName(a), byName(b)];
  if (!isObject(from) || !isObject(to)) return [at.replace(/spec\.template\.spec\.((initC|c)ontainers\.)?/, "")];
  const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...keys].flatMap((key) => differences(from[key], to[key], at === "" ? key : `${at}.${key}`)).toSorted();
}
const byName = (value: unknown): unknown =>
  Array.isArray(value) && value.every((item) => typeof item?.name === "string")
    ? Object.fromEntries(value.map((item) => [item.name, item]))
    : value;
