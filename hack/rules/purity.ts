/** What the decision may not touch: clock, chance, the process, the network. And what is observed and never read. */
import { Visitor } from "oxc-parser";
import type { Finding } from "./imports.ts";
import type { Source } from "./sources.ts";

/** Globals that are a clock, chance, or I/O. `Date` and `Math` are judged by what is called on them. */
const IMPURE_GLOBALS = [
  "performance",
  "process",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "console",
  "crypto",
  "globalThis",
  "require",
  "AbortSignal",
  "WebSocket",
  "Buffer",
];
const IMPURE_CALLS = ["Date.now", "Math.random"];
/** Imported from Node, these names read the clock or chance although their module also computes. */
const IMPURE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  "node:crypto": ["randomUUID", "randomBytes", "randomInt", "randomFillSync", "webcrypto", "getRandomValues"],
};

export function impurities(sources: readonly Source[]): Finding[] {
  return sources.filter(({ room }) => room === "domain").flatMap(impuritiesOf);
}

function impuritiesOf({ path, program, lineOf }: Source): Finding[] {
  const findings: Finding[] = [];
  const found = (what: string, offset: number) =>
    findings.push({ where: `operator/${path}:${lineOf(offset)}`, message: `uses ${what}: ${PURE}` });
  const banned = (specifier: string, names: readonly string[], offset: number) => {
    const impure = IMPURE_IMPORTS[specifier] ?? [];
    for (const name of impure.length > 0 ? names : [])
      if (name === "*" || impure.includes(name)) found(`${name} of ${specifier}`, offset);
  };
  new Visitor({
    Identifier: (node) => {
      if (IMPURE_GLOBALS.includes(node.name)) found(node.name, node.start);
    },
    MemberExpression: (node) => {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      const call = `${node.object.name}.${node.property.name}`;
      if (IMPURE_CALLS.includes(call)) found(call, node.start);
    },
    NewExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0)
        found("new Date() without a time", node.start);
    },
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "Date") found("Date()", node.start);
    },
    ImportDeclaration: (node) => {
      const names = node.specifiers.map((one) =>
        one.type === "ImportSpecifier" && one.imported.type === "Identifier" ? one.imported.name : "*",
      );
      banned(node.source.value, names, node.start);
    },
    ExportNamedDeclaration: (node) => {
      const names = node.specifiers.map(({ local }) => (local.type === "Identifier" ? local.name : "*"));
      if (node.source) banned(node.source.value, names, node.start);
    },
  }).visit(program);
  return findings;
}
const PURE =
  "the decision is pure; a time, a chance or an answer of the outside is a fact (operator/domain/facts/facts.ts)";

const FACT_FILES = /^domain\/facts\/(facts|cluster|neighbours|outside)\.ts$/;

/** Fields of facts that no file of the domain reads: observed at a cost, and without a use. By name, so a floor. */
export function unreadFacts(
  sources: readonly Source[],
  exempt: Readonly<Record<string, string>> = TOLD_ONLY,
): Finding[] {
  const domain = sources.filter(({ room }) => room === "domain");
  const read = new Set(domain.filter(({ path }) => !FACT_FILES.test(path)).flatMap(namesRead));
  return domain
    .filter(({ path }) => FACT_FILES.test(path))
    .flatMap((source) => fieldsOf(source).map((field) => ({ ...field, source })))
    .filter(({ name }) => !read.has(name) && exempt[name] === undefined)
    .map(({ name, offset, source }) => ({
      where: `operator/${source.path}:${source.lineOf(offset)}`,
      message: `declares the fact "${name}", which no file of the domain reads: use it or take it out`,
    }));
}

/** Facts that are read outside of the domain alone, each with who reads it. */
export const TOLD_ONLY: Readonly<Record<string, string>> = {
  notAfterMs: "a gauge (operator/metrics.ts)",
  zone: "domain/evidence/cut-off.ts reads it as pod[kind]",
};

function fieldsOf({ program }: Source): { name: string; offset: number }[] {
  const fields: { name: string; offset: number }[] = [];
  new Visitor({
    TSPropertySignature: (node) => {
      if (node.key.type === "Identifier") fields.push({ name: node.key.name, offset: node.start });
    },
  }).visit(program);
  return fields;
}

function namesRead({ program }: Source): string[] {
  const names: string[] = [];
  new Visitor({
    MemberExpression: (node) => {
      if (node.property.type === "Identifier") names.push(node.property.name);
      else if (node.property.type === "Literal") names.push(String(node.property.value));
    },
    ObjectPattern: (node) => {
      for (const one of node.properties)
        if (one.type === "Property" && one.key.type === "Identifier") names.push(one.key.name);
    },
    BinaryExpression: (node) => {
      if (node.operator === "in" && node.left.type === "Literal") names.push(String(node.left.value));
    },
  }).visit(program);
  return names;
}
