/** What a machine lacks is told in a line, with the way out, before anything is done: on a machine that only seems so. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { REPOSITORY, temporaryFolder } from "../lab/process.ts";

const folder = temporaryFolder("scripts");
afterAll(() => folder.remove());

const disk = (megabytes: number) => `printf 'Filesystem\\nx x x ${megabytes} x\\n'`;
const ROOMY = { df: disk(99_000) };
let machines = 0;

/** A PATH with this machine's programs but those that are left out, and with some that only say their line. */
function machine(without: readonly string[], programs: Record<string, string> = {}): string {
  machines += 1;
  const bin = join(folder.path, `bin-${machines}`);
  mkdirSync(bin);
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  for (const from of ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]) {
    for (const name of existsSync(from) ? readdirSync(from) : []) {
      if (!without.includes(name) && !existsSync(join(bin, name))) symlinkSync(join(from, name), join(bin, name));
    }
  }
  return bin;
}

/** A clone with nothing built in it, or with the packages of this one. */
function clone(withPackages: boolean): string {
  machines += 1;
  const root = join(folder.path, `clone-${machines}`);
  cpSync(join(REPOSITORY, "hack"), join(root, "hack"), { recursive: true });
  cpSync(join(REPOSITORY, "package-lock.json"), join(root, "package-lock.json"));
  if (withPackages) symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  return root;
}

interface Run {
  script: string;
  args?: string[];
  root?: string;
  path: string;
  through?: string[];
}
function run({ script, args = [], root = REPOSITORY, path, through = [] }: Run) {
  const [file = "", ...rest] = [...through, join(root, "hack", script), ...args];
  const { status, stdout, stderr } = spawnSync(file, rest, {
    encoding: "utf8",
    env: {
      PATH: path,
      HOME: folder.path,
      HOLDFAST_CACHE: join(folder.path, "cache"),
      HOLDFAST_GO: "/nonexistent",
      HOLDFAST_LAB: "no-such-lab",
    },
  });
  return { code: status, text: stdout + stderr };
}

const isRoot = process.getuid?.() === 0;
const asNobody = ["unshare", "--user"];
const canBeNobody = spawnSync("unshare", ["--user", "true"]).status === 0;
const APT = { "apt-get": "exit 100" };

test.for<[string, () => Run, RegExp]>([
  [
    "no Go",
    () => ({ script: "binaries", args: ["pause"], path: machine(["go"], ROOMY) }),
    /^error: pause can neither be downloaded .* nor built \(no Go\): install Go 1\.24 or later/,
  ],
  [
    "no space for the tools",
    () => ({ script: "binaries", args: ["pause"], path: machine([], { df: disk(12) }) }),
    /^error: only 12 MB free under \S+\/cache, 4000 MB are needed: free some or set HOLDFAST_CACHE to another disk$/,
  ],
  [
    "no npm",
    () => ({ script: "setup", root: clone(false), path: machine(["npm"]) }),
    /^error: npm is not installed: install Node 20 or later with npm/,
  ],
  [
    "no space for the packages",
    () => ({ script: "setup", root: clone(false), path: machine([], { npm: "exit 1", df: disk(12) }) }),
    /^error: only 12 MB free under \S+\/clone-\d+, 1000 MB are needed: free some$/,
  ],
  [
    "no way to the registry",
    () => ({ script: "setup", root: clone(false), path: machine([], { ...ROOMY, npm: "echo ENOTFOUND; exit 1" }) }),
    /ENOTFOUND\n.*the whole log is \S+\nerror: npm ci failed: is a registry reachable\?$/s,
  ],
  [
    "another system than Debian",
    () => ({ script: "setup", root: clone(true), path: machine(["runc", "apt-get"]) }),
    /^error: not installed: .*runc.* \(no apt-get here: install them with this system's own tool\)$/,
  ],
  [
    "no root for the programs that are missing",
    () => ({ script: "setup", root: clone(true), path: machine(["runc"], { ...APT, id: "echo 1000" }) }),
    /^error: installing .*runc.* needs root on this machine: run it as root \(sudo -E \S+setup \.\.\.\)$/,
  ],
  [
    "no way to a mirror",
    () => ({ script: "setup", root: clone(true), path: machine(["runc"], { ...APT, id: "echo 0" }) }),
    /error: apt-get update failed: is a Debian mirror reachable\?$/,
  ],
  [
    "an image without its builder",
    () => ({ script: "image", args: ["pause"], path: machine(["buildah"]) }),
    /^error: buildah is not installed: run hack\/setup$/,
  ],
  [
    "a lab in a clone that was not set up",
    () => ({ script: "lab", args: ["up"], root: clone(false), path: machine([]) }),
    /^error: no Node 24 in node_modules: run hack\/setup$/,
  ],
])("%s", ([, what, text]) => {
  const answer = run(what());
  expect(answer.text.trim()).toMatch(text);
  expect(answer.text).not.toMatch(/^\s+at /m);
  expect(answer.code).toBe(1);
});

/** Should it go on all the same, it gets no further than the tools. */
const NO_TOOLS = ["go", "curl"];

test.runIf(canBeNobody)("a lab by somebody who is not root", () => {
  const answer = run({ script: "lab", args: ["up"], path: machine(NO_TOOLS), through: asNobody });
  expect(answer).toEqual({
    code: 1,
    text: expect.stringMatching(/^error: the lab needs Linux and root .*docs\/kind\.md/),
  });
});

test.runIf(isRoot && process.platform === "linux")("a lab without one of its programs", () => {
  const answer = run({ script: "lab", args: ["up"], path: machine(["unshare", ...NO_TOOLS]) });
  expect(answer).toEqual({ code: 1, text: "error: unshare is not installed: run hack/setup\n" });
});
