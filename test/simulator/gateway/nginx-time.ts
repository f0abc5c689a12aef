import { ConfigError } from "./variables.ts";

/** `60s`, `500ms`, `4m`, or a bare number of seconds. */
export function nginxTimeMs(value: string | number): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(String(value));
  if (match === null) throw new ConfigError(`"${value}" is not an nginx time`);
  return Number(match[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[(match[2] ?? "s") as "ms" | "s" | "m" | "h"];
}
