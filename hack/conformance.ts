/** `hack/conformance`: asks a gateway whether it does what Holdfast relies on. docs/real-gateway.md says how to use it. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Cluster } from "./conform/cluster.ts";
import type { Place } from "./conform/group.ts";
import { type Options, readOptions, USAGE } from "./conform/options.ts";
import { CannotAsk } from "./conform/outcome.ts";
import { exitCode, json, rowsOf, table } from "./conform/report.ts";
import { play } from "./conform/scenes.ts";
import type { Seen } from "./conform/seen.ts";
import { instrumentOf, setUp } from "./conform/setup.ts";
import { Watcher } from "./conform/watcher.ts";

const INSTRUMENT_LIMIT_MS = 180_000;
const CLEAN_UP_LIMIT_MS = 120_000;

const began = performance.now();
const secondsSoFar = (): number => (performance.now() - began) / 1_000;
const tell = (text: string): void => console.error(`[${secondsSoFar().toFixed(0).padStart(3)} s] ${text}`);

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (!stopped.signal.aborted) tell("stopping: the namespace is removed first");
      stopped.abort();
    });
  const cluster = await Cluster.connect(options.context);
  try {
    const seen = await run(cluster, options, stopped.signal);
    if (seen === undefined) return 2;
    const rows = rowsOf(seen);
    const report = json(rows, { image: options.image, seconds: Math.round(secondsSoFar()) });
    if (options.json !== undefined && options.json !== "-") writeFileSync(options.json, `${report}\n`);
    console.log(options.json === "-" ? report : table(rows));
    return exitCode(rows);
  } finally {
    await cluster.close();
  }
}

/** undefined when it was stopped. The namespace is removed whatever happens. */
async function run(cluster: Cluster, options: Options, signal: AbortSignal): Promise<Seen | undefined> {
  const namespace = `holdfast-conformance-${randomBytes(3).toString("hex")}`;
  const place: Place = { namespace, options, token: randomBytes(24).toString("hex"), avoided: new Set() };
  const watcher = new Watcher(cluster, place, signal);
  try {
    tell(`namespace ${namespace}`);
    const { fingerprintOf } = await setUp(cluster, place);
    await instrumentReady(watcher);
    return await play(watcher, fingerprintOf, tell);
  } catch (error) {
    if (!signal.aborted) throw error;
    return undefined;
  } finally {
    if (options.keep)
      tell(`left for a look: kubectl -n ${namespace} get pods; then kubectl delete namespace ${namespace}`);
    else await cleanUp(cluster, namespace);
  }
}

async function instrumentReady(watcher: Watcher): Promise<void> {
  const { namespace, name } = instrumentOf(watcher.place);
  const ready = await watcher.until(async () => {
    const pod = await watcher.cluster.pod(namespace, name);
    const waiting = pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
    if (/Image/.test(waiting ?? ""))
      throw new CannotAsk(`--holdfast-image ${watcher.place.options.holdfastImage}: ${waiting}`);
    if (pod?.status?.phase === "Failed") throw new CannotAsk("the run's own pod ended: --keep, and read its log");
    return (
      pod?.status?.conditions?.find((one: { type: string }) => one.type === "Ready")?.status === "True" || undefined
    );
  }, INSTRUMENT_LIMIT_MS);
  if (ready === undefined) throw new CannotAsk(`the run's own pod is not ready after ${INSTRUMENT_LIMIT_MS / 1_000} s`);
}

async function cleanUp(cluster: Cluster, namespace: string): Promise<void> {
  const gone = await cluster.deleteNamespace(namespace, CLEAN_UP_LIMIT_MS).catch(() => false);
  tell(
    gone
      ? `namespace ${namespace} is removed`
      : `namespace ${namespace} is not gone yet: kubectl delete namespace ${namespace}`,
  );
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CannotAsk)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
