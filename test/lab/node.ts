/** One node that runs real containers: containerd, kubelet, kube-proxy. Only inside the lab's namespaces. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCgroup } from "./cgroup.ts";
import type { ControlPlane } from "./control-plane.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { addNodeNetwork, HOST, nodeAddress, podSubnet } from "./network.ts";
import { program, type Server, startServer } from "./process.ts";

const READY_LIMIT_MS = 60_000;
const PAUSE_IMAGE = "localhost/pause:1";

export interface NodeOptions {
  /** 1, 2, ...: node 1 shares the network of the control plane. */
  index: number;
  /** Folder for the state of all nodes: on a disk that can carry an overlay file system. */
  folder: string;
  controlPlane: ControlPlane;
  /** Cgroup of this lab; exists below every controller. */
  cgroup: string;
  /** Archive with PAUSE_IMAGE. */
  pauseArchive: string;
}

export interface LabNode {
  name: string;
  /** Socket of its containerd. */
  socket: string;
  servers: Server[];
}

function containerdConfig(root: string, state: string, socket: string, cni: string): string {
  return `version = 2
root = "${root}"
state = "${state}"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without it every sandbox dies where the machine does not let us lower the score: "can't get final child's PID".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}

// Each pod has a link of its own to the node (ptp) and no bridge: all its packets are routed, so Service rules meet
// them without the bridge's netfilter module.
function cniConfig(index: number, folder: string): object {
  const ipam = {
    type: "host-local",
    dataDir: join(folder, "addresses"),
    ranges: [[{ subnet: podSubnet(index) }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return {
    cniVersion: "0.4.0",
    name: "lab",
    plugins: [
      { type: "ptp", ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function kubeletConfig(folder: string, socket: string, caPath: string, cgroup: string): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { x509: { clientCAFile: caPath }, webhook: { enabled: true }, anonymous: { enabled: false } },
    authorization: { mode: "Webhook" },
    tlsCertFile: join(folder, "kubelet.crt"),
    tlsPrivateKeyFile: join(folder, "kubelet.key"),
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: cgroup,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    imageGCHighThresholdPercent: 100, // images were loaded by hand and cannot be pulled again
    evictionHard: { "memory.available": "100Mi" }, // a nearly full disk of the host is none of the lab's business
    clusterDNS: [HOST],
    clusterDomain: "cluster.local",
    resolvConf: "/etc/resolv.conf",
    maxPods: 250,
    syncFrequency: "10s", // default 1m: a ConfigMap in a volume is new after seconds, not after a minute
    configMapAndSecretChangeDetectionStrategy: "Watch",
    volumePluginDir: join(folder, "plugins"),
    podLogsDir: join(folder, "pod-logs"), // each kubelet removes the logs of pods that are not its own
    serializeImagePulls: false,
  };
}

/** Starts the node and waits until its kubelet serves. Its registration is the caller's to wait for. */
export async function startNode(options: NodeOptions): Promise<LabNode> {
  const { index, controlPlane } = options;
  const name = `lab-${index}`;
  const folder = join(options.folder, name);
  const runtime = `/run/${name}`; // short: socket paths are limited to 107 characters
  const socket = `${runtime}/containerd.sock`;
  for (const path of ["cni", "plugins", "addresses"]) mkdirSync(join(folder, path), { recursive: true });
  mkdirSync(runtime, { recursive: true });
  const inNetwork = index === 1 ? [] : ["nsenter", `--net=/run/netns/${addNodeNetwork(index)}`, "--"];

  writeFileSync(
    join(folder, "containerd.toml"),
    containerdConfig(join(folder, "containerd"), join(runtime, "containerd"), socket, join(folder, "cni")),
  );
  writeFileSync(join(folder, "cni", "10-lab.conflist"), JSON.stringify(cniConfig(index, folder)));
  const ctr = (...args: string[]) => execFileSync("ctr", ["-a", socket, "-n", "k8s.io", ...args], { stdio: "pipe" });
  const containerd = await startServer(
    `containerd-${index}`,
    [...inNetwork, "containerd", "--config", join(folder, "containerd.toml")],
    { folder, ready: () => ctr("version").length > 0, readyLimitMs: READY_LIMIT_MS },
  );
  ctr("images", "import", options.pauseArchive);

  const ca = controlPlane.authority;
  const address = nodeAddress(index);
  // logs and exec go to this address: the API server checks the certificate's names.
  const { certPath, keyPath } = ca.issue({ name: `kubelet-${index}`, commonName: name, hosts: [name, address] });
  const config = kubeletConfig(folder, socket, ca.caPath, `/${options.cgroup}/${name}`);
  makeCgroup(`${options.cgroup}/${name}`);
  writeFileSync(
    join(folder, "kubelet.json"),
    JSON.stringify({ ...config, tlsCertFile: certPath, tlsPrivateKeyFile: keyPath }),
  );
  const kubelet = startServer(
    `kubelet-${index}`,
    [
      ...[...inNetwork, program("kube", "kubelet")],
      `--config=${join(folder, "kubelet.json")}`,
      `--kubeconfig=${nodeKubeconfig(controlPlane, name)}`,
      `--root-dir=${join(folder, "kubelet")}`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
      `--node-labels=topology.kubernetes.io/zone=zone-${index}`,
      "--v=1",
    ],
    { folder, ready: () => answers(inNetwork, "http://127.0.0.1:10248/healthz"), readyLimitMs: READY_LIMIT_MS },
  );
  const proxy = startProxy(index, name, folder, controlPlane, inNetwork);
  return { name, socket, servers: [containerd, await kubelet, await proxy] };
}

function nodeKubeconfig(controlPlane: ControlPlane, name: string): string {
  const { folder, server, authority } = controlPlane;
  return writeKubeconfig(folder, name, server, authority, { user: `system:node:${name}`, groups: ["system:nodes"] });
}

function startProxy(
  index: number,
  name: string,
  folder: string,
  controlPlane: ControlPlane,
  inNetwork: string[],
): Promise<Server> {
  const identity = `kube-proxy-${index}`;
  const who = { user: "system:kube-proxy" };
  const config = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    hostnameOverride: name,
    clientConnection: {
      kubeconfig: writeKubeconfig(controlPlane.folder, identity, controlPlane.server, controlPlane.authority, who),
    },
    clusterCIDR: "10.244.0.0/16",
    conntrack: { maxPerCore: 0 }, // the limit belongs to the machine, not to this namespace
    iptables: { minSyncPeriod: "100ms", syncPeriod: "10s" },
  };
  writeFileSync(join(folder, "kube-proxy.json"), JSON.stringify(config));
  return startServer(
    identity,
    [...inNetwork, program("kube", "kube-proxy"), `--config=${join(folder, "kube-proxy.json")}`],
    { folder, ready: () => answers(inNetwork, "http://127.0.0.1:10256/healthz"), readyLimitMs: READY_LIMIT_MS },
  );
}

/** Asked by curl, as the node may live in another network than this process. */
function answers(inNetwork: string[], url: string): boolean {
  const [file = "", ...args] = [...inNetwork, "curl", "-fs", "-m", "2", "-o", "/dev/null", url];
  execFileSync(file, args, { stdio: "ignore" });
  return true;
}
