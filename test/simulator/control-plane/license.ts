import { z } from "zod";

const COUNTED_FOR_MS = 30_000;
const INSTANCES_MAX = 100_000;

/** What a data plane reports. `cores` is its number of nginx workers. */
export const HeartbeatReport = z.looseObject({
  instance_id: z.string().min(1),
  hostname: z.string(),
  version: z.string(),
  cores: z.int().min(0),
  running_mode: z.enum(["standard", "backup"]),
});
export type HeartbeatReport = z.infer<typeof HeartbeatReport>;

export interface Instance extends HeartbeatReport {
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}
export interface LicenseView {
  /** Sum over standard instances: a backup never counts. */
  readonly licensedCores: number;
  readonly standard: number;
  readonly backup: number;
  readonly backupCores: number;
}

/** Counts cores from the heartbeats of the last 30 s. Readers send none, so they are not here. */
export class License {
  private readonly seen = new Map<string, Instance & { readonly atMs: number }>();

  record(report: HeartbeatReport, atMs: number): void {
    const before = this.seen.get(report.instance_id);
    if (before === undefined && this.seen.size >= INSTANCES_MAX) return;
    const lastAt = new Date(atMs).toISOString();
    this.seen.set(report.instance_id, {
      ...report,
      count: (before?.count ?? 0) + 1,
      firstAt: before?.firstAt ?? lastAt,
      lastAt,
      atMs,
    });
  }

  /** Every instance ever seen, the late ones too. */
  instances(): Instance[] {
    return [...this.seen.values()].map(({ atMs: _at, ...instance }) => instance);
  }

  view(nowMs: number): LicenseView {
    const fresh = [...this.seen.values()].filter((instance) => nowMs - instance.atMs <= COUNTED_FOR_MS);
    const standard = fresh.filter((instance) => instance.running_mode === "standard");
    const backup = fresh.filter((instance) => instance.running_mode === "backup");
    const cores = (list: typeof fresh): number => list.reduce((sum, instance) => sum + instance.cores, 0);
    return {
      licensedCores: cores(standard),
      standard: standard.length,
      backup: backup.length,
      backupCores: cores(backup),
    };
  }
}
