/**
 * What the benchmarks of the running operator stand on: a real API server with its controllers, a real S3 server behind
 * a proxy that counts, a control plane that answers over mTLS, no node, and the operator as it stands in the image: its
 * bundle, as a process of its own, with its own rights and its default flags. All of it shares one machine.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { type Bench, type Loose, NAMESPACE, startBench, USER } from "../cluster/operator-bench.ts";
import { type AuditedWrite, auditedWrites } from "../lab/audit.ts";
import { freePort } from "../lab/ports.ts";
import { REPOSITORY, type Server, startServer, temporaryFolder, until } from "../lab/process.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import { COUNTS, startKubelet } from "./kubelet.ts";
import { cpuSeconds, inParallel } from "./stats.ts";

export const LANES = 8; // as many as the operator has workers: the references work with as many at a time
const LIMIT_MS = 300_000;
const QUIET_MS = 10_000;
const OUTAGE_AFTER_SECONDS = 20;
const STORAGE = "counted";
/** As the chart sets it by default. */
export const NODE_OPTIONS = "--max-old-space-size=256 --max-semi-space-size=2";

export interface Bed {
  bench: Bench;
  store: CountingProxy;
  operator: Server;
  metrics(): Promise<string>;
  /** Names of all groups. */
  names: string[];
  outageAfterSeconds: number;
  /** Writes of the operator since then, refused ones too; only the Lease is left out. */
  writes(sinceMs: number): AuditedWrite[];
  /** Applies one more group. */
  group(name: string, change?: (spec: Loose) => void): Promise<void>;
  /** From here on pods serve, snapshots are exported and proven. Resolves when all groups are at rest. */
  bringToRest(): Promise<void>;
  /** Resolves when the operator wrote nothing for ten seconds. */
  untilQuiet(): Promise<void>;
  /** Since when the operator has written nothing, on the clock of Date.now(). */
  quietSinceMs(): number;
  stop(): Promise<void>;
}

/** A bed without a group yet, its operator leading. */
export async function startBed(size: number): Promise<Bed> {
  const bench = await startBench();
  const folder = temporaryFolder("bench");
  const ends: (() => Promise<void> | void)[] = [() => bench.stop(), () => folder.remove()];
  try {
    const store = await startCountingProxy(bench.s3.endpoint);
    ends.push(store.stop);
    bench.dpManager.counts = { ...COUNTS };
    await countedStorage(bench, store);
    execFileSync(process.execPath, [join(REPOSITORY, "hack/build.ts"), folder.path, "holdfast.mjs"]);
    const { operator, url } = await startOperator(bench, folder.path);
    ends.push(() => operator.kill());
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    await until("the operator leads", async () => (await metrics()).includes("\nholdfast_leader 1"), LIMIT_MS);
    const names = Array.from({ length: size }, (_, index) => `g-${String(index).padStart(4, "0")}`);
    const writes = (sinceMs: number) =>
      auditedWrites(
        bench.controlPlane.auditLogPath ?? "",
        (write) => write.user === USER && write.resource !== "leases" && write.at.getTime() >= sinceMs,
      );
    const quietSinceMs = () => writes(0).at(-1)?.at.getTime() ?? 0;
    const untilQuiet = () => until("quiet", () => Date.now() - quietSinceMs() > QUIET_MS, LIMIT_MS, 2_000);
    return {
      bench,
      store,
      operator,
      metrics,
      names,
      outageAfterSeconds: OUTAGE_AFTER_SECONDS,
      writes,
      quietSinceMs,
      untilQuiet,
      group: (name, change) => bench.group(name, (spec) => asDeployed(spec, change)),
      bringToRest: async () => {
        for (const helper of [await startKubelet(bench), startExporter(bench, names)]) ends.push(() => helper.stop());
        await until("all are proven", async () => (await proven(bench, names)) === size, LIMIT_MS, 2_000);
        await untilQuiet();
      },
      stop: async () => {
        for (const end of ends.splice(0).reverse()) await end();
      },
    };
  } catch (error) {
    for (const end of ends.splice(0).reverse()) await end();
    throw error;
  }
}

/** The defaults of the API again, where tests are in a hurry; only the outage is shorter than its default of 120 s. */
function asDeployed(spec: Loose, change: (spec: Loose) => void = () => undefined): void {
  delete spec["controlPlane"].probeIntervalSeconds;
  delete spec["backup"];
  spec["fallback"] = { storageRef: { name: STORAGE }, outageAfterSeconds: OUTAGE_AFTER_SECONDS };
  change(spec);
}

const STORAGES = `/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/fallbackstorages`;

/** The storage of the tests, seen through the counting proxy and at the default pace. */
async function countedStorage(bench: Bench, store: CountingProxy): Promise<void> {
  const { body } = await bench.api.call("GET", `${STORAGES}/store`);
  const { validationIntervalSeconds: _, ...spec } = body.spec;
  const { apiVersion, kind } = body;
  const object = {
    apiVersion,
    kind,
    metadata: { name: STORAGE },
    spec: { ...spec, s3: { ...spec.s3, endpoint: store.endpoint } },
  };
  const { code, body: answer } = await bench.api.call("POST", STORAGES, object);
  if (code >= 300) throw new Error(`Cannot create the FallbackStorage: HTTP ${code}: ${answer.message}`);
  await bench.api.call("DELETE", `${STORAGES}/store`);
}

async function startOperator(bench: Bench, folder: string): Promise<{ operator: Server; url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const flags = [
    ["--kubeconfig", bench.controlPlane.kubeconfigFor({ user: USER })],
    ["--namespaces", NAMESPACE],
    ["--lease-namespace", NAMESPACE],
    ["--host", "127.0.0.1"],
    ["--port", String(port)],
    ["--choose-image", "localhost/holdfast:bench"],
  ].flat();
  // As the image starts it, see Dockerfile.
  const command = [process.execPath, join(folder, "holdfast.mjs"), "run", ...flags];
  const operator = await startServer("operator", command, {
    folder,
    env: { NODE_ENV: "production", NODE_OPTIONS },
    ready: async () => (await fetch(`${url}/readyz`)).ok,
    readyLimitMs: 60_000,
  });
  return { operator, url };
}

async function proven(bench: Bench, names: readonly string[]): Promise<number> {
  const wanted = new Set(names);
  const { body } = await bench.api.call("GET", `/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/gatewaygroups`);
  return body.items.filter(({ metadata, status }: Loose) => {
    const isTrue = (type: string) =>
      status?.conditions?.some((one: Loose) => one["type"] === type && one["status"] === "True");
    return wanted.has(metadata.name) && isTrue("Ready") && isTrue("FallbackReady") && !isTrue("Reconciling");
  }).length;
}

/** Every group's backup pod: the same content again each interval, spread over it. */
function startExporter(bench: Bench, names: readonly string[]): { stop(): void } {
  const client = bench.s3.client(bench.s3.keys.writer);
  const { resources, config } = exported();
  let stopped = false;
  const put = async (name: string) => {
    await client.send(new PutObjectCommand({ Bucket: "resources", Key: `${name}-raw`, Body: resources }));
    await client.send(new PutObjectCommand({ Bucket: "config", Key: `${name}-raw`, Body: config }));
  };
  const run = async () => {
    await inParallel(names, LANES, put); // the first time at once: nobody waits for the bench
    while (!stopped) {
      for (const name of names) {
        await sleep(50_000 / names.length);
        if (stopped) break;
        await put(name);
      }
    }
    client.destroy();
  };
  void run().catch((error: unknown) => {
    if (!stopped) throw error;
  });
  return {
    stop: () => {
      stopped = true;
    },
  };
}

function exported(): { resources: string; config: string } {
  const routes = Array.from({ length: COUNTS.routes }, (_, i) => ({ id: `r${i}`, uri: `/r${i}`, service_id: "s" }));
  const services = [{ id: "s", upstream: { type: "roundrobin", nodes: {} } }];
  return {
    resources: JSON.stringify({ routes, services }),
    config: JSON.stringify({ config: { config_version: 1, config_payload: { keyring: ["not-a-secret-of-anyone"] } } }),
  };
}

/** CPU seconds of the operator and wall seconds over a stretch of time. */
export function stopwatch(bed: Bed): () => { seconds: number; cpuSeconds: number } {
  const from = performance.now();
  const cpuFrom = cpuSeconds(bed.operator.pid);
  return () => ({
    seconds: (performance.now() - from) / 1000,
    cpuSeconds: cpuSeconds(bed.operator.pid) - cpuFrom,
  });
}
