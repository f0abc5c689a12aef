/** The simulator's manifests on a real API server, in a namespace that enforces the restricted Pod Security level. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../lab/control-plane.ts";
import { program, temporaryFolder } from "../lab/process.ts";
import { makeCertificates } from "../simulator/certificates.ts";
import * as manifests from "../simulator/manifests.ts";
import { until } from "../simulator/world.ts";

const run = promisify(execFile);
const home = temporaryFolder("simulator-manifests");
let cluster: ControlPlane;
beforeAll(async () => {
  cluster = await startControlPlane({ folder: join(home.path, "cluster") });
});
afterAll(async () => {
  await cluster?.stop();
  home.remove();
});

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run(program("kube", "kubectl"), ["--kubeconfig", cluster.kubeconfigPath, ...args]);
  return stdout.trim();
}

test.for([
  ["over an etcd of its own pod", false, ["dp-manager", "dp-manager-etcd"]],
  ["with etcd as its child", true, ["dp-manager"]],
] as const)(
  "a control plane %s, an upstream and an S3 server are accepted, and so are their pods",
  async ([, ownEtcd, front]) => {
    const namespace = ownEtcd ? "own-etcd" : "plain";
    const place = { namespace, image: "localhost/holdfast-simulator:dev" };
    const certificates = makeCertificates(join(home.path, namespace), manifests.controlPlaneNames(namespace));
    const keys = { accessKeyId: "AKROOT", secretAccessKey: "secret" };
    const items = [
      manifests.restrictedNamespace(namespace),
      manifests.clientCertificateSecret(namespace, "edge-dp-cert", certificates),
      ...manifests.controlPlane({ ...place, certificates, ownEtcd, seed: { routes: 3, nodes: { "echo:8080": 1 } } }),
      ...manifests.upstream({ ...place, name: "echo", replicas: 1 }),
      ...manifests.s3Server({ ...place, name: "s3", region: "us-east-1", accounts: { root: keys, users: [keys] } }),
    ];
    const file = join(home.path, `${namespace}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    await kubectl("apply", "--validate=strict", "-f", file);
    const apps = async () =>
      (
        await kubectl(
          "-n",
          namespace,
          "get",
          "pods",
          "-o",
          "jsonpath={.items[*].metadata.labels.app\\.kubernetes\\.io/name}",
        )
      )
        .split(" ")
        .sort();
    await until("a pod of every Deployment: none was refused", async () => (await apps()).length === front.length + 2);
    expect(await apps()).toEqual([...front, "echo", "s3"].sort());
  },
);
