/** Everything that can go wrong between us and the API server: a closed list, so that callers can switch on it. */
export type KubeFault =
  | "NotFound" // the object (or its namespace) does not exist
  | "ResourceMissing" // the kind itself is not served here: CRD absent, or something else answered with a bare 404
  | "AlreadyExists"
  | "Conflict" // resourceVersion or uid is not the one asked for, or a field is owned by another manager
  | "Invalid" // refused by schema, CEL or an admission webhook
  | "BadRequest"
  | "Forbidden"
  | "Unauthorized" // still refused after the credentials were read again: says nothing about any object
  | "Credentials" // token, certificate or kubeconfig cannot be read on our side
  | "Gone" // 410: the resourceVersion or continue token is too old
  | "TooManyRequests"
  | "Unavailable" // the server answered 5xx
  | "Timeout" // no answer within the deadline: a write may or may not have happened
  | "Network" // connection refused, reset, TLS: a write may or may not have happened
  | "Undecodable" // an answer that is not what an API server sends
  | "Aborted" // our caller gave up
  | "GateClosed"; // a write was not sent, or cut off, because leadership is not certain

/** The part of metav1.Status that is used. */
export interface Status {
  kind?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

export interface KubeErrorDetails {
  httpCode?: number | undefined;
  status?: Status | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** The only error that leaves `kube/`. `message` is "Cannot <verb> <kind> <where>: <what the server said>". */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly fault: KubeFault;
  readonly httpCode: number | undefined;
  readonly status: Status | undefined;
  /** How long the server asks us to stay away (429 and some 5xx). */
  readonly retryAfterMs: number | undefined;

  constructor(fault: KubeFault, message: string, details: KubeErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.fault = fault;
    this.httpCode = details.httpCode;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export function isKubeError(error: unknown, ...faults: KubeFault[]): error is KubeError {
  return error instanceof KubeError && (faults.length === 0 || faults.includes(error.fault));
}

/**
 * The cluster said no to this very write: its schema, rights, quota or admission, a webhook that cannot be asked
 * included. Says nothing about the next write.
 */
export function isRefusal(error: unknown): error is KubeError {
  if (isKubeError(error, "Forbidden", "Invalid", "BadRequest")) return true;
  return isKubeError(error, "Unavailable") && (error.status?.message ?? "").includes("webhook");
}

/** The next call would not get through either. A webhook that is away stands in the way of its objects alone. */
export const isOutOfReach = (error: unknown): boolean =>
  !isRefusal(error) &&
  isKubeError(
    error,
    ...(["GateClosed", "Aborted", "Timeout", "Network", "Unavailable"] as const),
    ...(["TooManyRequests", "Unauthorized", "Credentials"] as const),
  );

/** The other side closed a connection that stood. A refused one (nobody listens) is something else. */
export function isClosedConnection(error: unknown): boolean {
  if (!isKubeError(error, "Network")) return false;
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET";
}

const SERVER_TEXT_MAX_CHARS = 1024; // an admission webhook may answer with pages of text

export interface HttpAnswer {
  code: number;
  retryAfter: string | undefined;
  text: string;
}

/** Turns an answer of 400 and above into a KubeError. `what` is "get Deployment ns/name". */
export function errorFromAnswer(what: string, answer: HttpAnswer, wallMs: number): KubeError {
  const status = parseStatus(answer.text);
  const fault = faultOf(answer.code, status);
  const said = (status?.message ?? answer.text.trim()).slice(0, SERVER_TEXT_MAX_CHARS) || "no text";
  return new KubeError(fault, `Cannot ${what}: HTTP ${answer.code}: ${said}`, {
    httpCode: answer.code,
    status,
    retryAfterMs: retryAfterMs(answer.retryAfter, status, wallMs),
  });
}

/** The fault of a Status that came inside a watch, where the HTTP code was 200. */
export function errorFromStatus(what: string, status: Status): KubeError {
  const code = status.code ?? 500;
  const said = (status.message ?? "no text").slice(0, SERVER_TEXT_MAX_CHARS);
  const retry = retryAfterMs(undefined, status, 0);
  return new KubeError(faultOf(code, status), `Cannot ${what}: ${said}`, {
    httpCode: code,
    status,
    retryAfterMs: retry,
  });
}

const UNKNOWN_FIELD = /field not declared in schema|failed to create typed patch object/;

function faultOf(code: number, status: Status | undefined): KubeFault {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      // Only a Status that names an object speaks of an object. An unknown path answers "404 page not found", an
      // unknown kind a Status without a name, a stray proxy anything: none of these says that an object is gone.
      return status?.reason === "NotFound" && status.details?.name ? "NotFound" : "ResourceMissing";
    case 409:
      return status?.reason === "AlreadyExists" ? "AlreadyExists" : "Conflict";
    case 410:
      return "Gone";
    case 422:
      // A uid that was sent as a precondition is refused as a change of an immutable field.
      return status?.details?.causes?.some((cause) => cause.field === "metadata.uid") ? "Conflict" : "Invalid";
    case 429:
      return "TooManyRequests";
    case 500:
      // A server-side apply of a field that the schema does not know (kubernetes/kubernetes#139253, #118877): this
      // object is wrong, and the server is well.
      return UNKNOWN_FIELD.test(status?.message ?? "") ? "Invalid" : "Unavailable";
    default:
      break;
  }
  if (status?.reason === "Expired" || status?.reason === "Gone") return "Gone";
  return code >= 500 ? "Unavailable" : "BadRequest";
}

function parseStatus(text: string): Status | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const parsed = JSON.parse(text) as Status;
    return parsed.kind === "Status" ? parsed : undefined;
  } catch {
    return undefined; // the caller then quotes the raw text
  }
}

/** A load balancer's maintenance page asks for hours; a watch that obeyed it would be blind for as long. */
const RETRY_AFTER_MAX_MS = 60_000;

function retryAfterMs(header: string | undefined, status: Status | undefined, wallMs: number): number | undefined {
  const askedMs = askedRetryMs(header, status, wallMs);
  return askedMs === undefined ? undefined : Math.min(RETRY_AFTER_MAX_MS, askedMs);
}

function askedRetryMs(header: string | undefined, status: Status | undefined, wallMs: number): number | undefined {
  const seconds = header === undefined ? Number.NaN : Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = header === undefined ? Number.NaN : Date.parse(header);
  if (Number.isFinite(date)) return Math.max(0, date - wallMs);
  const fromStatus = status?.details?.retryAfterSeconds;
  return fromStatus === undefined ? undefined : fromStatus * 1000;
}
