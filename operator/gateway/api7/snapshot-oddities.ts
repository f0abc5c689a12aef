import type { JsonObject, JsonValue } from "./render-merge.ts";
import type { SnapshotWarning } from "./snapshot-report.ts";

/** A text in an item that a gateway reads differently from a file than from the control plane. */
export interface Oddity {
  reason: "VariableInSnapshot" | "EnvironmentInSnapshot" | "HoldfastNameInSnapshot";
  /** Where in the item, `plugins.response-rewrite.body` or `plugins.x.list[0]`, at most 200 characters. */
  path: string;
  /** The variable's name; "" where none is to be read. */
  name: string;
  /** `${{NAME:=default}}`: an unset variable is no error. */
  hasDefault: boolean;
}

/** As many of one item as a person reads. */
const PER_ITEM = 3;
const PATH_MAX = 200;
const MARKS = ["$" + "{{", "$env://", "HOLDFAST_"] as const;
/** [D] `${{NAME}}` and `${{NAME:=default}}`; of a longer name the first 64 characters are reported. */
const VARIABLE = /\$\{\{\s{0,8}(\w{0,64})\w{0,256}\s{0,8}(:=)?/;
const ENVIRONMENT = /\$env:\/\/(\w{0,64})/i;
const OWN = /HOLDFAST_\w{0,55}/;

/** @param text the item as JSON: what has none of the marks in it is not walked through */
export function odditiesIn(item: JsonObject, text: string): Oddity[] {
  if (!MARKS.some((mark) => text.includes(mark)) && !ENVIRONMENT.test(text)) return [];
  const found: Oddity[] = [];
  walk(item, "", found);
  return found;
}

function walk(value: JsonValue, path: string, found: Oddity[]): void {
  if (found.length >= PER_ITEM) return;
  if (typeof value === "string") {
    const odd = oddityOf(value);
    if (odd !== undefined) found.push({ ...odd, path: path.slice(0, PATH_MAX) });
  } else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) walk(one, `${path}[${index}]`, found);
  } else if (typeof value === "object" && value !== null) {
    // In order of names, as the same content may be written in another one.
    for (const key of Object.keys(value).sort()) {
      const at = path === "" ? key : `${path}.${key}`;
      // The file is read as one text: a variable in a name is replaced, too.
      walk(key, at, found);
      walk(value[key] ?? null, at, found);
    }
  }
}

function oddityOf(text: string): Omit<Oddity, "path"> | undefined {
  const own = OWN.exec(text);
  if (own !== null) return { reason: "HoldfastNameInSnapshot", name: own[0], hasDefault: false };
  const variable = VARIABLE.exec(text);
  if (variable !== null)
    return { reason: "VariableInSnapshot", name: variable[1] ?? "", hasDefault: variable[2] !== undefined };
  const environment = ENVIRONMENT.exec(text);
  if (environment !== null) return { reason: "EnvironmentInSnapshot", name: environment[1] ?? "", hasDefault: false };
  return undefined;
}

/** Names of the plugins that an item configures. */
export function pluginsOf(item: JsonObject): string[] {
  const { plugins } = item;
  if (typeof plugins !== "object" || plugins === null || Array.isArray(plugins)) return [];
  return Object.keys(plugins).sort();
}

interface Odd {
  id: string | undefined;
  oddities?: readonly Oddity[];
  plugins?: readonly string[];
}

/**
 * [M] The list `plugins` of a snapshot takes the place of the gateway's own: an item that configures another plugin is
 * dropped whole in file mode, and stays with a control plane. Custom plugins count as listed [U].
 */
export function oddItems(kinds: ReadonlyMap<string, readonly Odd[]>): SnapshotWarning[] {
  const listed = kinds.get("plugins") ?? [];
  const enabled = new Set([...listed, ...(kinds.get("custom_plugins") ?? [])].map(({ id }) => id));
  const warnings: SnapshotWarning[] = [];
  for (const [kind, items] of kinds)
    for (const { id = "", oddities = [], plugins = [] } of items) {
      for (const odd of oddities) warnings.push(warningOf(kind, id, odd));
      if (listed.length === 0) continue;
      for (const plugin of plugins.filter((name) => !enabled.has(name)).slice(0, PER_ITEM))
        warnings.push(notListed(kind, id, plugin.slice(0, 64)));
    }
  return warnings;
}

/** Texts from outside: short, and without control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
export const plain = (text: string, max: number): string => text.replace(/[\u0000-\u001f\u007f]/g, "?").slice(0, max);

function notListed(kind: string, id: string, plugin: string): SnapshotWarning {
  const path = plain(`plugins.${plugin}`, PATH_MAX);
  return {
    reason: "PluginNotListed",
    kind,
    id: plain(id, 64),
    path,
    message: `${kind}/${plain(id, 64)} at ${path}: the snapshot's list of plugins does not name this plugin, so a gateway that starts from the snapshot drops the whole item`,
  };
}

function warningOf(kind: string, id: string, odd: Oddity): SnapshotWarning {
  const path = plain(odd.path, PATH_MAX);
  const at = `${kind}/${plain(id, 64)} at ${path}`;
  return { reason: odd.reason, kind, id: plain(id, 64), path, message: `${at} ${whatOf(odd)}` };
}

function whatOf({ reason, name, hasDefault }: Oddity): string {
  const variable = `$${`{{${name}}}`}`;
  switch (reason) {
    case "VariableInSnapshot":
      return hasDefault
        ? `names ${variable}: a gateway that starts from the snapshot replaces it from its environment, or by its default; one with a control plane does not`
        : `names ${variable}: a gateway that starts from the snapshot replaces it from its environment, and refuses the whole snapshot where ${name === "" ? "the variable" : name} is not set`;
    case "EnvironmentInSnapshot":
      return `names $env://${name}: a plugin reads this variable of the gateway's environment`;
    case "HoldfastNameInSnapshot":
      return `names ${name}: the names that begin with HOLDFAST_ are Holdfast's own, and no route needs one`;
    default:
      return reason satisfies never;
  }
}
