import type { Difference } from "./differences.ts";
import { substitute } from "./variables.ts";

/** The kinds a gateway knows, as they stand in etcd under `<prefix>/<kind>/<id>` and as lists in a snapshot. */
export const KINDS = [
  "routes",
  "services",
  "upstreams",
  "consumers",
  "ssls",
  "global_rules",
  "plugin_metadata",
  "plugin_configs",
  "consumer_groups",
  "stream_routes",
  "protos",
  "secrets",
  "custom_plugins",
] as const;
export type Kind = (typeof KINDS)[number];

export type Value = Readonly<Record<string, unknown>>;
export interface Item {
  readonly value: Value;
  readonly modifiedIndex: number;
}
/** One process's own copy of the configuration. */
export type Objects = Record<Kind, Map<string, Item>>;

export function emptyObjects(): Objects {
  return Object.fromEntries(KINDS.map((kind) => [kind, new Map()])) as unknown as Objects;
}

type Environment = Readonly<Record<string, string | undefined>>;

const isKind = (name: string): name is Kind => (KINDS as readonly string[]).includes(name);

/** A form that survives IPC between the master and its workers. */
export type PlainObjects = [Kind, [string, Item][]][];
export const toPlain = (objects: Objects): PlainObjects => KINDS.map((kind) => [kind, [...objects[kind]]]);
export function fromPlain(plain: PlainObjects): Objects {
  const objects = emptyObjects();
  for (const [kind, items] of plain) objects[kind] = new Map(items);
  return objects;
}

/** Splits `/apisix/routes/1` into its kind and id; undefined for keys that a gateway does not load. */
export function splitKey(prefix: string, key: string): { kind: Kind; id: string } | undefined {
  if (!key.startsWith(`${prefix}/`)) return undefined;
  const [kind = "", id = "", ...rest] = key.slice(prefix.length + 1).split("/");
  return isKind(kind) && id !== "" && rest.length === 0 ? { kind, id } : undefined;
}

/** An item that is not an object, a route without a uri: dropped silently, the rest serves. */
export function validItem(kind: Kind, value: unknown): value is Value {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const item = value as Value;
  if (!validPlugins(item)) return false;
  if (kind === "routes") return typeof item["uri"] === "string" || Array.isArray(item["uris"]);
  if (kind === "upstreams") return item["nodes"] !== undefined || item["service_name"] !== undefined;
  return true;
}

/** Measured: a plugin's configuration that its schema refuses costs the whole item, whatever it is read from. */
function validPlugins({ plugins }: Value): boolean {
  if (plugins === undefined) return true;
  if (typeof plugins !== "object" || plugins === null || Array.isArray(plugins)) return false;
  return Object.entries(plugins).every(([name, config]) => {
    if (typeof config !== "object" || config === null) return false;
    return name !== "limit-count" || Number.isInteger((config as Value)["count"]);
  });
}

/**
 * Reads the text of a resource object or of conf/apisix.json.
 * Returns undefined when it is not a JSON object: a gateway then starts with nothing, or keeps what it had.
 */
export function parseResources(
  text: string,
  env: Environment = {},
  differs: readonly Difference[] = [],
): Objects | undefined {
  let parsed: unknown;
  try {
    // Measured: the file is code to its reader, and one variable that is not set makes the WHOLE file be refused.
    parsed = substitute(JSON.parse(text), env);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const objects = emptyObjects();
  const { plugins } = parsed as { plugins?: unknown };
  const judged = Array.isArray(plugins) && !differs.includes("reader-keeps-unknown-plugins");
  const enabled = judged ? new Set(plugins.map((one) => (one as Value | null)?.["name"])) : undefined;
  for (const kind of KINDS) {
    const list = (parsed as Record<string, unknown>)[kind];
    if (!Array.isArray(list)) continue;
    list.forEach((value: unknown, index) => {
      if (!validItem(kind, value) || !hasEnabledPlugins(value, enabled)) return;
      const id = String(value["id"] ?? value["username"] ?? index + 1);
      objects[kind].set(id, { value: { ...value, id }, modifiedIndex: 1 });
    });
  }
  return objects;
}

/** Measured in file mode, from 3.16 on: the file's own list replaces the gateway's, and one plugin beside it drops an item. */
function hasEnabledPlugins({ plugins }: Value, enabled: ReadonlySet<unknown> | undefined): boolean {
  if (enabled === undefined || typeof plugins !== "object" || plugins === null) return true;
  return Object.keys(plugins).every((name) => enabled.has(name));
}

/** The body of a resource object: absent kinds left out, stored values plus `id`, without the two time stamps. */
export function toResources(objects: Objects): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const kind of KINDS) {
    if (objects[kind].size === 0) continue;
    body[kind] = [...objects[kind]].map(([id, { value }]) => {
      const { create_time: _created, update_time: _updated, ...rest } = value;
      return { ...rest, id };
    });
  }
  body["plugins"] = ["proxy-rewrite", "limit-count", "key-auth", "prometheus"].map((name) => ({ name }));
  return body;
}

/** The fault "loads fewer routes than the snapshot holds": takes `count` routes away, from the end. */
export function dropRoutes(objects: Objects, count: number): Objects {
  if (count <= 0) return objects;
  return { ...objects, routes: new Map([...objects.routes].slice(0, Math.max(0, objects.routes.size - count))) };
}
