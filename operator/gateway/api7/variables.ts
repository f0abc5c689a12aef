import type { JsonObject } from "./render-merge.ts";

/** [D] `${{NAME}}` and `${{NAME:=default}}`, blanks allowed inside the braces. */
const VARIABLE = /\$\{\{\s{0,8}(\w{1,256})\s{0,8}(:=[^}]{0,256})?\}\}/g;

/**
 * Environment variables that `spec.gateway.config` names without a default, each once, sorted. [M] A gateway in whose
 * environment one of them is missing exits 1 at its start.
 */
export function variablesIn(config: JsonObject): string[] {
  const names = [...JSON.stringify(config).matchAll(VARIABLE)].flatMap(([, name, otherwise]) =>
    name === undefined || otherwise !== undefined ? [] : [name],
  );
  return [...new Set(names)].sort();
}
