import http from "node:http";
import type { Socket } from "node:net";
import type { FailureKind, LoadSecond, LoadSummary } from "./load-tally.ts";
import { Tally } from "./load-tally.ts";

export type { FailureKind, LoadSecond, LoadSummary } from "./load-tally.ts";

/**
 * A server that kept a request longer than this before it closed was not idle: that is a reset, whoever opened the
 * socket. HTTP clients set no limit here. On a starved machine the news of a closed socket is a few hundred ms late;
 * requests on connections of their own never count as stale, so a drain that cuts requests shows in any case.
 */
const STALE_WINDOW_MS = 500;
const TICK_MS = 5;
/** Requests on their way at most: what is due beyond that is counted as `notSent`, so memory does not grow in an outage. */
const IN_FLIGHT_MAX = 5_000;

export interface LoadOptions {
  /** One URL, or several taken in turn. http only. */
  readonly url: string | readonly string[];
  /** Requests per second, constant: a slow answer does not slow the next request (an open loop). */
  readonly rate: number;
  /** Connections that are kept and re-used in turn. Default 32. */
  readonly connections?: number;
  /** Share (0..1) of requests on a connection of their own: a Service balances connections, not requests. Default 0.2. */
  readonly freshShare?: number;
  /** For one request, connecting included. Default 10,000. */
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Any other status is a failure. Default 200. */
  readonly expectStatus?: number;
  /** Sends a request once more, on a new connection, when it met a stale one. Default false: it is counted apart. */
  readonly resendStale?: boolean;
  /** Called each second with what happened in it. */
  readonly onSecond?: (second: LoadSecond) => void;
}

export interface Load {
  /** The counts up to now. */
  snapshot(): LoadSummary;
  /** Sends nothing more, waits for what is on its way, closes all connections. */
  stop(): Promise<LoadSummary>;
}

/**
 * Sends GET requests at a constant rate.
 *
 * Retry policy: NONE. What fails is a failure. One thing is counted apart, as `staleConnection`: a request written to a
 * re-used keep-alive connection that the server closed at the same moment, before a byte of an answer. HTTP allows every
 * server to close an idle connection at any time, and every HTTP client or proxy sends such a request again by itself
 * (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1). It is neither `ok` nor `failed`; with `resendStale` it is sent again
 * as those clients do, and what then comes counts as its outcome.
 */
export function startLoad(options: LoadOptions): Load {
  const runner = new Runner(options);
  return { snapshot: () => runner.tally.summary(), stop: () => runner.stop() };
}

class Runner {
  readonly tally: Tally;
  private readonly targets: readonly URL[];
  private readonly kept: http.Agent;
  /** Behind a Service a connection leads to one pod for as long as it lives. */
  private readonly podOf = new WeakMap<Socket, string>();
  /**
   * Connections that have answered before. Not `request.reusedSocket`: Node sets that for a connection taken from those
   * at rest, and leaves it false for one that goes from one request straight to the next that waits for it.
   */
  private readonly used = new WeakSet<Socket>();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly startedAt = performance.now();
  private readonly options: LoadOptions;
  private due = 0;
  private fresh = 0;
  private inFlight = 0;
  private idle: (() => void) | undefined;

  constructor(options: LoadOptions) {
    this.options = options;
    this.tally = new Tally();
    this.targets = [options.url].flat().map((url) => new URL(url));
    // First in, first out: all connections are used in turn, and none rests long enough to be closed for idleness.
    this.kept = new http.Agent({ keepAlive: true, maxSockets: options.connections ?? 32, scheduling: "fifo" });
    this.timers.push(setInterval(() => this.tick(), TICK_MS));
    const { onSecond } = options;
    if (onSecond !== undefined) this.timers.push(setInterval(() => onSecond(this.tally.takeSecond()), 1_000));
  }

  async stop(): Promise<LoadSummary> {
    for (const timer of this.timers) clearInterval(timer);
    if (this.inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
      });
    }
    this.kept.destroy();
    this.tally.end();
    return this.tally.summary();
  }

  private tick(): void {
    const wanted = Math.floor(((performance.now() - this.startedAt) / 1_000) * this.options.rate);
    for (; this.due < wanted; this.due += 1) {
      if (this.inFlight >= IN_FLIGHT_MAX) this.tally.notSent();
      else this.send(this.due, this.takesFresh());
    }
  }

  /** Spreads the share evenly instead of drawing lots: the same run twice is the same run. */
  private takesFresh(): boolean {
    this.fresh += this.options.freshShare ?? 0.2;
    if (this.fresh < 1) return false;
    this.fresh -= 1;
    return true;
  }

  private send(number: number, fresh: boolean): void {
    const target = this.targets[number % this.targets.length];
    if (target === undefined) return;
    this.inFlight += 1;
    this.tally.sent();
    this.attempt(target, fresh, performance.now(), this.options.resendStale ?? false);
  }

  private attempt(target: URL, fresh: boolean, sentAt: number, mayResend: boolean): void {
    const { headers = {}, timeoutMs = 10_000, expectStatus = 200 } = this.options;
    const request = http.get(target, { agent: fresh ? false : this.kept, headers });
    let writtenAt = sentAt;
    let socket: Socket | undefined;
    let answered = false;
    let reused = false;
    let over = false;
    const finish = (tell: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      tell();
      this.inFlight -= 1;
      if (this.inFlight === 0) this.idle?.();
    };
    const known = (): string | undefined => socket && this.podOf.get(socket);
    const fail = (kind: FailureKind, detail: string, pod = known()): void =>
      finish(() => this.tally.failed(kind, detail, performance.now() - sentAt, pod));
    const timer = setTimeout(() => {
      fail("timeout", answered ? "no end of the answer" : "no answer");
      request.destroy();
    }, timeoutMs);

    request.on("socket", (given) => {
      socket = given;
      reused = this.used.has(given);
      writtenAt = performance.now();
    });
    request.on("response", (response) => {
      answered = true;
      if (socket !== undefined) this.used.add(socket);
      const pod = headerText(response.headers["server-pod"]);
      if (socket !== undefined && pod !== undefined) this.podOf.set(socket, pod);
      response.resume();
      response.on("end", () => {
        if (!response.complete) fail("reset", "answer cut short", pod);
        else if (response.statusCode !== expectStatus) fail("status", String(response.statusCode), pod);
        else finish(() => this.tally.ok(performance.now() - sentAt, pod));
      });
      response.on("error", () => fail("reset", "answer cut short", pod));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      const closed = error.code === "ECONNRESET" || error.code === "EPIPE";
      if (!over && closed && !answered && reused && performance.now() - writtenAt < STALE_WINDOW_MS) {
        this.tally.stale(known());
        if (!mayResend) return finish(() => undefined);
        over = true;
        clearTimeout(timer);
        return this.attempt(target, true, sentAt, false);
      }
      const on = fresh ? "a connection of its own" : reused ? "a kept connection" : "a new kept connection";
      fail(kindOf(error), `${error.code ?? error.message} on ${on}`);
    });
  }
}

function kindOf(error: NodeJS.ErrnoException): FailureKind {
  switch (error.code) {
    case "ECONNRESET":
    case "EPIPE":
      return "reset";
    case "ECONNREFUSED":
      return "refused";
    case "ETIMEDOUT":
      return "timeout";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "unreachable";
    default:
      return "other";
  }
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
