import type { Reason } from "../../api/reasons.ts";
import type { Problem } from "../../domain/facts/problem.ts";
import { StorageError, type StorageFault } from "../../storage/faults.ts";

const REASON = {
  AccessDenied: "StorageDenied",
  WrongCredentials: "StorageDenied",
  BucketMissing: "StorageMisconfigured",
  WrongRegion: "StorageMisconfigured",
  ClockSkew: "StorageMisconfigured",
  TlsUntrusted: "StorageMisconfigured",
  NameNotResolved: "StorageMisconfigured",
  TooLarge: "StorageMisconfigured",
  Throttled: "StorageUnavailable",
  Unavailable: "StorageUnavailable",
  Timeout: "StorageUnavailable",
  PreconditionFailed: "StorageUnavailable",
  Truncated: "StorageUnavailable",
  Unknown: "StorageUnavailable",
} as const satisfies Record<StorageFault, Reason>;

/** A fault of the store in the words of conditions. Its message is made to be shown and to stay the same. */
export function storageProblem(error: unknown): Problem {
  if (error instanceof StorageError) {
    return { reason: REASON[error.fault], field: "spec.fallback.storageRef", message: error.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    reason: "StorageUnavailable",
    field: "spec.fallback.storageRef",
    message: `Cannot use the store: ${message}`,
  };
}
