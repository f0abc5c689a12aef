/**
 * Runs inside the lab's namespaces (hack/lab up): starts the cluster, then obeys one command per connection on a
 * socket: `status`, or `stop|kill|start|freeze|resume COMPONENT`. The lab lives as long as this process.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { startControlPlane } from "../test/lab/control-plane.ts";
import { startDns } from "../test/lab/dns.ts";
import { HOST, makeNetwork } from "../test/lab/network.ts";
import { startNode } from "../test/lab/node.ts";
import { program, type Server, until } from "../test/lab/process.ts";

const [folder = "", cgroup = "", nodes = "1", pauseArchive = ""] = process.argv.slice(2);
const say = (text: string) => appendFileSync(join(folder, "progress"), `${text}\n`);
const mount = (...args: string[]) => execFileSync("mount", args, { stdio: ["ignore", "ignore", "inherit"] });

/** What the cluster writes outside of its folder goes to layers that disappear with the namespace. */
function isolateFiles(): void {
  for (const [index, path] of ["/etc", "/var/lib", "/var/log"].entries()) {
    const layer = join(folder, "layers", String(index));
    for (const part of ["upper", "work"]) mkdirSync(join(layer, part), { recursive: true });
    const where = `lowerdir=${path},upperdir=${join(layer, "upper")},workdir=${join(layer, "work")}`;
    mount("-t", "overlay", "holdfast-lab", "-o", where, path);
  }
  mount("-t", "tmpfs", "holdfast-lab", "/run");
  mkdirSync("/run/lock");
  // kubelet sets these for the whole machine, not for the namespace: let it set copies.
  const copies = join(folder, "sysctl");
  mkdirSync(copies);
  for (const name of ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"]) {
    const copy = join(copies, name.replace("/", "."));
    writeFileSync(copy, readFileSync(join("/proc/sys", name))); // files of /proc have no size: copyFile makes nothing
    mount("--bind", copy, join("/proc/sys", name));
  }
}

async function startAll(): Promise<Map<string, Server>> {
  const components = new Map<string, Server>();
  const keep = (...servers: (Server | undefined)[]) => {
    for (const server of servers) if (server) components.set(server.name, server);
  };
  isolateFiles();
  makeNetwork();
  const controlPlane = await startControlPlane({
    ...{ folder: join(folder, "control-plane"), host: HOST, port: 6443 },
    ...{ advertise: true, scheduler: true, auditLog: true },
  });
  const { etcd, apiServer, controllerManager, scheduler, kubeconfigPath } = controlPlane;
  keep(etcd, apiServer, controllerManager, scheduler);
  say("control plane ready");
  keep(await startDns(folder, controlPlane));
  for (let index = 1; index <= Number(nodes); index += 1) {
    const node = await startNode({ index, folder, controlPlane, cgroup, pauseArchive });
    keep(...node.servers);
  }
  const kubectl = (...args: string[]) =>
    execFileSync(program("kube", "kubectl"), ["--kubeconfig", kubeconfigPath, ...args], { encoding: "utf8" });
  const ready = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  await until(
    `${nodes} nodes Ready`,
    () => kubectl("get", "nodes", "-o", `jsonpath=${ready}`).split("True").length - 1 === Number(nodes),
    60_000,
  );
  await until(
    "the default ServiceAccount",
    () => kubectl("-n", "default", "get", "serviceaccounts", "-o", "name").includes("serviceaccount/default"),
    30_000,
  );
  return components;
}

async function obey(components: Map<string, Server>, line: string): Promise<string> {
  const [verb = "", name = ""] = line.trim().split(" ");
  if (verb === "status") {
    return [...components.values()]
      .map((each) => `${each.name} ${each.ended() ? "ended" : "runs"} ${each.logPath}`)
      .join("\n");
  }
  const server = components.get(name) ?? components.get(`kube-${name}`) ?? components.get(`${name}-1`);
  if (!server) throw new Error(`no component "${name}": there are ${[...components.keys()].join(", ")}`);
  switch (verb) {
    case "stop":
    case "kill":
    case "freeze":
    case "resume":
      await server[verb]();
      return "done";
    case "start":
      if (server.ended() === undefined) return "runs already";
      await server.start();
      return "done";
    default:
      throw new Error(`no command "${verb}": status, stop, kill, start, freeze or resume COMPONENT`);
  }
}

const components = await startAll();
createServer({ allowHalfOpen: true }, (connection) => {
  let line = "";
  connection.on("error", () => connection.destroy());
  connection.on("data", (chunk) => {
    line += chunk.toString();
  });
  connection.on("end", () => {
    obey(components, line).then(
      (answer) => connection.end(`ok ${answer}`),
      (error: Error) => connection.end(`error ${error.message}`),
    );
  });
}).listen(join(folder, "control.sock"), () => {
  writeFileSync(join(folder, "ready"), "");
  say("cluster ready");
});
