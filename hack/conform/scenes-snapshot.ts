/** The scenes with the store: what an exporter writes, and what readers make of it. */
import { storeKey } from "../../operator/api/names.ts";
import { STATUS_READY_PATH } from "../../operator/gateway/api7/facts.ts";
import { inspectSnapshot } from "../../operator/gateway/api7/snapshot.ts";
import type { Json } from "./cluster.ts";
import { PORT, type Wish } from "./group.ts";
import type { RelayRow } from "./in-pod/relay.mts";
import type { StoreRow } from "./in-pod/store.mts";
import { CannotAsk } from "./outcome.ts";
import { backupPod, rehearsal, trafficPod } from "./pods.ts";
import { checkOf, countsOnControlPlane, scene } from "./scene.ts";
import type { Counts, Seen, Start } from "./seen.ts";
import { endOf, messageOf, type Watcher } from "./watcher.ts";

type Snapshots = Pick<Seen, "exporter" | "reader" | "loads" | "unknownPlugin" | "unsetInSnapshot" | "missingObject">;
type Exporter = Exclude<Seen["exporter"], { notAsked: string }>;

const BUCKETS = { resource: "resources", config: "config" } as const;
/** Two intervals of the run's exporter, and some. */
const SILENCE_MS = 8_000;
/** Longer than the interval of heartbeats. */
const READER_LOOK_MS = 12_000;
const LOAD_SECONDS = 30;
/** A rehearsal that is not meant to succeed ends only here. */
const FAILING_LOAD_SECONDS = 20;
const UNSET = "$" + "{{HOLDFAST_CONFORMANCE_UNSET}}";

interface Pair {
  resource: string;
  config: string;
}

export async function playSnapshots(watcher: Watcher, tell: (text: string) => void): Promise<Snapshots> {
  const { shortID } = watcher.place.options;
  const missingObject = scene(() => playMissing(watcher, `${shortID}-none`));
  const ip = scene(() => startExporter(watcher, shortID));
  const pair = await exported(watcher, await ip);
  if (typeof pair === "string") {
    const notAsked = { notAsked: pair };
    const exporter = scene(() => endExporter(watcher, shortID, ip, undefined));
    const nothing = { reader: notAsked, loads: notAsked, unknownPlugin: notAsked, unsetInSnapshot: notAsked };
    return { exporter: await exporter, ...nothing, missingObject: await missingObject };
  }
  tell("the exporter has written a pair: readers start from it");
  const { problems, counts } = await inspectSnapshot(pair.resource, pair.config);
  const report = { problems: problems.map(({ message }) => message), counts };
  const load = (name: string, id: string, changed: Pair | undefined, expected: Counts, seconds: number) =>
    scene(async () => {
      if (changed === undefined) throw new CannotAsk("the export holds no route");
      await put(watcher, storeKey.candidate(id), changed);
      const wish: Wish = { name, port: PORT.other, shortID: id };
      return { expected, seen: await rehearsed(watcher, wish, expected, seconds) };
    });
  const more = { ...counts, routes: (counts["routes"] ?? 0) + 1 };
  const plugin = { plugins: { "holdfast-conformance-unknown": {} } };
  const [exporter, reader, loads, unknownPlugin, unsetInSnapshot, missing] = await Promise.all([
    scene(() => endExporter(watcher, shortID, ip, report)),
    scene(() => playReader(watcher, shortID, pair)),
    load("rehearsal", shortID, pair, counts, LOAD_SECONDS),
    load("unknown-plugin", `${shortID}-plugin`, withRoute(pair, plugin), more, FAILING_LOAD_SECONDS),
    load("unset-in-snapshot", `${shortID}-unset`, withRoute(pair, { desc: UNSET }), more, FAILING_LOAD_SECONDS),
    missingObject,
  ]);
  return { exporter, reader, loads, unknownPlugin, unsetInSnapshot, missingObject: missing };
}

async function startExporter(watcher: Watcher, shortID: string): Promise<{ ip: string }> {
  await watcher.create(backupPod(watcher.place, { name: "exporter", port: PORT.exporter, shortID }));
  return { ip: (await watcher.running("exporter")).ip };
}

const putsOf = (rows: readonly StoreRow[]): StoreRow[] =>
  rows.filter(({ method, status }) => method === "PUT" && status === 200);

/** The last pair that was written, under whatever key, once there were two of them; else why there is none. */
async function exported(watcher: Watcher, started: { ip: string } | { notAsked: string }): Promise<Pair | string> {
  if ("notAsked" in started) return started.notAsked;
  const rows = () => watcher.order<StoreRow[]>({ do: "storeRows" }).then(putsOf);
  const of = (puts: StoreRow[], bucket: string) => puts.filter((row) => row.bucket === bucket);
  const both = async (times: number) => {
    const puts = await rows();
    return of(puts, BUCKETS.resource).length >= times && of(puts, BUCKETS.config).length >= times ? puts : undefined;
  };
  const limitMs = watcher.place.options.startSeconds * 1_000;
  const puts = (await watcher.until(() => both(2), limitMs)) ?? (await both(1));
  if (puts === undefined) return "the exporter wrote no pair";
  const body = async (bucket: string): Promise<string> => {
    const key = of(puts, bucket).at(-1)?.key ?? "";
    return (await watcher.order<string | null>({ do: "get", bucket, key })) ?? "";
  };
  return { resource: await body(BUCKETS.resource), config: await body(BUCKETS.config) };
}

/** Its control plane is taken away: nothing may be written from then on. */
async function endExporter(
  watcher: Watcher,
  shortID: string,
  starting: Promise<{ ip: string } | { notAsked: string }>,
  pair: Exporter["pair"],
): Promise<Exporter> {
  const started = await starting;
  if ("notAsked" in started) throw new CannotAsk(started.notAsked);
  const port = async (n: number) => (await watcher.ask({ url: `http://${started.ip}:${n}/`, timeoutMs: 2_000 })).status;
  const ports = { http: await port(9080), https: await port(9443) };
  const puts = putsOf(await watcher.order<StoreRow[]>({ do: "storeRows" }));
  const onControlPlane = await countsOnControlPlane(watcher);
  await watcher.order({ do: "relay", port: PORT.exporter, mode: "cut" });
  await watcher.pause(1_500); // what was read before may still be on its way
  const cutAt = await watcher.order<number>({ do: "now" });
  await watcher.pause(SILENCE_MS);
  const late = putsOf(await watcher.order<StoreRow[]>({ do: "storeRows" })).filter(({ atMs }) => atMs > cutAt);
  const rows = await watcher.order<RelayRow[]>({ do: "relayRows", sinceMs: 0 });
  const runningModes = rows.flatMap((row) => (row.port === PORT.exporter ? (row.runningMode ?? []) : []));
  return {
    toldKey: storeKey.raw(shortID),
    puts,
    runningModes,
    ports,
    putsInOutage: late.length,
    ...(pair === undefined ? {} : { pair }),
    onControlPlane,
  };
}

async function put(watcher: Watcher, key: string, { resource, config }: Pair): Promise<void> {
  await watcher.order({ do: "put", bucket: BUCKETS.resource, key, body: resource });
  await watcher.order({ do: "put", bucket: BUCKETS.config, key, body: config });
}

/** One more route: a copy of the first, changed. undefined where there is none to copy. */
function withRoute({ resource, config }: Pair, changes: Json): Pair | undefined {
  let lists: Json;
  try {
    lists = JSON.parse(resource);
  } catch {
    return undefined;
  }
  const [first] = Array.isArray(lists?.routes) ? lists.routes : [];
  if (first === undefined) return undefined;
  const plugins = changes.plugins === undefined ? {} : { plugins: { ...first.plugins, ...changes.plugins } };
  const route = { ...first, ...changes, ...plugins, id: "holdfast-conformance" };
  return { resource: JSON.stringify({ ...lists, routes: [...lists.routes, route] }), config };
}

/** A traffic pod that is told that the group is in fallback: as every pod that starts then. */
async function playReader(watcher: Watcher, shortID: string, pair: Pair) {
  await put(watcher, storeKey.verified(shortID), pair);
  await watcher.create(trafficPod(watcher.place, { name: "reader", port: PORT.reader, shortID, fromSnapshot: true }));
  const { start, ip } = await watcher.start("reader");
  const choice = String(
    messageOf(await watcher.cluster.pod(watcher.place.namespace, "reader"), "choose")?.choice ?? "unknown",
  );
  if (start.is === "listening") await watcher.pause(READER_LOOK_MS);
  const check = checkOf(watcher, ip);
  const answer = check && (await watcher.ask(check)).status;
  const { status: ready } = await watcher.ask({ url: `http://${ip}:7085${STATUS_READY_PATH}` });
  const stored = await watcher.order<StoreRow[]>({ do: "storeRows" });
  const asked = await watcher.order<RelayRow[]>({ do: "relayRows", sinceMs: 0 });
  return {
    choice,
    key: storeKey.verified(shortID),
    start,
    reads: stored.filter((row) => row.method === "GET" && row.ip === ip),
    requests: asked.filter((row) => row.ip === ip).map(({ method, path }) => `${method} ${path}`),
    ready,
    ...(answer === undefined ? {} : { answer }),
  };
}

/** What a rehearsal of Holdfast counted; undefined where the gateway's control API never answered. */
async function rehearsed(watcher: Watcher, wish: Wish, expected: Counts, seconds: number): Promise<Counts | undefined> {
  await watcher.create(rehearsal(watcher.place, wish, expected, seconds));
  await watcher.running(wish.name);
  const look = async () => messageOf(await watcher.cluster.pod(watcher.place.namespace, wish.name), "rehearse");
  const message = await watcher.until(look, (seconds + 60) * 1_000);
  if (message === undefined) throw new CannotAsk(`pod ${wish.name}: the rehearsal did not end`);
  return message.counts ?? message.seen;
}

async function playMissing(watcher: Watcher, shortID: string): Promise<{ start: Start }> {
  const name = "missing-object";
  const made = rehearsal(watcher.place, { name, port: PORT.other, shortID }, { routes: 1 }, FAILING_LOAD_SECONDS);
  await watcher.create(made);
  await watcher.running(name);
  const from = performance.now();
  const start = await watcher.until<Start>(
    async () => {
      const pod = await watcher.cluster.pod(watcher.place.namespace, name);
      const why: unknown = messageOf(pod, "rehearse")?.why;
      if (why === "FewerThanExpected") return { is: "listening", seconds: (performance.now() - from) / 1_000 };
      return endOf(pod);
    },
    (FAILING_LOAD_SECONDS + 20) * 1_000,
  );
  return { start: start ?? { is: "silent", seconds: FAILING_LOAD_SECONDS } };
}
