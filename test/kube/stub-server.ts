import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../../operator/kube/resources.ts";

export interface Recorded {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: http.IncomingHttpHeaders;
  /** Parsed JSON, undefined without a body. */
  body: unknown;
}

/** What one request gets instead of the ordinary answer. */
export type Fault = (exchange: Exchange) => void;

export class Exchange {
  readonly request: Recorded;
  readonly #response: ServerResponse;

  constructor(request: Recorded, response: ServerResponse) {
    this.request = request;
    this.#response = response;
  }

  json(code: number, body: unknown, headers: Record<string, string> = {}): void {
    this.#response.writeHead(code, { "content-type": "application/json", ...headers });
    this.#response.end(JSON.stringify(body));
  }

  text(code: number, body: string): void {
    this.#response.writeHead(code, { "content-type": "text/plain" });
    this.#response.end(body);
  }

  /** Headers and part of a body: a watch. */
  line(text: string): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": "application/json" });
    this.#response.write(text);
  }

  openStream(): void {
    this.#response.writeHead(200, { "content-type": "application/json" });
    this.#response.flushHeaders();
  }

  /** The regular end of an answer. */
  end(): void {
    this.#response.end();
  }

  /** TCP RST. */
  reset(): void {
    this.#response.socket?.resetAndDestroy();
  }

  onClose(run: () => void): void {
    this.#response.once("close", run);
  }
}

/** The Status that an API server sends with an error. */
export function statusBody(code: number, reason: string, message: string, details: object = {}): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details };
}

export const fault = {
  hang: () => undefined,
  reset: (exchange: Exchange) => exchange.reset(),
  status:
    (code: number, reason: string, details: object = {}, headers: Record<string, string> = {}): Fault =>
    (exchange) =>
      exchange.json(code, statusBody(code, reason, `stub says ${reason}`, details), headers),
  json:
    (code: number, body: unknown): Fault =>
    (exchange) =>
      exchange.json(code, body),
  text:
    (code: number, body: string): Fault =>
    (exchange) =>
      exchange.text(code, body),
  /** A watch that sends these lines as they are, and stays open. */
  lines:
    (...lines: string[]): Fault =>
    (exchange) => {
      exchange.openStream();
      for (const line of lines) exchange.line(line);
    },
  linesThenEnd:
    (...lines: string[]): Fault =>
    (exchange) => {
      exchange.openStream();
      for (const line of lines) exchange.line(line);
      exchange.end();
    },
  linesThenReset:
    (...lines: string[]): Fault =>
    (exchange) => {
      exchange.openStream();
      for (const line of lines) exchange.line(line);
      setTimeout(() => exchange.reset(), 5);
    },
};

export interface StubOptions {
  tls?: { cert: string; key: string; ca: string };
  /** What a request gets for which no fault was ordered. */
  answer: (exchange: Exchange) => void;
}

/** An HTTP(S) server that misbehaves on order. */
export class StubServer {
  readonly requests: Recorded[] = [];
  connections = 0;
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-stub-"));
  readonly #server: http.Server | https.Server;
  readonly #sockets = new Set<Socket>();
  readonly #faults: { matches: (request: Recorded) => boolean; act: Fault }[] = [];
  readonly #options: StubOptions;

  private constructor(options: StubOptions) {
    this.#options = options;
    const handler = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#server = options.tls ? https.createServer(options.tls, handler) : http.createServer(handler);
    this.#server.on("connection", (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(options: StubOptions): Promise<StubServer> {
    const stub = new StubServer(options);
    await new Promise<void>((resolve) => stub.#server.listen(0, "127.0.0.1", resolve));
    stub.writeConfig();
    return stub;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Kubeconfig with a token file, written anew at each call. */
  writeConfig(token = "first-token", ca = this.#options.tls?.ca): string {
    const path = join(this.folder, "kubeconfig");
    writeFileSync(this.tokenFile, token);
    const scheme = this.#options.tls ? "https" : "http";
    if (ca) writeFileSync(join(this.folder, "ca.crt"), ca);
    const trust = ca ? { "certificate-authority": join(this.folder, "ca.crt") } : { "insecure-skip-tls-verify": true };
    const config = {
      clusters: [{ name: "stub", cluster: { server: `${scheme}://127.0.0.1:${this.port}`, ...trust } }],
      users: [{ name: "me", user: { "auth-provider": { name: "tokenFile", config: { tokenFile: this.tokenFile } } } }],
      contexts: [{ name: "c", context: { cluster: "stub", user: "me" } }],
      "current-context": "c",
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  get tokenFile(): string {
    return join(this.folder, "token");
  }

  /** The next request that matches gets this; orders are used up one by one, in order. */
  next(matches: "any" | "list" | "watch" | "write" | ((request: Recorded) => boolean), ...acts: Fault[]): void {
    const test = typeof matches === "function" ? matches : MATCHERS[matches];
    for (const act of acts) this.#faults.push({ matches: test, act });
  }

  count(matches: "list" | "watch" | "write"): number {
    return this.requests.filter(MATCHERS[matches]).length;
  }

  /** Every connection gets a TCP reset, as when a load balancer fails over. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Nobody listens any more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", "http://stub");
    const text = Buffer.concat(chunks).toString("utf8");
    const recorded: Recorded = {
      method: request.method ?? "",
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.requests.push(recorded);
    const exchange = new Exchange(recorded, response);
    const at = this.#faults.findIndex((order) => order.matches(recorded));
    const order = at < 0 ? undefined : this.#faults.splice(at, 1)[0];
    if (order) order.act(exchange);
    else this.#options.answer(exchange);
  }
}

const MATCHERS: Record<"any" | "list" | "watch" | "write", (request: Recorded) => boolean> = {
  any: () => true,
  list: (request) => request.method === "GET" && request.query["watch"] === undefined,
  watch: (request) => request.query["watch"] !== undefined,
  write: (request) => request.method !== "GET",
};

/** A kind of object, kept and watched as an API server does: versions, paging, continue, watches from a version. */
export class StubWorld {
  version = 100;
  readonly objects = new Map<string, KubeObject>();
  #log: { type: string; object: KubeObject; version: number }[] = [];
  readonly #watches = new Set<Exchange>();

  set(name: string, fields: object = {}, uid = `uid-${name}`, namespace = "a"): KubeObject {
    const key = `${namespace}/${name}`;
    const type = this.objects.has(key) ? "MODIFIED" : "ADDED";
    this.version += 1;
    const object = { ...fields, metadata: { name, namespace, uid, resourceVersion: String(this.version) } };
    this.objects.set(key, object);
    this.#emit(type, object);
    return object;
  }

  remove(name: string, namespace = "a"): void {
    const object = this.objects.get(`${namespace}/${name}`);
    if (!object) throw new Error(`no object ${name}`);
    this.objects.delete(`${namespace}/${name}`);
    this.version += 1;
    this.#emit("DELETED", { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } });
  }

  bookmark(): void {
    this.version += 1;
    this.#emit("BOOKMARK", { metadata: { resourceVersion: String(this.version) } as KubeObject["metadata"] }, false);
  }

  /** Forgets history: a watch from an older version gets 410. */
  compact(): void {
    this.#log = [];
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  resetWatches(): void {
    for (const watch of this.#watches) watch.reset();
  }

  /** Text into every open watch. */
  say(text: string): void {
    for (const watch of this.#watches) watch.line(text);
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  readonly answer = (exchange: Exchange): void => {
    const { query, method } = exchange.request;
    if (method !== "GET") {
      exchange.json(405, statusBody(405, "MethodNotAllowed", "the world is only read"));
      return;
    }
    if (query["watch"] !== undefined) {
      this.#watch(exchange, Number(query["resourceVersion"]));
      return;
    }
    const all = [...this.objects.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const from = Number(query["continue"] ?? 0);
    const limit = Number(query["limit"] ?? all.length);
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    exchange.json(200, {
      metadata: { resourceVersion: String(this.version), ...next },
      items: all.slice(from, from + limit),
    });
  };

  #watch(exchange: Exchange, from: number): void {
    exchange.openStream();
    const oldest = this.#log[0]?.version ?? this.version + 1;
    if (from < this.version && from + 1 < oldest) {
      exchange.line(`${JSON.stringify({ type: "ERROR", object: statusBody(410, "Expired", `too old: ${from}`) })}\n`);
      exchange.end();
      return;
    }
    for (const { type, object, version } of this.#log) {
      if (version > from) exchange.line(`${JSON.stringify({ type, object })}\n`);
    }
    this.#watches.add(exchange);
    exchange.onClose(() => this.#watches.delete(exchange));
  }

  #emit(type: string, object: KubeObject, kept = true): void {
    if (kept) this.#log.push({ type, object, version: this.version });
    this.say(`${JSON.stringify({ type, object })}\n`);
  }
}
