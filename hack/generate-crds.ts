/**
 * Writes everything that is derived from the schemas: `npm run generate`.
 * `--check` writes nothing and ends with 1 when a file is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generated } from "./generated.ts";

const ROOT = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");

const read = (path: string): string | undefined => {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch {
    return undefined;
  }
};

const stale = Object.entries(generated()).filter(([path, text]) => read(path) !== text);
for (const [path, text] of stale) {
  if (!check) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  }
  console.log(`${check ? "stale" : "written"}: ${path}`);
}
if (check && stale.length > 0) process.exitCode = 1;
