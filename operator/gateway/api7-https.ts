import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import type { Answer } from "./api7-answer.ts";
import type { ControlPlaneTarget } from "./api7-probe.ts";
import { classifyFailure } from "./api7-tls-faults.ts";

/** A control plane's answer to a probe is under 1 KiB: more means that something else talks. */
const BODY_MAX_BYTES = 256 * 1024;

export interface Question {
  method: "GET" | "POST";
  path: string;
  body?: string;
}

export type Reply = { status: number; body: string };

/** Phases of one connection, in order; a time-out means another thing in each. */
type Phase = "dns" | "connect" | "tls" | "answer";

type Failure = Answer & { kind: Exclude<Answer["kind"], "ok"> };

/**
 * Asks once, on a connection of its own (a kept one would prove nothing about new connections, which is what a starting
 * gateway makes). Never rejects: whatever happens is an Answer. `timeoutMs` covers all phases together.
 */
export function askControlPlane(
  target: ControlPlaneTarget,
  question: Question,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ reply: Reply; ms: number } | Failure> {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  const { tls } = target;
  if (tls === undefined) return Promise.resolve({ kind: "tlsLocal", reason: "CertificateAbsent", ms: 0 });
  if (signal?.aborted === true) return Promise.resolve({ kind: "aborted", ms: 0 });
  return new Promise((resolve) => {
    let phase: Phase = "dns";
    const finish = (outcome: { reply: Reply; ms: number } | Failure): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(outcome);
      // After the outcome is settled: the error that this raises then changes nothing.
      request?.destroy();
    };
    const onAbort = (): void => finish({ kind: "aborted", ms: ms() });
    const onTimeout = (): void => finish(timedOut(phase, ms(), timeoutMs));
    const timer = setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener("abort", onAbort);
    const request = open(target, tls, question, (error) => finish({ ...classifyFailure(error, phase), ms: ms() }));
    if (request === undefined) return;
    request.on("socket", (socket) => {
      socket.once("lookup", () => (phase = "connect"));
      socket.once("connect", () => (phase = "tls"));
      socket.once("secureConnect", () => (phase = "answer"));
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > BODY_MAX_BYTES) finish({ kind: "malformed", status: response.statusCode ?? 0, ms: ms() });
      });
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        finish({ reply: { status: response.statusCode ?? 0, body }, ms: ms() });
      });
      response.on("error", (error) => finish({ ...classifyFailure(error, phase), ms: ms() }));
    });
    request.end(question.body);
  });
}

type Tls = NonNullable<ControlPlaneTarget["tls"]>;

/** Starts the request; a certificate or key that cannot be used at all throws here, before anything is sent. */
function open(
  target: ControlPlaneTarget,
  tls: Tls,
  question: Question,
  onError: (error: Error) => void,
): ReturnType<typeof httpsRequest> | undefined {
  try {
    const url = new URL(question.path, target.endpoint);
    const request = httpsRequest(url, {
      method: question.method,
      agent: false,
      cert: tls.cert,
      key: tls.key,
      // As the gateway: `ssl_trusted_certificate: system,<ca.crt>`.
      ...(tls.ca === undefined ? {} : { ca: [...rootCertificates, tls.ca] }),
      ...(target.serverName === undefined ? {} : { servername: target.serverName }),
      headers: question.body === undefined ? {} : { "content-type": "application/json" },
    });
    request.on("error", onError);
    return request;
  } catch (error) {
    onError(error instanceof Error ? error : new Error("cannot open a TLS connection"));
    return undefined;
  }
}

function timedOut(phase: Phase, ms: number, timeoutMs: number): Failure {
  // A resolver that says nothing is as local a matter as one that says no.
  if (phase === "dns") return { kind: "dnsFailure", code: "ETIMEOUT", ms };
  return { kind: "timeout", phase, lagMs: Math.max(0, ms - timeoutMs), ms };
}
