import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import tls from "node:tls";
import type { EtcdConfig } from "./config.ts";
import { ConfigError } from "./variables.ts";

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}
export interface RangeAnswer {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
}
export interface WatchEvent {
  readonly type: "PUT" | "DELETE";
  readonly kv: KeyValue;
}
export interface WatchMessage {
  readonly revision: number;
  readonly created: boolean;
  /** The watch ended because what it asks for is compacted away: only a new range read helps. */
  readonly compacted: boolean;
  readonly events: readonly WatchEvent[];
}
interface Answer {
  readonly status: number;
  readonly body: string;
}

const BODY_MAX_BYTES = 256 * 1024 * 1024;
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const text = (encoded: string | undefined): string => Buffer.from(encoded ?? "", "base64").toString();

/** Speaks the etcd v3 JSON gateway and /api/dataplane/* with the client certificate of config.yaml. */
export class EtcdClient {
  readonly hosts: readonly string[];
  private readonly config: EtcdConfig;
  private readonly agents: Record<"http:" | "https:", http.Agent | https.Agent>;
  private turn = 0;

  constructor(config: EtcdConfig, trustedCertificates: string | undefined, anonymous = false) {
    this.config = config;
    this.hosts = config.host.map((host) => host.replace(/\/$/, ""));
    const secure = this.hosts.some((host) => host.startsWith("https:"));
    const { cert, key, verify, sni } = anonymous ? { ...config.tls, cert: undefined, key: undefined } : config.tls;
    this.agents = {
      "http:": new http.Agent({ keepAlive: true }),
      "https:": new https.Agent({
        keepAlive: true,
        rejectUnauthorized: verify,
        ...(secure && cert !== undefined ? { cert: readPem(cert, "etcd.tls.cert") } : {}),
        ...(secure && key !== undefined ? { key: readPem(key, "etcd.tls.key") } : {}),
        ...(secure && trustedCertificates !== undefined ? { ca: readTrusted(trustedCertificates) } : {}),
        ...(sni === undefined ? {} : { servername: sni }),
        // Measured: names alone are looked for in the certificate, so an address that it holds does not fit.
        checkServerIdentity: (host, certificate) =>
          isIP(host) === 0
            ? tls.checkServerIdentity(host, certificate)
            : new Error(`the certificate names no host ${host}: an address is not looked for`),
      }),
    };
  }

  /** GET /version of one host. */
  async version(host: string, timeoutMs: number): Promise<void> {
    const answer = await this.call(host, "GET", "/version", undefined, timeoutMs);
    if (answer.status !== 200) throw new Error(`GET /version: status ${answer.status}`);
    JSON.parse(answer.body);
  }

  /**
   * For the metric: does any host answer /version, whatever it says? Measured: a 403 or a dead database behind a living front
   * counts as an answer. undefined: it neither answers nor refuses.
   */
  async isThere(timeoutMs: number): Promise<boolean | undefined> {
    const begun = performance.now();
    const asked = this.hosts.map((host) => this.call(host, "GET", "/version", undefined, timeoutMs));
    return Promise.any(asked).then(
      () => true,
      () => (performance.now() - begun < timeoutMs - 100 ? false : undefined),
    );
  }

  /** All keys under the prefix, read in one go. */
  async range(timeoutMs = this.config.timeout * 1_000): Promise<RangeAnswer> {
    const { prefix } = this.config;
    const body = { key: base64(prefix), range_end: base64(afterPrefix(prefix)) };
    const answer = await this.call(this.nextHost(), "POST", "/v3/kv/range", body, timeoutMs);
    if (answer.status !== 200) throw new Error(`POST /v3/kv/range: status ${answer.status}`);
    const parsed = JSON.parse(answer.body) as { header: { revision: string }; kvs?: RawKv[] };
    return { revision: Number(parsed.header.revision), kvs: (parsed.kvs ?? []).map(toKeyValue) };
  }

  async heartbeat(report: object, timeoutMs: number): Promise<unknown> {
    const answer = await this.call(this.hosts[0] ?? "", "POST", "/api/dataplane/heartbeat", report, timeoutMs);
    if (answer.status !== 200) throw new Error(`POST /api/dataplane/heartbeat: status ${answer.status}`);
    return JSON.parse(answer.body);
  }

  /**
   * Follows the prefix from a revision until the stream ends, rejects, or is silent for watch_timeout (then it resolves:
   * a gateway simply asks again). A start revision of the future (a wiped store) just waits: that is the deafness.
   */
  watch(startRevision: number, onMessage: (message: WatchMessage) => void, signal: AbortSignal): Promise<void> {
    const prefix = `${this.config.prefix}/`;
    const body = {
      create_request: { key: base64(prefix), range_end: base64(afterPrefix(prefix)), start_revision: startRevision },
    };
    return new Promise((resolve, reject) => {
      const request = this.open(this.nextHost(), "POST", "/v3/watch", signal, (response) => {
        clearTimeout(noAnswer);
        if (response.statusCode !== 200) {
          response.resume();
          return reject(new Error(`POST /v3/watch: status ${response.statusCode}`));
        }
        let line = "";
        let created = false;
        const idle = setTimeout(() => {
          request.destroy();
          if (created) resolve();
          else reject(new Error("POST /v3/watch: no answer"));
        }, this.config.watch_timeout * 1_000);
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          idle.refresh();
          line += chunk;
          for (let end = line.indexOf("\n"); end >= 0; end = line.indexOf("\n")) {
            const message = parseMessage(line.slice(0, end));
            line = line.slice(end + 1);
            created = true;
            if (message !== undefined) onMessage(message);
          }
        });
        response.on("error", reject);
        response.on("close", () => {
          clearTimeout(idle);
          reject(new Error("the watch ended"));
        });
      });
      const noAnswer = setTimeout(() => request.destroy(new Error("no answer in time")), this.config.timeout * 1_000);
      request.on("error", (error) => {
        clearTimeout(noAnswer);
        reject(error);
      });
      request.end(JSON.stringify(body));
    });
  }

  private call(
    host: string,
    method: string,
    path: string,
    body: object | undefined,
    timeoutMs: number,
  ): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs);
    return new Promise((resolve, reject) => {
      const request = this.open(host, method, path, signal, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > BODY_MAX_BYTES) request.destroy(new Error("answer too large"));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      });
      request.on("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  private open(
    host: string,
    method: string,
    path: string,
    signal: AbortSignal,
    onResponse: (response: http.IncomingMessage) => void,
  ): http.ClientRequest {
    const url = new URL(host + path);
    const options = { method, signal, headers: { "content-type": "application/json" } };
    return url.protocol === "https:"
      ? https.request(url, { ...options, agent: this.agents["https:"] as https.Agent }, onResponse)
      : http.request(url, { ...options, agent: this.agents["http:"] }, onResponse);
  }

  private nextHost(): string {
    return this.hosts[this.turn++ % this.hosts.length] ?? "";
  }
}

/** The key right after every key with this prefix: its last byte plus one, as etcd's clients do. */
function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

interface RawKv {
  key?: string;
  value?: string;
  mod_revision?: string;
}
const toKeyValue = (kv: RawKv): KeyValue => ({
  key: text(kv.key),
  value: text(kv.value),
  modRevision: Number(kv.mod_revision ?? 0),
});

function parseMessage(line: string): WatchMessage | undefined {
  if (line.trim() === "") return undefined;
  const { result, error } = JSON.parse(line) as {
    error?: unknown;
    result?: {
      header?: { revision?: string };
      created?: boolean;
      canceled?: boolean;
      compact_revision?: string;
      events?: { type?: string; kv: RawKv }[];
    };
  };
  if (error !== undefined || result === undefined) throw new Error("the watch answered with an error");
  return {
    revision: Number(result.header?.revision ?? 0),
    created: result.created === true,
    compacted: result.canceled === true || Number(result.compact_revision ?? 0) > 0,
    events: (result.events ?? []).map(({ type, kv }) => ({
      type: type === "DELETE" ? "DELETE" : "PUT",
      kv: toKeyValue(kv),
    })),
  };
}

function readPem(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`cannot load ${what} "${path}": ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

/** `system,/path/ca.crt`: a file that is named but absent stops the start, as nginx does ("[emerg] cannot load certificate"). */
export function readTrusted(list: string): string[] {
  return list.split(",").flatMap((entry) => {
    const name = entry.trim();
    return name === "system" ? [...tls.rootCertificates] : [readPem(name, "ssl_trusted_certificate")];
  });
}
