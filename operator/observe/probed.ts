import { controlPlaneAt } from "../domain/endpoint.ts";
import type { OperatorView } from "../domain/facts-outside.ts";
import { CONTROL_PLANE_KINDS } from "../gateway/api7-facts.ts";
import {
  type ControlPlaneProbe,
  type ControlPlaneTarget,
  countKinds,
  probeControlPlane,
} from "../gateway/api7-probe.ts";
import type { Clock } from "../kube/clock.ts";
import type { Watched } from "./census.ts";
import { GapWatch } from "./gap-watch.ts";
import type { LoopLag } from "./loop-lag.ts";
import { Poller } from "./poller.ts";
import { viewOf } from "./probe-view.ts";

export interface ProberOptions {
  clock: Clock;
  lag: LoopLag;
  /** These groups look at a control plane whose view or counts changed. */
  wake: (groupKeys: readonly string[]) => void;
  onBug: (error: unknown) => void;
  measured?: (endpoint: string, view: OperatorView["view"], durationMs: number) => void;
  /** The gateway boundary's, unless a test says otherwise. */
  probe?: (target: ControlPlaneTarget, signal: AbortSignal) => Promise<ControlPlaneProbe>;
  count?: (target: ControlPlaneTarget, signal: AbortSignal) => ReturnType<typeof countKinds>;
}

export interface ProbeWish {
  endpoint: string;
  serverName?: string;
  tls: ControlPlaneTarget["tls"];
  intervalMs: number;
  /** Count objects per kind after each probe that was answered. */
  counts: boolean;
}

export interface Sight {
  view: OperatorView;
  counts?: Readonly<Record<string, number>>;
}

const VERSION_TIMEOUT_MS = 4_000;
const READ_TIMEOUT_MS = 8_000; // longer than the control plane's own limit for its database (5 s)
const COUNT_TIMEOUT_MS = 5_000;
/** An answer older than so many intervals says nothing about now. */
const FRESH_INTERVALS = 3;
/** How long the first loop of a group waits for the first answer. */
const FIRST_ANSWER_MS = 5_000;
const FRESH_SLACK_MS = VERSION_TIMEOUT_MS + READ_TIMEOUT_MS;

const isLost = (view: OperatorView["view"]): boolean => ["down", "noRoute", "unknown"].includes(view);

const NO_OBJECTS = Object.fromEntries(CONTROL_PLANE_KINDS.map((kind) => [kind, 0]));
export const UNKNOWN = (detail: string): OperatorView => ({ view: "unknown", detail });

/** One control plane, asked again and again with one identity, for all groups that look at it so. */
export class Probed {
  readonly #o: ProberOptions;
  readonly #target: ControlPlaneTarget;
  readonly #wishes = new Map<string, ProbeWish>();
  readonly #watchman: GapWatch;
  readonly #poller: Poller<Sight>;
  /** Has this process ever got an answer from it? */
  #known = false;
  /** Since when each question to it went unanswered. */
  #lostSinceMs: number | undefined;

  constructor(options: ProberOptions, { endpoint, tls, serverName, intervalMs }: ProbeWish) {
    this.#o = options;
    this.#target = { endpoint, tls, ...(serverName === undefined ? {} : { serverName }) };
    this.#watchman = new GapWatch(options.clock, intervalMs);
    this.#poller = new Poller<Sight>({
      clock: options.clock,
      intervalMs,
      ask: async (signal) => {
        const sight = await this.#ask(signal);
        const lost = isLost(sight.view.view);
        this.#known ||= !lost;
        if (!lost) this.#lostSinceMs = undefined;
        else this.#lostSinceMs ??= this.#o.clock.monotonicMs();
        return sight;
      },
      same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
      onChange: () => this.#o.wake([...this.#wishes.keys()]),
      onBug: this.#o.onBug,
    });
  }

  /** Which control plane it is, whatever the certificate that it is asked with. */
  get controlPlane(): string {
    return controlPlaneAt(this.#target.endpoint);
  }

  want(groupKey: string, wish: ProbeWish): void {
    const counted = this.#wishes.get(groupKey)?.counts ?? false;
    this.#wishes.set(groupKey, wish);
    const intervalMs = Math.min(...[...this.#wishes.values()].map((one) => one.intervalMs));
    this.#watchman.changed(intervalMs);
    this.#poller.setInterval(intervalMs);
    if (wish.counts && !counted) this.#poller.again();
  }

  /** True once nobody looks at it any more: then it is asked no more. */
  drop(groupKey: string): boolean {
    this.#wishes.delete(groupKey);
    if (this.#wishes.size > 0) return false;
    this.stop();
    return true;
  }

  stop(): void {
    this.#poller.stop();
  }

  /** The first question is under way and worth waiting for. */
  isAwaited(): boolean {
    return !this.#poller.latest() && this.#o.clock.monotonicMs() - this.#poller.startedMs < FIRST_ANSWER_MS;
  }

  /** The latest sight, as far as it says something about now. */
  sight(): Sight {
    const latest = this.#poller.latest();
    if (!latest) return { view: UNKNOWN("it has not answered yet") };
    const ageMs = this.#o.clock.monotonicMs() - latest.atMs;
    const tooOld = ageMs > FRESH_INTERVALS * this.#watchman.longestMs + FRESH_SLACK_MS;
    return tooOld ? { view: UNKNOWN("the last answer is too old") } : latest.value;
  }

  /** For the census; undefined: nothing that could be compared. */
  watched(): Watched | undefined {
    if (this.isAwaited()) return undefined; // at a start none has answered yet, which is no reason to suspect oneself
    const { view } = this.sight().view;
    // A name that never resolved, a certificate that was never there: somebody's mistake, and no loss.
    if (view !== "down" && isLost(view) && !this.#known) return undefined;
    // An answer that is too old was the last sign of life.
    const lostSinceMs = isLost(view) ? (this.#lostSinceMs ?? this.#poller.latest()?.atMs) : undefined;
    return { controlPlane: this.controlPlane, lostSinceMs };
  }

  async #ask(signal: AbortSignal): Promise<Sight> {
    const { clock, lag, probe = askControlPlane, count = countObjects } = this.#o;
    const startMs = clock.monotonicMs();
    const slept = this.#watchman.slept(startMs);
    try {
      const view = viewOf(await probe(this.#target, signal));
      this.#o.measured?.(this.#target.endpoint, view.view, clock.monotonicMs() - startMs);
      // What was seen across a stop of this process, or by a process that came late to everything, shows nothing.
      if (slept) return { view: UNKNOWN("Holdfast itself stood still") };
      if (lag.laggedSince(startMs)) return { view: UNKNOWN("Holdfast itself is too slow to tell") };
      if (view.view !== "readsOk" || ![...this.#wishes.values()].some((one) => one.counts)) return { view };
      const counted = await count(this.#target, signal);
      // A kind that was asked for and has nothing is 0, and not unknown: an emptied control plane must be seen as such.
      return "counts" in counted ? { view, counts: { ...NO_OBJECTS, ...counted.counts } } : { view };
    } finally {
      this.#watchman.ended(this.#poller.intervalMs);
    }
  }
}

const askControlPlane = (target: ControlPlaneTarget, signal: AbortSignal): Promise<ControlPlaneProbe> =>
  probeControlPlane(target, { versionTimeoutMs: VERSION_TIMEOUT_MS, readTimeoutMs: READ_TIMEOUT_MS, signal });

const countObjects = (target: ControlPlaneTarget, signal: AbortSignal) => countKinds(target, COUNT_TIMEOUT_MS, signal);
