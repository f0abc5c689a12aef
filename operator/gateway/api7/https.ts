import { X509Certificate } from "node:crypto";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { isIP } from "node:net";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import type { Answer } from "./answer.ts";
import { classifyFailure, type Phase } from "./tls-faults.ts";

export interface ControlPlaneTarget {
  /** `https://host:port`, as in spec.controlPlane.endpoint. */
  endpoint: string;
  serverName?: string;
  /**
   * PEM texts of the client certificate Secret; `undefined` is an absent one. Trusted: the system's CAs and `ca`. Keep
   * the object while its content is the same: what TLS needs is built once for each.
   */
  tls: { cert: string; key: string; ca?: string } | undefined;
}

/** A control plane's answer to a probe is under 1 KiB: more means that something else talks. */
const BODY_MAX_BYTES = 256 * 1024;

export interface Question {
  method: "GET" | "POST";
  path: string;
  body?: string;
}

export type Reply = { reply: { status: number; body: string }; ms: number };

export type Failure = Answer & { kind: Exclude<Answer["kind"], "ok"> };

/** Whom to ask, ready to be asked several times. */
export interface Asker {
  ask(question: Question, timeoutMs: number, signal?: AbortSignal): Promise<Reply | Failure>;
}

/**
 * Asks on connections of their own: a kept one would prove nothing about new ones, which is what a starting gateway
 * makes. `ask` never rejects, whatever happens is an Answer; its `timeoutMs` covers all phases together.
 */
export function askerOf(target: ControlPlaneTarget): Asker {
  const { tls } = target;
  if (tls === undefined) return failing({ kind: "tlsLocal", reason: "CertificateAbsent", ms: 0 });
  let url: URL;
  let secureContext: SecureContext;
  try {
    url = httpsURL(target.endpoint);
    secureContext = contextOf(tls);
  } catch (error) {
    return failing({ ...classifyFailure(error, "setup"), ms: 0 });
  }
  const servername = target.serverName === undefined ? {} : { servername: target.serverName };
  return {
    ask: async ({ method, path, body }, timeoutMs, signal) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const options = { method, headers, agent: false, secureContext, ...servername };
      const outcome = await askOnce(new URL(path, url), options, body, timeoutMs, signal);
      return "reply" in outcome ? outcome : blameOwnCertificate(outcome, tls.cert);
    },
  };
}

type Tls = NonNullable<ControlPlaneTarget["tls"]>;

/** Building a trust store with the system's authorities takes some 10 ms: once for each `tls` object. */
const contexts = new WeakMap<Tls, SecureContext>();

function contextOf(tls: Tls): SecureContext {
  const known = contexts.get(tls);
  if (known !== undefined) return known;
  // As the gateway trusts: `ssl_trusted_certificate: system,<ca.crt>`.
  const ca = tls.ca === undefined ? {} : { ca: [...rootCertificates, tls.ca] };
  const made = createSecureContext({ cert: tls.cert, key: tls.key, ...ca });
  contexts.set(tls, made);
  return made;
}

/** Schema and operator refuse other endpoints long before; here they are as good as a name that leads nowhere. */
function httpsURL(endpoint: string): URL {
  const url = new URL(endpoint);
  if (url.protocol !== "https:")
    throw Object.assign(new TypeError("not an https URL"), { code: "ERR_INVALID_PROTOCOL" });
  return url;
}

const failing = (failure: Failure): Asker => ({ ask: () => Promise.resolve(failure) });

function askOnce(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Reply | Failure> {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  if (signal?.aborted === true) return Promise.resolve({ kind: "aborted", ms: 0 });
  return new Promise<Reply | Failure>((resolve) => {
    let phase: Phase = isIP(url.hostname.replace(/^\[|\]$/g, "")) === 0 ? "dns" : "connect";
    const request = httpsRequest(url, options);
    const finish = (outcome: Reply | Failure): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(outcome);
      // After the outcome is settled: the error that this raises then changes nothing.
      request.destroy();
    };
    const onAbort = (): void => finish({ kind: "aborted", ms: ms() });
    const onError = (error: unknown): void => finish({ ...classifyFailure(error, phase), ms: ms() });
    const timer = setTimeout(() => finish(timedOut(phase, ms(), timeoutMs)), timeoutMs);
    signal?.addEventListener("abort", onAbort);
    request.on("error", onError);
    request.on("socket", (socket) => {
      socket.once("lookup", () => {
        phase = "connect";
      });
      socket.once("connect", () => {
        phase = "tls";
      });
      socket.once("secureConnect", () => {
        phase = "answer";
      });
    });
    request.on("response", (response) => {
      const status = response.statusCode ?? 0;
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > BODY_MAX_BYTES) finish({ kind: "malformed", status, ms: ms() });
      });
      response.on("end", () => finish({ reply: { status, body: Buffer.concat(chunks).toString("utf8") }, ms: ms() }));
      response.on("error", onError);
    });
    request.end(body);
  }).catch((error: unknown) => {
    const failure = classifyFailure(error, "tls");
    if (failure.kind === "aborted") throw error; // a bug of ours: never taken for a word about anybody
    return { ...failure, ms: ms() }; // an endpoint or a name that cannot be asked
  });
}

function timedOut(phase: Phase, ms: number, timeoutMs: number): Failure {
  // A resolver that says nothing is as local a matter as one that says no.
  if (phase === "dns" || phase === "setup") return { kind: "dnsFailure", code: "ETIMEOUT", ms };
  return { kind: "timeout", phase, lagMs: Math.max(0, ms - timeoutMs), ms };
}

/** Servers end a connection with an expired client in many ways, some without a word: the certificate itself tells. */
function blameOwnCertificate(failure: Failure, cert: string): Failure {
  if (failure.kind !== "reset" && failure.kind !== "tlsRemote" && failure.kind !== "tlsLocal") return failure;
  if (failure.kind === "tlsLocal" && failure.reason !== "CertificateRefused") return failure;
  const expired = new X509Certificate(cert).validToDate.getTime() < Date.now();
  return expired ? { kind: "tlsLocal", reason: "CertificateExpired", ms: failure.ms } : failure;
}
