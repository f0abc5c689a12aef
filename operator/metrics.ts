import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { StepResult } from "./act/step-deps.ts";
import { MODES } from "./api/gateway-group-status.ts";
import type { Facts } from "./domain/facts/facts.ts";
import type { OperatorView, VerdictWord } from "./domain/facts/outside.ts";
import type { Plan, Step } from "./domain/plan.ts";
import type { Memory, Sessions } from "./session.ts";

const OF_GROUP = ["namespace", "name"] as const;
const VERDICTS = ["Reachable", "Unreachable", "Unknown"] as const satisfies VerdictWord[];
const STATUSES = ["True", "False", "Unknown"] as const;

/** Every metric of the gateway domain, for docs and for the registry. Reasons are the closed list of api/reasons.ts. */
export const METRICS = {
  holdfast_group_mode: {
    help: "1 for the recorded mode of the group, 0 for the others",
    labels: [...OF_GROUP, "mode"],
  },
  holdfast_group_condition: {
    help: "1 for the present status of a condition, with its reason",
    labels: [...OF_GROUP, "type", "status", "reason"],
  },
  holdfast_control_plane_verdict: {
    help: "1 for what all witnesses together say of the group's control plane, 0 for the others",
    labels: [...OF_GROUP, "verdict"],
  },
  holdfast_snapshot_age_seconds: {
    help: "Age of the last export by the store's own clock, at the last look",
    labels: OF_GROUP,
  },
  holdfast_snapshot_last_export_timestamp_seconds: {
    help: "Time (Unix) of the last export; alert on its distance to now",
    labels: OF_GROUP,
  },
  holdfast_snapshot_objects: {
    help: "Objects per kind in the verified snapshot",
    labels: [...OF_GROUP, "kind"],
  },
  holdfast_traffic_pods: {
    help: "Serving traffic pods by where their configuration is from: control_plane, memory or snapshot",
    labels: [...OF_GROUP, "source"],
  },
  holdfast_traffic_pods_wanted: { help: "Wanted traffic pods: spec.traffic.replicas", labels: OF_GROUP },
  holdfast_license_cores: {
    help: "Cores of all pods that proxy traffic: normal ones, which the control plane counts, and fallback ones",
    labels: [...OF_GROUP, "mode"],
  },
  holdfast_client_certificate_not_after_seconds: {
    help: "Time (Unix) at which the gateways' client certificate ends",
    labels: OF_GROUP,
  },
  holdfast_mode_changes_total: {
    help: "Recorded changes of the mode, since this process leads",
    labels: [...OF_GROUP, "from", "to", "reason"],
  },
  holdfast_plan_steps_total: { help: "Steps carried out, by kind and how they ended", labels: ["step", "result"] },
  holdfast_plans_refused_total: {
    help: "Plans that would have broken a law; no traffic pod was touched and no mode recorded (Held: PlanRefused): a defect of Holdfast; alert on any",
    labels: OF_GROUP,
  },
  holdfast_probe_duration_seconds: {
    help: "Duration of Holdfast's own probes of control planes, by what was seen",
    labels: ["view"],
  },
  holdfast_loop_duration_seconds: {
    help: "Duration of the parts of a loop: observe, decide, act",
    labels: ["part"],
  },
} as const satisfies Record<string, { help: string; labels: readonly string[] }>;

const PROBE_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 12];
const LOOP_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10];

interface GaugeLabels {
  gauge: string;
  labels: Record<string, string>;
}

function labelsOf(groupKey: string): { namespace: string; name: string } {
  const [namespace = "", name = ""] = groupKey.split("/");
  return { namespace, name };
}

/** Labels of a group go with the group: nothing here grows with the past. */
export class GroupMetrics {
  readonly #gauges: Record<string, Gauge>;
  readonly #changes: Counter;
  readonly #steps: Counter;
  readonly #refused: Counter;
  readonly #probes: Histogram;
  readonly #loops: Histogram;
  /** Label sets that a group has now, to remove those that it has no more. */
  readonly #ofGroup: Memory<readonly GaugeLabels[]>;
  readonly #changesOf: Memory<Record<string, string>[]>;

  constructor(registry: Registry, sessions: Sessions) {
    this.#ofGroup = sessions.memory((labels) => this.#remove(labels));
    this.#changesOf = sessions.memory((all) => {
      for (const labels of all) this.#changes.remove(labels);
    });
    sessions.onDrop((groupKey) => this.#refused.remove(labelsOf(groupKey)));
    const registers = [registry];
    const of = (name: keyof typeof METRICS) => ({
      name,
      help: METRICS[name].help,
      labelNames: [...METRICS[name].labels],
      registers,
    });
    this.#gauges = Object.fromEntries(
      (Object.keys(METRICS) as (keyof typeof METRICS)[])
        .filter((name) => !/_total$|_duration_seconds$/.test(name))
        .map((name) => [name, new Gauge(of(name))]),
    );
    this.#changes = new Counter(of("holdfast_mode_changes_total"));
    this.#steps = new Counter(of("holdfast_plan_steps_total"));
    this.#refused = new Counter(of("holdfast_plans_refused_total"));
    this.#probes = new Histogram({ ...of("holdfast_probe_duration_seconds"), buckets: PROBE_SECONDS });
    this.#loops = new Histogram({ ...of("holdfast_loop_duration_seconds"), buckets: LOOP_SECONDS });
  }

  step(step: Step["do"], result: StepResult): void {
    this.#steps.inc({ step, result });
  }

  refused(groupKey: string): void {
    this.#refused.inc(labelsOf(groupKey));
  }

  probed(view: OperatorView["view"], durationMs: number): void {
    this.#probes.observe({ view }, durationMs / 1000);
  }

  loop(part: "observe" | "decide" | "act", durationMs: number): void {
    this.#loops.observe({ part }, durationMs / 1000);
  }

  /** What one loop saw and decided. */
  group(groupKey: string, facts: Facts, { status }: Plan): void {
    const { namespace, name, spec } = facts.group;
    const now: GaugeLabels[] = [];
    const set = (gauge: keyof typeof METRICS, value: number, more: Record<string, string> = {}) => {
      const labels = { namespace, name, ...more };
      this.#gauges[gauge]?.set(labels, value);
      now.push({ gauge, labels });
    };
    for (const mode of MODES) set("holdfast_group_mode", status.mode === mode ? 1 : 0, { mode });
    for (const verdict of VERDICTS) {
      set("holdfast_control_plane_verdict", status.controlPlane?.verdict === verdict ? 1 : 0, { verdict });
    }
    for (const { type, status: value, reason } of status.conditions ?? []) {
      if (STATUSES.includes(value)) set("holdfast_group_condition", 1, { type, status: value, reason });
    }
    const { raw } = facts.snapshot;
    if (raw.seen === "found") {
      set("holdfast_snapshot_age_seconds", raw.ageMs / 1000);
      set("holdfast_snapshot_last_export_timestamp_seconds", raw.lastModifiedMs / 1000);
    }
    for (const [kind, count] of Object.entries(status.snapshot?.counts ?? {})) {
      set("holdfast_snapshot_objects", count, { kind });
    }
    set("holdfast_traffic_pods", status.traffic?.fromControlPlane ?? 0, { source: "control_plane" });
    set("holdfast_traffic_pods", status.traffic?.fromMemory ?? 0, { source: "memory" });
    set("holdfast_traffic_pods", status.traffic?.fromSnapshot ?? 0, { source: "snapshot" });
    set("holdfast_traffic_pods_wanted", spec.traffic.replicas);
    set("holdfast_license_cores", status.license?.normal ?? 0, { mode: "normal" });
    set("holdfast_license_cores", status.license?.fallback ?? 0, { mode: "fallback" });
    const { client } = facts.secrets;
    if (client.seen === "present" && client.notAfterMs !== undefined) {
      set("holdfast_client_certificate_not_after_seconds", client.notAfterMs / 1000);
    }
    this.#replace(groupKey, now);
  }

  /** The recorded mode moved, and the write of it came through. */
  modeChanged(groupKey: string, facts: Facts, { status }: Plan): void {
    const { namespace, name } = facts.group;
    const from = facts.group.status.mode ?? "none";
    const labels = { namespace, name, from, to: status.mode ?? "none", reason: status.modeReason ?? "" };
    this.#changes.inc(labels);
    const known = this.#changesOf.get(groupKey) ?? [];
    if (!known.some((other) => JSON.stringify(other) === JSON.stringify(labels))) known.push(labels);
    this.#changesOf.set(groupKey, known);
  }

  #replace(groupKey: string, now: readonly GaugeLabels[]): void {
    const keep = new Set(now.map((one) => JSON.stringify(one)));
    this.#remove((this.#ofGroup.get(groupKey) ?? []).filter((one) => !keep.has(JSON.stringify(one))));
    this.#ofGroup.set(groupKey, now);
  }

  #remove(labels: readonly GaugeLabels[]): void {
    for (const one of labels) this.#gauges[one.gauge]?.remove(one.labels);
  }
}
