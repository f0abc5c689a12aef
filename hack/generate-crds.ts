/**
 * Writes everything that is derived from the schemas and the chart: `npm run generate`.
 * `--check` writes nothing and ends with 1 when a file is stale. `--no-helm` leaves out what needs helm.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generated } from "./generated.ts";
import { installManifest } from "./install-manifest.ts";

const ROOT = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");

const read = (path: string): string | undefined => {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch {
    return undefined;
  }
};

function settle(path: string, text: string): void {
  if (read(path) === text) return;
  console.log(`${check ? "stale" : "written"}: ${path}`);
  if (check) {
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
}

for (const [path, text] of Object.entries(generated())) settle(path, text);
// After the chart's own CRDs are written: helm reads them.
if (!process.argv.includes("--no-helm")) settle("install/install.yaml", installManifest());
