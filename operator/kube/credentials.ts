import { type Cluster, HttpMethod, KubeConfig, RequestContext } from "@kubernetes/client-node";
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from "undici";
import { type Clock, sleep } from "./clock.ts";
import { KubeError } from "./errors.ts";

export type ConfigSource =
  | { from: "cluster" } // the service account of the pod
  | { from: "file"; path: string; context?: string };

type DispatcherOptions = ReturnType<KubeConfig["createDispatcherOptions"]>;
// The same options: the two packages only differ in how they spell "may be undefined".
type TlsConnect = buildConnector.BuildOptions;
type TlsOptions = Parameters<KubeConfig["createDispatcherOptions"]>[1];

/**
 * client-node makes a new undici Agent, and so a new TLS connection, per request (pitfall N2). This keeps its
 * reading of tokens, certificates and proxies, and takes only the options, to build one Agent for all calls.
 */
class OptionsOnly extends KubeConfig {
  options: DispatcherOptions = { type: "none" };
  override createDispatcherOptions(cluster: Cluster | null, tls: TlsOptions): DispatcherOptions {
    this.options = super.createDispatcherOptions(cluster, tls);
    return { type: "none" };
  }
}

export interface Access {
  /** Without a slash at the end; may carry a path (API servers behind a proxy). */
  server: URL;
  headers: Record<string, string>;
  dispatcher: Dispatcher;
}

// Tokens of pods live 10 minutes and more and are renewed at 80 %; a file is read in microseconds.
const REREAD_AFTER_MS = 10_000;

const CLOSE_MAX_MS = 1_000;

/** Who we are towards the API server, read again as it changes, and the one connection pool that goes with it. */
export class Credentials {
  readonly #source: ConfigSource;
  readonly #clock: Clock;
  #config: OptionsOnly | undefined;
  #access: { value: Access; readAtMs: number; fingerprint: string } | undefined;
  #reading: Promise<Access> | undefined;

  constructor(source: ConfigSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** @throws KubeError "Credentials" when a file is missing or cannot be parsed; the next call tries again */
  current(): Promise<Access> {
    const known = this.#access;
    if (known && this.#clock.monotonicMs() - known.readAtMs < REREAD_AFTER_MS) return Promise.resolve(known.value);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** After a 401: forget the cached token (client-node keeps one for 60 s) and read everything again. */
  forget(): void {
    this.#config = undefined;
    if (this.#access) this.#access.readAtMs = Number.NEGATIVE_INFINITY;
  }

  async close(): Promise<void> {
    const dispatcher = this.#access?.value.dispatcher;
    this.#access = undefined;
    if (!dispatcher) return;
    // It also waits for connections that are being made, which on a server that hangs is 10 s.
    const waited = new AbortController();
    await Promise.race([dispatcher.destroy(), sleep(this.#clock, CLOSE_MAX_MS, waited.signal)]);
    waited.abort();
  }

  async #read(): Promise<Access> {
    try {
      this.#config ??= load(this.#source);
      const config = this.#config;
      const cluster = config.getCurrentCluster();
      if (!cluster) throw new Error("the kubeconfig has no current cluster");
      const context = new RequestContext(cluster.server, HttpMethod.GET);
      await config.applySecurityAuthentication(context);
      const fingerprint = JSON.stringify([cluster.server, config.options], replaceBuffers);
      const dispatcher =
        this.#access?.fingerprint === fingerprint ? this.#access.value.dispatcher : this.#newDispatcher(config.options);
      const value: Access = { server: new URL(cluster.server), headers: { ...context.getHeaders() }, dispatcher };
      this.#access = { value, readAtMs: this.#clock.monotonicMs(), fingerprint };
      return value;
    } catch (cause) {
      this.#config = undefined;
      const where = this.#source.from === "file" ? this.#source.path : "the service account of this pod";
      throw new KubeError("Credentials", `Cannot read the credentials for the API server from ${where}`, { cause });
    }
  }

  #newDispatcher(options: DispatcherOptions): Dispatcher {
    // Calls under way (watches, too) end on the old pool in their own time.
    void this.#access?.value.dispatcher.close().catch(() => undefined);
    const pool = {
      allowH2: false, // one stalled HTTP/2 connection would stall every call and watch; with 1.1 each dies alone
      keepAliveTimeout: 60_000, // below the API server's 90 s idle timeout
      keepAliveMaxTimeout: 60_000,
      connectTimeout: 10_000,
      headersTimeout: 0, // every call has a deadline of its own, a watch lives on its silence limit
      bodyTimeout: 0,
    };
    switch (options.type) {
      case "none":
        return new Agent(pool);
      case "agent":
        return new Agent({ ...pool, connect: options.connect as TlsConnect });
      case "proxy":
        return new ProxyAgent({
          ...pool,
          uri: options.uri,
          requestTls: options.requestTls as TlsConnect,
          connect: options.connect as TlsConnect,
        });
      case "socks":
        throw new Error("a SOCKS proxy is not supported");
      default:
        return options satisfies never;
    }
  }
}

function load(source: ConfigSource): OptionsOnly {
  const config = new OptionsOnly();
  if (source.from === "cluster") config.loadFromCluster();
  else {
    config.loadFromFile(source.path);
    if (source.context !== undefined) config.setCurrentContext(source.context);
  }
  return config;
}

function replaceBuffers(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
