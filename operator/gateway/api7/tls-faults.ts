import type { AnswerKind, TlsLocalReason, TlsRemoteReason } from "./answer.ts";

/** A failure without its duration. */
export type Classified =
  | { kind: Extract<AnswerKind, "refused" | "reset" | "aborted"> }
  | { kind: "dnsFailure" | "noRoute"; code: string }
  | { kind: "timeout"; phase: "connect"; lagMs: number }
  | { kind: "tlsLocal"; reason: TlsLocalReason }
  | { kind: "tlsRemote"; reason: TlsRemoteReason }
  | { kind: "malformed"; status: number };

/** Names that lead nowhere; an endpoint that is no https URL (refused long before) is one of them. */
const DNS = new Set([
  "ERR_INVALID_URL",
  "ERR_INVALID_PROTOCOL",
  "ERR_INVALID_ARG_VALUE",
  "ERR_INVALID_CHAR",
  "ERR_UNESCAPED_CHARACTERS",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EAI_NODATA",
  "EAI_NONAME",
]);
const NO_ROUTE = new Set(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EADDRNOTAVAIL", "EACCES", "EPERM"]);
const RESET = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE"]);

/** Of TLS: OpenSSL's, Node's, and the kernel's word for what is not TLS at all. Any other code says nothing about the peer. */
const TLS = /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$)/;

/** Chains that we cannot build: with what we were given, or because somebody else answers. Node's verify codes. */
const UNKNOWN_CA = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);

/**
 * RFC 8446, 6.2: bad, unsupported, revoked, unknown certificate, unknown CA, access denied, certificate required. In
 * TLS 1.3 they come after our side's handshake is done.
 */
const ALERTS_ABOUT_OUR_CERTIFICATE = new Set([42, 43, 44, 46, 48, 49, 116]);

/** How far a connection had come; a time-out or an error means another thing in each. */
export type Phase = "setup" | "dns" | "connect" | "tls" | "answer";

/** What the error of a connection means. `phase`: how far it had come. The error's text is never handed on. */
export function classifyFailure(error: unknown, phase: Phase): Classified {
  const code = codeOf(error);
  if (DNS.has(code)) return { kind: "dnsFailure", code };
  if (code === "ECONNREFUSED") return { kind: "refused" };
  if (NO_ROUTE.has(code)) return { kind: "noRoute", code };
  if (code === "ETIMEDOUT") return { kind: "timeout", phase: "connect", lagMs: 0 };
  if (RESET.has(code)) return { kind: "reset" };
  if (code.startsWith("HPE_")) return { kind: "malformed", status: 0 };
  return tlsFault(code, error, phase);
}

function tlsFault(code: string, error: unknown, phase: Phase): Classified {
  if (code === "CERT_HAS_EXPIRED") return { kind: "tlsRemote", reason: "ServerCertificateExpired" };
  // Nobody installs one that is not valid yet: it is new, and our clock is behind.
  if (code === "CERT_NOT_YET_VALID") return { kind: "tlsLocal", reason: "ServerCertificateNotYetValid" };
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return { kind: "tlsLocal", reason: "WrongServerName" };
  if (UNKNOWN_CA.has(code)) return { kind: "tlsLocal", reason: "UnknownCA" };
  const alert = alertNumber(error);
  if (alert === 45) return { kind: "tlsLocal", reason: "CertificateExpired" };
  if (alert !== undefined && ALERTS_ABOUT_OUR_CERTIFICATE.has(alert)) {
    return { kind: "tlsLocal", reason: "CertificateRefused" };
  }
  if (phase === "setup") return { kind: "tlsLocal", reason: "CertificateUnreadable" };
  // No file descriptors, no memory, no ports left (EMFILE, ENOMEM, ENOBUFS, ...): our own trouble.
  return TLS.test(code) ? { kind: "tlsRemote", reason: "HandshakeFailed" } : { kind: "aborted" };
}

/** OpenSSL's alert; Node's code depends on whether it was reading or writing when it came, the number does not. */
function alertNumber(error: unknown): number | undefined {
  const match = /SSL alert number (\d+)/.exec(error instanceof Error ? error.message : "");
  return match === null ? undefined : Number(match[1]);
}

function codeOf(error: unknown): string {
  // Several addresses tried (happy eyeballs): one error for all; the first one stands for them.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (error instanceof URIError) return "ERR_INVALID_URL";
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
