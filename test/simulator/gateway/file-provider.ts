import { readFileSync, watchFile } from "node:fs";
import type { Log } from "../log.ts";
import type { Difference } from "./differences.ts";
import { type Objects, parseResources } from "./objects.ts";
import { emptyWhereUnset } from "./variables.ts";

/**
 * Serves a file of resources, read again each second: invalid or absent at start leaves the worker empty (404, the port
 * open); invalid or absent later keeps what it had; a live `{}` drops all routes (gateway contract, section 8).
 */
export function followFile(
  path: string,
  onChange: (objects: Objects) => void,
  log: Log,
  differs: readonly Difference[] = [],
): void {
  const env = differs.includes("ignores-unset") ? emptyWhereUnset(process.env) : process.env;
  const read = (): void => {
    let objects: Objects | undefined;
    try {
      objects = parseResources(readFileSync(path, "utf8"), env, differs);
    } catch {
      objects = undefined;
    }
    if (objects === undefined) log.error("failed to read the resources", { path });
    else onChange(objects);
  };
  read();
  watchFile(path, { interval: 1_000, persistent: false }, (now, before) => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) read();
  });
}
