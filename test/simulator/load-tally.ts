/** status: another status than expected; reset: broken off; refused, unreachable: not connected; other: none of these. */
export type FailureKind = "status" | "reset" | "refused" | "timeout" | "unreachable" | "other";

export interface Failure {
  /** RFC 3339, when the failure was known. */
  readonly at: string;
  readonly kind: FailureKind;
  /** The status, or the error's code. */
  readonly detail: string;
  readonly afterMs: number;
  /** Who answered, or answered before on the same kept connection; absent on a new one, which names nobody. */
  readonly pod?: string;
}
/** A kept connection that was closed as it was used again, and who had answered on it before. */
export type Stale = Pick<Failure, "at" | "pod">;
export interface LoadSecond {
  readonly at: string;
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  readonly staleConnection: number;
  /** Answers per pod in this second, where a gateway names its pod. */
  readonly pods: Readonly<Record<string, number>>;
}
export interface LoadSummary {
  readonly startedAt: string;
  readonly seconds: number;
  /** sent = ok + failed + staleConnection (not re-sent) + what is still on its way. */
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  /** Closed by the server while idle, at the moment of sending, before any byte of an answer. Not in `failed`. */
  readonly staleConnection: number;
  /** Due but never sent, because too many were on their way: the generator's limit, not the server's failure. */
  readonly notSent: number;
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>;
  readonly failedStatus: Readonly<Record<string, number>>;
  /** Failures by pod, of those that name one. */
  readonly failedPods: Readonly<Record<string, number>>;
  /** The first failures, 200 at most. */
  readonly examples: readonly Failure[];
  /** The first of `staleConnection`, 200 at most. */
  readonly stale: readonly Stale[];
  readonly firstFailureAt?: string;
  readonly lastFailureAt?: string;
  readonly pods: Readonly<Record<string, number>>;
  /** Of answered requests, in milliseconds, within 5 %. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const EXAMPLES_MAX = 200;
const PODS_MAX = 500;
// 5 % steps from 0.05 ms: 320 of them reach beyond five minutes.
const STEP = 1.05;
const FIRST_MS = 0.05;
const BUCKETS = 320;

/** Counts in constant memory. */
export class Tally {
  private readonly started = new Date();
  private readonly startedMs = performance.now();
  private endedMs: number | undefined;
  private readonly counts = { sent: 0, ok: 0, failed: 0, staleConnection: 0, notSent: 0 };
  private readonly failures: Partial<Record<FailureKind, number>> = {};
  private readonly failedStatus: Record<string, number> = {};
  private readonly failedPods = new Map<string, number>();
  private readonly examples: Failure[] = [];
  private readonly staleOnes: Stale[] = [];
  private lastFailureAt: string | undefined;
  private readonly pods = new Map<string, number>();
  private readonly buckets = new Uint32Array(BUCKETS);
  private maxMs = 0;
  private second = newSecond();

  sent(): void {
    this.counts.sent += 1;
    this.second.sent += 1;
  }

  notSent(): void {
    this.counts.notSent += 1;
  }

  stale(pod: string | undefined): void {
    this.counts.staleConnection += 1;
    this.second.staleConnection += 1;
    if (this.staleOnes.length >= EXAMPLES_MAX) return;
    this.staleOnes.push({ at: new Date().toISOString(), ...(pod === undefined ? {} : { pod }) });
  }

  ok(ms: number, pod: string | undefined): void {
    this.counts.ok += 1;
    this.second.ok += 1;
    this.maxMs = Math.max(this.maxMs, ms);
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(STEP))));
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    if (pod === undefined) return;
    const name = countIn(this.pods, pod);
    this.second.pods[name] = (this.second.pods[name] ?? 0) + 1;
  }

  failed(kind: FailureKind, detail: string, afterMs: number, pod: string | undefined): void {
    this.counts.failed += 1;
    this.second.failed += 1;
    this.failures[kind] = (this.failures[kind] ?? 0) + 1;
    if (kind === "status") this.failedStatus[detail] = (this.failedStatus[detail] ?? 0) + 1;
    this.lastFailureAt = new Date().toISOString();
    if (pod !== undefined) countIn(this.failedPods, pod);
    if (this.examples.length >= EXAMPLES_MAX) return;
    this.examples.push({
      at: this.lastFailureAt,
      kind,
      detail,
      afterMs: Math.round(afterMs),
      ...(pod === undefined ? {} : { pod }),
    });
  }

  end(): void {
    this.endedMs = performance.now();
  }

  /** What happened since it was last asked. */
  takeSecond(): LoadSecond {
    const taken = { at: new Date().toISOString(), ...this.second };
    this.second = newSecond();
    return taken;
  }

  summary(): LoadSummary {
    const first = this.examples[0]?.at;
    return {
      startedAt: this.started.toISOString(),
      seconds: Math.round(((this.endedMs ?? performance.now()) - this.startedMs) / 10) / 100,
      ...this.counts,
      failures: { ...this.failures },
      failedStatus: { ...this.failedStatus },
      failedPods: Object.fromEntries(this.failedPods),
      examples: [...this.examples],
      stale: [...this.staleOnes],
      ...(first === undefined ? {} : { firstFailureAt: first }),
      ...(this.lastFailureAt === undefined ? {} : { lastFailureAt: this.lastFailureAt }),
      pods: Object.fromEntries(this.pods),
      latencyMs: { p50: this.percentile(0.5), p99: this.percentile(0.99), max: round(this.maxMs) },
    };
  }

  private percentile(share: number): number {
    let left = Math.ceil(this.counts.ok * share);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= this.buckets[bucket] ?? 0;
      if (left <= 0) return Math.min(round(FIRST_MS * STEP ** bucket), round(this.maxMs));
    }
    return round(this.maxMs);
  }
}

/** One more for this pod, or for "others" where there are too many. Returns under which name. */
function countIn(pods: Map<string, number>, pod: string): string {
  const name = pods.has(pod) || pods.size < PODS_MAX ? pod : "others";
  pods.set(name, (pods.get(name) ?? 0) + 1);
  return name;
}

const newSecond = () => ({ sent: 0, ok: 0, failed: 0, staleConnection: 0, pods: {} as Record<string, number> });
const round = (ms: number): number => Math.round(ms * 100) / 100;
