import type { Seen, WriteOptions } from "./client-types.ts";
import type { Resource } from "./resources.ts";

// How requests are spelt on the wire.

export const APPLY_PATCH = "application/apply-patch+yaml"; // JSON is YAML
export const MERGE_PATCH = "application/merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";

export interface RawList<T> {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: T[] | null;
}

export function typed<T extends object>(res: Resource, object: T): T & { apiVersion: string; kind: string } {
  return { ...object, apiVersion: res.apiVersion, kind: res.kind };
}

export function identity(seen: Seen): object {
  const { name, namespace, resourceVersion, uid } = seen;
  return {
    name,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
}

export function writeQuery(o: WriteOptions): Record<string, string | undefined> {
  const { dryRun, fieldManager, strict } = o;
  return { dryRun: dryRun ? "All" : undefined, fieldManager, fieldValidation: strict ? "Strict" : undefined };
}

export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)]))}`;
}
