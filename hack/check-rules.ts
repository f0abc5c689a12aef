/**
 * Holds the sources to the rules of the house that no linter knows: `node hack/check-rules.ts [folder]`, the folder that
 * holds operator/ and test/ (default: this checkout). One line per violation, exit 1 when there is one.
 */
import { join, resolve } from "node:path";
import { deadNames } from "./rules/dead.ts";
import { circles, forbiddenImports } from "./rules/imports.ts";
import { strayMemories } from "./rules/memory.ts";
import { unmirrored } from "./rules/mirrors.ts";
import { impurities, unreadFacts } from "./rules/purity.ts";
import { readSources } from "./rules/sources.ts";

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."));
const sources = readSources(root);
if (sources.length === 0) throw new Error(`no sources below ${join(root, "operator")}: name the folder of a checkout`);
const findings = [
  ...forbiddenImports(sources),
  ...circles(sources),
  ...impurities(sources),
  ...unreadFacts(sources),
  ...deadNames(sources),
  ...strayMemories(sources),
  ...unmirrored(root, sources),
];
for (const { where, message } of findings) console.error(`${where} ${message}`);
process.exitCode = findings.length === 0 ? 0 : 1;
