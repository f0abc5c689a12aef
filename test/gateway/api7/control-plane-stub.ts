// Control planes in every state that a probe may meet, as real TLS servers on free ports of the loopback.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ControlPlaneTarget } from "../../../operator/gateway/api7/https.ts";
import { type Authority, authority } from "../../lab/certificates.ts";

/** Everything that is closed at the end of a test file, in reverse. */
export class Stubs implements AsyncDisposable {
  private readonly closers: (() => unknown)[] = [];
  closeLater(close: () => unknown): void {
    this.closers.push(close);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
  }
}

export type Pem = { cert: string; key: string };

export interface Certificates {
  ca: string;
  server: Pem;
  expiredServer: Pem;
  client: Pem;
  expiredClient: Pem;
  /** Of another authority. */
  stranger: { ca: string; client: Pem; server: Pem };
  /** Path of the authority, for programs that want files. */
  caPath: string;
  serverPaths: { certPath: string; keyPath: string };
}

export function makeCertificates(stubs: Stubs): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-probe-"));
  const otherFolder = mkdtempSync(join(tmpdir(), "holdfast-probe-"));
  stubs.closeLater(() => rmSync(folder, { recursive: true }));
  stubs.closeLater(() => rmSync(otherFolder, { recursive: true }));
  const ours = authority(folder);
  const theirs = authority(otherFolder, "another authority");
  const hosts = ["localhost", "127.0.0.1", "dp-manager"];
  const issue = (from: Authority, name: string, options: { hosts?: string[]; days?: number }): Pem => {
    const { certPath, keyPath } = from.issue({ name, commonName: name, ...options });
    return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
  };
  return {
    ca: readFileSync(ours.caPath, "utf8"),
    caPath: ours.caPath,
    server: issue(ours, "server", { hosts }),
    serverPaths: { certPath: join(folder, "server.crt"), keyPath: join(folder, "server.key") },
    expiredServer: issue(ours, "expired-server", { hosts, days: -1 }),
    client: issue(ours, "client", {}),
    expiredClient: issue(ours, "expired-client", { days: -1 }),
    stranger: {
      ca: readFileSync(theirs.caPath, "utf8"),
      client: issue(theirs, "client", {}),
      server: issue(theirs, "server", { hosts }),
    },
  };
}

export const VERSION = { etcdserver: "3.5.0", etcdcluster: "3.5.0" };
export const RANGE = { header: { revision: "42" }, kvs: [{ key: "L2FwaXNpeC9yb3V0ZXMvMQ==" }], count: "3" };

/** What a question gets: JSON with 200, a status, text, silence, a cut connection, or an answer of your own. */
export type Script =
  | { json: unknown; afterMs?: number }
  | { status: number }
  | { text: string }
  | "silence"
  | "cut"
  | ((request: IncomingMessage, body: string) => unknown);

export interface Behaviour {
  version?: Script;
  range?: Script;
  /** Certificate of the server; default the good one. */
  server?: Pem;
}

export interface Stub {
  endpoint: string;
  port: number;
  /** Method and path of each request, in order of arrival. */
  asked: string[];
  /** Bodies of the range reads. */
  reads: Record<string, unknown>[];
}

/** A dp-manager that does as told; wants a client certificate of the authority, as the real one does. */
export async function controlPlane(stubs: Stubs, made: Certificates, behaviour: Behaviour = {}): Promise<Stub> {
  const asked: string[] = [];
  const reads: Record<string, unknown>[] = [];
  const tls = { ...(behaviour.server ?? made.server), ca: made.ca, requestCert: true, rejectUnauthorized: true };
  const server = createHttpsServer(tls, async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push(`${request.method} ${request.url}`);
    if (request.url === "/version") return play(behaviour.version ?? { json: VERSION }, request, body, response);
    reads.push(JSON.parse(body));
    return play(behaviour.range ?? { json: RANGE }, request, body, response);
  });
  const port = await listen(stubs, server);
  return { endpoint: `https://127.0.0.1:${port}`, port, asked, reads };
}

async function play(script: Script, request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
  if (script === "silence") return;
  if (script === "cut") {
    request.socket.destroy();
    return;
  }
  if (typeof script === "function") response.end(JSON.stringify(script(request, body)));
  else if ("status" in script) response.writeHead(script.status).end("{}");
  else if ("text" in script) response.end(script.text);
  else setTimeout(() => response.end(JSON.stringify(script.json)), script.afterMs ?? 0);
}

async function listen(stubs: Stubs, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stubs.closeLater(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** Accepts connections and never says a word: a stopped process behind a living load balancer. */
export async function muteServer(stubs: Stubs): Promise<string> {
  return `https://127.0.0.1:${await listen(stubs, createServer())}`;
}

/** Accepts connections and ends them at once: a load balancer without a backend. */
export async function hangUpServer(stubs: Stubs): Promise<string> {
  const server = createServer((socket) => socket.destroy());
  return `https://127.0.0.1:${await listen(stubs, server)}`;
}

/** Speaks another protocol. */
export async function plainTextServer(stubs: Stubs): Promise<string> {
  const server = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
  return `https://127.0.0.1:${await listen(stubs, server)}`;
}

/** A port that was free a moment ago. */
export async function nobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `https://127.0.0.1:${port}`;
}

/** Packets vanish: a full accept queue of a process that never accepts, so that further connections get no answer. */
export async function blackHole(stubs: Stubs): Promise<string> {
  const program = `const s=require("net").createServer();s.listen({port:0,host:"127.0.0.1",backlog:1},()=>{
    console.log(s.address().port);process.kill(process.pid,"SIGSTOP")})`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  stubs.closeLater(() => child.kill("SIGKILL"));
  const port = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
  const fillers = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  stubs.closeLater(() => {
    for (const filler of fillers) filler.destroy();
  });
  await Promise.race(fillers.map((filler) => new Promise((resolve) => filler.once("connect", resolve))));
  return `https://127.0.0.1:${port}`;
}

/** OpenSSL's own server, which tells a refused client why, as the Go server of the real one does. */
export async function strictServer(stubs: Stubs, { serverPaths, caPath }: Certificates, tls: "-tls1_2" | "-tls1_3") {
  const port = Number(new URL(await nobody()).port);
  const files = ["-cert", serverPaths.certPath, "-key", serverPaths.keyPath, "-CAfile", caPath];
  const how = ["s_server", "-accept", String(port), "-Verify", "2", "-verify_return_error", tls, "-www", "-quiet"];
  const child = spawn("openssl", [...how, ...files], { stdio: "ignore" });
  stubs.closeLater(() => child.kill("SIGKILL"));
  await untilListening(port);
  return `https://127.0.0.1:${port}`;
}

async function untilListening(port: number): Promise<void> {
  for (let left = 200; left > 0; left -= 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on port ${port}`);
}

export function target(
  endpoint: string,
  made: Certificates,
  change: Partial<ControlPlaneTarget> = {},
): ControlPlaneTarget {
  return { endpoint, tls: { ...made.client, ca: made.ca }, ...change };
}
