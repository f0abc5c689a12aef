/** The few answer headers that matter, read the same way for every vendor. */
import { Failure } from "./failure.ts";
import type { ObjectVersion } from "./store.ts";

/** Names in lower case; empty when no answer came. */
export type Headers = Readonly<Record<string, string>>;

export function versionOf(headers: Headers): ObjectVersion {
  return {
    etag: required(headers, "etag"),
    lastModified: dateOf(headers, "last-modified"),
    serverDate: dateOf(headers, "date"),
  };
}

export function required(headers: Headers, name: string): string {
  const value = headers[name];
  if (value === undefined || value === "") throw notAStore(`has no ${name} header`);
  return value;
}

export function dateOf(headers: Headers, name: string): Date {
  const date = new Date(required(headers, name));
  if (Number.isNaN(date.getTime())) throw notAStore(`has a ${name} header that is no date`);
  return date;
}

function notAStore(what: string): Failure {
  return new Failure("Unknown", `its answer ${what}, as a storage server's would`);
}
