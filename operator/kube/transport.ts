import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { type Clock, type Deadline, deadline } from "./clock.ts";
import type { Access, Credentials } from "./credentials.ts";
import { errorFromAnswer, KubeError } from "./errors.ts";
import { ServerClock } from "./server-clock.ts";
import { Slots } from "./slots.ts";
import { gateClosed, type WriteGate } from "./write-gate.ts";

export interface Call {
  /** For errors and metrics: "get Deployment edge/gw". */
  what: string;
  verb: string;
  resource: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with query. */
  path: string;
  contentType?: string;
  body?: unknown;
  /** For the whole call, waiting for a slot included. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
  /** Present on every mutating call. */
  gate: WriteGate | undefined;
  /** Takes no slot: a lease renewal must not stand behind slow calls. */
  urgent: boolean;
}

/** Counts what is sent; `code` is the HTTP code, or the fault when there was no answer. */
export interface CallObserver {
  callEnded(verb: string, resource: string, code: string, durationMs: number, mutating: boolean): void;
}

// Connections = these + one per watch + the lease's. More would only queue on the server's side.
const CALLS_AT_A_TIME = 32;
const BODY_MAX_BYTES = 256 * 1024 * 1024; // a page of 500 ordinary objects is 5 MB: more than this is not an answer to us

type Response = Dispatcher.ResponseData;

/** Sends single calls and opens streams: authentication, deadline, write gate, errors, counting. */
export class Transport {
  readonly serverClock: ServerClock;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #observer: CallObserver | undefined;
  readonly #slots = new Slots(CALLS_AT_A_TIME);

  constructor(credentials: Credentials, clock: Clock, observer?: CallObserver) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#observer = observer;
    this.serverClock = new ServerClock(clock);
  }

  close(): Promise<void> {
    return this.#credentials.close();
  }

  /** One call, its answer decoded. Rejects only with KubeError. */
  send(call: Call): Promise<unknown> {
    return this.#observed(call, async (limit, signal) => {
      if (!call.urgent) await this.#slots.take(signal);
      try {
        const response = await this.#authorized(call, signal);
        const text = await readText(response.body, call.what);
        if (response.statusCode >= 400) throw this.#refusal(call, response, text);
        // The pool takes a connection back one turn after its answer ended: without this wait a second one is opened.
        await nextTurn();
        return { code: response.statusCode, value: decode(text, call.what) };
      } finally {
        if (!call.urgent) this.#slots.give();
        limit.release();
      }
    });
  }

  /** Opens a stream: the deadline covers the answer's headers; the body lives until it ends or `call.signal` aborts. */
  open(call: Call): Promise<Readable> {
    return this.#observed(call, async (limit, signal) => {
      const response = await this.#authorized(call, signal);
      if (response.statusCode >= 400) throw this.#refusal(call, response, await readText(response.body, call.what));
      limit.stopTimer();
      response.body.once("close", () => limit.release());
      return { code: response.statusCode, value: response.body };
    });
  }

  async #observed<T>(
    call: Call,
    run: (limit: Deadline, signal: AbortSignal) => Promise<{ code: number; value: T }>,
  ): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    let code = "";
    let gateSignal: AbortSignal | undefined;
    let limit: Deadline | undefined;
    try {
      gateSignal = call.gate?.enter(call.what);
      limit = deadline(this.#clock, call.timeoutMs, call.signal, gateSignal);
      const done = await run(limit, limit.signal);
      code = String(done.code);
      return done.value;
    } catch (error) {
      limit?.release();
      const known = asKubeError(call, error, limit, gateSignal);
      code = known.httpCode === undefined ? known.fault : String(known.httpCode);
      throw known;
    } finally {
      const mutating = call.gate !== undefined;
      this.#observer?.callEnded(call.verb, call.resource, code, this.#clock.monotonicMs() - startMs, mutating);
    }
  }

  async #authorized(call: Call, signal: AbortSignal): Promise<Response> {
    const first = await this.#once(call, signal);
    if (first.statusCode !== 401) return first;
    // A token that was renewed a moment ago looks like this; anything else stays 401.
    await first.body.dump();
    this.#credentials.forget();
    return await this.#once(call, signal);
  }

  async #once(call: Call, signal: AbortSignal): Promise<Response> {
    const access = await unlessAborted(this.#credentials.current(), signal); // an exec plugin of a kubeconfig may hang
    // undici lets a call that waits for its connection wait on, up to 10 s, although its signal aborted; it then does
    // not send it. A server that accepts connections and hangs would hold up a lease renewal for so long.
    const askedMs = this.#clock.monotonicMs();
    const response = await unlessAborted(dispatch(call, access, signal), signal, (late) => late.body.destroy());
    const { date } = response.headers;
    // An error page may be a proxy's, whose clock stamped nothing.
    const isAnswer = response.statusCode >= 200 && response.statusCode < 300;
    this.serverClock.told(isAnswer && typeof date === "string" ? date : undefined, askedMs);
    return response;
  }

  #refusal(call: Call, response: Response, text: string): KubeError {
    const header = response.headers["retry-after"];
    const retryAfter = typeof header === "string" ? header : undefined;
    return errorFromAnswer(call.what, { code: response.statusCode, retryAfter, text }, this.#clock.wallMs());
  }
}

function dispatch(call: Call, access: Access, signal: AbortSignal): Promise<Response> {
  const prefix = access.server.pathname.replace(/\/$/, "");
  const options: Dispatcher.RequestOptions = {
    origin: access.server.origin,
    path: `${prefix}${call.path}`,
    method: call.method,
    headers: {
      ...access.headers,
      accept: "application/json",
      "accept-encoding": "identity", // compressing costs both sides CPU and gains nothing inside a cluster
      "user-agent": "holdfast",
      ...(call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
    },
    body: call.body === undefined ? null : JSON.stringify(call.body),
    signal,
  };
  const { gate } = call;
  return (gate ? access.dispatcher.compose(lastLook(gate, call.what)) : access.dispatcher).request(options);
}

/**
 * Looks at the gate once more when a connected socket is at hand and the bytes are about to be written. A process that
 * was stopped while it connected wakes with that socket ready, before any timer of ours had a chance to fire.
 */
function lastLook(gate: WriteGate, what: string): Dispatcher.DispatcherComposeInterceptor {
  return (next) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      gate.enter(what); // what it throws fails the request unsent
      start?.(controller, context);
    };
    return next(options, handler);
  };
}

/** For what does not obey the signal by itself. A value that comes too late goes to `discard`. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, discard?: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    promise
      .then((value) => {
        if (signal.aborted) discard?.(value);
        else resolve(value);
      }, reject)
      .finally(() => signal.removeEventListener("abort", stop));
  });
}

async function readText(body: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) {
      throw new KubeError("Undecodable", `Cannot ${what}: the answer is over ${BODY_MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function decode(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Neither its text nor the parser's complaint goes into the message: both may quote a Secret.
    throw new KubeError("Undecodable", `Cannot ${what}: the answer of ${text.length} characters is not JSON`);
  }
}

function asKubeError(call: Call, error: unknown, limit?: Deadline, gate?: AbortSignal): KubeError {
  if (error instanceof KubeError) return error;
  const cannot = `Cannot ${call.what}`;
  if (gate?.aborted) return gateClosed(call.what, "leadership ended while the call was under way", error);
  if (limit?.expired())
    return new KubeError("Timeout", `${cannot}: no answer within ${call.timeoutMs} ms`, { cause: error });
  if (call.signal?.aborted) return new KubeError("Aborted", `${cannot}: given up by the caller`, { cause: error });
  return new KubeError("Network", `${cannot}: ${describe(error)}`, { cause: error });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  // A name with several addresses fails with an AggregateError whose own message is empty.
  const text = error.message || (error instanceof AggregateError ? error.errors.map(String).join("; ") : error.name);
  return typeof code === "string" && !text.includes(code) ? `${text} (${code})` : text;
}
