import { CONTROL_PLANE_KINDS, SNAPSHOT_ONLY_KINDS } from "./facts.ts";
import { isObject, type JsonObject } from "./render-merge.ts";
import type { Item, List } from "./snapshot-lists.ts";
import { plain } from "./snapshot-oddities.ts";
import { type Counts, problem, type SnapshotProblem, type SnapshotWarning } from "./snapshot-report.ts";

export type Kinds = ReadonlyMap<string, readonly Item[]>;

const KNOWN_KINDS: ReadonlySet<string> = new Set([...CONTROL_PLANE_KINDS, ...SNAPSHOT_ONLY_KINDS]);

/** The lists of the resource object; `undefined` when it is none. An unknown list may be a newer gateway's: a warning. */
export function readKinds(
  resource: ReadonlyMap<string, List>,
  problems: SnapshotProblem[],
  warnings: SnapshotWarning[],
): Kinds | undefined {
  const kinds = new Map<string, readonly Item[]>();
  for (const [kind, { items, isNone }] of resource) {
    const known = KNOWN_KINDS.has(kind);
    if (isNone) {
      problems.push(problem("UnknownShape", "resource", `${label(kind, known)} is not a list of objects`));
      return undefined;
    }
    const nameless = items.findIndex(({ id }) => id === undefined);
    if (known && nameless >= 0) {
      problems.push(problem("UnknownShape", "resource", `item ${nameless} of ${kind} has no id`));
      return undefined;
    }
    if (!known)
      warnings.push({
        reason: "UnknownKind",
        kind: plain(kind, 40),
        message: `${label(kind, known)} is not a kind that is known`,
      });
    kinds.set(kind, items);
  }
  const none = kinds.size > 0 && ![...kinds.keys()].some((kind) => KNOWN_KINDS.has(kind));
  if (none) problems.push(problem("UnknownShape", "resource", "none of its keys is a kind that is known"));
  return none ? undefined : kinds;
}

/** Keys that nobody knows are text from outside: short, and without control characters. */
const label = (kind: string, known: boolean): string => (known ? kind : `the key ${JSON.stringify(kind.slice(0, 40))}`);

export function countItems(kinds: Kinds): Counts {
  const counted = [...kinds].filter(([, items]) => items.length > 0).map(([kind, items]) => [kind, items.length]);
  return Object.fromEntries(counted.sort());
}

/** The format names no group [O]. Something in it may do all the same. */
export function groupsNamed(kinds: Kinds, config: JsonObject | undefined): string[] {
  const inner = config?.["config"];
  const named = new Set<unknown>([isObject(inner) ? inner["gateway_group_id"] : undefined]);
  for (const items of kinds.values()) for (const { group } of items) named.add(group);
  return [...named].filter((id): id is string => typeof id === "string" && id !== "");
}
