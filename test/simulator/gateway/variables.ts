/** The text of `${{NAME}}` and `${{NAME:=default}}`, with any space inside the braces. */
const REFERENCE = /\$\{\{\s*([A-Za-z0-9_]+)\s*(?::=\s*(.*?))?\s*\}\}/g;
/** What Lua's tonumber() reads as a number: also hexadecimal, and with blanks around it. */
const NUMBER = /^\s*[-+]?(?:0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*$/i;

export class ConfigError extends Error {}

/**
 * Replaces `${{VAR}}` in every string of a parsed config.yaml, in any block, unknown ones too.
 * It runs after the YAML was parsed, so quotes do not help: a value that reads as a number or a boolean becomes one.
 * An unset variable without a default is a ConfigError. Measured on APISIX 3.18 (gateway contract, section 8).
 */
export function substitute(value: unknown, env: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === "string") return substituteText(value, env);
  if (Array.isArray(value)) return value.map((item) => substitute(item, env));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, env)]));
}

/** An environment in which every variable is set. */
export const emptyWhereUnset = (env: Readonly<Record<string, string | undefined>>) =>
  new Proxy(env, { get: (target, name) => target[String(name)] ?? "" });

function substituteText(text: string, env: Readonly<Record<string, string | undefined>>): unknown {
  let used = false;
  const replaced = text.replace(REFERENCE, (_match, name: string, fallback: string | undefined) => {
    const found = env[name] ?? fallback;
    if (found === undefined) {
      throw new ConfigError(`failed to handle configuration: can't find environment variable ${name}`);
    }
    used = true;
    return found;
  });
  if (!used) return text;
  if (NUMBER.test(replaced)) return Number(replaced);
  if (replaced === "true") return true;
  if (replaced === "false") return false;
  return replaced;
}
