/** From what a client library threw to a StorageError: what, where, why, what to do; and nothing else of it. */
import { StorageError, type StorageFault } from "./faults.ts";
import { type Limits, TIMEOUT_CODE } from "./transport.ts";

/** What was tried, and where. `where` names the server for a person: `https://minio:9000`, `AWS region eu-west-1`. */
export interface Attempt {
  verb: "read" | "look up" | "write" | "remove" | "list";
  container: "bucket" | "container";
  name: string;
  key?: string;
  where: string;
  /** S3: the region that the settings name. */
  region?: string;
  /** Which setting the host name comes from, for the day when it does not resolve. */
  hostFrom: string;
}

/**
 * Something went wrong and we know what. `message` completes "Cannot read ...: "; `todo` says the way out.
 * Both end up in a condition, which is written whenever its text changes: nothing in them may differ from one attempt
 * to the next, such as request ids, times or byte counts.
 */
export class Failure extends Error {
  readonly fault: StorageFault;
  readonly todo: string;

  constructor(fault: StorageFault, message: string, options: { todo?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.fault = fault;
    this.todo = options.todo ?? WAY_OUT[fault];
  }
}

/** The way out when the vendor's side has nothing better to say. */
const WAY_OUT: Record<StorageFault, string> = {
  AccessDenied: "grant these credentials the right",
  WrongCredentials: "put the right keys into the Secret",
  BucketMissing: "create it or correct its name",
  WrongRegion: "correct the region",
  ClockSkew: "synchronise the clock of the node",
  Throttled: "will be tried again",
  Unavailable: "will be tried again",
  Timeout: "will be tried again",
  TlsUntrusted: "give its authority in tls.caBundleRef, or have the certificate renewed for this host name",
  NameNotResolved: "correct the endpoint",
  TooLarge: "look for who else writes under this key, or give Holdfast more memory (maxHeapMiB)",
  PreconditionFailed: "will be read again",
  Truncated: "will be tried again",
  Unknown: "check that the endpoint is the right one, then the server's log",
};

/** Runs one call under its deadline; whatever it rejects with leaves as a StorageError. */
export async function guarded<T>(
  attempt: Attempt,
  explain: Explain,
  limits: Limits,
  callerSignal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Not AbortSignal.any and timeout: they leave a timer and a reference behind for every call that ended well.
  const controller = new AbortController();
  const end = (reason: string) => controller.abort(new Error(reason));
  const onCaller = () => end("the operator ended the attempt");
  const deadline = setTimeout(() => end(`no whole answer within ${limits.callTimeoutMs} ms`), limits.callTimeoutMs);
  callerSignal.addEventListener("abort", onCaller, { once: true });
  if (callerSignal.aborted) onCaller();
  try {
    controller.signal.throwIfAborted();
    return await onceMore(call, controller.signal);
  } catch (error) {
    throw storageError(attempt, ended(controller.signal) ?? asFailure(error, attempt, explain));
  } finally {
    clearTimeout(deadline);
    callerSignal.removeEventListener("abort", onCaller);
  }
}

/**
 * A server may close an idle connection in the very moment it is used again: that alone is tried a second time. What
 * lasts longer is the reconciler's to retry, which knows how urgent it is.
 */
async function onceMore<T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await call(signal);
  } catch (error) {
    const { code } = (error ?? {}) as { code?: unknown };
    const closed = (code === "ECONNRESET" || code === "EPIPE") && statusOf(error) === undefined;
    if (!closed || signal.aborted) throw error;
    return await call(signal);
  }
}

type Explain = (error: unknown, attempt: Attempt) => Failure;

function ended(signal: AbortSignal): Failure | undefined {
  if (!signal.aborted) return undefined;
  return new Failure("Timeout", signal.reason instanceof Error ? signal.reason.message : "ended");
}

function asFailure(error: unknown, attempt: Attempt, explain: Explain): Failure {
  return error instanceof Failure ? error : (networkFailure(error, attempt) ?? explain(error, attempt));
}

export function storageError(attempt: Attempt, failure: Failure): StorageError {
  const message = `Cannot ${describe(attempt)}: ${failure.message}; ${failure.todo}`;
  return new StorageError(failure.fault, message, failure.cause === undefined ? {} : { cause: slim(failure.cause) });
}

/** Two answers of one call that do not belong together: another writer came in between. */
export function changedMeanwhile(): Failure {
  return new Failure("Unavailable", "the object changed in this very moment");
}

function describe({ verb, container, name, key, where }: Attempt): string {
  const object = key === undefined ? "" : `object "${key}" in `;
  return `${verb} ${object}${container} "${name}" at ${where}`;
}

const SERVER_TEXT_MAX_CHARS = 200;

/** The server's own words, fit for a status: the first line (Azure puts request id and time on the next), shortened. */
export function firstLine(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? "";
  return line.length > SERVER_TEXT_MAX_CHARS ? `${line.slice(0, SERVER_TEXT_MAX_CHARS)}...` : line;
}

/**
 * The libraries' errors hold the request with its headers, and on S3 the string that was signed: one careless log call
 * and they are public. Name, first line, code and status are what a person needs.
 */
function slim(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error("not an Error");
  const copy = new Error(firstLine(cause.message));
  copy.name = cause.name;
  const { code } = cause as { code?: unknown };
  const status = statusOf(cause);
  return Object.assign(copy, typeof code === "string" && { code }, status !== undefined && { status });
}

/** HTTP status of a library's error, if the server answered at all. */
export function statusOf(error: unknown): number | undefined {
  const { $metadata, statusCode } = (error ?? {}) as {
    $metadata?: { httpStatusCode?: number };
    statusCode?: number;
  };
  return $metadata?.httpStatusCode ?? statusCode;
}

const TLS_CODES = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_REJECTED",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "INVALID_PURPOSE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

const CONNECTION_CODES = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "EPIPE",
  // The resolver gave no answer at all, which says nothing about the name.
  "EAI_AGAIN",
  "ESERVFAIL",
]);

/** Failures below HTTP, the same for every vendor; undefined when the server answered. */
function networkFailure(error: unknown, { hostFrom }: Attempt): Failure | undefined {
  if (!(error instanceof Error) || statusOf(error) !== undefined) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return undefined;
  const cause = error;
  if (code === TIMEOUT_CODE || code === "ESOCKETTIMEDOUT") {
    return new Failure("Timeout", error.message.startsWith("no ") ? error.message : `no answer (${code})`, { cause });
  }
  if (code === "ENOTFOUND" || code === "ENODATA") {
    return new Failure("NameNotResolved", `the host name does not exist (${code})`, {
      cause,
      todo: `correct the ${hostFrom}`,
    });
  }
  if (code === "ERR_INVALID_URL") {
    return new Failure("NameNotResolved", "this is no URL", { cause, todo: `correct the ${hostFrom}` });
  }
  if (TLS_CODES.has(code)) return new Failure("TlsUntrusted", `its certificate is not trusted (${code})`, { cause });
  if (CONNECTION_CODES.has(code)) return new Failure("Unavailable", `no connection (${code})`, { cause });
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return new Failure("Unknown", `it does not speak TLS (${code})`, {
      cause,
      todo: "check whether the endpoint is http:// rather than https://",
    });
  }
  return undefined;
}
