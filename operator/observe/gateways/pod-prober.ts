import type { PodFact } from "../../domain/facts/cluster.ts";
import type { GatewayStatus } from "../../gateway/api7/probe-gateway.ts";
import type { Clock } from "../../kube/clock.ts";
import { Slots } from "../../kube/slots.ts";
import type { Memory, Sessions } from "../../session.ts";
import type { LoopLag } from "../control-plane/loop-lag.ts";
import { Poller } from "../poller.ts";

export type PodAnswer = Pick<PodFact, "vote" | "emptyWorker" | "check">;
export interface PodAnswers {
  of(uid: string): PodAnswer;
}
export const NO_ANSWER: PodAnswer = { vote: "unknown", emptyWorker: false, check: "unknown" };

/** A pod to ask. Only pods that are Ready and started in normal mode have a vote; all that are Ready have a check. */
export interface Asked {
  uid: string;
  ip: string;
  votes: boolean;
}
export interface RouteCheck {
  host?: string;
  path: string;
  expectStatus: number;
}
export interface PodWish {
  pods: readonly Asked[];
  check: RouteCheck | undefined;
  intervalMs: number;
}

export interface PodProberOptions {
  clock: Clock;
  sessions: Sessions;
  lag: LoopLag;
  wake: (groupKey: string) => void;
  onBug: (error: unknown) => void;
  /** Never rejects. */
  status: (ip: string, signal: AbortSignal) => Promise<GatewayStatus>;
  /** One request on a connection of its own: the status, or undefined when there was no answer. Never rejects. */
  request: (ip: string, check: RouteCheck, signal: AbortSignal) => Promise<number | undefined>;
}

interface Entry {
  groupKey: string;
  asked: Asked;
  check: RouteCheck | undefined;
  /** As wished; until the first vote it is asked more often (EARLY_MS). */
  intervalMs: number;
  /** It said once whether it has its control plane. */
  voted: boolean;
  /** This very gateway once said 503 for a lost control plane, so its 200 means something. */
  saidDisconnected: boolean;
  poller: Poller<PodAnswer>;
}

/** In an outage each pod may take its whole 4 s, and a word lives 25 s: so many at a time keep the votes of 800 pods. */
const PARALLEL = 128;
/** Several fresh connections, so that each worker of the gateway is likely to be met: an empty one answers 404. */
const CHECKS_PER_ROUND = 4;
const FRESH_SLACK_MS = 15_000;
/** A gateway's metric appears some 15 s after its start: until it does, the gateway is asked so often, and for so long. */
const EARLY_MS = { every: 5_000, until: 60_000 };
/** How long the first look at a group waits for its pods: longer than a gateway that answers at all takes. */
const FIRST_ANSWERS_MS = 3_000;

/** Asks the gateways themselves, seldom in good times and often in doubt; see design section 4, Witnesses. */
export class PodProber {
  readonly #o: PodProberOptions;
  readonly #entries = new Map<string, Entry>();
  /** The uids of its pods that are asked, and since when any are. */
  readonly #ofGroup: Memory<{ uids: ReadonlySet<string>; firstWantedMs: number }>;
  readonly #slots = new Slots(PARALLEL);

  constructor(options: PodProberOptions) {
    this.#o = options;
    this.#ofGroup = options.sessions.memory(({ uids }) => {
      for (const uid of uids) this.#forget(uid);
    });
  }

  /** From now on these pods of the group are asked, and no others. A pod that is new here is asked at once. */
  want(groupKey: string, { pods, check, intervalMs }: PodWish): void {
    const uids = new Set(pods.map((pod) => pod.uid));
    const known = this.#ofGroup.get(groupKey);
    for (const uid of known?.uids ?? []) if (!uids.has(uid)) this.#forget(uid);
    this.#ofGroup.set(groupKey, { uids, firstWantedMs: known?.firstWantedMs ?? this.#o.clock.monotonicMs() });
    for (const asked of pods) {
      const entry = this.#entries.get(asked.uid);
      if (entry) {
        const differs = entry.asked.votes !== asked.votes || JSON.stringify(entry.check) !== JSON.stringify(check);
        entry.asked = asked;
        entry.check = check;
        entry.intervalMs = intervalMs;
        entry.poller.setInterval(this.#intervalOf(entry));
        if (differs) entry.poller.again();
      } else this.#start(groupKey, asked, check, intervalMs);
    }
  }

  /**
   * This group is new to this process, and some of its pods have not answered yet: what they said to the process before
   * stands in status, and "silent" there for a moment would be a write after every restart.
   */
  isFirstLook(groupKey: string): boolean {
    const known = this.#ofGroup.get(groupKey);
    if (!known || this.#o.clock.monotonicMs() - known.firstWantedMs >= FIRST_ANSWERS_MS) return false;
    return [...known.uids].some((uid) => !this.#entries.get(uid)?.poller.latest());
  }

  of(uid: string): PodAnswer {
    const poller = this.#entries.get(uid)?.poller;
    const latest = poller?.latest();
    if (!poller || !latest) return NO_ANSWER;
    const ageMs = this.#o.clock.monotonicMs() - latest.atMs;
    return ageMs > 2 * poller.intervalMs + FRESH_SLACK_MS ? NO_ANSWER : latest.value;
  }

  /** Its Ready turned false or true: what it said before may not hold. */
  askNow(uid: string): void {
    this.#entries.get(uid)?.poller.again();
  }

  stop(): void {
    this.#ofGroup.clear();
  }

  #forget(uid: string): void {
    this.#entries.get(uid)?.poller.stop();
    this.#entries.delete(uid);
  }

  #start(groupKey: string, asked: Asked, check: RouteCheck | undefined, intervalMs: number): void {
    const poller = new Poller<PodAnswer>({
      clock: this.#o.clock,
      intervalMs: asked.votes ? Math.min(intervalMs, EARLY_MS.every) : intervalMs,
      ask: (signal) => this.#ask(asked.uid, signal),
      same: (a, b) => a.vote === b.vote && a.emptyWorker === b.emptyWorker && a.check === b.check,
      onChange: () => this.#o.wake(groupKey),
      onBug: this.#o.onBug,
    });
    this.#entries.set(asked.uid, { groupKey, asked, check, intervalMs, voted: false, saidDisconnected: false, poller });
  }

  /** Votes are needed in the first minute of an outage, too, and that may be the first minute of the pod. */
  #intervalOf({ asked, intervalMs, voted, poller }: Entry): number {
    const isEarly = asked.votes && !voted && this.#o.clock.monotonicMs() - poller.startedMs < EARLY_MS.until;
    return isEarly ? Math.min(intervalMs, EARLY_MS.every) : intervalMs;
  }

  async #ask(uid: string, signal: AbortSignal): Promise<PodAnswer> {
    const entry = this.#entries.get(uid);
    if (!entry) return NO_ANSWER;
    try {
      await this.#slots.take(signal);
    } catch {
      return NO_ANSWER; // the pod is gone or we stop
    }
    const startMs = this.#o.clock.monotonicMs();
    try {
      const { asked, check } = entry;
      const [status, passed] = await Promise.all([
        asked.votes ? this.#o.status(asked.ip, signal) : undefined,
        check ? this.#checkRoute(asked.ip, check, signal) : ("unknown" as const),
      ]);
      if (this.#o.lag.laggedSince(startMs)) return NO_ANSWER;
      if (!status) return { ...NO_ANSWER, check: passed };
      const vote = voteOf(status, entry.saidDisconnected);
      if (saysDisconnected(status)) entry.saidDisconnected = true;
      if (vote !== "unknown") entry.voted = true;
      return { vote, emptyWorker: status.emptyWorker, check: passed };
    } finally {
      this.#slots.give();
      entry.poller.setInterval(this.#intervalOf(entry));
    }
  }

  async #checkRoute(ip: string, check: RouteCheck, signal: AbortSignal): Promise<PodAnswer["check"]> {
    const requests = Array.from({ length: CHECKS_PER_ROUND }, () => this.#o.request(ip, check, signal));
    const codes = await Promise.all(requests);
    // No answer at all says nothing: the way from here to the pod may be closed, and its Ready speaks of the rest.
    const answered = codes.filter((code) => code !== undefined);
    if (answered.length === 0) return "unknown";
    return answered.every((code) => code === check.expectStatus) ? "pass" : "fail";
  }
}

/**
 * The metric is the clearest word. A 503 that names no empty worker is the vendor's "no dp-manager answers"; a 200
 * counts only of a gateway that was seen to say 503 for that reason, as open-source APISIX says 200 all the time.
 */
export function voteOf(status: GatewayStatus, saidDisconnected: boolean): PodFact["vote"] {
  if (status.etcdReachable !== "unknown") return status.etcdReachable === 1 ? "connected" : "disconnected";
  if (saysDisconnected(status)) return "disconnected";
  if (status.ready === 200 && saidDisconnected) return "connected";
  return "unknown";
}

const saysDisconnected = (status: GatewayStatus): boolean => status.ready === 503 && !status.emptyWorker;
