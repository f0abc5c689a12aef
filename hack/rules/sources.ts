/** The sources of the product as the rules see them: which files there are, what each imports, and its syntax tree. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { type Program, parseSync, Visitor } from "oxc-parser";

export interface Source {
  /** Below `operator/`, such as `domain/mode/mode.ts`. */
  path: string;
  /** First folder of `path`; "" for a file that stands beside the rooms. */
  room: string;
  imports: readonly Import[];
  program: Program;
  /** 1-based line of an offset in the text. */
  lineOf: (offset: number) => number;
}

export interface Import {
  /** As written, such as `../api/names.ts` or `node:fs`. */
  specifier: string;
  /** Below `operator/`; undefined for a package or a module of Node. */
  target?: string;
  line: number;
}

/** @param root folder that holds `operator/`. Throws on a file that cannot be parsed, with its name. */
export function readSources(root: string): Source[] {
  const paths = globSync("**/*.ts", { cwd: join(root, "operator") }).map((path) => path.split("\\").join("/"));
  return paths.sort().map((path) => readSource(root, path));
}

function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, "operator", path), "utf8");
  const { program, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`operator/${path} cannot be parsed: ${errors[0].message}`);
  const lineOf = (offset: number) => text.slice(0, offset).split("\n").length;
  const imports: Import[] = [];
  const add = (specifier: string, offset: number) => {
    const target = specifier.startsWith(".") ? posix.join(dirname(path), specifier) : undefined;
    imports.push({ specifier, line: lineOf(offset), ...(target === undefined ? {} : { target }) });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.start),
    ExportNamedDeclaration: (node) => node.source && add(node.source.value, node.start),
    ExportAllDeclaration: (node) => add(node.source.value, node.start),
    ImportExpression: (node) => add(node.source.type === "Literal" ? String(node.source.value) : "", node.start),
    TSImportType: (node) => add(node.source.value, node.start),
  }).visit(program);
  const [first = "", ...rest] = path.split("/");
  return { path, room: rest.length > 0 ? first : "", imports, program, lineOf };
}
