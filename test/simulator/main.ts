import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "./log.ts";

/**
 * The one entry point of the simulator's image. Without arguments it is the gateway, as the vendor's image is; with one it
 * is the control plane, an upstream, the load generator, or a tool for tests.
 */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [command = "gateway", ...rest] = argv;
  switch (command) {
    case "gateway":
      return (await import("./gateway/master.ts")).runGateway(env);
    case "worker":
      (await import("./gateway/worker.ts")).runWorker();
      return await new Promise(() => undefined);
    case "control-plane":
      return (await import("./control-plane/main.ts")).runControlPlane(rest, env);
    case "upstream":
      return runUpstream(env);
    case "load":
      return (await import("./load-main.ts")).runLoad(rest);
    case "kill-worker":
      return killWorker(Number(rest[0] ?? 0), env);
    default:
      process.stderr.write(`unknown command "${command}": use gateway, control-plane, upstream, load or kill-worker\n`);
      return 2;
  }
}

async function runUpstream(env: NodeJS.ProcessEnv): Promise<number> {
  const { startUpstream } = await import("./upstream.ts");
  const name = env["UPSTREAM_NAME"] ?? env["HOSTNAME"] ?? "upstream";
  const { port, close } = await startUpstream({ name, port: Number(env["UPSTREAM_PORT"] ?? 8080) });
  createLog("upstream").info("started", { ports: { http: port }, upstream: name });
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.once(signal, () => resolve());
  });
  close();
  return 0;
}

/** For `kubectl exec <pod> -- node /simulator.mjs kill-worker [index]`: the image has no shell and no kill. */
function killWorker(index: number, env: NodeJS.ProcessEnv): number {
  const file = join(env["SIM_PREFIX"] ?? "/usr/local/apisix", "logs/workers.json");
  const pids = JSON.parse(readFileSync(file, "utf8")) as number[];
  const pid = pids[index];
  if (pid === undefined) {
    process.stderr.write(`there is no worker ${index}: ${pids.length} are running\n`);
    return 1;
  }
  process.kill(pid, "SIGKILL");
  process.stdout.write(`killed worker ${index}, pid ${pid}\n`);
  return 0;
}

process.exit(await main(process.argv.slice(2), process.env));
