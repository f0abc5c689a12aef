import { setTimeout as wait } from "node:timers/promises";
import { collectDefaultMetrics, Registry } from "prom-client";
import { KubeClient } from "./kube/client.ts";
import { systemClock } from "./kube/clock.ts";
import { LeaderElector } from "./kube/lease.ts";
import { prometheusMetrics } from "./kube/metrics.ts";
import { exitOnUncaught, waitForApiServer } from "./kube/process.ts";
import { openGate } from "./kube/write-gate.ts";
import { createLog, type Log } from "./log.ts";
import { GroupMetrics } from "./metrics.ts";
import { type Operator, operator } from "./operator.ts";
import type { Options } from "./options.ts";
import { startServer, watchProblems } from "./server.ts";
import { Sessions, type TermSessions } from "./session.ts";

/** In-flight loops get this long to end before the lease is handed over. */
const DRAIN_MS = 8_000;
const SYNC_LOOK_MS = 50;

/**
 * The life of the process: wait for the API server, fill the caches, become the leader, work, and leave in order.
 * Losing the lease ends it at once (pitfalls N12, N13); SIGTERM ends it tidily (N24 of docs/runtime-pitfalls.md).
 */
export async function runOperator(options: Options, version: string): Promise<void> {
  const clock = systemClock;
  const log = createLog({ level: options.logLevel });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const runtime = prometheusMetrics(registry, clock);
  const stop = new AbortController();
  const config =
    options.kubeconfig === undefined
      ? ({ from: "cluster" } as const)
      : ({ from: "file", path: options.kubeconfig } as const);
  const base = KubeClient.create({ config, gate: openGate, clock, observer: runtime });
  const { leaseNamespace: namespace, leaseName: name } = options;
  const times = leaseTimes(options.leaseSeconds);
  const elector = new LeaderElector({ client: base, namespace, name, clock, log, times });
  exitOnUncaught(log, elector.gate);
  elector.lost.addEventListener("abort", () => {
    log.error("leadership lost, exiting", { why: String(elector.lost.reason) });
    process.exit(1); // whatever is under way must not write any more, and the gate is closed already
  });
  runtime.leader(() => elector.isLeader());

  const client = base.withGate(elector.gate);
  const sessions: TermSessions = { ofGroups: new Sessions(), ofStorages: new Sessions() };
  const parts = operator({
    client,
    gate: elector.gate,
    clock,
    log,
    options,
    version,
    metrics: new GroupMetrics(registry, sessions.ofGroups),
    sessions,
    runtime,
  });
  for (const informer of [...parts.informers, ...parts.neighbours]) runtime.watch(informer);
  for (const controller of parts.controllers) runtime.controller(controller);
  const server = await startServer({
    port: options.port,
    registry,
    log,
    readinessProblems: () => watchProblems(parts.informers),
    ...(options.host === undefined ? {} : { host: options.host }),
  });
  log.info("holdfast starts", { version, port: server.port, namespaces: options.namespaces.join(",") });
  const finish = async (): Promise<void> => {
    stop.abort();
    parts.stopReaders();
    await server.close();
    await base.close();
  };
  onSignals(log, () => leave(parts, elector, log, finish));

  if (!(await waitForApiServer(base, clock, log, stop.signal))) return;
  for (const informer of [...parts.informers, ...parts.neighbours]) void informer.run(stop.signal);
  // Caches first: a new leader that has to read everything would take as long as the outage it should bridge.
  while (!stop.signal.aborted && !parts.informers.every((informer) => informer.synced())) await wait(SYNC_LOOK_MS);
  for (const { what, why } of watchProblems(parts.informers)) log.error("left out, others go on", { what, why });
  if (stop.signal.aborted || !(await elector.acquire(stop.signal))) return;
  for (const controller of parts.controllers) controller.start();
  parts.begin();
}

/** client-go's proportions: 15 s lease, 10 s to renew, 2 s between attempts, 2 s margin. */
function leaseTimes(leaseSeconds: number) {
  const leaseDurationMs = leaseSeconds * 1000;
  return {
    leaseDurationMs,
    renewDeadlineMs: Math.round((leaseDurationMs * 2) / 3),
    retryPeriodMs: Math.round((leaseDurationMs * 2) / 15),
    gateMarginMs: Math.round((leaseDurationMs * 2) / 15),
  };
}

/** Nothing new, let run what runs, hand the lease over only when all of it has ended. */
export async function leave(
  { controllers }: { controllers: readonly Pick<Operator["controllers"][number], "stop">[] },
  elector: Pick<LeaderElector, "release" | "stop">,
  log: Pick<Log, "warn">,
  finish: () => Promise<void>,
): Promise<void> {
  const ended = await Promise.all(controllers.map((controller) => controller.stop(DRAIN_MS)));
  if (ended.every(Boolean)) await elector.release();
  else {
    log.warn("loops did not end in time: the lease runs out by itself");
    await elector.stop();
  }
  await finish();
}

function onSignals(log: Log, end: () => Promise<void>): void {
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) process.exit(1); // whoever asks twice does not want to wait
      ending = true;
      log.info("stopping", { signal });
      end().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error("not stopped in order", { error });
          process.exit(1);
        },
      );
    });
  }
}
