import { setTimeout as sleep } from "node:timers/promises";
import { program, temporaryFolder } from "../lab/process.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { ControlPlane } from "./control-plane/control-plane.ts";
import { silentLog } from "./log.ts";
import { type GatewayProcess, type GatewayStart, runGatewayToItsEnd, startGateway } from "./processes.ts";
import { startUpstream } from "./upstream.ts";

/** A control plane over a real etcd, an upstream and gateways, all on loopback: what contract tests begin with. */
export interface World {
  readonly controlPlane: ControlPlane;
  readonly certificates: Certificates;
  readonly folder: string;
  /** `{"127.0.0.1:<port>": 1}` of the upstream. */
  readonly nodes: Record<string, number>;
  /** config.yaml of a gateway in the normal role; what is given is merged over its top-level blocks. */
  normal(blocks?: Blocks): object;
  /** Starts a gateway; it ends with reset() or stop(). */
  gateway(start: GatewayStart): Promise<GatewayProcess>;
  /** Runs a gateway that must end by itself: its exit code and its last words. */
  dying(start: GatewayStart): Promise<{ code: number | string; lastWords: string }>;
  /** Ends all gateways, heals the control plane and seeds three routes: the start of each test. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}
export interface Blocks {
  readonly deployment?: object;
  readonly apisix?: object;
  readonly nginx_config?: object;
}

export async function startWorld(): Promise<World> {
  const home = temporaryFolder("simulator");
  const certificates = makeCertificates(`${home.path}/certificates`, ["localhost", "127.0.0.1"]);
  const controlPlane = await ControlPlane.start({
    ip: "127.0.0.1",
    port: 0,
    tls: { ca: certificates.ca, ...certificates.server },
    etcd: { binary: program("etcd"), dataDir: home.path },
    log: silentLog,
  });
  const upstream = await startUpstream({ name: "echo", port: 0, ip: "127.0.0.1" });
  const nodes = { [`127.0.0.1:${upstream.port}`]: 1 };
  const gateways: GatewayProcess[] = [];
  const endGateways = async (): Promise<void> => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.stop("SIGTERM")));
  };
  return {
    controlPlane,
    certificates,
    folder: home.path,
    nodes,
    normal: (blocks = {}) => normalConfig(controlPlane.port, certificates, blocks),
    async gateway(start) {
      const gateway = await startGateway(start);
      gateways.push(gateway);
      return gateway;
    },
    async dying(start) {
      const { code, log } = await runGatewayToItsEnd(start);
      return { code, lastWords: log.at(-1)?.message ?? "" };
    },
    async reset() {
      await endGateways();
      await controlPlane.setFault({ mode: "none" });
      await controlPlane.seed({ routes: 3, nodes, catchAll: false });
    },
    async stop() {
      await endGateways();
      await controlPlane.stop();
      upstream.close();
      home.remove();
    },
  };
}

function normalConfig(port: number, { paths }: Certificates, blocks: Blocks): object {
  return {
    deployment: {
      role: "traditional",
      role_traditional: { config_provider: "etcd" },
      etcd: {
        host: [`https://127.0.0.1:${port}`],
        prefix: "/apisix",
        timeout: 30,
        watch_timeout: 50,
        startup_retry: 0,
        tls: { cert: paths.clientCert, key: paths.clientKey, verify: true, sni: "localhost" },
      },
      ...blocks.deployment,
    },
    apisix: {
      status: { ip: "127.0.0.1", port: 7085 },
      ssl: { ssl_trusted_certificate: `system,${paths.ca}` },
      ...blocks.apisix,
    },
    api7ee: { status_endpoint: { enabled: true, ip: "127.0.0.1", port: 7085 } },
    nginx_config: { worker_processes: 2, ...blocks.nginx_config },
    plugin_attr: { prometheus: { refresh_interval: 1 } },
  };
}

/** The status of one answer; every call is a connection of its own, so calls in a row reach the workers in turn. */
export async function status(url: string, timeoutMs = 10_000): Promise<number> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers: { connection: "close" } });
  await answer.arrayBuffer();
  return answer.status;
}

/** Asks again each 50 ms until the answer is true; rejects with `what` after the limit, which is generous on purpose. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, limitMs = 30_000): Promise<void> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(50)) if (await ask()) return;
  throw new Error(`not within ${limitMs} ms: ${what}`);
}
