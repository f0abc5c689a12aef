import { STORE_KEYS } from "./facts.ts";

/** How a rendered config.yaml holds the place of a storage key: always quoted, never within a longer text. */
const PLACE = /"\$\{\{(HOLDFAST_STORE_\w+)\}\}"/g;

/** [M] The gateway would take it for a variable of its environment, and exit. */
const VARIABLE = "${{";

/** The names that stand for storage keys in a rendered config.yaml. */
export const placesIn = (config: string): string[] => [...config.matchAll(PLACE)].flatMap(([, name]) => name ?? []);

/**
 * Puts the storage keys into a rendered config.yaml. `read` gives the content of one key of the Secret. `missing` names
 * what is not there or could be no storage key; its places stay as they are, so that a gateway would exit and name them.
 * Each key is written in double quotes: [M] only what comes in as `${{ENV}}` is retyped by the gateway.
 */
export function withStoreKeys(
  config: string,
  read: (secretKey: string) => string | undefined,
): { text: string; missing: string[] } {
  const missing = new Set<string>();
  const text = config.replace(PLACE, (place, name: string) => {
    const accepted = STORE_KEYS[name] ?? [];
    const value = accepted.map(read).find((found) => found !== undefined && found !== "");
    if (value !== undefined && isStorageKey(value)) return JSON.stringify(value);
    missing.add(accepted.length > 0 ? accepted.join(" or ") : name);
    return place;
  });
  return { text, missing: [...missing] };
}

/** Printable ASCII: then JSON's quoting is YAML's, too. The storage boundary refuses a Secret with anything else. */
const isStorageKey = (value: string): boolean => /^[\x21-\x7e]+$/.test(value) && !value.includes(VARIABLE);
