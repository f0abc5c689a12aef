import { join } from "node:path";
import { createLog } from "../log.ts";
import { giveAdminKey } from "./admin-key.ts";
import { type GatewayConfig, type Role, readConfig, roleOf, workerCount } from "./config.ts";
import { HeartbeatLoop, instanceId, requireEtcd } from "./control-plane-link.ts";
import type { Difference } from "./differences.ts";
import { controlHandler, Metrics, serve, statusHandler } from "./endpoints.ts";
import { EtcdClient, readTrusted } from "./etcd-client.ts";
import { fetchSnapshot, runExporter } from "./fallback.ts";
import { followFile } from "./file-provider.ts";
import { nginxTimeMs } from "./nginx-time.ts";
import { dropRoutes, emptyObjects, type Objects, toPlain } from "./objects.ts";
import { hideUnlistedIdentity, readSettings, type Settings } from "./settings.ts";
import { ConfigSync, pause } from "./sync.ts";
import { asUnassumed, refuseForms } from "./unassumed.ts";
import { emptyWhereUnset } from "./variables.ts";
import type { WorkerOrder } from "./worker.ts";
import { Workers } from "./workers.ts";

const READY_PROBE_MS = 3_000;
// Measured on open source: a worker forked within this time after the start inherits what the master has read.
const OPEN_SOURCE_STARTUP_THRESHOLD_S = 60;

/** One run of the gateway, from config.yaml to the end. Resolves with the exit code; everything it says is in the log. */
export async function runGateway(env: NodeJS.ProcessEnv): Promise<number> {
  const log = createLog("gateway");
  try {
    const settings = readSettings(env);
    await pause(settings.startDelayMs, new AbortController().signal);
    const file = join(settings.prefix, "conf/config.yaml");
    const config = readConfig(file, settings.differs.includes("ignores-unset") ? emptyWhereUnset(env) : env);
    refuseForms(config, settings);
    giveAdminKey(file, config);
    return await new Gateway(config, roleOf(config), settings, env).run();
  } catch (error) {
    log.error((error as Error).message);
    return 1;
  }
}

class Gateway {
  private readonly log = createLog("gateway");
  private readonly ended = new AbortController();
  private readonly startedAt = performance.now();
  private readonly resourceFile: string;
  private readonly client: EtcdClient | undefined;
  private readonly sync: ConfigSync | undefined;
  private readonly workers: Workers;
  private objects: Objects = emptyObjects();
  private atStart: WorkerOrder["inherited"];
  /** Nobody answered at the start, and that was overlooked: so is what comes of it. */
  private startsAlone = false;
  private readonly config: GatewayConfig;
  private readonly role: Role;
  private readonly settings: Settings;
  private readonly cores: number;

  constructor(config: GatewayConfig, role: Role, settings: Settings, env: NodeJS.ProcessEnv) {
    this.config = config;
    this.role = role;
    this.settings = settings;
    this.cores = workerCount(config, env);
    this.resourceFile = join(settings.prefix, "conf/apisix.json");
    const { etcd } = config.deployment;
    const trusted = config.apisix.ssl.ssl_trusted_certificate;
    if (trusted !== undefined) readTrusted(trusted); // nginx refuses to start on a file that is not there, in every role
    if (etcd !== undefined && (role === "normal" || role === "exporter")) {
      this.client = new EtcdClient(etcd, trusted, settings.differs.includes("no-client-certificate"));
      this.sync = new ConfigSync({
        client: this.client,
        prefix: etcd.prefix,
        flavour: settings.flavour,
        log: this.log,
        onChange: (objects) => this.use(objects),
        forgets: settings.differs.includes("forgets-in-outage"),
      });
    }
    this.workers = new Workers({
      count: this.cores,
      logsDirectory: join(settings.prefix, "logs"),
      log: this.log,
      order: (index, first) => this.order(index, first),
    });
  }

  async run(): Promise<number> {
    const exit = this.untilSignal();
    if (this.role === "exporter") await this.startExporter();
    else if (this.role === "normal") await this.startNormal();
    else await this.startFromFile();
    const listening = this.role !== "exporter" || this.settings.differs.includes("exporter-listens");
    const listens = listening ? this.listens() : [];
    const bound = !listening ? [] : await this.workers.start(listens);
    const of = (tls: boolean): number[] => bound.filter((_port, index) => listens[index]?.tls === tls);
    const ports = { http: of(false), https: of(true), ...(await this.startEndpoints()) };
    this.log.info("started", {
      role: this.role,
      ports,
      pid: process.pid,
      routes: this.objects.routes.size,
      workers: this.cores,
    });
    return await exit;
  }

  private use(objects: Objects): void {
    this.objects = dropRoutes(objects, this.settings.loadFewer);
  }

  private async startNormal(): Promise<void> {
    const { client, sync, config } = this;
    if (client === undefined || sync === undefined) return;
    if (config.deployment.role === "data_plane") {
      // Open source, data_plane + etcd: starts without asking and serves 404 until etcd answers.
      await sync.load().catch(() => undefined);
    } else {
      await this.handshake(client, "standard");
      await sync.load().catch(this.unless("starts-without-reads"));
    }
    if (sync.loaded) this.atStart = { objects: toPlain(sync.objects), revision: sync.currentRevision };
    void sync.follow();
  }

  private async startExporter(): Promise<void> {
    const { client, config, settings } = this;
    const { etcd, fallback_cp: fallback } = config.deployment;
    if (client === undefined || etcd === undefined || fallback === undefined) return;
    const heartbeats = await this.handshake(
      client,
      settings.differs.includes("backup-as-standard") ? "standard" : "backup",
    );
    hideUnlistedIdentity(process.env, config.nginx_config.envs);
    const options = { config: fallback, settings, client, prefix: etcd.prefix, heartbeats, log: this.log };
    void runExporter({ ...options, signal: this.ended.signal });
  }

  private async startFromFile(): Promise<void> {
    const fallback = this.config.deployment.fallback_cp;
    if (fallback !== undefined) {
      const files = { resource: this.resourceFile, config: join(this.settings.prefix, "conf/fallback-config.json") };
      await fetchSnapshot(fallback, files, this.settings, this.log);
      asUnassumed(this.settings, this.ended.signal, () => fetchSnapshot(fallback, files, this.settings, this.log));
    }
    followFile(this.resourceFile, (objects) => this.use(objects), this.log, this.settings.differs);
  }

  /** /version of the hosts, then heartbeats: a gateway that starts in an outage dies here. */
  private async handshake(client: EtcdClient, runningMode: "standard" | "backup"): Promise<HeartbeatLoop> {
    const { hostname, version, prefix, flavour, heartbeatMs } = this.settings;
    const etcd = requireEtcd(client, this.config.deployment.etcd?.startup_retry ?? 2, flavour);
    await etcd.catch((error: Error) => {
      this.unless("starts-without-control-plane")(error);
      this.startsAlone = true;
    });
    const id = instanceId(join(prefix, "conf/apisix.uid"));
    const report = { instanceId: id, hostname, version, cores: this.cores, runningMode };
    const heartbeats = new HeartbeatLoop({ client, report, intervalMs: heartbeatMs, log: this.log });
    await heartbeats.first().catch(this.unless("starts-without-heartbeat"));
    void heartbeats.run(this.ended.signal);
    return heartbeats;
  }

  /** A failure of the start that one of these differences overlooks. */
  private unless(...overlooked: Difference[]): (error: Error) => void {
    return (error) => {
      if (!this.startsAlone && !overlooked.some((name) => this.settings.differs.includes(name))) throw error;
    };
  }

  private order(index: number, first: boolean): WorkerOrder {
    const { config, role, settings, resourceFile } = this;
    const threshold = config.apisix.worker_startup_time_threshold;
    const seconds = threshold ?? (settings.flavour === "opensource" ? OPEN_SOURCE_STARTUP_THRESHOLD_S : 0);
    const young = !settings.loadAfterListen && (performance.now() - this.startedAt) / 1_000 < seconds;
    return {
      type: "order",
      index,
      role,
      config,
      settings,
      resourceFile,
      inherited: (first && !settings.loadAfterListen) || young ? this.atStart : undefined,
    };
  }

  private listens(): { ip: string; port: number; tls: boolean }[] {
    const { node_listen: http, ssl } = this.config.apisix;
    const all = [
      ...http.map((l) => ({ ...l, tls: false })),
      ...(ssl.enable ? ssl.listen : []).map((l) => ({ ...l, tls: true })),
    ];
    return all.map(({ ip, port, tls }) => ({ ip, port: this.port(port), tls }));
  }

  private port(wanted: number): number {
    return this.settings.freePorts ? 0 : wanted;
  }

  private async startEndpoints(): Promise<Record<string, number>> {
    const { apisix, api7ee, plugin_attr } = this.config;
    const ports: Record<string, number> = {};
    const answers = async (): Promise<boolean> => {
      const { client } = this;
      if (client === undefined) return false;
      const asked = client.hosts.map((host) => client.version(host, READY_PROBE_MS));
      return Promise.any(asked).then(
        () => true,
        () => false,
      );
    };
    const listen = async (
      name: string,
      ip: string,
      port: number,
      handler: Parameters<typeof serve>[2],
    ): Promise<void> => {
      ports[name] = (await serve(ip, this.port(port), handler)).port;
    };
    // Both switches are needed: api7ee.status_endpoint.enabled and apisix.status.
    if (api7ee.status_endpoint?.enabled === true && apisix.status !== undefined) {
      const facts = {
        flavour: this.settings.flavour,
        differs: this.settings.differs,
        fromFile: this.client === undefined,
        controlPlaneAnswers: answers,
        emptyWorkers: () => this.workers.emptyWorkers(),
      };
      await listen("status", apisix.status.ip ?? "127.0.0.1", apisix.status.port ?? 7085, statusHandler(facts));
    }
    if (apisix.enable_control) {
      const hidden = this.role === "normal" && this.settings.differs.includes("control-api-empty");
      await listen(
        "control",
        apisix.control?.ip ?? "127.0.0.1",
        apisix.control?.port ?? 9090,
        controlHandler(() =>
          hidden || !(this.role === "exporter" || this.workers.someLoaded()) ? emptyObjects() : this.objects,
        ),
      );
    }
    const { prometheus } = plugin_attr;
    if (prometheus.enable_export_server && !this.settings.noPrometheus && this.role !== "exporter") {
      const { client, settings } = this;
      const metrics = new Metrics(
        client &&
          (() =>
            settings.differs.includes("metric-stuck") ? Promise.resolve(true) : client.isThere(settings.metricHangMs)),
      );
      metrics.start(prometheus.refresh_interval * 1_000, this.ended.signal);
      await listen(
        "prometheus",
        prometheus.export_addr?.ip ?? "0.0.0.0",
        prometheus.export_addr?.port ?? 9091,
        metrics.handler,
      );
    }
    return ports;
  }

  /** SIGQUIT ends gracefully, SIGTERM and SIGINT cut what is open, SIGHUP reloads. */
  private untilSignal(): Promise<number> {
    return new Promise((resolve) => {
      const end = (work: () => Promise<void> | void) => async (): Promise<void> => {
        this.ended.abort();
        this.sync?.stop();
        await work();
        resolve(0);
      };
      const limitMs = nginxTimeMs(this.config.nginx_config.worker_shutdown_timeout);
      process.once(
        "SIGQUIT",
        end(() => (this.settings.differs.includes("cuts-at-end") ? this.workers.cut() : this.workers.drain(limitMs))),
      );
      for (const signal of ["SIGTERM", "SIGINT"] as const)
        process.once(
          signal,
          end(() => this.workers.cut()),
        );
      process.on("SIGHUP", () => void this.workers.reload());
    });
  }
}
