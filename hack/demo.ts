/** The story that `hack/demo` shows. It runs inside of the lab; every number in its table was measured in this run. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { load as loadAverage, type Row, surroundings, writePage, writeResult } from "../test/bench/report.ts";
import { type Load, type LoadSummary, startLoad } from "../test/simulator/load.ts";
import type { Json } from "../test/stage/cluster.ts";
import { groupManifest, storageManifest } from "../test/stage/manifests.ts";
import { lost } from "../test/stage/says.ts";
import { Stage } from "../test/stage/stage.ts";
import { sourceOf } from "../test/stage/watch.ts";
import { alive, deleteOne, isReady, onePod, scale } from "./demo-pods.ts";
import { inSeconds, lostOf, Table } from "./demo-table.ts";

const { values } = parseArgs({
  options: {
    keep: { type: "boolean", default: false },
    rate: { type: "string", default: "500" },
    seconds: { type: "string", default: "200" },
    results: { type: "boolean", default: false },
  },
});
const REPLICAS = 4;
const SPEC = {
  traffic: {
    replicas: REPLICAS,
    drainSeconds: 15,
    check: { path: "/r1" },
    podTemplate: { spec: { containers: [{ name: "gateway", env: [{ name: "SIM_EXPOSE_POD", value: "1" }] }] } },
  },
  fallback: {
    storageRef: { name: "eu" },
    outageAfterSeconds: 20,
    rollout: { type: "Rolling", startAfterSeconds: 45, maxSurge: "50%" },
    recovery: { afterSeconds: 15 },
    rehearsal: { minIntervalSeconds: 0 },
  },
};

const began = performance.now();
const table = new Table();
const loadBefore = loadAverage();
/** What a pod created in the outage is compared with, once it is measured. */
const beside: Pick<Row, "reference" | "wanted"> = { wanted: "at most 5 s more" };
let stage!: Stage;
let load: Load | undefined;
let prepared = false;

const secondsSince = (from: number) => (performance.now() - from) / 1000;
const tell = (text: string) => console.log(`[${secondsSince(began).toFixed(1).padStart(6)} s] ${text}`);

async function licence(stageName: string): Promise<void> {
  const ask = () => stage.admin("GET", "/admin/license").catch(() => undefined);
  // A gateway that ended counts for 30 s more, one that drains is there still: wait until the picture is at rest.
  const settled = async () => {
    const counted = await ask();
    const { license, traffic } = await stage.status();
    return license.cores === traffic.ready && (counted === undefined || counted.licensedCores === license.normal);
  };
  await stage.cluster.wait("licence at rest", settled, 60).catch(() => undefined);
  const counted = await ask();
  const { license } = await stage.status();
  const byControlPlane = counted === undefined ? "control plane gone" : `control plane counts ${counted.licensedCores}`;
  table.row(
    `licensed cores, ${stageName}`,
    `${license.normal} normal + ${license.fallback} from the snapshot (${byControlPlane})`,
  );
}

/** Each new sentence of status.summary, as an operator would see it. */
async function followSummary(signal: AbortSignal): Promise<void> {
  let last = "";
  while (!signal.aborted) {
    const status = await stage.status().catch(() => ({}));
    const line = status.summary ? `${status.mode}: ${status.summary}` : "";
    if (line !== "" && line !== last) tell(`   status  ${line}`);
    last = line;
    await sleep(500);
  }
}

async function prepare(): Promise<void> {
  tell("a control plane, an S3 server (three users: one writes, one reads, one verifies) and an upstream are started");
  stage = await Stage.surroundings("gateways");
  prepared = true;
  tell("helm install holdfast (2 replicas; pod security of both namespaces: restricted)");
  await stage.installOperator();
  const storage = storageManifest(stage.namespace, stage.s3.endpoint);
  const options = { endpoint: `https://dp-manager.${stage.namespace}.svc:7943`, spec: SPEC };
  tell("kubectl apply -f -");
  console.log(
    [storage, groupManifest(stage.namespace, options)]
      .map((object) => stringify(object))
      .join("---\n")
      .replace(/^/gm, "    "),
  );
  await stage.applyGroup({ spec: SPEC });
}

async function outage(): Promise<void> {
  tell("*** the control plane is killed (SIGKILL: front and database) ***");
  const lost = performance.now();
  await stage.controlPlane.kill();
  tell("right away a traffic pod is deleted and the group is scaled up by one");
  let verdict = 0;
  const [first] = await Promise.all([
    onePod(stage, "fallback", deleteOne, () => scale(stage, "gwg/edge", REPLICAS + 1)),
    stage
      .until("seen as lost", 90, (status) => status.controlPlane?.verdict === "Unreachable")
      .then(() => {
        verdict = secondsSince(lost);
      }),
  ]);
  tell(`the pod in its place serves after ${inSeconds(first.seconds)}, from the snapshot`);
  table.seconds("pod created in the first second of the outage -> serves (from the snapshot)", first.seconds, beside);
  await stage.until("the pod on top serves from the snapshot, too", 60, ({ traffic }) => {
    return traffic?.fromSnapshot === 2 && traffic.ready === REPLICAS + 1;
  });
  tell("and so does the pod on top");
  table.seconds("outage -> verdict", verdict);
  const firstAfter = (first.readyAt - lost) / 1000;
  table.seconds("outage -> first pod from the snapshot (created right after the outage)", firstAfter);
  await stage.until("recorded", 90, (status) => status.mode !== "Normal");
  table.seconds("control plane lost -> recorded in fallback (outageAfterSeconds 20)", secondsSince(lost));
  tell("the operator is scaled to 0, another traffic pod is deleted, and then the Deployment is scaled up by one");
  await stage.operatorScale(0);
  const alone = await onePod(stage, "fallback", deleteOne);
  tell(`the pod in its place serves after ${inSeconds(alone.seconds)} without an operator, from the snapshot`);
  table.seconds("pod created with the operator down -> serves (from the snapshot)", alone.seconds, beside);
  const added = await onePod(stage, "fallback", () => scale(stage, "deployment/edge", REPLICAS + 2));
  tell(`the pod on top serves after ${inSeconds(added.seconds)} without an operator, from the snapshot`);
  table.seconds(
    "pod added to the Deployment with the operator down -> serves (from the snapshot)",
    added.seconds,
    beside,
  );
  await stage.operatorScale(2);
  tell("the operator is back; as the group asks for Rolling, the pods that still serve from memory are moved, too");
  await stage.until("the whole group serves from the snapshot", 240, ({ mode, traffic }) => {
    return mode === "Fallback" && traffic?.fromSnapshot === REPLICAS + 1 && traffic.replicas === REPLICAS + 1;
  });
  table.seconds("control plane lost -> whole group from the snapshot (startAfterSeconds 45)", secondsSince(lost));
  await licence("in fallback");
}

async function comeBack(): Promise<void> {
  tell("*** the control plane returns ***");
  const back = performance.now();
  await stage.controlPlane.start();
  await stage.until("seen again", 120, (status) => status.controlPlane?.verdict === "Reachable");
  table.seconds("return -> verdict", secondsSince(back));
  await stage.until("the return is recorded", 120, (status) => status.mode === "ToNormal" || status.mode === "Normal");
  table.seconds("control plane back -> return recorded (recovery.afterSeconds 15)", secondsSince(back));
  // All that serve came from the snapshot: whoever came from the control plane is new.
  const fromControlPlane = (pod: Json) => isReady(pod) && sourceOf(pod) === "normal";
  await stage.cluster.wait(
    "a pod from the control plane",
    async () => (await alive(stage)).some(fromControlPlane),
    120,
  );
  table.seconds("return -> first pod from the control plane", secondsSince(back));
  await stage.until(
    "normal, and all pods follow the control plane",
    240,
    (status) => status.mode === "Normal" && status.traffic?.fromControlPlane === REPLICAS + 1,
  );
  table.seconds("control plane back -> whole group normal", secondsSince(back));
}

async function story(): Promise<void> {
  await prepare();
  const following = new AbortController();
  const follower = followSummary(following.signal);
  try {
    await stage.untilProven(180);
    tell("the group serves, and its snapshot was loaded by a throw-away gateway: proven");
    const normal = await onePod(stage, "normal", deleteOne);
    table.seconds("pod created in normal times -> serves (for comparison)", normal.seconds);
    beside.reference = { what: "in normal times", value: normal.seconds };
    await stage.untilProven();
    await licence("in normal times");
    tell(`${values.rate} requests per second through the Service from here on; no request is ever repeated`);
    load = startLoad({ url: await stage.url(), rate: Number(values.rate) });
    const sending = performance.now();
    await sleep(3_000);
    await outage();
    await comeBack();
    await licence("after the return");
    await sleep(Math.max(2_000, Number(values.seconds) * 1000 - (performance.now() - sending)));
  } finally {
    following.abort();
    await follower;
  }
}

/** Of a story that ended well: as a benchmark's result. */
function keep(sent: LoadSummary): void {
  const result = table.result(sent, Number(values.rate));
  const rows = result.rows.map((row) => ({ ...row, load: loadBefore }));
  writeResult("demo", { ...result, rows }, { date: new Date().toISOString().slice(0, 10), ...surroundings() });
  writePage();
}

async function ending(): Promise<boolean> {
  const sent = await load?.stop();
  if (!sent) return false;
  console.log(`\n${table.text(sent)}\n`);
  for (const failure of sent.examples.slice(0, 10)) {
    const second = (Date.parse(failure.at) - performance.timeOrigin - began) / 1000;
    console.log(`  failed at ${second.toFixed(1)} s: ${JSON.stringify(failure)}`);
  }
  // Of those that met a closing connection a few belong to each graceful end, and no more.
  const bad = lost(sent);
  if (values.results && bad.length === 0) keep(sent);
  if (lostOf(sent) === 0 && bad.length > 0) console.log(`  ${JSON.stringify(bad)}`);
  return bad.length === 0;
}

let good = false;
try {
  await story();
  good = await ending();
} catch (error) {
  console.error(error);
  await load?.stop();
  if (prepared) console.error(await stage.report().catch(() => ""));
}
console.log(good ? "THE END: no request was lost" : "THE STORY FAILED");
// The lab goes down with everything in it; only a stage that is kept has to wait for that.
if (values.keep && good) await new Promise(() => setInterval(() => {}, 3_600_000));
process.exit(good ? 0 : 1);
