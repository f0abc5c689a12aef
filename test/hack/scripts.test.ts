/** The scripts of hack/ say what is wrong and what to do, before they do anything. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY } from "../lab/process.ts";

const hack = join(REPOSITORY, "hack");
const scripts = readdirSync(hack, { withFileTypes: true })
  .filter((entry) => entry.isFile() && readFileSync(join(hack, entry.name), "utf8").startsWith("#!/usr/bin/env bash"))
  .map(({ name }) => name);

function run(script: string, args: string[], env: Record<string, string> = {}): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(join(hack, script), args, {
    encoding: "utf8",
    env: { ...process.env, HOLDFAST_LAB: "no-such-lab", HOLDFAST_LAB_INSIDE: "", ...env },
  });
  return { code: status, text: stdout + stderr };
}

test("there are scripts to check", () => {
  expect(scripts).toEqual(expect.arrayContaining(["binaries", "image", "images", "lab", "setup", "test"]));
});

test.for(scripts)("hack/%s is valid bash and stops at the first error", (name) => {
  expect(spawnSync("bash", ["-n", join(hack, name)], { encoding: "utf8" }).stderr).toBe("");
  expect(readFileSync(join(hack, name), "utf8")).toContain("set -euo pipefail");
});

test.for<[string, string, string[], Record<string, string>, number, RegExp]>([
  ["an unknown program", "binaries", ["nosuch"], {}, 1, /knows no 'nosuch': the names are .*etcd.*kube/],
  ["a cache that cannot be", "binaries", ["pause"], { HOLDFAST_CACHE: "/proc/nope" }, 1, /set HOLDFAST_CACHE/],
  ["an image without a name", "image", ["Dockerfile", "."], {}, 2, /-t NAME/],
  ["a switch that does not exist", "test", ["--fast"], {}, 2, /--no-e2e/],
  ["a lab that does not run", "lab", ["kubectl", "get", "nodes"], {}, 1, /does not run: start it with hack\/lab up/],
  ["images for a lab that does not run", "lab", ["load-image", "x.tar"], {}, 1, /does not run/],
  ["a fault in a lab that does not run", "lab", ["stop", "apiserver"], {}, 1, /does not run/],
  ["a lab's name that is no name", "lab", ["status"], { HOLDFAST_LAB: "../x" }, 1, /lower case letters/],
  ["no nodes", "lab", ["up", "--nodes", "0"], {}, 1, /number from 1 to 5/],
  ["a lab within a lab", "lab", ["up"], { HOLDFAST_LAB_INSIDE: "no-such-lab" }, 1, /inside of the lab already/],
  ["a command that does not exist", "lab", ["dance"], {}, 2, /hack\/lab load-image/],
  ["a lab that was never there goes down in peace", "lab", ["down"], {}, 0, /^$/],
])("%s: told in a line", ([, script, args, env, code, text]) => {
  const answer = run(script, args, env);
  expect(answer.text.trim()).toMatch(text);
  expect(answer.text).not.toMatch(/^\s+at /m);
  expect(answer.code).toBe(code);
});

test("docs/kind.md names the gateway images that hack/images builds", () => {
  const images = (path: string) =>
    [...new Set(readFileSync(join(REPOSITORY, path), "utf8").match(/api7-ee-3-gateway:[\d.]+/g))].sort();
  expect(images("hack/images")).toHaveLength(2);
  expect(images("docs/kind.md")).toEqual(images("hack/images"));
});
