import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../lab/ports.ts";
import type { Log } from "../log.ts";

const START_TIMEOUT_MS = 30_000;

/** An etcd of our own as a child process: it can be wiped. */
export class EtcdChild {
  readonly url: string;
  private child: ChildProcess | undefined;
  private readonly options: { binary: string; dataDir: string; port: number; peerPort: number; log: Log };

  private constructor(options: EtcdChild["options"]) {
    this.options = options;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  static async start(options: { binary: string; dataDir: string; log: Log }): Promise<EtcdChild> {
    const etcd = new EtcdChild({ ...options, port: await freePort(), peerPort: await freePort() });
    await etcd.launch();
    return etcd;
  }

  /** Killed, its data removed, started empty: its revision begins at 1 again. */
  async wipe(): Promise<void> {
    await this.stop();
    rmSync(this.options.dataDir, { recursive: true, force: true });
    await this.launch();
  }

  async stop(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  private async launch(): Promise<void> {
    const { binary, dataDir, peerPort, log } = this.options;
    const peer = `http://127.0.0.1:${peerPort}`;
    const child = spawn(
      binary,
      [
        "--name=default",
        `--data-dir=${dataDir}`,
        `--listen-client-urls=${this.url}`,
        `--advertise-client-urls=${this.url}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        "--max-txn-ops=1024",
        "--logger=zap",
        "--log-level=fatal",
        "--heartbeat-interval=20",
        "--election-timeout=200",
      ],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    this.child = child;
    // Whoever holds a control plane may end without stopping it: no etcd is left behind.
    process.once("exit", () => child.kill("SIGKILL"));
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    child.once("exit", (code) => {
      if (this.child === child) log.error("etcd exited", { code });
    });
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (failure !== undefined) throw new Error(`cannot start etcd "${binary}": ${failure.message}`);
      if (child.exitCode !== null) throw new Error(`etcd "${binary}" exited with ${child.exitCode} at its start`);
      if (await isHealthy(this.url)) return;
      await sleep(50);
    }
    throw new Error(`etcd did not become healthy within ${START_TIMEOUT_MS} ms`);
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return answer.ok && (await answer.text()).includes("true");
  } catch {
    return false;
  }
}
