/** Azure Blob's error codes as faults. Codes as in the REST reference, "Common" and "Blob service error codes". */
import { type Attempt, Failure, firstLine, statusOf } from "./failure.ts";
import type { StorageFault } from "./faults.ts";

const CODES: Readonly<Record<string, StorageFault>> = {
  AuthorizationFailure: "AccessDenied",
  AuthorizationPermissionMismatch: "AccessDenied",
  AuthorizationProtocolMismatch: "AccessDenied",
  AuthorizationServiceMismatch: "AccessDenied",
  AuthorizationSourceIPMismatch: "AccessDenied",
  InsufficientAccountPermissions: "AccessDenied",
  KeyBasedAuthenticationNotPermitted: "AccessDenied",
  AccountIsDisabled: "AccessDenied",
  PublicAccessNotPermitted: "AccessDenied",
  AuthenticationFailed: "WrongCredentials",
  InvalidAuthenticationInfo: "WrongCredentials",
  NoAuthenticationInformation: "WrongCredentials",
  ContainerNotFound: "BucketMissing",
  ContainerBeingDeleted: "BucketMissing",
  ContainerDisabled: "BucketMissing",
  InvalidResourceName: "BucketMissing",
  ServerBusy: "Throttled",
  OperationTimedOut: "Unavailable",
  InternalError: "Unavailable",
  ConditionNotMet: "PreconditionFailed",
  TargetConditionNotMet: "PreconditionFailed",
  BlobAlreadyExists: "PreconditionFailed",
  RequestBodyTooLarge: "TooLarge",
};

const WAY_OUT: Partial<Record<string, string>> = {
  AuthorizationFailure: "let the network rules of the storage account admit the cluster",
  AuthorizationSourceIPMismatch: "let the network rules of the storage account admit the cluster",
  KeyBasedAuthenticationNotPermitted: "allow shared key access on the storage account",
  AccountIsDisabled: "enable the storage account",
  BlobArchived:
    "the blob is in the archive tier: rehydrate it, and exempt this container from rules that archive blobs",
  BlobBeingRehydrated: "the blob is being rehydrated: it is tried again",
  BlobImmutableDueToPolicy: "remove the immutability policy of the container",
  LeaseIdMissing: "break the lease of the blob",
  LeaseLost: "break the lease of the blob",
  SnapshotsPresent: "remove the snapshots of the blob, or let them be removed with it",
  InvalidBlobType: "remove the blob of another type that has this name",
  UnsupportedHeader: "check that the endpoint is a Blob service, and not another one of the account",
};

/** Azure's own code tells that the endpoint is a store: it is not what is to be looked at. */
function wayOut(code: string | undefined): { todo?: string } {
  if (code === undefined) return {};
  const known = Object.hasOwn(WAY_OUT, code) ? WAY_OUT[code] : undefined;
  if (known !== undefined) return { todo: known };
  return /^[A-Z][a-z]+[A-Za-z]+$/.test(code)
    ? { todo: `look up ${code} in Azure's list of Blob service error codes` }
    : {};
}

export function explainAzure(error: unknown, attempt: Attempt): Failure {
  const status = statusOf(error) ?? 0;
  const code = azureCode(error);
  const message = error instanceof Error ? firstLine(error.message) : "";
  const fault = faultOf(error, code, status, attempt);
  const said = status === 0 ? "its answer was not understood" : `the server answered ${status} ${code ?? ""}`.trimEnd();
  const options = { cause: error };
  switch (fault) {
    case "AccessDenied": {
      const todo = code === undefined ? undefined : WAY_OUT[code];
      return new Failure(fault, said, todo === undefined ? options : { ...options, todo });
    }
    case "WrongCredentials":
      return new Failure(fault, `the account key does not belong to the account (${code})`, {
        ...options,
        todo: "put the right accountKey into the Secret, or correct the account name",
      });
    case "BucketMissing":
      return new Failure(fault, `the container does not exist (${code})`, options);
    case "ClockSkew":
      return new Failure(fault, `this clock is off by more than the server accepts (${code})`, options);
    case "Unknown":
      return new Failure(fault, message === "" ? said : `${said}: ${message}`, { ...options, ...wayOut(code) });
    default:
      return new Failure(fault, said, options);
  }
}

function faultOf(error: unknown, code: string | undefined, status: number, attempt: Attempt): StorageFault {
  // Azure has no code of its own for it: the detail says "Request date header too old".
  if (code === "AuthenticationFailed" && /date header too old/i.test(detailOf(error))) return "ClockSkew";
  // Azurite says AuthorizationFailure (on Azure: the network rules) for a wrong key, with the text of the right code.
  if (code === "AuthorizationFailure" && /failed to authenticate/i.test(detailOf(error))) return "WrongCredentials";
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return known;
  // A conditional write on a blob that has gone meanwhile.
  if (attempt.verb === "write" && code === "BlobNotFound") return "PreconditionFailed";
  if (status === 412) return "PreconditionFailed";
  if (status === 429) return "Throttled";
  if (status >= 500 && status !== 501) return "Unavailable";
  return "Unknown";
}

/** Azure's own code, from the header or the body; undefined when the answer was not Azure's. */
export function azureCode(error: unknown): string | undefined {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: { errorCode?: unknown; code?: unknown } };
  const told = details?.errorCode ?? code ?? details?.code;
  return typeof told === "string" && told !== "" ? told : undefined;
}

function detailOf(error: unknown): string {
  const { message, details } = (error ?? {}) as {
    message?: unknown;
    details?: { authenticationErrorDetail?: unknown };
  };
  return `${String(message)}\n${String(details?.authenticationErrorDetail ?? "")}`;
}
