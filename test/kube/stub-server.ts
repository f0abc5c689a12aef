import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exchange, type Fault, type Recorded } from "./stub-exchange.ts";

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
  readonly #held = new Set<ServerResponse>();
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

  /** Requests that were looked at and have no answer yet: a fault holds them, or the test does. */
  get unanswered(): number {
    return [...this.#held].filter(({ writableEnded, socket }) => !writableEnded && !socket?.destroyed).length;
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
    this.#held.add(response);
    response.once("close", () => this.#held.delete(response));
  }
}

const MATCHERS: Record<"any" | "list" | "watch" | "write", (request: Recorded) => boolean> = {
  any: () => true,
  list: (request) => request.method === "GET" && request.query["watch"] === undefined,
  watch: (request) => request.query["watch"] !== undefined,
  write: (request) => request.method !== "GET",
};
