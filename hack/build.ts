// Bundles the two programs of the image, each into one file: `node hack/build.ts [folder [bundle]]`, by default both
// into dist/.
//   holdfast.mjs  the entry, small; what only the operator needs lies beside it in holdfast-*.mjs; holdfast-inspect.mjs is
//                 the thread that reads large exports
//   choose.mjs    the start choice in one file, which must stay small: it delays every gateway's start
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

/**
 * client-node's index loads 2,000 generated classes (90 MB resident) of which the operator uses none: it takes only the
 * reading of kubeconfigs. Its modules do nothing but define, so what is not used may be left out.
 */
const onlyWhatIsUsed: Plugin = {
  name: "only-what-is-used",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, pluginData, ...rest }) => {
      const ofClient = path.startsWith("@kubernetes/client-node") || rest.importer.includes("@kubernetes/client-node/");
      if (pluginData === "resolving" || !ofClient || rest.kind === "entry-point") return undefined;
      const found = await resolve(path, { ...rest, pluginData: "resolving" });
      return found.path.includes("@kubernetes/client-node/") ? { ...found, sideEffects: false } : found;
    });
  },
};

const PROGRAMS = [
  {
    source: "operator/main.ts",
    bundle: "holdfast.mjs",
    commonJs: true,
    threads: { "holdfast-inspect": "operator/gateway/api7/inspect-worker.ts" },
  },
  { source: "operator/choose.ts", bundle: "choose.mjs", commonJs: false, threads: {} },
];

/** Libraries written for CommonJS call `require` for Node's own modules; an ES module has none. */
const REQUIRE =
  'import { createRequire as holdfastCreateRequire } from "node:module"; ' +
  "const require = holdfastCreateRequire(import.meta.url);";

const root = join(import.meta.dirname, "..");
const [folder = join(root, "dist"), only] = process.argv.slice(2);

for (const { source, bundle, commonJs, threads } of PROGRAMS) {
  if (only !== undefined && only !== bundle) continue;
  if (!existsSync(join(root, source))) {
    console.log(`${bundle}: skipped, there is no ${source}`);
    continue;
  }
  // Chunks of an earlier build have other names, and all of the folder goes into the image.
  const name = bundle.replace(/\.mjs$/, "");
  const isChunk = (file: string) => file.startsWith(`${name}-`) && file.endsWith(".mjs");
  if (existsSync(folder)) for (const file of readdirSync(folder).filter(isChunk)) rmSync(join(folder, file));
  const { metafile } = await build({
    entryPoints: [{ in: source, out: name }, ...Object.entries(threads).map(([out, file]) => ({ in: file, out }))].map(
      (entry) => ({ ...entry, in: join(root, entry.in) }),
    ),
    absWorkingDir: root,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    splitting: commonJs,
    chunkNames: `${name}-[hash]`,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    minify: false,
    metafile: true,
    logLevel: "warning",
    plugins: [onlyWhatIsUsed],
    banner: commonJs ? { js: REQUIRE } : {},
    legalComments: "eof",
  });
  const inputs = Object.keys(metafile.inputs).length;
  console.log(`${bundle}: ${Math.ceil(statSync(join(folder, bundle)).size / 1024)} KiB from ${inputs} files`);
}
