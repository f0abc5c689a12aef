/** Exports and methods that nothing in the product uses: tests alone keep no code alive. */
import { Visitor } from "oxc-parser";
import type { Finding } from "./imports.ts";
import type { Source } from "./sources.ts";

/** What scripts and generated pages use, each with who does. */
export const USED_ELSEWHERE: Readonly<Record<string, string>> = {
  "api/crd.ts crds": "the CRDs are generated from it",
  "rbac.ts NAMESPACE_RULES": "the chart's Roles and docs/rbac.md are generated from it",
  "rbac.ts leaseRules": "the chart's Roles and docs/rbac.md are generated from it",
};

/** By name, over all sources: a floor, as two things of one name keep each other alive. */
export function deadNames(
  sources: readonly Source[],
  exempt: Readonly<Record<string, string>> = USED_ELSEWHERE,
): Finding[] {
  const uses = new Map<string, number>();
  for (const { program } of sources) for (const name of namesIn(program)) uses.set(name, (uses.get(name) ?? 0) + 1);
  return sources.flatMap((source) =>
    declaredIn(source)
      .filter(({ name }) => (uses.get(name) ?? 0) <= 1 && exempt[`${source.path} ${name}`] === undefined)
      .map(({ name, offset }) => ({
        where: `operator/${source.path}:${source.lineOf(offset)}`,
        message: `declares "${name}", which nothing in operator/ uses: take it out`,
      })),
  );
}

function namesIn(program: Source["program"]): string[] {
  const names: string[] = [];
  new Visitor({
    Identifier: ({ name }) => void names.push(name),
    PrivateIdentifier: ({ name }) => void names.push(name),
    Literal: ({ value }) => {
      if (typeof value === "string") names.push(value);
    },
  }).visit(program);
  return names;
}

function declaredIn({ program }: Source): { name: string; offset: number }[] {
  const declared: { name: string; offset: number }[] = [];
  for (const node of program.body) {
    if (node.type !== "ExportNamedDeclaration" || node.declaration === null) continue;
    const { declaration } = node;
    if (declaration.type === "VariableDeclaration") {
      for (const { id, start } of declaration.declarations)
        if (id.type === "Identifier") declared.push({ name: id.name, offset: start });
    } else if ("id" in declaration && declaration.id?.type === "Identifier")
      declared.push({ name: declaration.id.name, offset: declaration.start });
  }
  new Visitor({
    MethodDefinition: ({ key, kind, start }) => {
      if (kind === "method" && key.type === "Identifier") declared.push({ name: key.name, offset: start });
    },
  }).visit(program);
  return declared;
}
