/**
 * One way onto the network for both client libraries, so that time limits, trust and the absence of a proxy are the
 * same for each. Left to themselves one of them waits for ever (aws-sdk-js-v3 #6763) and the other follows HTTPS_PROXY,
 * which the gateway would not: the operator must see what the gateway will see.
 */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import { rootCertificates } from "node:tls";

export interface Limits {
  /** Name looked up and TCP connected. */
  connectTimeoutMs: number;
  /** Longest time without a byte from the server. */
  silenceTimeoutMs: number;
  /** A whole call; the caller's signal may end it sooner. */
  callTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = { connectTimeoutMs: 2_000, silenceTimeoutMs: 10_000, callTimeoutMs: 60_000 };

const SOCKETS_MAX = 16;

/** `caBundle` (PEM) is trusted in addition to the public authorities. */
export function makeAgent(secure: boolean, limits: Limits, caBundle?: string): HttpAgent | HttpsAgent {
  // The agent sets a new socket's own timeout to `timeout`, and again whenever it hands it out; node only emits an event
  // then, and bound() acts on it.
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX, timeout: limits.silenceTimeoutMs };
  if (!secure) return new BoundedHttpAgent(options, limits);
  const trust = caBundle === undefined ? {} : { ca: [...rootCertificates, caBundle] };
  return new BoundedHttpsAgent({ ...options, ...trust }, limits);
}

class BoundedHttpAgent extends HttpAgent {
  readonly #limits: Limits;

  constructor(options: ConstructorParameters<typeof HttpAgent>[0], limits: Limits) {
    super(options);
    this.#limits = limits;
  }

  override createConnection(...args: Parameters<HttpAgent["createConnection"]>) {
    const socket = super.createConnection(...args);
    return socket && bound(socket as Socket, this.#limits);
  }
}

class BoundedHttpsAgent extends HttpsAgent {
  readonly #limits: Limits;

  constructor(options: ConstructorParameters<typeof HttpsAgent>[0], limits: Limits) {
    super(options);
    this.#limits = limits;
  }

  override createConnection(...args: Parameters<HttpsAgent["createConnection"]>) {
    const socket = super.createConnection(...args);
    return socket && bound(socket as Socket, this.#limits);
  }
}

/** Code of the error that a socket of ours dies with; node's own connect timeout uses the same. */
export const TIMEOUT_CODE = "ETIMEDOUT";

function bound(socket: Socket, limits: Limits): Socket {
  const connecting = setTimeout(() => {
    socket.destroy(timeoutError(`no connection within ${limits.connectTimeoutMs} ms`));
  }, limits.connectTimeoutMs);
  const stop = () => clearTimeout(connecting);
  socket.once("connect", stop);
  socket.once("close", stop);
  socket.on("timeout", () => socket.destroy(timeoutError(`no answer for ${limits.silenceTimeoutMs} ms`)));
  return socket;
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { code: TIMEOUT_CODE });
}
