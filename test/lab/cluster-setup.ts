/**
 * One control plane for all test files of the project `cluster` (vitest globalSetup). A test gets its kubeconfig by
 * `inject("kubeconfigPath")` or from HOLDFAST_TEST_KUBECONFIG, and works in a namespace of its own. A test that stops
 * the API server starts a control plane of its own instead.
 */
import type { TestProject } from "vitest/node";
import { startControlPlane } from "./control-plane.ts";

declare module "vitest" {
  interface ProvidedContext {
    kubeconfigPath: string;
    /** For `auditedWrites` of audit.ts. */
    auditLogPath: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const controlPlane = await startControlPlane({ auditLog: true });
  process.env["HOLDFAST_TEST_KUBECONFIG"] = controlPlane.kubeconfigPath;
  process.env["HOLDFAST_TEST_AUDIT_LOG"] = controlPlane.auditLogPath ?? "";
  project.provide("kubeconfigPath", controlPlane.kubeconfigPath);
  project.provide("auditLogPath", controlPlane.auditLogPath ?? "");
  return controlPlane.stop;
}
