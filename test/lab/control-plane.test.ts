/** The lab itself: a test tier is only worth something when its ground holds. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { auditedWrites } from "./audit.ts";
import { startControlPlane } from "./control-plane.ts";
import { program, until } from "./process.ts";

const run = promisify(execFile);

async function kubectl(kubeconfigPath: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program("kube", "kubectl"), ["--kubeconfig", kubeconfigPath, ...args]);
  return stdout.trim();
}

test("the shared control plane runs controllers and logs writes", async () => {
  const config = inject("kubeconfigPath");
  await kubectl(config, "create", "namespace", "lab-writes");
  await kubectl(config, "-n", "lab-writes", "create", "deployment", "idle", "--image=localhost/none", "--replicas=2");
  await until(
    "two pods of the Deployment",
    async () => (await kubectl(config, "-n", "lab-writes", "get", "pods", "-o", "name")).split("\n").length === 2,
    30_000,
  );
  const mine = auditedWrites(inject("auditLogPath"), ({ user, name }) => user === "lab-admin" && name === "idle");
  expect(mine.map(({ verb, resource, code }) => [verb, resource, code])).toEqual([["create", "deployments", 201]]);
});

test("rights are checked: an identity without a binding may read nothing", async () => {
  const controlPlane = await startControlPlane({ controllerManager: false });
  try {
    const stranger = controlPlane.kubeconfigFor({ user: "stranger" });
    expect(await kubectl(stranger, "auth", "can-i", "list", "secrets", "-A").catch((e) => e.stdout.trim())).toBe("no");
    expect(await kubectl(controlPlane.kubeconfigPath, "auth", "can-i", "list", "secrets", "-A")).toBe("yes");
  } finally {
    await controlPlane.stop();
  }
});

test("the API server goes away and comes back with its data, and stop() leaves nothing", async () => {
  const controlPlane = await startControlPlane({ controllerManager: false });
  const config = controlPlane.kubeconfigPath;
  try {
    await kubectl(config, "create", "namespace", "kept");
    await controlPlane.apiServer.kill();
    await expect(kubectl(config, "get", "namespace", "kept")).rejects.toThrow(/refused/);
    await controlPlane.apiServer.start();
    expect(await kubectl(config, "get", "namespace", "kept", "-o", "name")).toBe("namespace/kept");
  } finally {
    await controlPlane.stop();
  }
  for (const { pid } of [controlPlane.etcd, controlPlane.apiServer]) {
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  }
  expect(existsSync(controlPlane.folder)).toBe(false);
});
