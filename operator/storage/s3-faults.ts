/**
 * S3's error codes as faults. Codes as in the S3 API reference, "Error responses"; those that only S3-compatible servers
 * use are marked with the server.
 */
import { type Attempt, Failure, firstLine, statusOf } from "./failure.ts";
import type { StorageFault } from "./faults.ts";
import type { Headers } from "./headers.ts";

const CODES: Readonly<Record<string, StorageFault>> = {
  AccessDenied: "AccessDenied",
  AllAccessDisabled: "AccessDenied",
  AccountProblem: "AccessDenied",
  InvalidAccessKeyId: "WrongCredentials",
  SignatureDoesNotMatch: "WrongCredentials",
  NotSignedUp: "WrongCredentials",
  InvalidToken: "WrongCredentials",
  ExpiredToken: "WrongCredentials",
  NoSuchBucket: "BucketMissing",
  InvalidBucketName: "BucketMissing",
  PermanentRedirect: "WrongRegion",
  TemporaryRedirect: "WrongRegion",
  IllegalLocationConstraintException: "WrongRegion",
  RequestTimeTooSkewed: "ClockSkew",
  RequestExpired: "ClockSkew",
  SlowDown: "Throttled",
  SlowDownRead: "Throttled", // MinIO
  SlowDownWrite: "Throttled", // MinIO
  Throttling: "Throttled",
  ThrottlingException: "Throttled",
  TooManyRequests: "Throttled",
  RequestLimitExceeded: "Throttled",
  BandwidthLimitExceeded: "Throttled",
  InternalError: "Unavailable",
  ServiceUnavailable: "Unavailable",
  RequestTimeout: "Timeout",
  EntityTooLarge: "TooLarge",
  PreconditionFailed: "PreconditionFailed",
  // Two conditional writes at once: S3 lets one of them through.
  ConditionalRequestConflict: "PreconditionFailed",
};

/** Refusals that are not the endpoint's fault, and what a person does about each. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  InvalidObjectState: "the object is archived: restore it, and exempt this bucket from rules that archive objects",
  InvalidRequest: "look at the bucket's rules (encryption, Object Lock, default retention)",
  MethodNotAllowed: "look at the bucket's policy, Object Lock and delete markers",
  OperationAborted: "another change of the bucket is under way: it is tried again",
  OwnershipControlsNotFoundError: "set the bucket's object ownership to bucket owner enforced",
  AccessControlListNotSupported: "set the bucket's object ownership to bucket owner enforced",
  QuotaExceeded: "raise the quota of the bucket, or remove what it need not hold",
  XMinioStorageFull: "give the server more disk space", // MinIO
  XMinioAdminBucketQuotaExceeded: "raise the quota of the bucket, or remove what it need not hold", // MinIO
  "KMS.DisabledException": "enable the KMS key of the bucket",
  "KMS.NotFoundException": "correct the KMS key in the bucket's default encryption",
  "KMS.KMSInvalidStateException": "look at the state of the bucket's KMS key",
};
/** The server's wording may be of the endpoint: it does not do what is asked, or does not understand the request. */
const OF_THE_ENDPOINT: readonly string[] = ["NotImplemented", "AuthorizationHeaderMalformed", "InvalidURI"];

function wayOut(code: string | undefined): { todo?: string } {
  if (code === undefined || OF_THE_ENDPOINT.includes(code)) return {};
  const known = Object.hasOwn(WAYS_OUT, code) ? WAYS_OUT[code] : undefined;
  return { todo: known ?? `look up ${code} in the documentation of the store, and look at the server's log` };
}

export function explainS3(error: unknown, attempt: Attempt, headers: Headers): Failure {
  const status = statusOf(error) ?? 0;
  const code = codeOf(error);
  const message = error instanceof Error ? firstLine(error.message) : "";
  const fault = faultOf(code, status, attempt, regionFor(error, headers, message));
  const said = status === 0 ? "its answer was not understood" : `the server answered ${status} ${code ?? ""}`.trimEnd();
  const options = { cause: error };
  switch (fault) {
    case "AccessDenied":
      return new Failure(fault, denied(attempt, message), { ...options, todo: rightNeeded(attempt) });
    case "WrongCredentials":
      return new Failure(fault, wrongKeys(code), {
        ...options,
        todo: "put the right accessKeyId and secretAccessKey into the Secret",
      });
    case "BucketMissing":
      return new Failure(fault, `the bucket does not exist (${code})`, options);
    case "WrongRegion": {
      const region = regionFor(error, headers, message);
      const asked = attempt.region ?? "the one that was asked";
      const where = region === undefined ? `in another region than ${asked}` : `in region ${region}, not in ${asked}`;
      const todo = region === undefined ? "correct the region" : `set the region to ${region}`;
      return new Failure(fault, `the bucket is ${where}`, { ...options, todo });
    }
    case "ClockSkew":
      return new Failure(fault, `this clock is off by more than the server accepts (${code})`, options);
    case "Unknown":
      return new Failure(fault, message === "" ? said : `${said}: ${message}`, { ...options, ...wayOut(code) });
    default:
      return new Failure(fault, said, options);
  }
}

function faultOf(code: string | undefined, status: number, attempt: Attempt, region: string | undefined): StorageFault {
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return known;
  // Also sent for headers that are malformed in other ways: it is about the region only when it names one.
  if (code === "AuthorizationHeaderMalformed" && region !== undefined) return "WrongRegion";
  // A conditional write on an object that has gone meanwhile.
  if (attempt.verb === "write" && code === "NoSuchKey") return "PreconditionFailed";
  if (status === 412) return "PreconditionFailed";
  if (status === 429) return "Throttled";
  if (status === 301 || status === 307) return "WrongRegion";
  if (status >= 500 && status !== 501) return "Unavailable";
  return "Unknown";
}

/** S3's own code; undefined when the answer was not S3's (a proxy's page, another kind of server). */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || statusOf(error) === undefined) return undefined;
  // The library's names for "there was no code in the answer".
  return ["Error", "SyntaxError", "TypeError", "UnknownError", "Unknown", "NotFound"].includes(error.name)
    ? undefined
    : error.name;
}

function denied(attempt: Attempt, message: string): string {
  // AWS names the user and the missing right in its message; the signature was accepted, so it tells nothing secret.
  const own = message === "" || /^access denied\.?$/i.test(message) ? "" : ` (${message})`;
  const missing =
    attempt.verb === "read" || attempt.verb === "look up"
      ? ", or the object is not there and the right to list is missing: then S3 says 403, not 404"
      : "";
  return `these keys lack the right${own}${missing}`;
}

/** Bucket and key, not their ARN: its first part differs between AWS, AWS China and AWS GovCloud. */
function rightNeeded({ verb, name, key }: Attempt): string {
  if (verb === "list") return `grant s3:ListBucket on ${name}`;
  if (verb === "write") return `grant s3:PutObject on ${name}/${key}`;
  return `grant s3:GetObject on ${name}/${key} and s3:ListBucket on ${name}`;
}

function wrongKeys(code: string | undefined): string {
  if (code === "InvalidAccessKeyId") return "the server does not know this access key (InvalidAccessKeyId)";
  if (code === "SignatureDoesNotMatch") {
    return "the secret key does not belong to the access key (SignatureDoesNotMatch)";
  }
  return `the server does not accept these keys (${code})`;
}

/** The right region, where the server tells it: a header, a field of the error, or only its text (MinIO). */
function regionFor(error: unknown, headers: Headers, message: string): string | undefined {
  const field = (error as { Region?: unknown } | undefined)?.Region;
  const told = headers["x-amz-bucket-region"] ?? field ?? /expecting ['"]([^'"]+)['"]/.exec(message)?.[1];
  return typeof told === "string" && /^[a-z0-9-]{1,40}$/.test(told) ? told : undefined;
}
