import type { Readable } from "node:stream";
import { type Clock, type Deadline, deadline } from "./clock.ts";
import type { Access, Credentials } from "./credentials.ts";
import { errorFromAnswer, KubeError } from "./errors.ts";
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
  timeoutMs: number;
  signal: AbortSignal | undefined;
  /** Present on every mutating call. */
  gate: WriteGate | undefined;
}

/** Counts what is sent; `code` is the HTTP code, or the fault when there was no answer. */
export interface CallObserver {
  callEnded(verb: string, resource: string, code: string, durationMs: number, mutating: boolean): void;
}

const BODY_MAX_BYTES = 256 * 1024 * 1024; // a page of 500 objects of the largest size that etcd takes is 750 MiB; a sane one is 5

/** Sends single calls and opens streams: authentication, deadline, write gate, errors, counting. */
export class Transport {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #observer: CallObserver | undefined;

  constructor(credentials: Credentials, clock: Clock, observer?: CallObserver) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#observer = observer;
  }

  close(): Promise<void> {
    return this.#credentials.close();
  }

  /** One call, answer decoded. Rejects only with KubeError. */
  async send(call: Call): Promise<unknown> {
    return await this.#counted(call, async (limit) => {
      const response = await this.#withAuth(call, limit);
      const text = await readText(response.body, call.what);
      if (response.statusCode >= 400) throw this.#refused(call, response, text);
      return { code: response.statusCode, value: decode(text, call.what) };
    });
  }

  /** Opens a stream: the deadline covers the answer's headers; the body lives until it ends or `signal` aborts. */
  async open(call: Call): Promise<Readable> {
    const life = new AbortController();
    const stop = () => life.abort(call.signal?.reason);
    call.signal?.addEventListener("abort", stop, { once: true });
    if (call.signal?.aborted) stop();
    return (await this.#counted(call, async (limit) => {
      const cut = () => life.abort(limit.signal.reason);
      limit.signal.addEventListener("abort", cut, { once: true });
      const response = await this.#withAuth(call, { ...limit, signal: life.signal });
      limit.signal.removeEventListener("abort", cut);
      if (response.statusCode >= 400) throw this.#refused(call, response, await readText(response.body, call.what));
      response.body.once("close", () => call.signal?.removeEventListener("abort", stop));
      return { code: response.statusCode, value: response.body };
    })) as Readable;
  }

  async #counted(call: Call, run: (limit: Deadline) => Promise<{ code: number; value: unknown }>): Promise<unknown> {
    const startMs = this.#clock.monotonicMs();
    let gateSignal: AbortSignal | undefined;
    let code = "?";
    const limit = deadline(this.#clock, call.timeoutMs, call.signal);
    try {
      gateSignal = call.gate?.enter(call.what);
      const cut = gateSignal && deadline(this.#clock, call.timeoutMs, limit.signal, gateSignal);
      try {
        const done = await run(cut ? { ...limit, signal: cut.signal } : limit);
        code = String(done.code);
        return done.value;
      } finally {
        cut?.release();
      }
    } catch (error) {
      const known = asKubeError(call, error, limit, gateSignal);
      code = known.httpCode === undefined ? known.fault : String(known.httpCode);
      throw known;
    } finally {
      limit.release();
      const mutating = call.gate !== undefined;
      this.#observer?.callEnded(call.verb, call.resource, code, this.#clock.monotonicMs() - startMs, mutating);
    }
  }

  async #withAuth(call: Call, limit: Deadline) {
    const first = await this.#dispatch(call, await this.#credentials.current(), limit.signal);
    if (first.statusCode !== 401) return first;
    // A token that was renewed a moment ago looks like this; anything else stays 401.
    await first.body.dump();
    this.#credentials.forget();
    return await this.#dispatch(call, await this.#credentials.current(), limit.signal);
  }

  #dispatch(call: Call, access: Access, signal: AbortSignal) {
    signal.throwIfAborted();
    call.gate?.enter(call.what); // again: reading credentials took time
    const prefix = access.server.pathname.replace(/\/$/, "");
    return access.dispatcher.request({
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
    });
  }

  #refused(call: Call, response: { statusCode: number; headers: Record<string, unknown> }, text: string): KubeError {
    const header = response.headers["retry-after"];
    const retryAfter = typeof header === "string" ? header : undefined;
    return errorFromAnswer(call.what, { code: response.statusCode, retryAfter, text }, this.#clock.wallMs());
  }
}

async function readText(body: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES)
      throw new KubeError("Undecodable", `Cannot ${what}: the answer is over ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function decode(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Its text stays out of the message: it may be part of a Secret.
    throw new KubeError("Undecodable", `Cannot ${what}: the answer of ${text.length} characters is not JSON`);
  }
}

function asKubeError(call: Call, error: unknown, limit: Deadline, gate: AbortSignal | undefined): KubeError {
  if (error instanceof KubeError) return error;
  if (gate?.aborted) return gateClosed(call.what, "leadership ended while the call was under way", error);
  if (limit.expired()) {
    return new KubeError("Timeout", `Cannot ${call.what}: no answer within ${call.timeoutMs} ms`, { cause: error });
  }
  if (call.signal?.aborted)
    return new KubeError("Aborted", `Cannot ${call.what}: given up by the caller`, { cause: error });
  const said = error instanceof Error ? error.message : String(error);
  return new KubeError("Network", `Cannot ${call.what}: ${said}`, { cause: error });
}
