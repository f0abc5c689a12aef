import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test.each([
  ["throw", "uncaughtException"],
  ["reject", "unhandledRejection"],
])("what nobody caught (%s) closes the gate, is logged, and ends the process", async (how, kind) => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("uncaught-child.ts", import.meta.url)), how]);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
    if (said.includes("still here")) child.kill("SIGKILL");
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  expect(code, said).toBe(1);
  const [first, ...logged] = said.trim().split("\n");
  expect(first).toBe(`gate closed: ${kind}`);
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { level: "error", kind, error: { message: "nobody caught this" } },
  ]);
});
