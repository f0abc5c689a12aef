/** What came of one question to the control plane: a closed list. `ms` is how long it took. */
export type Answer = { ms: number } & (
  | { kind: "ok" }
  /** It answered that it cannot: HTTP 5xx, or 200 with an etcd error inside. */
  | { kind: "serverError"; status: number }
  /** It knows us and says no: 401 or 403. */
  | { kind: "denied"; status: number }
  /** Nobody listens. */
  | { kind: "refused" }
  /** The connection ended before an answer. */
  | { kind: "reset" }
  /** No answer in time. `lagMs`: how much later than due our own timer fired; over a second, doubt ourselves. */
  | { kind: "timeout"; phase: "connect" | "tls" | "answer"; lagMs: number }
  | { kind: "dnsFailure"; code: string }
  | { kind: "noRoute"; code: string }
  /** TLS fails for a reason that can lie with what we were given. */
  | { kind: "tlsLocal"; reason: TlsLocalReason }
  /** TLS fails for a reason of the other side. */
  | { kind: "tlsRemote"; reason: TlsRemoteReason }
  /** Somebody answers, and not as a control plane would. */
  | { kind: "malformed"; status: number }
  /** The caller's signal came first, or our own machine could not ask. */
  | { kind: "aborted" }
);

export type AnswerKind = Answer["kind"];

export type TlsLocalReason =
  | "CertificateAbsent"
  | "CertificateUnreadable"
  | "CertificateExpired"
  | "CertificateRefused"
  | "UnknownCA"
  | "ServerCertificateNotYetValid"
  | "WrongServerName";

export type TlsRemoteReason = "ServerCertificateExpired" | "HandshakeFailed";

/** The operator's half of the verdict table. */
export type OperatorView =
  | { seen: "up"; reads: "answered" | "serverError" | "timedOut" }
  | { seen: "down"; why: AnswerKind }
  | { seen: "misconfigured"; why: AnswerKind }
  | { seen: "unknown"; why: AnswerKind | "operatorLagging" };

/** Over this our own process was too late to judge anybody (pitfall N16). */
export const OWN_LAG_LIMIT_MS = 1_000;

/**
 * What the two answers say. `read` is absent when it was not asked, because `/version` had failed already. DNS, routing
 * and local TLS say nothing about the control plane; a refusal of our certificate says that the wish is wrong.
 */
export function classifyVersionRead(version: Answer, read: Answer | undefined): OperatorView {
  if (lagging(version) || (read !== undefined && lagging(read))) return { seen: "unknown", why: "operatorLagging" };
  if (version.kind !== "ok") return withoutVersion(version.kind);
  switch (read?.kind) {
    case "ok":
      return { seen: "up", reads: "answered" };
    case "serverError":
      return { seen: "up", reads: "serverError" };
    case "timeout":
      return { seen: "up", reads: "timedOut" };
    case "denied":
    case "malformed":
      return { seen: "misconfigured", why: read.kind };
    case undefined:
      return { seen: "unknown", why: "aborted" };
    default:
      // It answered a moment ago: a connection that fails now is a passing thing, and the next probe will tell.
      return { seen: "unknown", why: read?.kind ?? "aborted" };
  }
}

function withoutVersion(kind: Exclude<AnswerKind, "ok">): OperatorView {
  switch (kind) {
    case "refused":
    case "reset":
    case "timeout":
    case "serverError": // a load balancer without a living dp-manager says 502 or 503
    case "tlsRemote":
      return { seen: "down", why: kind };
    case "denied":
    case "malformed":
      return { seen: "misconfigured", why: kind };
    case "dnsFailure":
    case "noRoute":
    case "tlsLocal":
    case "aborted":
      return { seen: "unknown", why: kind };
    default:
      return kind satisfies never;
  }
}

const lagging = (a: Answer): boolean => a.kind === "timeout" && a.lagMs > OWN_LAG_LIMIT_MS;
