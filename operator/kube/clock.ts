/** Time and chance, injected: tests run the whole runtime on a clock that they turn by hand. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds that only grow; for every duration. Never compare it with a time from another machine. */
  monotonicMs(): number;
  /** Milliseconds since the epoch; it may jump, so it is for stamps and never for durations. */
  wallMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  after(delayMs: number, run: () => void): Timer;
}

const TIMER_MAX_MS = 2 ** 31 - 1; // setTimeout fires at once above this

export const systemClock: Clock = {
  // CLOCK_MONOTONIC: it goes on while the process is stopped by SIGSTOP, but not while the machine sleeps.
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  random: () => Math.random(),
  after(delayMs, run) {
    const handle = setTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MAX_MS));
    return { cancel: () => clearTimeout(handle) };
  },
};

export interface Moment {
  monotonicMs: number;
  wallMs: number;
}

export function moment(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
}

/** The time since, for what must not be underrated: the monotonic clock stands still while a machine sleeps, the wall
 * clock may be set back, so the one that moved more counts. */
export function elapsedMs(clock: Clock, since: Moment): number {
  return Math.max(clock.monotonicMs() - since.monotonicMs, clock.wallMs() - since.wallMs);
}

/** Resolves after `ms`, or as soon as `signal` aborts (never rejects: the caller checks the signal). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Full jitter: uniform between 0 and the exponential step, so that many clients that fail together spread out. */
export function fullJitterMs(clock: Clock, attempt: number, baseMs: number, capMs: number): number {
  const step = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return clock.random() * step;
}

export interface Deadline {
  signal: AbortSignal;
  /** True when the time ran out, false when a parent signal aborted first. */
  expired(): boolean;
  /** No more time limit; the parents still count. */
  stopTimer(): void;
  /** Must be called: it unhooks from the parents, whose listeners would else pile up over the life of the process. */
  release(): void;
}

/** One AbortSignal out of a time limit and any number of parent signals. */
export function deadline(clock: Clock, ms: number, ...parents: (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController();
  let timedOut = false;
  const hooks: [AbortSignal, () => void][] = [];
  const timer = clock.after(ms, () => {
    timedOut = true;
    controller.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError"));
  });
  for (const parent of parents) {
    if (!parent) continue;
    const hook = () => controller.abort(parent.reason);
    if (parent.aborted) hook();
    else {
      parent.addEventListener("abort", hook, { once: true });
      hooks.push([parent, hook]);
    }
  }
  return {
    signal: controller.signal,
    expired: () => timedOut,
    stopTimer: () => timer.cancel(),
    release() {
      timer.cancel();
      for (const [parent, hook] of hooks) parent.removeEventListener("abort", hook);
    },
  };
}
