/** How the lab's clients say who they are. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "./certificates.ts";

export interface Identity {
  user: string;
  groups?: string[];
}

/** kubeconfig is JSON here: every client reads it, as JSON is YAML. */
function kubeconfig(server: string, caPath: string, user: object): string {
  const cluster = { server, "certificate-authority-data": readFileSync(caPath).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster }],
    users: [{ name: "me", user }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "me" } }],
    "current-context": "lab",
  });
}

/** Writes `<folder>/<name>.kubeconfig` for a client certificate of this identity. */
export function writeKubeconfig(folder: string, name: string, server: string, ca: Authority, who: Identity): string {
  const { certPath, keyPath } = ca.issue({ name, commonName: who.user, organizations: who.groups ?? [] });
  const user = {
    "client-certificate-data": readFileSync(certPath).toString("base64"),
    "client-key-data": readFileSync(keyPath).toString("base64"),
  };
  const path = join(folder, `${name}.kubeconfig`);
  writeFileSync(path, kubeconfig(server, ca.caPath, user), { mode: 0o600 });
  return path;
}

/** Writes `<folder>/<name>.kubeconfig` for whom the token names, e.g. a ServiceAccount. */
export function writeTokenKubeconfig(
  folder: string,
  name: string,
  server: string,
  ca: Authority,
  token: string,
): string {
  const path = join(folder, `${name}.kubeconfig`);
  writeFileSync(path, kubeconfig(server, ca.caPath, { token }), { mode: 0o600 });
  return path;
}
