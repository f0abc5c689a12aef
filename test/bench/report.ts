/** What a benchmark says, and where it is written: bench/results/<name>.json and the tables of docs/benchmarks.md. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { program, REPOSITORY } from "../lab/process.ts";

export interface Row {
  what: string;
  /** GatewayGroups that there were. */
  groups?: number;
  value: number;
  unit: string;
  /** The floor or the neighbour, measured in the same run. */
  reference?: { what: string; value: number };
  /** Load average (1 minute) of the machine before it was measured. */
  load?: number;
  /** The number to reach, as the design says it. */
  wanted?: string;
}
export interface Result {
  title: string;
  /** How it was measured, in a few sentences. */
  how: string;
  rows: Row[];
}

/** Committed. */
const RESULTS = join(REPOSITORY, "bench/results");
const PAGE = join(REPOSITORY, "docs/benchmarks.md");
const [BEGIN, END] = ["<!-- results: begin -->", "<!-- results: end -->"];

/** Of the machine nothing but its kind: results are committed. */
export function surroundings() {
  const version = (command: string, ...args: string[]) =>
    /v?\d+\.\d+\.\d+\S*/.exec(execFileSync(command, args, { encoding: "utf8" }))?.[0] ?? "unknown";
  return {
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release().replace(/-.*/, ""),
    versions: {
      holdfast: manifest.version,
      node: process.version,
      kubernetes: version(program("kube", "kube-apiserver"), "--version"),
      etcd: version(program("etcd"), "--version"),
    },
  };
}

export const load = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

/** Rows of other sizes that the file has stay in it: the beds can be measured one by one. */
export function writeResult(name: string, result: Result, about: object): void {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${name}.json`);
  const sizes = new Set(result.rows.map((row) => row.groups));
  const before: Row[] = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).rows : [];
  const others = before.filter((row) => !sizes.has(row.groups));
  const own = result.rows.map((row) => ({ ...row, value: rounded(row.value), ...withRatio(row) }));
  const rows = [...others, ...own].sort((a, b) => (a.groups ?? 0) - (b.groups ?? 0));
  writeFileSync(path, `${JSON.stringify({ name, ...about, ...result, rows }, undefined, 2)}\n`);
  console.log(`\n${table(rows)}`);
}

function withRatio({ value, reference }: Row): { reference?: NonNullable<Row["reference"]>; ratio?: number } {
  if (!reference) return {};
  const { what } = reference;
  return { reference: { what, value: rounded(reference.value) }, ratio: rounded(value / reference.value) };
}

const rounded = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(3)));

/** Markdown of one result's rows. */
export function table(rows: readonly (Row & { ratio?: number })[]): string {
  const lines = rows.map(({ what, groups, value, unit, reference, ratio, load: before, wanted }) => {
    const beside = reference ? `${reference.what}: ${reference.value}` : "";
    return `| ${what} | ${groups ?? ""} | ${value} ${unit} | ${beside} | ${ratio ?? ""} | ${before ?? ""} | ${wanted ?? ""} |`;
  });
  return [
    "| what | groups | measured | reference, same run | ratio | load | to reach |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ]
    .concat(lines)
    .join("\n");
}

/** Puts the tables of all results that there are between the markers of the page. */
export function writePage(): void {
  if (!existsSync(PAGE)) return;
  const page = readFileSync(PAGE, "utf8");
  const [before = "", after = ""] = [page.split(BEGIN)[0], page.split(END)[1]];
  const sections = readdirSync(RESULTS)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(RESULTS, file), "utf8")))
    .map(section);
  writeFileSync(PAGE, `${before}${BEGIN}\n${sections.join("\n\n")}\n${END}${after}`);
}

function section(result: Result & { date: string; machine: string; versions: object }): string {
  const versions = Object.entries(result.versions).map(([what, version]) => `${what} ${version}`);
  const about = `${result.date}; ${result.machine}; ${versions.join(", ")}.`;
  return `## ${result.title}\n${result.how}\n\n${about}\n\n${table(result.rows)}`;
}
