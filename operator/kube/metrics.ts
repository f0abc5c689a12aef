import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Clock } from "./clock.ts";
import type { Controller, ControllerObserver } from "./controller.ts";
import type { ReflectorHealth } from "./reflector.ts";
import type { CallObserver } from "./transport.ts";

/** The runtime's own metrics; those of gateways live elsewhere. Labels come from closed sets: nothing grows with objects. */
export interface RuntimeMetrics extends CallObserver, ControllerObserver {
  /** Reported at each scrape. */
  watch(source: { health(): ReflectorHealth[] }): void;
  /** Reported at each scrape. */
  controller(controller: Controller): void;
  leader(isLeader: () => boolean): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function prometheusMetrics(registry: Registry, clock: Clock): RuntimeMetrics {
  const registers = [registry];
  const watches: { health(): ReflectorHealth[] }[] = [];
  const controllers: Controller[] = [];
  let isLeader = () => false;

  const requests = new Counter({
    name: "holdfast_kube_requests_total",
    help: "Calls to the API server, by HTTP code, or by fault where there was no answer",
    labelNames: ["verb", "resource", "code"],
    registers,
  });
  const writes = new Counter({
    name: "holdfast_kube_writes_total",
    help: "Mutating calls to the API server: 0 at rest",
    labelNames: ["verb", "resource"],
    registers,
  });
  const requestSeconds = new Histogram({
    name: "holdfast_kube_request_duration_seconds",
    help: "Duration of calls to the API server; of a watch, until it was open",
    labelNames: ["verb"],
    buckets: SECONDS,
    registers,
  });
  const reconcileSeconds = new Histogram({
    name: "holdfast_reconcile_duration_seconds",
    help: "Duration of reconciles by outcome",
    labelNames: ["controller", "outcome"],
    buckets: SECONDS,
    registers,
  });
  new Gauge({
    name: "holdfast_watch_last_activity_seconds",
    help: "Time (Unix) at which the API server last gave a sign on this watch; 0 before the first",
    labelNames: ["watch"],
    registers,
    collect() {
      this.reset();
      for (const { name, staleForMs } of watches.flatMap((source) => source.health())) {
        this.set({ watch: name }, Number.isFinite(staleForMs) ? (clock.wallMs() - staleForMs) / 1000 : 0);
      }
    },
  });
  new Gauge({
    name: "holdfast_watch_refused",
    help: "1 while the API server refuses this watch (403): without a first list its namespace is left out",
    labelNames: ["watch"],
    registers,
    collect() {
      this.reset();
      for (const { name, refused } of watches.flatMap((source) => source.health()))
        this.set({ watch: name }, refused ? 1 : 0);
    },
  });
  new Gauge({
    name: "holdfast_workqueue_depth",
    help: "Keys that are due, wait for a later time, or are being worked on",
    labelNames: ["controller", "state"],
    registers,
    collect() {
      for (const controller of controllers) {
        for (const [state, count] of Object.entries(controller.depth()))
          this.set({ controller: controller.name, state }, count);
      }
    },
  });
  new Gauge({
    name: "holdfast_leader",
    help: "1 while this process holds the lease",
    registers,
    collect() {
      this.set(isLeader() ? 1 : 0);
    },
  });

  return {
    callEnded(verb, resource, code, durationMs, mutating) {
      requests.inc({ verb, resource, code });
      if (mutating && code !== "GateClosed") writes.inc({ verb, resource });
      requestSeconds.observe({ verb }, durationMs / 1000);
    },
    reconcileEnded: (controller, outcome, durationMs) =>
      reconcileSeconds.observe({ controller, outcome }, durationMs / 1000),
    watch: (source) => void watches.push(source),
    controller: (controller) => void controllers.push(controller),
    leader: (answer) => {
      isLeader = answer;
    },
  };
}
