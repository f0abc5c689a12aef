/**
 * The operator as a process of its own against a real API server with its controllers and no node, a real S3 server,
 * and a control plane that answers over mTLS as a dp-manager does. It runs with the rights of operator/rbac.ts alone.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { leaseRules, NAMESPACE_RULES, type RbacRule } from "../../operator/rbac.ts";
import { type AuditedWrite, auditedWrites } from "../lab/audit.ts";
import { type ControlPlane, startControlPlane } from "../lab/control-plane.ts";
import { freePort } from "../lab/ports.ts";
import { REPOSITORY, type Server, startServer, temporaryFolder, until } from "../lab/process.ts";
import { grants, type S3Server, startS3Server } from "../lab/s3.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { installCrds } from "./crds.ts";

export const NAMESPACE = "gateways";
export const USER = "holdfast-operator";
export const LIMIT_MS = 60_000; // generous: the machine may be busy; what is meant takes seconds

export interface Bench {
  controlPlane: ControlPlane;
  api: ApiServer;
  s3: S3Server<"writer" | "reader" | "operator">;
  dpManager: DpManager;
  /** Starts one more operator process; it ends with the bench. */
  startOperator(name?: string): Promise<OperatorProcess>;
  /** Applies a GatewayGroup with a short spec; `change` alters it. */
  group(name: string, change?: (spec: Loose) => void, annotations?: Record<string, string>): Promise<void>;
  object(path: string): Promise<Loose | undefined>;
  status(group: string): Promise<Loose>;
  /** All writes of the operator's user so far, Lease and dry-runs excluded. */
  writes(): AuditedWrite[];
  exportSnapshot(shortID: string, routes: number): Promise<void>;
  stop(): Promise<void>;
}
// biome-ignore lint/suspicious/noExplicitAny: the API server's JSON, looked at field by field in tests
export type Loose = Record<string, any>;

export interface OperatorProcess {
  process: Server;
  metrics(): Promise<string>;
  ready(): Promise<boolean>;
  log(): Loose[];
}

export async function startBench(): Promise<Bench> {
  const folder = temporaryFolder("operator");
  const stops: (() => Promise<void> | void)[] = [() => folder.remove()];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const controlPlane = await startControlPlane({ auditLog: true });
    stops.push(controlPlane.stop);
    const api = apiServer(controlPlane.kubeconfigPath);
    stops.push(() => api.close());
    const s3 = await startS3Server({
      buckets: ["resources", "config"],
      users: {
        writer: ["resources", "config"].map((bucket) => grants.writeOnly(bucket, "*-raw")),
        reader: ["resources", "config"].map((bucket) => grants.readOnly(bucket)),
        operator: ["resources", "config"].map((bucket) => grants.operator(bucket)),
      },
    });
    stops.push(s3.stop);
    const dpManager = await startDpManager(controlPlane);
    stops.push(dpManager.stop);
    await installCrds(api);
    await prepareNamespace(api, controlPlane, s3);
    const bench = join(folder.path);
    return {
      controlPlane,
      api,
      s3,
      dpManager,
      startOperator: async (name = "holdfast") => {
        const started = await startOperator(bench, name, controlPlane);
        stops.push(() => started.process.kill());
        return started;
      },
      group: (name, change, annotations) => applyGroup(api, dpManager, name, change, annotations),
      object: async (path) => {
        const { code, body } = await api.call("GET", path);
        return code === 200 ? (body as Loose) : undefined;
      },
      status: async (group) => {
        const { body } = await api.call("GET", groupPath(group));
        return body.status ?? {};
      },
      writes: () =>
        auditedWrites(
          controlPlane.auditLogPath ?? "",
          (w) => w.user === USER && w.resource !== "leases" && w.code < 400,
        ),
      exportSnapshot: (shortID, routes) => exportSnapshot(s3, shortID, routes),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const groupPath = (name: string) => `/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/gatewaygroups/${name}`;
export const V1 = `/api/v1/namespaces/${NAMESPACE}`;
export const deploymentPath = (name: string) => `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`;

async function startOperator(folder: string, name: string, controlPlane: ControlPlane): Promise<OperatorProcess> {
  const port = await freePort();
  const kubeconfig = controlPlane.kubeconfigFor({ user: USER });
  const url = `http://127.0.0.1:${port}`;
  const flags = [
    ["--kubeconfig", kubeconfig],
    ["--namespaces", NAMESPACE],
    ["--lease-namespace", NAMESPACE],
    ["--lease-seconds", "6"],
    ["--host", "127.0.0.1"],
    ["--port", String(port)],
    ["--choose-image", "localhost/holdfast:test"],
  ].flat();
  const ready = async () => (await fetch(`${url}/readyz`)).ok;
  const command = [process.execPath, join(REPOSITORY, "operator/main.ts"), "run", ...flags];
  const server = await startServer(name, command, { folder, ready, readyLimitMs: LIMIT_MS });
  return {
    process: server,
    ready,
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    log: () =>
      readFileSync(server.logPath, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Loose),
  };
}

async function prepareNamespace(
  api: ApiServer,
  controlPlane: ControlPlane,
  s3: S3Server<"writer" | "reader" | "operator">,
) {
  await create(api, "/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  await grant(api, "holdfast", [...NAMESPACE_RULES, ...leaseRules("holdfast")]);
  const { certPath, keyPath } = controlPlane.authority.issue({ name: "gateway", commonName: "gateway" });
  await secret(api, "edge-cert", {
    "tls.crt": readFileSync(certPath, "utf8"),
    "tls.key": readFileSync(keyPath, "utf8"),
    "ca.crt": readFileSync(controlPlane.authority.caPath, "utf8"),
  });
  for (const role of ["writer", "reader", "operator"] as const)
    await secret(api, `store-${role}`, { ...s3.keys[role] });
  const credentials = (role: string) => ({ credentials: { type: "SecretKeys", secretRef: { name: `store-${role}` } } });
  await create(api, `/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/fallbackstorages`, {
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "FallbackStorage",
    metadata: { name: "store" },
    spec: {
      type: "S3",
      s3: { region: s3.region, endpoint: s3.endpoint, resourceBucket: "resources", configBucket: "config" },
      writer: credentials("writer"),
      reader: credentials("reader"),
      operator: credentials("operator"),
      validationIntervalSeconds: 5,
    },
  });
}

async function grant(api: ApiServer, name: string, rules: readonly RbacRule[]): Promise<void> {
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
  await create(api, `${path}/roles`, {
    metadata: { name },
    rules: rules.map(({ apiGroup, resources, verbs, resourceNames }) => ({
      apiGroups: [apiGroup],
      resources,
      verbs,
      ...(resourceNames && { resourceNames }),
    })),
  });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: USER }];
  await create(api, `${path}/rolebindings`, { metadata: { name }, roleRef, subjects });
}

async function applyGroup(
  api: ApiServer,
  dpManager: DpManager,
  name: string,
  change: (spec: Loose) => void = () => undefined,
  annotations: Record<string, string> = {},
): Promise<void> {
  const spec: Loose = {
    shortID: name,
    gateway: { image: "api7/api7-ee-3-gateway:3.9.13", resources: { limits: { cpu: "1" } } },
    controlPlane: {
      endpoint: dpManager.endpoint,
      clientCertificateRef: { name: "edge-cert" },
      probeIntervalSeconds: 1,
    },
    backup: { exportIntervalSeconds: 2 },
    fallback: { storageRef: { name: "store" }, outageAfterSeconds: 5 },
  };
  change(spec);
  const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "GatewayGroup", metadata: { name, annotations }, spec };
  const { code, body } = await api.call("PATCH", `${groupPath(name)}?fieldManager=tests&force=true`, object, {
    "content-type": "application/apply-patch+yaml",
  });
  if (code >= 300) throw new Error(`Cannot apply GatewayGroup ${name}: HTTP ${code}: ${body.message}`);
}

const secret = (api: ApiServer, name: string, stringData: Record<string, string>) =>
  create(api, `${V1}/secrets`, { metadata: { name }, stringData });

async function create(api: ApiServer, path: string, object: Loose): Promise<void> {
  const { code, body } = await api.call("POST", path, object);
  if (code >= 300) throw new Error(`Cannot create ${object["metadata"].name}: HTTP ${code}: ${body.message}`);
}

/** As the exporter writes it: both objects, under the raw key. */
async function exportSnapshot(s3: S3Server<"writer" | "reader" | "operator">, shortID: string, routes: number) {
  const client = s3.client(s3.keys.writer);
  const items = Array.from({ length: routes }, (_, i) => ({ id: `r${i}`, uri: `/r${i}`, service_id: "s" }));
  const resource = { routes: items, services: [{ id: "s", upstream: { type: "roundrobin", nodes: {} } }] };
  const config = { config: { config_version: 1, config_payload: { keyring: ["canary-keyring-never-shown"] } } };
  for (const [Bucket, body] of [
    ["resources", resource],
    ["config", config],
  ] as const) {
    await client.send(new PutObjectCommand({ Bucket, Key: `${shortID}-raw`, Body: JSON.stringify(body) }));
  }
  client.destroy();
}

export interface DpManager {
  endpoint: string;
  /** Objects per kind that it holds; `undefined` as a whole: its database is dead. */
  counts: Record<string, number> | undefined;
  /** Stops listening, or listens again on the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Requests answered so far. */
  requests(): number;
  stop(): Promise<void>;
}

async function startDpManager({ authority }: ControlPlane): Promise<DpManager> {
  const { certPath, keyPath } = authority.issue({ name: "dp-manager", commonName: "dp", hosts: ["127.0.0.1"] });
  const ca = readFileSync(authority.caPath);
  const tls = {
    cert: readFileSync(certPath),
    key: readFileSync(keyPath),
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  };
  let requests = 0;
  const server = createServer(tls, async (request, response) => {
    requests += 1;
    const body = await new Response(request as never).text();
    if (request.url === "/version") {
      response.end(JSON.stringify({ etcdserver: "3.5.0", etcdcluster: "3.5.0" }));
      return;
    }
    if (manager.counts === undefined) {
      response.writeHead(500).end("the database does not answer");
      return;
    }
    const kind = Buffer.from(JSON.parse(body).key, "base64").toString().split("/")[2] ?? "routes";
    response.end(JSON.stringify({ header: { revision: "7" }, count: String(manager.counts[kind] ?? 0) }));
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, "127.0.0.1", () => done()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const down = () =>
    new Promise<void>((done) => {
      if (!server.listening) return done();
      server.close(() => done());
      server.closeAllConnections();
    });
  const manager: DpManager = {
    endpoint: `https://127.0.0.1:${port}`,
    counts: { routes: 3, services: 1 },
    down,
    up: async () => {
      if (!server.listening) await listen(port);
    },
    requests: () => requests,
    stop: down,
  };
  return manager;
}

export const merge = (bench: Bench, path: string, patch: Loose) =>
  bench.api.call("PATCH", path, patch, { "content-type": "application/merge-patch+json" });

export async function condition(bench: Bench, group: string, type: string): Promise<Loose | undefined> {
  return (await bench.status(group))["conditions"]?.find((one: Loose) => one["type"] === type);
}

export const becomes = (bench: Bench, group: string, type: string, status: string, reason: string) =>
  until(
    `${type} of ${group} is ${status} ${reason}`,
    async () => {
      const found = await condition(bench, group, type);
      return found?.["status"] === status && found["reason"] === reason;
    },
    LIMIT_MS,
  );

/** Waits until nothing was written for a while; resolves with the number of all writes so far. */
export async function untilQuiet(bench: Bench, quietMs: number): Promise<number> {
  let count = bench.writes().length;
  let since = performance.now();
  await until(
    `no write for ${quietMs} ms`,
    () => {
      const now = bench.writes().length;
      if (now !== count) {
        count = now;
        since = performance.now();
      }
      return performance.now() - since >= quietMs;
    },
    LIMIT_MS,
  );
  return count;
}
