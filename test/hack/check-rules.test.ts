// Each rule of hack/check-rules.ts is broken on purpose in a copy of the sources, and must go red there.
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "holdfast-rules-"));
  for (const part of ["operator", "test", "hack", "package.json"])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function checked(): { red: boolean; said: string } {
  const { status, stderr } = spawnSync(process.execPath, ["hack/check-rules.ts"], { cwd: copy, encoding: "utf8" });
  return { red: status !== 0, said: stderr };
}

test("the sources as they are break no rule", () => expect(checked()).toEqual({ red: false, said: "" }));

test.for([
  ["api sees a room above it", "api/names.ts", 'import "../domain/values/hash.ts";'],
  ["the domain sees the program", "domain/pods.ts", 'import "../run.ts";'],
  [
    "the domain sees a boundary",
    "domain/pods.ts",
    'import type { SnapshotStore } from "../storage/store.ts";\nexport type S = SnapshotStore;',
  ],
  ["the domain does I/O", "domain/pods.ts", 'import "node:fs";'],
  ["the domain takes a library", "domain/pods.ts", 'import "yaml";'],
  ["the domain imports when it runs", "domain/pods.ts", 'export const late = () => import("../run.ts");'],
  ["a reader decides", "observe/gateways/pods.ts", 'import "../../domain/decide.ts";'],
  ["a reader acts", "observe/gateways/pods.ts", 'import "../../act/act.ts";'],
  ["act takes one store", "act/act.ts", 'import "../storage/s3.ts";'],
  ["act looks for itself", "act/act.ts", 'import "../observe/gateways/pods.ts";'],
  ["act decides", "act/act.ts", 'import "../domain/decide.ts";'],
  ["the runtime learns of kinds", "kube/queue.ts", 'import "../kinds.ts";'],
  ["the runtime takes a cloud's library", "kube/queue.ts", 'import "@aws-sdk/client-s3";'],
  ["the gateway boundary sees Kubernetes", "gateway/api7/facts.ts", 'import "../../kube/client.ts";'],
  [
    "the storage boundary sees the decision",
    "storage/store.ts",
    'import type { Facts } from "../domain/facts/facts.ts";\nexport type F = Facts;',
  ],
  ["a circle", "domain/facts/cluster.ts", 'import "./facts.ts";'],
  ["the decision reads a clock", "domain/mode/mode.ts", "export const at = () => Date.now();"],
  ["the decision makes a date of now", "domain/mode/mode.ts", "export const at = () => new Date();"],
  ["the decision measures", "domain/mode/mode.ts", "export const at = () => performance.now();"],
  ["the decision draws lots", "domain/mode/mode.ts", "export const chance = () => Math.random();"],
  ["the decision draws an id", "domain/mode/mode.ts", 'export { randomUUID } from "node:crypto";'],
  ["the decision waits", "domain/mode/mode.ts", "export const wait = () => setTimeout(() => {}, 1);"],
  ["the decision reads the environment", "domain/mode/mode.ts", 'export const home = () => process.env["HOME"];'],
  ["the decision asks the network", "domain/mode/mode.ts", 'export const ask = () => fetch("http://127.0.0.1");'],
  ["a reader with a memory of its own", "observe/poller.ts", "export class Seen {\n  readonly #of = new Map();\n}"],
  ["a function that nobody calls", "act/act.ts", "export const nobodyCalls = () => 1;"],
  ["a method that nobody calls", "observe/poller.ts", "export class Poller2 {\n  nobodyCallsIt(): void {}\n}"],
  ["a module with a memory", "act/act.ts", "export const seen = new Set<string>();"],
  ["a fact that nobody reads", "domain/facts/facts.ts", "export interface More {\n  phaseOfTheMoon: number;\n}"],
] as const)("%s: red", ([, path, planted]) => {
  const file = join(copy, "operator", path);
  const before = readFileSync(file, "utf8");
  appendFileSync(file, `\n${planted}\n`);
  try {
    const { red, said } = checked();
    expect(red).toBe(true);
    expect(said).toContain(`operator/${path}`);
  } finally {
    writeFileSync(file, before);
  }
});

test("a source without a test of its name: red", () => {
  const file = join(copy, "operator/domain/nobody-tests-this.ts");
  writeFileSync(file, "export const one = 1;\n");
  try {
    expect(checked().said).toContain("test/domain/nobody-tests-this.test.ts");
  } finally {
    rmSync(file);
  }
});
