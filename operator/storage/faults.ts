/**
 * The closed list of what can go wrong with a store, and what becomes of each in one place.
 * "Absent" is not in it: a missing object is an answer, not an error.
 */

/** A fault's name is the same in the condition, the event, the log and the metric label. */
export type StorageFault =
  /** The keys are genuine, the right is not there. On S3 also: a missing object read without s3:ListBucket. */
  | "AccessDenied"
  /** The keys are not known to the server, or the secret half does not belong to them. */
  | "WrongCredentials"
  /** The bucket or container does not exist. */
  | "BucketMissing"
  /** The bucket lives in another region than the one in the settings. */
  | "WrongRegion"
  /** This machine's clock is so far off that the server refuses its signatures (S3 and Azure: 15 minutes). */
  | "ClockSkew"
  /** The server asks for fewer requests. */
  | "Throttled"
  /** No connection, or the server failed (5xx). */
  | "Unavailable"
  /** No whole answer in time, or the caller's signal ended the call. */
  | "Timeout"
  /** The server's certificate is not trusted, expired, or for another name. */
  | "TlsUntrusted"
  /** The endpoint is no URL, or its host name (made of the region or the account name without one) does not exist. */
  | "NameNotResolved"
  /** The object is larger than the caller accepts. Nothing of it is handed out. */
  | "TooLarge"
  /** A conditional write found another object than the caller had seen. Nothing was written. */
  | "PreconditionFailed"
  /** Fewer bytes came than the server announced. Nothing of them is handed out. */
  | "Truncated"
  /** None of these; the message carries the server's own code. */
  | "Unknown";

/**
 * tellUser: it does not heal until somebody changes a setting, a Secret or the store.
 * retry: it may heal alone. Both are looked at again at each interval, so fixing the cause is all a person has to do.
 */
export type FaultAction = "tellUser" | "retry";

export const FAULT_ACTION = {
  AccessDenied: "tellUser",
  WrongCredentials: "tellUser",
  BucketMissing: "tellUser",
  WrongRegion: "tellUser",
  ClockSkew: "tellUser",
  Throttled: "retry",
  Unavailable: "retry",
  Timeout: "retry",
  TlsUntrusted: "tellUser",
  NameNotResolved: "tellUser",
  TooLarge: "tellUser",
  // Somebody else wrote in between: read again, decide again.
  PreconditionFailed: "retry",
  Truncated: "retry",
  Unknown: "tellUser",
} as const satisfies Record<StorageFault, FaultAction>;

/**
 * The only error that leaves this room. `message` says what could not be done, where, what is the matter and what to
 * do about it; it never holds a credential. `cause` is a copy of the client library's error with nothing but its name,
 * first line and status: the original drags request headers and, on S3, the string that was signed behind it.
 */
export class StorageError extends Error {
  readonly fault: StorageFault;

  constructor(fault: StorageFault, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StorageError";
    this.fault = fault;
  }

  get action(): FaultAction {
    return FAULT_ACTION[this.fault];
  }
}
