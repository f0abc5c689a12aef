/** One story's stage: a namespace with its operator, and beside the cluster a control plane, an S3 server, an upstream. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOST } from "../lab/network.ts";
import { freePort } from "../lab/ports.ts";
import { program, REPOSITORY, type Server, startServer, temporary } from "../lab/process.ts";
import { type S3Server, startS3Server } from "../lab/s3.ts";
import { makeCertificates } from "../simulator/certificates.ts";
import { BUCKETS, rights, type S3User } from "./buckets.ts";
import { Cluster, type Json } from "./cluster.ts";
import { type GroupOptions, groupManifest, storageManifest } from "./manifests.ts";
import { namespaceManifests, neighbourManifests } from "./neighbours.ts";

export const GATEWAY_IMAGE = "docker.io/api7/api7-ee-3-gateway:3.9.13";
const OPERATOR_IMAGE = "localhost/holdfast";

const SIMULATOR = [join(REPOSITORY, "node_modules/.bin/node"), join(REPOSITORY, "test/simulator/main.ts")];

export class Stage {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly s3: S3Server<S3User>;
  readonly controlPlane: Server;
  readonly #admin: string;
  readonly #upstream: Server;
  readonly #folder: string;
  /** Ports on the host: of the control plane's front, and of the upstream. */
  readonly ports: { front: number; upstream: number };

  private constructor(parts: {
    cluster: Cluster;
    namespace: string;
    s3: S3Server<S3User>;
    controlPlane: Server;
    admin: string;
    upstream: Server;
    folder: string;
    ports: { front: number; upstream: number };
  }) {
    this.cluster = parts.cluster;
    this.namespace = parts.namespace;
    this.s3 = parts.s3;
    this.controlPlane = parts.controlPlane;
    this.#admin = parts.admin;
    this.#upstream = parts.upstream;
    this.#folder = parts.folder;
    this.ports = parts.ports;
  }

  get system(): string {
    return `${this.namespace}-system`;
  }

  /** Everything but the operator: the surroundings that a user has before Holdfast comes. */
  static async surroundings(namespace: string): Promise<Stage> {
    const cluster = new Cluster();
    const folder = mkdtempSync(join(temporary(), "holdfast-stage-"));
    const names = [`dp-manager.${namespace}.svc`, `dp-manager.${namespace}.svc.cluster.local`];
    const certificates = makeCertificates(join(folder, "tls"), [...names, HOST]);
    const tlsFolder = join(folder, "tls-server");
    mkdirSync(tlsFolder, { mode: 0o700 });
    const { cert, key } = certificates.server;
    for (const [name, pem] of [
      ["tls.crt", cert],
      ["tls.key", key],
      ["ca.crt", certificates.ca],
    ] as const)
      writeFileSync(join(tlsFolder, name), pem, { mode: 0o600 });
    // Killed without a goodbye, the control plane must not leave its database running.
    const etcd = join(folder, "etcd.sh");
    writeFileSync(etcd, `#!/bin/sh\nexec setpriv --pdeathsig KILL ${program("etcd")} "$@"\n`, { mode: 0o700 });
    const [front, health, admin, upstream] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const [s3, controlPlane, echo] = await Promise.all([
      startS3Server<S3User>({
        host: HOST,
        buckets: [...BUCKETS],
        users: rights(true),
      }),
      startServer(
        "control-plane",
        [
          ...SIMULATOR,
          "control-plane",
          ...["--tls-dir", tlsFolder, "--data-dir", folder, "--etcd-binary", etcd],
          ...["--ip", HOST, "--port", `${front}`, "--health-port", `${health}`, "--admin-port", `${admin}`],
        ],
        {
          folder,
          ready: async () => (await fetch(`http://${HOST}:${admin}/admin/fault`)).ok,
          readyLimitMs: 30_000,
        },
      ),
      startServer("upstream", [...SIMULATOR, "upstream"], {
        folder,
        env: { UPSTREAM_PORT: String(upstream), UPSTREAM_NAME: "echo" },
        ready: async () => (await fetch(`http://${HOST}:${upstream}/`)).ok,
        readyLimitMs: 15_000,
      }),
    ]);
    const stage = new Stage({
      cluster,
      namespace,
      s3,
      controlPlane,
      admin: `http://${HOST}:${admin}`,
      upstream: echo,
      folder,
      ports: { front, upstream },
    });
    await stage.fillControlPlane();
    await cluster.apply(...namespaceManifests(namespace, stage.system));
    await cluster.apply(...neighbourManifests(namespace, { certificates, keys: s3.keys, front }));
    return stage;
  }

  /** Talks to the simulated control plane's port for tests. */
  async admin(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<Json> {
    const answer = await fetch(`${this.#admin}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** What a dashboard's user would have entered: routes to the upstream. Also after it was emptied. */
  async fillControlPlane(): Promise<void> {
    const nodes = { [`${HOST}:${this.ports.upstream}`]: 1 };
    await this.admin("POST", "/admin/routes", { routes: 20, services: 5, nodes });
  }

  async applyCrds(): Promise<void> {
    await this.cluster.kubectl("apply", "--server-side", "-f", join(REPOSITORY, "crds"));
    const names = ["crd/gatewaygroups.holdfast.dev", "crd/fallbackstorages.holdfast.dev"];
    await this.cluster.kubectl("wait", "--for=condition=Established", ...names, "--timeout=30s");
  }

  /** The chart, as a user installs it. */
  async installOperator(values: Record<string, string> = {}): Promise<void> {
    await this.applyCrds();
    const set = {
      "image.repository": OPERATOR_IMAGE,
      "image.tag": "dev",
      "crds.install": "false",
      logLevel: "debug",
      ...values,
    };
    const settings = Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const chart = join(REPOSITORY, "charts/holdfast");
    const { run } = await import("./run.ts");
    await run(program("helm"), [
      ...["upgrade", "--install", "holdfast", chart, "--namespace", this.system, "--wait", "--timeout", "120s"],
      ...["--set", `watchNamespaces={${this.namespace}}`, ...settings],
    ]);
  }

  async applyGroup(options: GroupOptions = {}): Promise<void> {
    await this.cluster.apply(
      storageManifest(this.namespace, this.s3.endpoint),
      groupManifest(this.namespace, { endpoint: this.endpoint, ...options }),
    );
  }

  group(name = "edge"): Promise<Json> {
    return this.cluster.get(this.namespace, "gatewaygroups", name);
  }

  async status(name = "edge"): Promise<Json> {
    return (await this.group(name))?.status ?? {};
  }

  /** Until one that is not among these holds the Lease. */
  untilLed(old: readonly string[]): Promise<void> {
    return this.cluster.wait(
      "another operator pod leads",
      async () => !old.includes((await this.leader()).metadata.name),
      90,
    );
  }

  /** Of the control plane, as a group names it. */
  get endpoint(): string {
    return `https://dp-manager.${this.namespace}.svc:7943`;
  }

  /** The operator's pods, those that end left out. */
  async operators(): Promise<Json[]> {
    const pods = await this.cluster.list(this.system, "pods", "app.kubernetes.io/name=holdfast");
    return pods.filter((pod) => !pod.metadata.deletionTimestamp);
  }

  /** The operator pod that holds the Lease. */
  async leader(): Promise<Json> {
    const lease = await this.cluster.get(this.system, "leases", "holdfast");
    const holder: string = lease?.spec.holderIdentity ?? "";
    const pod = (await this.operators()).find(({ metadata }) => holder.startsWith(metadata.name));
    if (!pod) throw new Error(`nobody leads: the Lease names "${holder}"`);
    return pod;
  }

  pods(name = "edge", role = "traffic"): Promise<Json[]> {
    return this.cluster.list(this.namespace, "pods", `holdfast.dev/group=${name},holdfast.dev/role=${role}`);
  }

  /** Address of the group's Service: no name to look up in front of each request. */
  async url(name = "edge"): Promise<string> {
    const service = await this.cluster.get(this.namespace, "services", name);
    return `http://${service.spec.clusterIP}/`;
  }

  async until(
    what: string,
    limitSeconds: number,
    ask: (status: Json) => boolean | Promise<boolean>,
    name = "edge",
  ): Promise<void> {
    try {
      await this.cluster.wait(what, async () => ask(await this.status(name)), limitSeconds);
    } catch (error) {
      const status = JSON.stringify(await this.status(name), null, 1);
      throw new Error(`${(error as Error).message}\nstatus: ${status}`, { cause: error });
    }
  }

  untilMode(mode: string, limitSeconds: number): Promise<void> {
    return this.until(`mode ${mode}`, limitSeconds, (status) => status.mode === mode);
  }

  /** Serving, and safe if the control plane dies now. */
  untilProven(limitSeconds = 120): Promise<void> {
    return this.until("all pods serve and the snapshot is proven", limitSeconds, (status) => {
      const says = (type: string) => status.conditions?.find((c: Json) => c.type === type)?.status === "True";
      return says("Ready") && says("FallbackReady") && status.mode === "Normal";
    });
  }

  async operatorScale(replicas: number): Promise<void> {
    await this.cluster.kubectl("-n", this.system, "scale", "deployment/holdfast", `--replicas=${replicas}`);
    await this.cluster.wait(
      `${replicas} operator pods`,
      async () => (await this.cluster.list(this.system, "pods")).length === replicas,
      60,
    );
    if (replicas > 0)
      await this.cluster.kubectl("-n", this.system, "rollout", "status", "deployment/holdfast", "--timeout=60s");
  }

  /** Everything that helps after a failure, as text. */
  async report(): Promise<string> {
    const ask = (...args: string[]) => this.cluster.kubectl(...args).catch((error: Error) => error.message);
    const parts = [
      await ask("-n", this.namespace, "get", "gwg,fbs,deploy,rs,pods,pdb,cm", "-o", "wide"),
      await ask("-n", this.namespace, "get", "gwg", "-o", "yaml"),
      await ask("-n", this.namespace, "get", "events", "--sort-by=.lastTimestamp"),
      await ask("-n", this.system, "logs", "-l", "app.kubernetes.io/name=holdfast", "--tail=400", "--prefix"),
      await ask("-n", this.namespace, "logs", "-l", "holdfast.dev/group", "--tail=60", "--prefix", "--all-containers"),
    ];
    return parts.join("\n\n");
  }

  async end(): Promise<void> {
    await this.cluster.kubectl("delete", "namespace", this.system, "--wait=true", "--timeout=60s").catch(() => "");
    // The namespace controller looks again after half of the longest grace period, a minute: nothing is left to wait for.
    const all = async (...args: string[]) =>
      await this.cluster.kubectl("-n", this.namespace, "delete", ...args, "--all", "--wait=false").catch(() => "");
    await all("deployments");
    await all("pods", "--force", "--grace-period=0");
    await this.cluster.kubectl("delete", "namespace", this.namespace, "--wait=true", "--timeout=90s").catch(() => "");
    await Promise.all([this.s3.stop(), this.controlPlane.stop(), this.#upstream.stop(), this.cluster.api.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
