import { createHash } from "node:crypto";
import type { ControlPlaneFacts, OperatorView } from "../domain/facts-outside.ts";
import { CONTROL_PLANE_KINDS } from "../gateway/api7-facts.ts";
import {
  type ControlPlaneProbe,
  type ControlPlaneTarget,
  countKinds,
  probeControlPlane,
} from "../gateway/api7-probe.ts";
import type { Clock } from "../kube/clock.ts";
import { type Census, census, type Watched } from "./census.ts";
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

interface Sight {
  view: OperatorView;
  counts?: Readonly<Record<string, number>>;
}

interface Shared {
  poller: Poller<Sight>;
  wishes: Map<string, ProbeWish>;
  endpoint: string;
  /** Has this process ever got an answer from it? */
  known: boolean;
  /** Since when each question to it went unanswered. */
  lostSinceMs?: number;
}

const VERSION_TIMEOUT_MS = 4_000;
const READ_TIMEOUT_MS = 8_000; // longer than the control plane's own limit for its database (5 s)
const COUNT_TIMEOUT_MS = 5_000;
/** An answer older than so many intervals says nothing about now. */
const FRESH_INTERVALS = 3;
/** How long the first loop of a group waits for the first answer. */
const FIRST_ANSWER_MS = 5_000;
const GAP_SLACK_MS = 2_000;
const FRESH_SLACK_MS = VERSION_TIMEOUT_MS + READ_TIMEOUT_MS;

const isLost = (view: OperatorView["view"]): boolean => ["down", "noRoute", "unknown"].includes(view);

const NO_OBJECTS = Object.fromEntries(CONTROL_PLANE_KINDS.map((kind) => [kind, 0]));
const UNKNOWN = (detail: string): OperatorView => ({ view: "unknown", detail });

/** One prober per distinct endpoint, name and certificate, however many groups look at it. */
export class ProberPool {
  readonly #o: ProberOptions;
  readonly #shared = new Map<string, Shared>();
  readonly #ofGroup = new Map<string, string>();

  constructor(options: ProberOptions) {
    this.#o = options;
  }

  /** What this group wants to be probed from now on. */
  want(groupKey: string, wish: ProbeWish): void {
    const id = idOf(wish);
    if (this.#ofGroup.get(groupKey) !== id) this.drop(groupKey);
    this.#ofGroup.set(groupKey, id);
    const shared = this.#shared.get(id) ?? this.#start(id, wish);
    const counted = shared.wishes.get(groupKey)?.counts ?? false;
    shared.wishes.set(groupKey, wish);
    shared.poller.setInterval(Math.min(...[...shared.wishes.values()].map((one) => one.intervalMs)));
    if (wish.counts && !counted) shared.poller.again();
  }

  has(groupKey: string): boolean {
    return this.#ofGroup.has(groupKey);
  }

  drop(groupKey: string): void {
    const id = this.#ofGroup.get(groupKey);
    if (id === undefined) return;
    this.#ofGroup.delete(groupKey);
    const shared = this.#shared.get(id);
    shared?.wishes.delete(groupKey);
    if (shared?.wishes.size !== 0) return;
    shared.poller.stop();
    this.#shared.delete(id);
  }

  /** The latest sight; undefined while the first question is under way and worth waiting for. */
  facts(groupKey: string): ControlPlaneFacts | undefined {
    const shared = this.#shared.get(this.#ofGroup.get(groupKey) ?? "");
    if (!shared) return { operator: UNKNOWN("it is not probed") };
    if (this.#isAwaited(shared)) return undefined;
    const latest = shared.poller.latest();
    if (!latest) return { operator: UNKNOWN("it has not answered yet") };
    const operator = this.#viewOf(shared);
    const { counts } = latest.value;
    return operator.view === "readsOk" && counts ? { operator, counts } : { operator };
  }

  /** How many control planes are lost at the same time as this group's, of those that can be compared with it. */
  census(groupKey: string): Census {
    const sights: Watched[] = [];
    for (const shared of this.#shared.values()) {
      if (this.#isAwaited(shared)) continue; // at a start none has answered yet, which is no reason to suspect oneself
      const { view } = this.#viewOf(shared);
      // A name that never resolved, a certificate that was never there: somebody's mistake, and no loss.
      if (view !== "down" && isLost(view) && !shared.known) continue;
      // An answer that is too old was the last sign of life.
      const lostSinceMs = isLost(view) ? (shared.lostSinceMs ?? shared.poller.latest()?.atMs) : undefined;
      sights.push({ endpoint: shared.endpoint, lostSinceMs });
    }
    const own = this.#shared.get(this.#ofGroup.get(groupKey) ?? "")?.endpoint;
    return census(sights, own, this.#o.clock.monotonicMs());
  }

  stop(): void {
    for (const { poller } of this.#shared.values()) poller.stop();
    this.#shared.clear();
    this.#ofGroup.clear();
  }

  #isAwaited({ poller }: Shared): boolean {
    return !poller.latest() && this.#o.clock.monotonicMs() - poller.startedMs < FIRST_ANSWER_MS;
  }

  #viewOf({ poller }: Shared): OperatorView {
    const latest = poller.latest();
    if (!latest) return UNKNOWN("not asked yet");
    const ageMs = this.#o.clock.monotonicMs() - latest.atMs;
    if (ageMs > FRESH_INTERVALS * poller.intervalMs + FRESH_SLACK_MS) return UNKNOWN("the last answer is too old");
    return latest.value.view;
  }

  #start(id: string, wish: ProbeWish): Shared {
    const target: ControlPlaneTarget = {
      endpoint: wish.endpoint,
      tls: wish.tls,
      ...(wish.serverName === undefined ? {} : { serverName: wish.serverName }),
    };
    const wishes = new Map<string, ProbeWish>();
    const watchman = new GapWatch(this.#o.clock);
    const poller: Poller<Sight> = new Poller<Sight>({
      clock: this.#o.clock,
      intervalMs: wish.intervalMs,
      ask: async (signal) => {
        const sight = await this.#ask(target, wishes, watchman, poller.intervalMs, signal);
        const lost = isLost(sight.view.view);
        shared.known ||= !lost;
        if (!lost) delete shared.lostSinceMs;
        else shared.lostSinceMs ??= this.#o.clock.monotonicMs();
        return sight;
      },
      same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
      onChange: () => this.#o.wake([...wishes.keys()]),
      onBug: this.#o.onBug,
    });
    const shared: Shared = { poller, wishes, endpoint: wish.endpoint, known: false };
    this.#shared.set(id, shared);
    return shared;
  }

  async #ask(
    target: ControlPlaneTarget,
    wishes: ReadonlyMap<string, ProbeWish>,
    watchman: GapWatch,
    intervalMs: number,
    signal: AbortSignal,
  ): Promise<Sight> {
    const { clock, lag, probe = askControlPlane, count = countObjects } = this.#o;
    const startMs = clock.monotonicMs();
    const slept = watchman.slept(startMs, 2 * intervalMs + GAP_SLACK_MS);
    try {
      const view = viewOf(await probe(target, signal));
      this.#o.measured?.(target.endpoint, view.view, clock.monotonicMs() - startMs);
      // What was seen across a stop of this process, or by a process that came late to everything, shows nothing.
      if (slept) return { view: UNKNOWN("Holdfast itself stood still") };
      if (lag.laggedSince(startMs)) return { view: UNKNOWN("Holdfast itself is too slow to tell") };
      if (view.view !== "readsOk" || ![...wishes.values()].some((one) => one.counts)) return { view };
      const counted = await count(target, signal);
      // A kind that was asked for and has nothing is 0, and not unknown: an emptied control plane must be seen as such.
      return "counts" in counted ? { view, counts: { ...NO_OBJECTS, ...counted.counts } } : { view };
    } finally {
      watchman.ended();
    }
  }
}

const askControlPlane = (target: ControlPlaneTarget, signal: AbortSignal): Promise<ControlPlaneProbe> =>
  probeControlPlane(target, { versionTimeoutMs: VERSION_TIMEOUT_MS, readTimeoutMs: READ_TIMEOUT_MS, signal });

const countObjects = (target: ControlPlaneTarget, signal: AbortSignal) => countKinds(target, COUNT_TIMEOUT_MS, signal);

function idOf({ endpoint, serverName, tls }: ProbeWish): string {
  return createHash("sha256")
    .update(JSON.stringify([endpoint, serverName, tls]))
    .digest("base64url");
}
