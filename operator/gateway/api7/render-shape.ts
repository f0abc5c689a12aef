import { chartDefaults } from "./render-defaults.ts";
import { isObject, type JsonObject, type JsonValue } from "./render-merge.ts";
import type { OwnedKeyProblem } from "./render-owned.ts";

/** [S] Blocks of config.yaml that a gateway knows. Plugins of the user's own may read others. */
const BLOCKS = [
  "api7ee",
  "apisix",
  "deployment",
  "discovery",
  "event_export",
  "ext-plugin",
  "graphql",
  "nginx_config",
  "plugin_attr",
  "plugins",
  "stream_plugins",
  "wasm",
  "xrpc",
];

/**
 * What the gateway's own check of config.yaml refuses: every new pod would exit at its start. Where Holdfast renders a
 * default, its type is the measure; numbers are left alone, as nginx takes `10m` for many of them.
 */
export function shapeProblems(overrides: JsonObject): OwnedKeyProblem[] {
  const defaults = chartDefaults(1, true);
  return [...wrongTypes(overrides, defaults, ""), ...emptyEnvs(overrides), ...cacheZones(overrides)];
}

/** Blocks that no gateway knows: it ignores them, so a misspelt one changes nothing, in silence. */
export function unknownBlocks(overrides: JsonObject): { path: string; meant?: string }[] {
  return Object.keys(overrides)
    .filter((key) => !BLOCKS.includes(key))
    .map((path) => {
      const meant = BLOCKS.find((block) => distance(block, path) <= 3);
      return meant === undefined ? { path } : { path, meant };
    });
}

const VARIABLE = /\$\{\{.*\}\}/s;

function wrongTypes(value: JsonObject, defaults: JsonObject, at: string): OwnedKeyProblem[] {
  return Object.entries(value).flatMap(([key, given]) => {
    const path = at === "" ? key : `${at}.${key}`;
    const expected = Object.hasOwn(defaults, key) ? defaults[key] : undefined;
    if (given === null || expected === undefined) return [];
    if (isObject(given) && isObject(expected)) return wrongTypes(given, expected, path);
    const wrong = mismatch(given, expected);
    return wrong === undefined
      ? []
      : [{ path, why: `the gateway wants ${wrong} there and would not start`, instead: wrong }];
  });
}

function mismatch(given: JsonValue, expected: JsonValue): string | undefined {
  if (typeof expected === "boolean" && typeof given !== "boolean")
    return typeof given === "string" && VARIABLE.test(given) ? undefined : "true or false, without quotes";
  if (typeof expected === "string" && typeof given === "boolean")
    return expected === "on" || expected === "off" ? '"on" or "off", in quotes' : "text";
  if (Array.isArray(expected) && !Array.isArray(given)) return "a list";
  if (isObject(expected) && !isObject(given)) return "an object";
  return undefined;
}

function emptyEnvs({ nginx_config: nginx }: JsonObject): OwnedKeyProblem[] {
  const envs = isObject(nginx) ? nginx["envs"] : undefined;
  if (!Array.isArray(envs) || envs.length > 0) return [];
  const why = "the gateway refuses an empty list and would not start";
  return [{ path: "nginx_config.envs", why, instead: "no such key, or a list of names" }];
}

/** In memory: name and memory_size. On disk: also disk_size, disk_path and cache_levels. */
function cacheZones({ apisix }: JsonObject): OwnedKeyProblem[] {
  const cache = isObject(apisix) ? apisix["proxy_cache"] : undefined;
  const zones = isObject(cache) ? cache["zones"] : undefined;
  if (!Array.isArray(zones)) return [];
  return zones.flatMap((zone, index) => {
    const on = isObject(zone) && ["disk_size", "disk_path", "cache_levels"].some((key) => zone[key] !== undefined);
    const needed = ["name", "memory_size", ...(on ? ["disk_size", "disk_path", "cache_levels"] : [])];
    const missing = needed.filter((key) => !isObject(zone) || zone[key] === undefined);
    if (missing.length === 0) return [];
    const path = `apisix.proxy_cache.zones.${index}`;
    return [
      {
        path,
        why: `it lacks ${missing.join(", ")}, so the gateway would not start`,
        instead: `a zone with ${needed.join(", ")}`,
      },
    ];
  });
}

/** How many letters are added, left out or replaced between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}
