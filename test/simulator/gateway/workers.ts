import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import net, { type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import type { Log } from "../log.ts";
import type { FromWorker, ToWorker, WorkerOrder } from "./worker.ts";

// A worker that dies at once, again and again, must not become a fork loop.
const RESPAWN_PAUSE_MS = 100;

// Many gateways share a small test machine: a worker gives memory back sooner for a little more collecting.
const SMALL_HEAP = ["--max-semi-space-size=4"];

interface Worker {
  readonly child: ChildProcess;
  readonly index: number;
  ready: boolean;
  loaded: boolean;
}

/**
 * The master's side of the data path: it owns the listening sockets and hands each connection to the next worker, in turn,
 * whether or not that worker has a configuration: as the kernel does for nginx, it knows nothing of routes.
 */
export class Workers {
  private readonly workers = new Map<number, Worker>();
  private readonly servers: net.Server[] = [];
  private readonly waiting: { socket: Socket; tls: boolean }[] = [];
  private turn = 0;
  private listening = false;
  private ending = false;
  private readonly options: {
    readonly count: number;
    readonly logsDirectory: string;
    readonly log: Log;
    /** What the n-th worker is born with; `first` tells the start of the gateway from a re-spawn. */
    readonly order: (index: number, first: boolean) => WorkerOrder;
  };

  constructor(options: Workers["options"]) {
    this.options = options;
  }

  /** Forks all workers, then listens. Returns the ports in the order asked for. */
  async start(listen: readonly { ip: string; port: number; tls: boolean }[]): Promise<number[]> {
    const born = Array.from({ length: this.options.count }, (_, index) => this.spawn(index, true));
    await Promise.all(born);
    const ports: number[] = [];
    for (const { ip, port, tls } of listen) {
      const server = net.createServer({ pauseOnConnect: true }, (socket) => this.distribute(socket, tls));
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, ip, 511, resolve);
      });
      this.servers.push(server);
      ports.push((server.address() as AddressInfo).port);
    }
    this.listening = true;
    for (const { child } of this.workers.values()) send(child, { type: "listening" });
    return ports;
  }

  /** Names of the workers that never had a configuration: what the open-source /status/ready tells. */
  emptyWorkers(): string[] {
    return [...this.workers.values()].filter((w) => !w.loaded).map((w) => `worker-${w.index}`);
  }

  /** The control API answers from a worker that has a configuration, as long as there is one. */
  someLoaded(): boolean {
    return [...this.workers.values()].some((worker) => worker.loaded);
  }

  /** A reload: new workers that inherit nothing, the old ones end gracefully. */
  async reload(): Promise<void> {
    const old = [...this.workers.values()];
    this.workers.clear();
    await Promise.all(old.map((worker) => this.spawn(worker.index, false)));
    for (const worker of old) send(worker.child, { type: "drain" });
  }

  /** Refuses new connections at once and lets what is in flight end; what lasts longer than the limit is cut. */
  async drain(limitMs: number): Promise<void> {
    this.ending = true;
    for (const server of this.servers) server.close();
    const children = [...this.workers.values()].map((worker) => worker.child);
    const gone = children.map(
      (child) => new Promise<void>((resolve) => (isGone(child) ? resolve() : child.once("exit", () => resolve()))),
    );
    for (const child of children) send(child, { type: "drain" });
    const limit = setTimeout(() => this.cut(), limitMs);
    await Promise.all(gone);
    clearTimeout(limit);
  }

  /** Ends at once: every open connection is lost. */
  cut(): void {
    this.ending = true;
    for (const server of this.servers) server.close();
    for (const worker of this.workers.values()) worker.child.kill("SIGKILL");
  }

  private spawn(index: number, first: boolean): Promise<void> {
    const child = fork(process.argv[1] ?? "", ["worker"], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: [...process.execArgv, ...SMALL_HEAP],
    });
    const worker: Worker = { child, index, ready: false, loaded: false };
    this.workers.set(index, worker);
    this.writePids();
    send(child, this.options.order(index, first));
    return new Promise((resolve) => {
      child.on("message", (message: FromWorker) => {
        if (message.type === "loaded") worker.loaded = true;
        if (message.type === "ready") {
          worker.ready = true;
          resolve();
          if (this.listening) send(child, { type: "listening" });
          for (const { socket, tls } of this.waiting.splice(0)) this.distribute(socket, tls);
        }
      });
      child.on("exit", (code, signal) => {
        resolve();
        if (this.ending || this.workers.get(index) !== worker) return;
        this.workers.delete(index);
        this.options.log.warn("worker process exited, another one is started", { worker: index, code, signal });
        setTimeout(() => this.ending || void this.spawn(index, false), RESPAWN_PAUSE_MS);
      });
    });
  }

  private distribute(socket: Socket, tls: boolean): void {
    const ready = [...this.workers.values()].filter((worker) => worker.ready).sort((a, b) => a.index - b.index);
    const worker = ready[this.turn++ % Math.max(1, ready.length)];
    socket.on("error", () => undefined);
    if (worker === undefined) this.waiting.push({ socket, tls });
    else
      worker.child.send({ type: "connection", tls } satisfies ToWorker, socket, (error) => error && socket.destroy());
  }

  /** logs/workers.json lets `kill-worker`, run by `kubectl exec` in a container without a shell, find them. */
  private writePids(): void {
    const pids = [...this.workers.values()].map((worker) => worker.child.pid);
    mkdirSync(this.options.logsDirectory, { recursive: true });
    const file = join(this.options.logsDirectory, "workers.json");
    writeFileSync(`${file}.new`, JSON.stringify(pids));
    renameSync(`${file}.new`, file); // whoever reads it finds a whole list
  }
}

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function send(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}
