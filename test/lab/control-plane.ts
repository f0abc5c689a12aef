/** A real Kubernetes control plane for tests: etcd, kube-apiserver (RBAC on) and, if wanted, its controllers. */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { writeAuditPolicy } from "./audit.ts";
import { type Authority, authority } from "./certificates.ts";
import { type Identity, writeKubeconfig, writeTokenKubeconfig } from "./kubeconfig.ts";
import { freePort } from "./ports.ts";
import { program, type Server, startServer, temporaryFolder } from "./process.ts";

const READY_LIMIT_MS = 90_000; // 3 s on an idle machine; a busy one with two cores has needed half a minute

export interface ControlPlaneOptions {
  /** Where all files go. Default: a temporary folder that stop() removes. */
  folder?: string;
  /** Address that API server and etcd listen on. Default 127.0.0.1. */
  host?: string;
  /** Default: a free one. */
  port?: number;
  /** Deployments make pods, namespaces get their default ServiceAccount, the garbage collector runs. Default true. */
  controllerManager?: boolean;
  /** Default false: without a node there is nothing to schedule on. */
  scheduler?: boolean;
  /** Log every write, for `auditedWrites(auditLogPath)`. Default false. */
  auditLog?: boolean;
  /** Publish the API server's address in the Service `kubernetes`. Default false: a loopback address cannot be one. */
  advertise?: boolean;
  /** Further flags of kube-apiserver, e.g. `--max-requests-inflight=50`. */
  apiServerFlags?: string[];
}

export interface ControlPlane {
  /** A cluster administrator's. */
  kubeconfigPath: string;
  /** `https://127.0.0.1:<port>` */
  server: string;
  folder: string;
  authority: Authority;
  /** Given with `auditLog: true`. */
  auditLogPath: string | undefined;
  etcd: Server;
  apiServer: Server;
  controllerManager: Server | undefined;
  scheduler: Server | undefined;
  /** Path of a kubeconfig for this identity (client certificate), or for whom the token names. */
  kubeconfigFor(who: Identity | { token: string }): string;
  stop(): Promise<void>;
}

function answersOk(url: string, ca: Buffer): Promise<boolean> {
  return new Promise((done, failed) => {
    const request = get(url, { ca, timeout: 5_000, agent: false }, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy(new Error("no answer in 5 s")));
    request.once("error", failed);
  });
}

function writeServiceAccountKeys(folder: string): void {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "sec1", format: "pem" },
  });
  writeFileSync(join(folder, "service-accounts.pub"), publicKey);
  writeFileSync(join(folder, "service-accounts.key"), privateKey, { mode: 0o600 });
}

async function startEtcd(folder: string, host: string): Promise<{ etcd: Server; url: string }> {
  const url = `http://${host}:${await freePort()}`;
  const peers = `http://${host}:${await freePort()}`;
  const flags = [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    "--unsafe-no-fsync", // the data does not outlive the test, its disk is shared by all
    "--log-level=warn",
  ];
  const etcd = await startServer("etcd", [program("etcd"), ...flags], {
    folder,
    ready: async () => (await fetch(`${url}/readyz`)).ok,
    readyLimitMs: READY_LIMIT_MS,
  });
  return { etcd, url };
}

function apiServerFlags(
  folder: string,
  etcdUrl: string,
  port: number,
  ca: Authority,
  options: ControlPlaneOptions,
): string[] {
  const host = options.host ?? "127.0.0.1";
  const hosts = [host, "127.0.0.1", "10.96.0.1", "localhost", "kubernetes", "kubernetes.default"];
  const serving = ca.issue({
    name: "apiserver",
    commonName: "kube-apiserver",
    hosts: [...hosts, "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
  });
  const kubelet = ca.issue({
    name: "apiserver-kubelet-client",
    commonName: "kube-apiserver-kubelet-client",
    organizations: ["system:masters"],
  });
  const flags = [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${host}`,
    `--secure-port=${port}`,
    // A loopback address cannot be published as an endpoint; without one nothing reads this.
    `--advertise-address=${options.advertise ? host : "192.0.2.1"}`,
    `--endpoint-reconciler-type=${options.advertise ? "lease" : "none"}`,
    `--tls-cert-file=${serving.certPath}`,
    `--tls-private-key-file=${serving.keyPath}`,
    `--client-ca-file=${ca.caPath}`,
    `--kubelet-client-certificate=${kubelet.certPath}`,
    `--kubelet-client-key=${kubelet.keyPath}`,
    `--kubelet-certificate-authority=${ca.caPath}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${join(folder, "service-accounts.pub")}`,
    `--service-account-signing-key-file=${join(folder, "service-accounts.key")}`,
    "--profiling=false",
    "--shutdown-delay-duration=0s",
  ];
  if (options.auditLog) {
    writeAuditPolicy(join(folder, "audit-policy.json"));
    flags.push(
      `--audit-policy-file=${join(folder, "audit-policy.json")}`,
      `--audit-log-path=${join(folder, "audit.log")}`,
    );
  }
  return [...flags, ...(options.apiServerFlags ?? [])];
}

async function startController(
  name: "kube-controller-manager" | "kube-scheduler",
  folder: string,
  server: string,
  ca: Authority,
  flags: string[],
): Promise<Server> {
  const port = await freePort();
  const config = writeKubeconfig(folder, name, server, ca, { user: `system:${name}` });
  const common = [
    `--kubeconfig=${config}`,
    `--authentication-kubeconfig=${config}`,
    `--authorization-kubeconfig=${config}`,
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--tls-cert-file=${join(folder, "apiserver.crt")}`,
    `--tls-private-key-file=${join(folder, "apiserver.key")}`,
  ];
  const pem = readFileSync(ca.caPath);
  return startServer(name, [program("kube", name), ...common, ...flags], {
    folder,
    ready: () => answersOk(`https://127.0.0.1:${port}/healthz`, pem),
    readyLimitMs: READY_LIMIT_MS,
  });
}

/** Starts it and waits until it serves. Everything ends with stop(), and with this process. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const own = options.folder === undefined ? temporaryFolder("control-plane") : undefined;
  const folder = options.folder ?? own?.path ?? "";
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort());
  const server = `https://${host}:${port}`;
  const started: Server[] = [];
  const stop = async (): Promise<void> => {
    for (const each of started.toReversed()) await each.kill(); // nothing here is worth a slow goodbye
    own?.remove();
  };
  const keep = (each: Server): Server => {
    started.push(each);
    return each;
  };
  try {
    mkdirSync(folder, { recursive: true });
    const ca = authority(folder);
    writeServiceAccountKeys(folder);
    const { etcd, url } = await startEtcd(folder, host);
    keep(etcd);
    const flags = apiServerFlags(folder, url, port, ca, { ...options, host });
    const pem = readFileSync(ca.caPath);
    const apiServer = keep(
      await startServer("kube-apiserver", [program("kube", "kube-apiserver"), ...flags], {
        folder,
        ready: () => answersOk(`${server}/readyz`, pem),
        readyLimitMs: READY_LIMIT_MS,
      }),
    );
    const managerFlags = [
      "--use-service-account-credentials",
      `--root-ca-file=${ca.caPath}`,
      `--service-account-private-key-file=${join(folder, "service-accounts.key")}`,
      `--cluster-signing-cert-file=${ca.caPath}`,
      `--cluster-signing-key-file=${ca.caKeyPath}`,
      "--horizontal-pod-autoscaler-sync-period=5s", // default 15s: a story waits for each look
    ];
    const [controllerManager, scheduler] = await Promise.all([
      options.controllerManager === false
        ? undefined
        : startController("kube-controller-manager", folder, server, ca, managerFlags).then(keep),
      options.scheduler ? startController("kube-scheduler", folder, server, ca, []).then(keep) : undefined,
    ]);
    let identities = 0;
    return {
      kubeconfigPath: writeKubeconfig(folder, "admin", server, ca, { user: "lab-admin", groups: ["system:masters"] }),
      server,
      folder,
      authority: ca,
      auditLogPath: options.auditLog ? join(folder, "audit.log") : undefined,
      etcd,
      apiServer,
      controllerManager,
      scheduler,
      kubeconfigFor: (who) => {
        identities += 1;
        if ("user" in who) return writeKubeconfig(folder, `identity-${identities}`, server, ca, who);
        return writeTokenKubeconfig(folder, `identity-${identities}`, server, ca, who.token);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
