// Bundles the simulator into one file: `node test/simulator/build.ts [folder]`, by default dist/ -> dist/simulator.mjs.
import { statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");
const outfile = join(process.argv[2] ?? join(root, "dist"), "simulator.mjs");

await build({
  entryPoints: [join(root, "test/simulator/main.ts")],
  absWorkingDir: root,
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  logLevel: "warning",
  // The SDKs are written for CommonJS in places and call `require` for Node's own modules; an ES module has none.
  banner: {
    js: 'import { createRequire as simulatorRequire } from "node:module"; const require = simulatorRequire(import.meta.url);',
  },
  legalComments: "eof",
});
console.log(`simulator.mjs: ${Math.ceil(statSync(outfile).size / 1024)} KiB`);
