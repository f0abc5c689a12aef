import type { JsonObject } from "./render-merge.ts";
import type { SnapshotWarning } from "./snapshot-report.ts";

type Reference = readonly [from: string, field: string, to: string];

const REFERENCES: readonly Reference[] = [
  ["routes", "service_id", "services"],
  ["routes", "upstream_id", "upstreams"],
  ["routes", "plugin_config_id", "plugin_configs"],
  ["services", "upstream_id", "upstreams"],
  ["stream_routes", "service_id", "services"],
  ["stream_routes", "upstream_id", "upstreams"],
  ["consumers", "group_id", "consumer_groups"],
];

const FIELDS = [...new Set(REFERENCES.map(([, field]) => field))];

/** By field, the id that an item names. */
export type Refers = Readonly<Record<string, string>>;

interface Referring {
  id: string | undefined;
  refers?: Refers;
}

/** As many ids as a sentence carries. */
const EXAMPLES = 3;

/**
 * References to items that are not there: such a route answers 5xx. Warnings only, one per kind of reference: a control
 * plane can hold them too, and a snapshot is to be no better than what it was taken from.
 */
export function danglingReferences(kinds: ReadonlyMap<string, readonly Referring[]>): SnapshotWarning[] {
  const idsOf = new Map([...kinds].map(([kind, items]) => [kind, new Set(items.map(({ id }) => id))]));
  return REFERENCES.flatMap(([from, field, to]) => {
    const targets = idsOf.get(to) ?? new Set();
    const dangling = (kinds.get(from) ?? []).filter((item) => {
      const target = item.refers?.[field];
      return target !== undefined && !targets.has(target);
    });
    if (dangling.length === 0) return [];
    // In order: the same content may come with its items in another one.
    const ids = dangling.map((item) => (item.id ?? "").slice(0, 64)).sort();
    const examples = ids.slice(0, EXAMPLES).join(", ");
    const more = dangling.length > EXAMPLES ? ", ..." : "";
    const message = `${dangling.length} of ${from}: ${field} names nothing in ${to} (${examples}${more})`;
    return [{ reason: "DanglingReference" as const, kind: from, id: ids[0] ?? "", path: field, message }];
  });
}

/** Items carry an id; plugins carry a name [O]. */
export function itemID(item: JsonObject): string | undefined {
  const id = item["id"] ?? item["name"];
  return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
}

export function refersOf(item: JsonObject): Refers | undefined {
  const named = FIELDS.flatMap((field) => {
    const target = item[field];
    return typeof target === "string" || typeof target === "number" ? [[field, String(target)] as const] : [];
  });
  return named.length === 0 ? undefined : Object.fromEntries(named);
}
