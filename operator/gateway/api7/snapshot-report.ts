import type { Sketch } from "./sketch.ts";

/** Number of items per kind; kinds without items are left out. */
export type Counts = Record<string, number>;

export type SnapshotFault =
  /** One of the two objects is not in the store. */
  | "MissingResource"
  | "MissingConfig"
  | "TooLarge"
  | "NotJson"
  /** Not JSON, and it ends in the middle. */
  | "Truncated"
  /** JSON, and not what an exporter writes. */
  | "UnknownShape"
  /** Nothing in it that would answer a request. */
  | "Empty"
  /** No version or no payload in the configuration object. */
  | "ConfigIncomplete"
  /** The two objects were not written together. */
  | "TornPair"
  /** It names two gateway groups. */
  | "OtherGroup";

/** `message` says what was seen, never a value out of the snapshot: the configuration object holds keys in clear. */
export interface SnapshotProblem {
  fault: SnapshotFault;
  object: "resource" | "config";
  message: string;
}

/** In the order in which they are reported: what costs the whole snapshot, an item, and what is merely to be known. */
export const WARNING_REASONS = [
  "VariableInSnapshot",
  "PluginNotListed",
  "HoldfastNameInSnapshot",
  "EnvironmentInSnapshot",
  "DanglingReference",
  "UnknownKind",
] as const;

/** `message` names kind, id and path, and no value. */
export interface SnapshotWarning {
  reason: (typeof WARNING_REASONS)[number];
  /** Name of the list in the resource object. */
  kind: string;
  /** Of the item; the first of several, by their ids. */
  id?: string;
  /** Where in the item. */
  path?: string;
  message: string;
}

/** As many as are kept of one snapshot. */
export const WARNINGS_MAX = 20;

/** The worst first; the same for the same content, whatever the order of its items. */
export function boundedWarnings(warnings: readonly SnapshotWarning[]): SnapshotWarning[] {
  const rank = ({ reason }: SnapshotWarning) => WARNING_REASONS.indexOf(reason);
  const text = ({ kind, id = "", path = "" }: SnapshotWarning) => `${kind} ${id} ${path}`;
  const byRank = (a: SnapshotWarning, b: SnapshotWarning) =>
    rank(a) - rank(b) || (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
  return [...warnings].sort(byRank).slice(0, WARNINGS_MAX);
}

export interface SnapshotReport {
  /** Empty: this pair may be rehearsed. */
  problems: SnapshotProblem[];
  warnings: SnapshotWarning[];
  /** Of what could be read; empty when the resource object could not be parsed. */
  counts: Counts;
  /** Which routes, services and upstreams it holds (item-table.ts). Absent when the resource object could not be parsed. */
  items?: string;
  /** `sha256:<hex>`: same content, same digest, whatever the order of items and keys. Absent when unreadable. */
  digest?: string;
  configVersion?: number;
  /** The one gateway group that something in it names. The format asks for none [O], and other ids are not looked at. */
  gatewayGroup?: string;
  /** Of its routes, services and stream routes, see `sketchOf`; empty when the resource object could not be parsed. */
  sketch: Sketch;
}

export const problem = (fault: SnapshotFault, object: SnapshotProblem["object"], message: string): SnapshotProblem => ({
  fault,
  object,
  message: `${object} object: ${message}`,
});
