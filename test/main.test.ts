import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { readOptions, UsageError } from "../operator/options.ts";
import { REPOSITORY, temporaryFolder } from "./lab/process.ts";

const MAIN = join(REPOSITORY, "operator/main.ts");
const { version } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));

async function holdfast(args: readonly string[], env: Record<string, string> = {}) {
  try {
    const child = await promisify(execFile)(process.execPath, [MAIN, ...args], {
      env: { ...env, NODE_NO_WARNINGS: "1" },
    });
    return { code: 0, ...child };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

test.for([
  ["the version", ["--version"], 0, `${version}\n`, ""],
  ["help names the commands and every flag", ["--help"], 0, "--choose-image", ""],
  ["no command", [], 64, "", "a command is missing"],
  ["a command that is none", ["walk"], 64, "", '"walk" is not a command'],
  ["a flag that is none", ["run", "--fast"], 64, "", "Unknown option '--fast'"],
  ["a flag that is required", ["run", "--namespaces", "a"], 64, "", "--choose-image (HOLDFAST_CHOOSE_IMAGE)"],
] as const)("%s", async ([, args, code, out, err]) => {
  const ended = await holdfast(args);
  expect(ended.code).toBe(code);
  expect(ended.stdout).toContain(out);
  expect(ended.stderr).toContain(err);
  expect(ended.stderr, "a mistake of the user is no stack trace").not.toContain("    at ");
});

test("choose is the start choice, in the same process", async () => {
  const folder = temporaryFolder("main-choose");
  try {
    const log = join(folder.path, "termination");
    const env = { HOLDFAST_ROOT: folder.path, HOLDFAST_TERMINATION_LOG: log, HOLDFAST_TEMPLATE_HASH: "t1" };
    expect((await holdfast(["choose"], env)).code).toBe(0);
    expect(JSON.parse(readFileSync(log, "utf8"))).toMatchObject({ choice: "normal", template: "t1" });
  } finally {
    folder.remove();
  }
});

const NEEDED = { HOLDFAST_CHOOSE_IMAGE: "image", HOLDFAST_NAMESPACES: "a", HOLDFAST_LEASE_NAMESPACE: "a" };
const read = (args: readonly string[] = [], env: Record<string, string> = {}) =>
  readOptions(args, { ...NEEDED, ...env });

test("defaults", () => {
  expect(read()).toMatchObject({
    namespaces: ["a"],
    leaseName: "holdfast",
    leaseSeconds: 15,
    port: 8080,
    logLevel: "info",
    workers: 8,
  });
  expect(read().kubeconfig).toBeUndefined();
});

test("namespaces are a list without blanks and doubles; a flag beats the environment", () => {
  expect(read(["--namespaces", "x, y,x,"]).namespaces).toEqual(["x", "y"]);
});

test("the process is named by its pod", () => {
  expect(read([], { POD_NAME: "holdfast-0" }).instance).toBe("holdfast-0");
});

test.for([
  ["no namespace at all", [], { HOLDFAST_NAMESPACES: "," }, "--namespaces (HOLDFAST_NAMESPACES)"],
  ["a namespace that is none", [], { HOLDFAST_NAMESPACES: "A_b" }, "--namespaces"],
  ["a port that is none", ["--port", "http"], {}, "--port (HOLDFAST_PORT)"],
  ["a level that is none", [], { HOLDFAST_LOG_LEVEL: "loud" }, "--log-level"],
  ["no workers", ["--workers", "0"], {}, "--workers"],
  ["a lease shorter than its calls", ["--lease-seconds", "1"], {}, "--lease-seconds"],
] as const)("refused: %s", ([, args, env, expected]) => {
  expect(() => read(args, env)).toThrow(UsageError);
  expect(() => read(args, env)).toThrow(expected);
});
