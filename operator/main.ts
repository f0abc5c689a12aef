#!/usr/bin/env node
// The one program: `run` is the operator, `choose` the start choice. Nothing heavy is loaded before it is known which:
// the start choice stands in front of every gateway.
import { existsSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

const USAGE_EXIT = 64;
const [command, ...args] = process.argv.slice(2);

switch (command) {
  case "choose":
    await becomeChoose();
    break;
  case "run":
    await run();
    break;
  case "--version":
    console.log(manifest.version);
    break;
  case "--help":
  case "-h": {
    const { helpText } = await import("./options.ts");
    console.log(helpText());
    break;
  }
  default: {
    const { helpText } = await import("./options.ts");
    const said = command === undefined ? "a command is missing" : `"${command}" is not a command`;
    console.error(`holdfast: ${said}\n\n${helpText()}`);
    process.exit(USAGE_EXIT);
  }
}

async function run(): Promise<void> {
  const { readOptions, UsageError } = await import("./options.ts");
  try {
    const options = readOptions(args);
    const { runOperator } = await import("./run.ts");
    await runOperator(options, manifest.version);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`holdfast run: ${error.message}`);
    process.exit(USAGE_EXIT);
  }
}

/** Its own small bundle in the image, its own source in a checkout; this process becomes it, without a child. */
async function becomeChoose(): Promise<void> {
  const bundle = join(import.meta.dirname, "choose.mjs");
  const file = existsSync(bundle) ? bundle : join(import.meta.dirname, "choose.ts");
  if (process.execve !== undefined) {
    try {
      process.execve(process.execPath, [process.execPath, file, ...args]);
    } catch {
      // Not on this system: load it here.
    }
  }
  await import(file);
}
