import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** Release that install/install.yaml stands for; docs and tests name the same. */
export const INSTALL = { namespace: "holdfast-system", watchNamespaces: ["gateways"] } as const;

const HEADER = `# Generated from charts/holdfast by \`npm run generate\`. Do not edit.
# The operator for GatewayGroups in the namespace "${INSTALL.watchNamespaces.join('", "')}", which must exist. Apply crds/ first.
# The CRDs are not in here on purpose: deleting this file's objects must not delete every GatewayGroup.
`;
const NAMESPACE = `---
apiVersion: v1
kind: Namespace
metadata:
  name: ${INSTALL.namespace}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;
// Helm without a cluster takes some version for the chart's kubeVersion check; nothing else in the chart depends on it.
const KUBE_VERSION = "1.34.0";

/** Path of the helm program; builds it when it is missing. */
export function helm(): string {
  const folder = execFileSync(join(ROOT, "hack/binaries"), ["helm"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return join(folder.trim(), "helm");
}

/** What `helm template` makes of the chart. Rejects with what helm says. */
export function render(args: readonly string[] = [], release = "holdfast"): string {
  const flags = ["template", release, join(ROOT, "charts/holdfast"), "--kube-version", KUBE_VERSION];
  return execFileSync(helm(), [...flags, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export function installManifest(): string {
  const rendered = render([
    "--namespace",
    INSTALL.namespace,
    "--set",
    `crds.install=false,watchNamespaces={${INSTALL.watchNamespaces.join(",")}}`,
  ]);
  // Nobody who applies this file runs helm.
  const plain = rendered.replaceAll("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl");
  return HEADER + NAMESPACE + plain.replaceAll(/^ *helm\.sh\/chart: .*\n/gm, "");
}
