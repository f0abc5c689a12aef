import { controlPlaneAt } from "../../domain/evidence/endpoint.ts";
import type { ControlPlaneFacts, OperatorView } from "../../domain/facts/outside.ts";
import type { ControlPlaneTarget } from "../../gateway/api7/https.ts";
import { type ControlPlaneProbe, countKinds, probeControlPlane } from "../../gateway/api7/probe.ts";
import type { Clock } from "../../kube/clock.ts";
import { Poller } from "../poller.ts";
import type { Watched } from "./correlated-loss.ts";
import { COUNT_TIMEOUT_MS, Counter, type Counts } from "./counter.ts";
import { GapWatch } from "./gap-watch.ts";
import type { LoopLag } from "./loop-lag.ts";
import { contentSeenBy, viewOf } from "./probe-view.ts";

/** Whom one group wants to be asked, as who, how often. */
export interface ProbeWish {
  endpoint: string;
  serverName?: string;
  tls: ControlPlaneTarget["tls"];
  /** The Secret that `tls` is of. */
  certificate: string;
  intervalMs: number;
  /** Count objects per kind, while it answers. */
  counts: boolean;
}

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

const VERSION_TIMEOUT_MS = 4_000;
const READ_TIMEOUT_MS = 8_000; // longer than the control plane's own limit for its database (5 s)
/** An answer older than so many intervals says nothing about now. */
const FRESH_INTERVALS = 3;
/** How long the first loop of a group waits for the first answer. */
const FIRST_ANSWER_MS = 5_000;
const FRESH_SLACK_MS = VERSION_TIMEOUT_MS + READ_TIMEOUT_MS;

const isLost = (view: OperatorView["view"]): boolean => ["down", "noRoute", "unknown"].includes(view);

export const UNKNOWN = (detail: string): OperatorView => ({ view: "unknown", detail });

/**
 * Since when each question to a control plane went unanswered, whatever the certificate: a renewed one, or another group's,
 * begins no new loss, beside which those of the other control planes would look as if they were of long ago.
 */
export type Losses = Map<string, number>;

/** One answer: how it looks, and whether the read found anything. */
interface Seen {
  view: OperatorView;
  contentSeen?: ControlPlaneFacts["contentSeen"];
}

/** One control plane, asked again and again with one identity, for all groups that look at it so. */
export class Probed {
  /** Which control plane it is, whatever the certificate that it is asked with. */
  readonly controlPlane: string;
  readonly #o: ProberOptions;
  readonly #target: ControlPlaneTarget;
  readonly #wishes = new Map<string, ProbeWish>();
  readonly #watchman: GapWatch;
  readonly #poller: Poller<Seen>;
  #counter: Counter | undefined;
  /** Has this process ever got an answer from it? */
  #known = false;
  readonly #losses: Losses;
  #stopped = false;
  /** When it was last asked and did not answer reads: what was counted before that is of another time. */
  #silentMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProberOptions, losses: Losses, { endpoint, tls, serverName, intervalMs }: ProbeWish) {
    this.#o = options;
    this.#losses = losses;
    this.controlPlane = controlPlaneAt(endpoint);
    this.#target = { endpoint, tls, ...(serverName === undefined ? {} : { serverName }) };
    this.#watchman = new GapWatch(options.clock, intervalMs);
    this.#poller = new Poller<Seen>({
      clock: options.clock,
      intervalMs,
      ask: (signal) => this.#ask(signal),
      same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
      onChange: ({ view: { view } }) => {
        if (view === "readsOk") this.#counter?.again();
        this.#wake();
      },
      onBug: options.onBug,
    });
  }

  wishOf(groupKey: string): ProbeWish | undefined {
    return this.#wishes.get(groupKey);
  }

  want(groupKey: string, wish: ProbeWish): void {
    this.#wishes.set(groupKey, wish);
    this.#fit();
  }

  /** True once nobody looks at it any more: then it is asked no more. */
  drop(groupKey: string): boolean {
    this.#wishes.delete(groupKey);
    if (this.#wishes.size === 0) this.stop();
    else this.#fit();
    return this.#wishes.size === 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#poller.stop();
    this.#counter?.stop();
  }

  /** The first question is under way and worth waiting for. */
  isAwaited(): boolean {
    return !this.#poller.latest() && this.#o.clock.monotonicMs() - this.#poller.startedMs < FIRST_ANSWER_MS;
  }

  /** The latest view, as far as it says something about now. */
  view(): OperatorView {
    const latest = this.#poller.latest();
    if (!latest) return UNKNOWN("it has not answered yet");
    const ageMs = this.#o.clock.monotonicMs() - latest.atMs;
    const tooOld = ageMs > FRESH_INTERVALS * this.#watchman.longestMs + FRESH_SLACK_MS;
    return tooOld ? UNKNOWN("the last answer is too old") : latest.value.view;
  }

  /** Did the read of the latest view find anything? Costs nothing, so it is known also where nobody counts. */
  contentSeen(): ControlPlaneFacts["contentSeen"] {
    return this.view().view === "readsOk" ? this.#poller.latest()?.value.contentSeen : undefined;
  }

  /** Counted since it answers; undefined while that is not known. */
  counts(): Counts | undefined {
    return this.view().view === "readsOk" ? this.#counter?.counts(this.#silentMs) : undefined;
  }

  /** For the census; undefined: nothing that could be compared. */
  watched(): Watched | undefined {
    if (this.isAwaited()) return undefined; // at a start none has answered yet, which is no reason to suspect oneself
    const { view } = this.view();
    // A name that never resolved, a certificate that was never there: somebody's mistake, and no loss.
    const lost = this.#losses.get(this.controlPlane);
    if (view !== "down" && isLost(view) && !this.#known && lost === undefined) return undefined;
    // An answer that is too old was the last sign of life.
    const lostSinceMs = isLost(view) ? (lost ?? this.#poller.latest()?.atMs) : undefined;
    return { controlPlane: this.controlPlane, lostSinceMs };
  }

  /** As those who look at it now want it. */
  #fit(): void {
    const wishes = [...this.#wishes.values()];
    const intervalMs = Math.min(...wishes.map((wish) => wish.intervalMs));
    this.#watchman.changed(intervalMs);
    this.#poller.setInterval(intervalMs);
    if (wishes.some((wish) => wish.counts)) {
      this.#counter ??= this.#startCounting(intervalMs);
      this.#counter.setInterval(intervalMs);
    } else {
      this.#counter?.stop();
      this.#counter = undefined;
    }
  }

  #startCounting(intervalMs: number): Counter {
    const { clock, onBug, count = countObjects } = this.#o;
    return new Counter({
      clock,
      intervalMs,
      isAnswering: () => this.view().view === "readsOk",
      count: (signal) => count(this.#target, signal),
      onChange: () => this.#wake(),
      onBug,
    });
  }

  #wake(): void {
    this.#o.wake([...this.#wishes.keys()]);
  }

  async #ask(signal: AbortSignal): Promise<Seen> {
    const { clock, lag, probe = askControlPlane } = this.#o;
    const startMs = clock.monotonicMs();
    const slept = this.#watchman.slept(startMs);
    try {
      const answer = await probe(this.#target, signal);
      const seen = viewOf(answer);
      this.#o.measured?.(this.#target.endpoint, seen.view, clock.monotonicMs() - startMs);
      // What was seen across a stop of this process, or by a process that came late to everything, shows nothing.
      const late = lag.laggedSince(startMs) ? UNKNOWN("Holdfast itself is too slow to tell") : undefined;
      const view = this.#note(slept ? UNKNOWN("Holdfast itself stood still") : (late ?? seen));
      const contentSeen = contentSeenBy(view, answer);
      return { view, ...(contentSeen === undefined ? {} : { contentSeen }) };
    } finally {
      this.#watchman.ended(this.#poller.intervalMs);
    }
  }

  #note(view: OperatorView): OperatorView {
    if (this.#stopped) return view; // it was told to end, and what it did not see then is no loss
    const nowMs = this.#o.clock.monotonicMs();
    if (!isLost(view.view)) {
      this.#known = true;
      this.#losses.delete(this.controlPlane);
    } else if (this.#known || view.view === "down") {
      this.#losses.set(this.controlPlane, this.#losses.get(this.controlPlane) ?? nowMs);
    }
    if (view.view !== "readsOk") this.#silentMs = nowMs;
    return view;
  }
}

const askControlPlane = (target: ControlPlaneTarget, signal: AbortSignal): Promise<ControlPlaneProbe> =>
  probeControlPlane(target, { versionTimeoutMs: VERSION_TIMEOUT_MS, readTimeoutMs: READ_TIMEOUT_MS, signal });

const countObjects = (target: ControlPlaneTarget, signal: AbortSignal) => countKinds(target, COUNT_TIMEOUT_MS, signal);
