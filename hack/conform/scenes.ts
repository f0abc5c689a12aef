/** The scenes of a run: each makes gateways, does something to them, and notes what it saw. What that means stands in facts.ts. */
import { X509Certificate } from "node:crypto";
import { ETCD_REACHABLE_METRIC, METRICS_PATH, STATUS_READY_PATH } from "../../operator/gateway/api7/facts.ts";
import { FORMS, type Form, type Place, PORT, type Wish } from "./group.ts";
import type { Question } from "./in-pod/asker.mts";
import type { RelayRow } from "./in-pod/relay.mts";
import { CannotAsk } from "./outcome.ts";
import { trafficPod } from "./pods.ts";
import { checkOf, countsOnControlPlane, scene } from "./scene.ts";
import { playSnapshots } from "./scenes-snapshot.ts";
import type { Metric, Seen, Start } from "./seen.ts";
import { Watcher } from "./watcher.ts";

const KINDS = ["routes", "services", "upstreams"] as const;
const METRIC_LIMIT_MS = 30_000;
const FIRST_METRIC_LIMIT_MS = 45_000;
const OUTAGE_AT_LEAST_MS = 8_000;
const UNSET = "$" + "{{HOLDFAST_CONFORMANCE_UNSET}}";

/** Plays all scenes. `tell` hears of each step. */
export async function play(watcher: Watcher, certificate: string, tell: (text: string) => void): Promise<Seen> {
  const version = await watcher.order<number | string>({ do: "version" });
  if (version !== 200) throw new CannotAsk(`the control plane answers GET /version with ${version}, asked from a pod`);
  for (const port of Object.values(PORT)) {
    const mode =
      port === PORT.late
        ? "cut"
        : port === PORT.reads
          ? "readsFail"
          : port === PORT.heartbeats
            ? "heartbeatsRefused"
            : "open";
    await watcher.order({ do: "relay", port, mode });
  }
  tell("a gateway starts as Holdfast renders it");
  const shortID = watcher.place.options.shortID;
  const wish = (name: string, port: number, more: Partial<Wish> = {}): Wish => ({ name, port, shortID, ...more });
  const { starts, avoided, ip, name } = await firstStart(watcher, wish("normal", PORT.steady), tell);
  if (ip === undefined) return nothingMore(starts);
  const adapted = new Watcher(watcher.cluster, { ...watcher.place, avoided }, watcher.signal);
  const failing = async (one: Wish): Promise<{ start: Start }> => {
    await adapted.create(trafficPod(adapted.place, one));
    const { start } = await adapted.start(one.name);
    return { start };
  };
  tell("exporter, readers, starts that must fail, and an outage of the first gateway, all at once");
  const [normal, snapshots, late, reads, heartbeats, unsetVariable] = await Promise.all([
    scene(() => playNormal(adapted, { name, ip }, certificate)),
    playSnapshots(adapted, tell),
    scene(() => failing(wish("late", PORT.late))),
    scene(() => failing(wish("reads-fail", PORT.reads))),
    scene(async () => {
      const { start } = await failing(wish("heartbeats-refused", PORT.heartbeats));
      const rows = await rowsOf(adapted, PORT.heartbeats);
      return { start, heartbeats: rows.filter(({ path }) => path === "/api/dataplane/heartbeat").length };
    }),
    scene(() => failing(wish("unset-variable", PORT.other, { config: { holdfast_conformance: { value: UNSET } } }))),
  ]);
  return { starts, normal, ...snapshots, late, reads, heartbeats, unsetVariable };
}

interface FirstStart {
  starts: Exclude<Seen["starts"], { notAsked: string }>;
  avoided: ReadonlySet<Form>;
  name: string;
  /** Of the gateway that runs; undefined where none does. */
  ip?: string;
}

/** As rendered; where that does not start, once with each questionable form alone, and then without those that fail. */
async function firstStart(watcher: Watcher, wish: Wish, tell: (text: string) => void): Promise<FirstStart> {
  const begin = async (
    one: Wish,
    avoided: ReadonlySet<Form>,
    watched = false,
  ): Promise<{ start: Start; ip: string }> => {
    const place: Place = { ...watcher.place, avoided };
    await watcher.create(trafficPod(place, one));
    if (watched) await watchFromTheFirst(watcher, one.name);
    return watcher.start(one.name);
  };
  const { start: rendered, ip } = await begin(wish, new Set(), true);
  if (rendered.is === "listening") return { starts: { rendered }, avoided: new Set(), name: wish.name, ip };
  tell("it does not: once more with each form alone");
  const alone = (form?: Form): ReadonlySet<Form> => new Set(FORMS.filter((one) => one !== form));
  const small = (form?: Form): Wish => ({ ...wish, port: PORT.other, name: `only-${(form ?? "none").toLowerCase()}` });
  const [plain, ...each] = await Promise.all([undefined, ...FORMS].map((form) => begin(small(form), alone(form))));
  const byForm = Object.fromEntries(FORMS.map((form, index) => [form, each[index]?.start])) as Record<Form, Start>;
  const starts = { rendered, byForm, ...(plain === undefined ? {} : { plain: plain.start }) };
  await Promise.all([undefined, ...FORMS].map((form) => watcher.delete(small(form).name)));
  const avoided = new Set(FORMS.filter((form) => byForm[form].is !== "listening"));
  if (plain?.start.is !== "listening" || avoided.size === 0) return { starts, avoided, name: wish.name };
  const second = { ...wish, name: `${wish.name}-adapted` };
  const again = await begin(second, avoided, true);
  return { starts, avoided, name: second.name, ...(again.start.is === "listening" ? { ip: again.ip } : {}) };
}

function nothingMore(starts: Seen["starts"]): Seen {
  const notAsked = { notAsked: "no gateway starts: see starts-as-rendered" };
  return {
    starts,
    normal: notAsked,
    late: notAsked,
    reads: notAsked,
    heartbeats: notAsked,
    unsetVariable: notAsked,
    missingObject: notAsked,
    exporter: notAsked,
    reader: notAsked,
    loads: notAsked,
    unknownPlugin: notAsked,
    unsetInSnapshot: notAsked,
  };
}

/** Before its port is open: the first answers are what is asked. */
async function watchFromTheFirst(watcher: Watcher, name: string): Promise<void> {
  const ip = await watcher.until(
    async () => (await watcher.cluster.pod(watcher.place.namespace, name))?.status?.podIP,
    120_000,
  );
  const question = ip && checkOf(watcher, ip);
  if (question) await watcher.order({ do: "watch", name: "before", question, intervalMs: 20 });
}

async function rowsOf(watcher: Watcher, port: number): Promise<RelayRow[]> {
  return (await watcher.order<RelayRow[]>({ do: "relayRows", sinceMs: 0 })).filter((row) => row.port === port);
}

const LINE = new RegExp(`^${ETCD_REACHABLE_METRIC}(?:\\{[^}]*\\})? +([01])(?:\\.0+)?\\s*$`, "m");

async function metricOf(watcher: Watcher, ip: string): Promise<Metric> {
  const { status, body } = await watcher.ask({ url: `http://${ip}:9091${METRICS_PATH}`, timeoutMs: 5_000 });
  if (status !== 200) return status;
  const value = LINE.exec(body)?.[1];
  return value === undefined ? "absent" : value === "1" ? 1 : 0;
}

/** Until the metric has the value, or the limit; with the last value, and how long it took. */
async function metricUntil(watcher: Watcher, ip: string, wanted: 0 | 1, limitMs: number): Promise<[Metric, number]> {
  const from = performance.now();
  let last: Metric = "absent";
  await watcher.until(async () => {
    last = await metricOf(watcher, ip);
    return last === wanted ? last : undefined;
  }, limitMs);
  return [last, (performance.now() - from) / 1_000];
}

async function playNormal(watcher: Watcher, { name, ip }: { name: string; ip: string }, certificate: string) {
  const check = checkOf(watcher, ip);
  const status = async (path: string): Promise<number | string> =>
    (await watcher.ask({ url: `http://${ip}:7085${path}` })).status;
  const control: Record<string, number | string> = {};
  for (const kind of KINDS) control[kind] = await countOf(watcher, name, kind);
  const onControlPlane = await countsOnControlPlane(watcher);
  const [first, ready] = [await status("/status"), await status(STATUS_READY_PATH)];
  const [before] = await metricUntil(watcher, ip, 1, FIRST_METRIC_LIMIT_MS);
  const rows = await rowsOf(watcher, PORT.steady);
  const answersBefore = await watcher.tally("before", true);

  await watcher.order({ do: "relay", port: PORT.steady, mode: "cut" });
  const cutAt = performance.now();
  if (check) await watcher.order({ do: "watch", name: "outage", question: check, intervalMs: 50 });
  const [inOutage, fellAfterSeconds] = await metricUntil(watcher, ip, 0, METRIC_LIMIT_MS);
  await watcher.pause(Math.max(0, OUTAGE_AT_LEAST_MS - (performance.now() - cutAt)));
  const readyInOutage = await status(STATUS_READY_PATH);
  const answersInOutage = await watcher.tally("outage", true);
  await watcher.order({ do: "relay", port: PORT.steady, mode: "open" });
  const [after, roseAfterSeconds] = await metricUntil(watcher, ip, 1, METRIC_LIMIT_MS);
  const inFlight = check && (await endUnderWay(watcher, name, check));
  return {
    fingerprint: new X509Certificate(certificate).fingerprint256,
    rows,
    status: first,
    ready,
    readyInOutage,
    control,
    onControlPlane,
    metric: { before, inOutage, fellAfterSeconds, after, roseAfterSeconds },
    ...(check ? { answers: { before: answersBefore, inOutage: answersInOutage } } : {}),
    ...(inFlight === undefined ? {} : { inFlight }),
  };
}

async function countOf(watcher: Watcher, pod: string, kind: string): Promise<number | string> {
  const { status, body } = await watcher.askWithin(pod, { url: `http://127.0.0.1:9090/v1/${kind}` });
  if (status !== 200) return status;
  try {
    const value: unknown = JSON.parse(body);
    return Array.isArray(value) ? value.length : Object.keys(value as object).length === 0 ? 0 : "no list";
  } catch {
    return "not JSON";
  }
}

/** The pod is told to end in the middle of a request: its body comes whole only after the wait before the end. */
async function endUnderWay(watcher: Watcher, name: string, check: Question): Promise<number | string> {
  const body = "conformance ".repeat(20);
  const answer = watcher.ask({ ...check, method: "POST", body, bodyPauseMs: 5_500, timeoutMs: 20_000 });
  await watcher.pause(500);
  await watcher.delete(name);
  return (await answer).status;
}
