/** Each source has its test where a reader looks for it: `operator/a/b.ts` -> `test/a/b.test.ts` or `test/a/b-*.test.ts`. */
import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Finding } from "./imports.ts";
import type { Source } from "./sources.ts";
import { UNMIRRORED } from "./unmirrored.ts";

export function unmirrored(
  root: string,
  sources: readonly Source[],
  exempt: Readonly<Record<string, string>> = UNMIRRORED,
): Finding[] {
  const needing = sources.filter((source) => !isTypesAlone(source) && !hasTest(root, source.path));
  const missing = needing.filter(({ path }) => exempt[path] === undefined);
  const stale = Object.keys(exempt).filter((path) => !needing.some((source) => source.path === path));
  return [
    ...missing.map(({ path }) => ({
      where: `operator/${path}`,
      message: `has no test of its name (test/${path.replace(/\.ts$/, ".test.ts")}): write one, or add a line with the reason to hack/rules/unmirrored.ts`,
    })),
    ...stale.map((path) => ({
      where: "hack/rules/unmirrored.ts",
      message: `lists operator/${path}, which has its test, holds types alone, or is gone: remove the line`,
    })),
  ];
}

const TYPES = ["TSInterfaceDeclaration", "TSTypeAliasDeclaration"];

/** Nothing in it runs, so that there is nothing to test. */
const isTypesAlone = ({ program }: Source): boolean =>
  program.body.every(
    (node) =>
      node.type === "ImportDeclaration" ||
      TYPES.includes(node.type) ||
      (node.type === "ExportNamedDeclaration" && node.declaration !== null && TYPES.includes(node.declaration.type)),
  );

function hasTest(root: string, path: string): boolean {
  const stem = basename(path, ".ts");
  const folder = join(root, "test", dirname(path));
  return globSync([`${stem}.test.ts`, `${stem}-*.test.ts`], { cwd: folder }).length > 0;
}
