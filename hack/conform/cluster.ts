/** The cluster of the kubeconfig at hand, through `kubectl proxy`: so every way to log in that kubectl knows works here. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Order } from "./in-pod/main.mts";
import { CannotAsk } from "./outcome.ts";

/** A Kubernetes object, looked at field by field. */
// biome-ignore lint/suspicious/noExplicitAny: the API server's JSON
export type Json = any;

const START_LIMIT_MS = 15_000;
const APPLY = "application/apply-patch+yaml";
const PLURALS: Record<string, string> = {
  Namespace: "/api/v1/namespaces",
  Secret: "/api/v1/namespaces/NS/secrets",
  ConfigMap: "/api/v1/namespaces/NS/configmaps",
  ServiceAccount: "/api/v1/namespaces/NS/serviceaccounts",
  Service: "/api/v1/namespaces/NS/services",
  Pod: "/api/v1/namespaces/NS/pods",
};

export class Cluster {
  readonly #folder: string;
  readonly #proxy: ChildProcess;
  readonly #agent: Agent;

  private constructor(folder: string, proxy: ChildProcess, socketPath: string) {
    this.#folder = folder;
    this.#proxy = proxy;
    this.#agent = new Agent({ connect: { socketPath } });
  }

  /** Rejects with CannotAsk when kubectl is not there or does not reach its cluster. */
  static async connect(context: string | undefined): Promise<Cluster> {
    // A socket in a folder of our own: a port would give every user of this machine our rights.
    const folder = mkdtempSync(join(tmpdir(), "holdfast-conformance-"));
    const socket = join(folder, "kubectl.sock");
    const kubectl = process.env["KUBECTL"] ?? "kubectl";
    const args = [...(context === undefined ? [] : ["--context", context]), "proxy", `--unix-socket=${socket}`];
    // In a process group of its own: Ctrl-C goes to the whole group of the terminal, and the namespace is removed through it.
    const proxy = spawn(kubectl, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    let said = "";
    proxy.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-500);
    });
    const ended = new Promise<string>((resolve) => {
      proxy.once("error", (error: NodeJS.ErrnoException) => resolve(`cannot run ${kubectl}: ${error.code}`));
      proxy.once("exit", () => resolve(`${kubectl} proxy ended: ${said.trim()}`));
    });
    const cluster = new Cluster(folder, proxy, socket);
    const up = (async () => {
      for (let waited = 0; !existsSync(socket) && waited < START_LIMIT_MS; waited += 50) await sleep(50);
      return existsSync(socket) ? "" : `${kubectl} proxy opened no socket within ${START_LIMIT_MS / 1_000} s`;
    })();
    const problem = await Promise.race([ended, up]);
    if (problem !== "") {
      await cluster.close();
      throw new CannotAsk(problem);
    }
    return cluster;
  }

  /** Rejects with CannotAsk for what the API server refuses; undefined for 404. Bodies are never repeated. */
  async call(method: string, path: string, body?: object, type = "application/json"): Promise<Json | undefined> {
    const answer = await request(`http://localhost${path}`, {
      method: method as "GET",
      dispatcher: this.#agent,
      headers: { "content-type": type },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    }).catch((error: Error) => {
      throw new CannotAsk(`${method} ${path}: ${error.message}`);
    });
    const text = await answer.body.text();
    if (answer.statusCode === 404) return undefined;
    if (answer.statusCode >= 300) throw new CannotAsk(`${method} ${path}: ${answer.statusCode} ${messageIn(text)}`);
    return text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text;
  }

  async apply(namespace: string, ...objects: Json[]): Promise<void> {
    for (const object of objects) {
      const plural = PLURALS[object.kind] ?? "";
      const path = `${plural.replace("NS", namespace)}/${object.metadata.name}?fieldManager=holdfast-conformance&force=true`;
      await this.call("PATCH", path, object, APPLY);
    }
  }

  pod(namespace: string, name: string): Promise<Json | undefined> {
    return this.call("GET", `/api/v1/namespaces/${namespace}/pods/${name}`);
  }

  deletePod(namespace: string, name: string): Promise<Json> {
    return this.call("DELETE", `/api/v1/namespaces/${namespace}/pods/${name}`, {});
  }

  /** Gives an order to the program in the instrument's pod. */
  async order<T>(pod: { namespace: string; name: string; port: number; token: string }, order: Order): Promise<T> {
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}:${pod.port}/proxy/do`;
    const answer = await request(`http://localhost${path}`, {
      method: "POST",
      dispatcher: this.#agent,
      headers: { "content-type": "application/json", "x-conformance-token": pod.token },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new CannotAsk(`order "${order.do}": ${answer.statusCode} ${messageIn(text)}`);
    return JSON.parse(text) as T;
  }

  /** Its pods first, without a graceful end: the namespace would wait for it. True when it is gone. */
  async deleteNamespace(name: string, limitMs: number): Promise<boolean> {
    const path = `/api/v1/namespaces/${name}`;
    await this.call("DELETE", `${path}/pods`, { gracePeriodSeconds: 0 });
    await this.call("DELETE", path, {});
    for (let waited = 0; waited < limitMs; waited += 500) {
      if ((await this.call("GET", path)) === undefined) return true;
      await sleep(500);
    }
    return false;
  }

  async close(): Promise<void> {
    this.#proxy.kill();
    await this.#agent.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The `message` of a Status object; of anything else its first words. */
function messageIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return value.slice(0, 300);
    return String((value as { message?: unknown }).message ?? "").slice(0, 300);
  } catch {
    return text.slice(0, 100).replaceAll(/\s+/g, " ");
  }
}
