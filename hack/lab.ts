/**
 * The command behind `hack/lab`: makes, enters and removes a cluster that lives in namespaces of its own. When its
 * first process ends, the kernel takes every process, mount, link and firewall rule with it; what is left to remove
 * here is one folder and one cgroup.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { makeCgroup } from "../test/lab/cgroup.ts";
import { program, REPOSITORY, until } from "../test/lab/process.ts";
import { CGROUP, down, FOLDER, firstInside, holder, INSIDE, NAME, Refusal, startedAt } from "./lab-state.ts";

const HELP = `hack/lab up [--nodes N]          start the cluster (1 node unless said) and wait until it is ready
hack/lab down                    end it and remove all it made; fine when there is none
hack/lab status                  components, their state and logs
hack/lab exec -- COMMAND...      run inside: KUBECONFIG set, pod and Service addresses and names work
hack/lab kubectl ...             the same for kubectl
hack/lab load-image ARCHIVE...   give images to every node (archives of hack/image)
hack/lab stop|kill|start|freeze|resume COMPONENT
                                 faults, e.g. stop apiserver, freeze etcd, stop kubelet-1
HOLDFAST_LAB names the lab (default "default"): several may run side by side.`;

const UP_LIMIT_MS = 180_000;

function checkMachine(): void {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new Refusal("the lab needs Linux and root (namespaces, mounts): run it as root, or see docs/kind.md");
  }
  for (const command of ["unshare", "nsenter", "containerd", "runc", "iptables", "conntrack", "ip", "curl"]) {
    if (spawnSync("which", [command]).status !== 0) throw new Refusal(`${command} is not installed: run hack/setup`);
  }
}

async function up(nodes: number): Promise<void> {
  checkMachine();
  if (holder() !== undefined) throw new Refusal(`lab "${NAME}" runs already: hack/lab status, hack/lab down`);
  await down(); // what a killed machine may have left
  for (const tool of ["etcd", "kube", "coredns", "helm"]) program(tool);
  const pauseArchive = execFileSync(join(REPOSITORY, "hack/image"), ["pause"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
  mkdirSync(FOLDER, { mode: 0o700 });
  makeCgroup(CGROUP);
  const log = openSync(join(FOLDER, "lab.log"), "a");
  const inside = [
    process.execPath,
    join(REPOSITORY, "hack/lab-inside.ts"),
    FOLDER,
    CGROUP,
    String(nodes),
    pauseArchive,
  ];
  const child = spawn(
    "unshare",
    [
      ...["--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL", "--mount-proc"],
      // The first process of a process namespace inherits orphans: a shell reaps them, Node would not.
      ...["bash", "-c", '"$@" & wait $!', "lab", ...inside],
    ],
    { detached: true, stdio: ["ignore", log, log], cwd: FOLDER },
  );
  const pid = child.pid ?? 0;
  writeFileSync(join(FOLDER, "pid"), `${pid} ${startedAt(pid)}`);
  child.unref();
  let interrupted = false;
  const stop = () => {
    interrupted = true;
    down().then(
      () => process.exit(130),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  try {
    const ready = () => existsSync(join(FOLDER, "ready")) || startedAt(pid) === undefined;
    await until("cluster ready", ready, UP_LIMIT_MS);
    if (startedAt(pid) === undefined) throw new Refusal("the cluster did not come up: see the lines above");
  } catch (error) {
    if (interrupted) return new Promise(() => {}); // the signal's handler cleans up and ends the process
    process.stderr.write(readFileSync(join(FOLDER, "lab.log"), "utf8").slice(-6_000));
    await down();
    throw error;
  }
  console.log(`lab "${NAME}" is ready: hack/lab kubectl get nodes; it runs until hack/lab down`);
}

/** Command line that enters all namespaces of the lab. It ends when the caller does. */
function entering(command: string[], folder = process.cwd()): string[] {
  if (INSIDE) return command;
  const target = ["--target", String(firstInside()), "--mount", "--net", "--pid", "--uts", "--ipc"];
  const bound = ["setpriv", "--pdeathsig", "TERM"];
  return [...bound, "nsenter", ...target, `--wd=${folder}`, "--", ...bound, ...command];
}

async function exec(command: string[]): Promise<number> {
  const [file = "", ...args] = entering(command);
  const programs = [program("kube", "kubectl"), program("helm"), join(REPOSITORY, "node_modules/.bin/node")];
  // What runs in a lab leaves nothing outside it, however it ends: the folder goes with the lab.
  const temporary = join(FOLDER, "tmp");
  mkdirSync(temporary, { recursive: true });
  const child = spawn(file, args, {
    stdio: "inherit",
    env: {
      ...process.env,
      HOLDFAST_LAB_TMP: temporary,
      PATH: [...programs.map(dirname), process.env["PATH"]].join(":"),
      KUBECONFIG: join(FOLDER, "control-plane/admin.kubeconfig"),
      HOLDFAST_LAB: NAME,
      HOLDFAST_LAB_INSIDE: NAME,
      HOLDFAST_LAB_AUDIT_LOG: join(FOLDER, "control-plane/audit.log"),
    },
  });
  process.on("SIGINT", () => {}); // the terminal tells the child, too: its answer is ours
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((done) => {
    child.once("error", (error) => {
      console.error(`error: ${error.message}`);
      done(127);
    });
    child.once("exit", (code, signal) => done(signal ? 128 : (code ?? 1)));
  });
}

function loadImages(archives: string[]): void {
  if (!existsSync(join(FOLDER, "ready"))) throw new Refusal(`lab "${NAME}" does not run: start it with hack/lab up`);
  const sockets = readdirSync(FOLDER).filter((name) => /^lab-\d+$/.test(name));
  for (const archive of archives) {
    const names = existsSync(`${archive}.names`) ? readFileSync(`${archive}.names`, "utf8").split("\n") : [];
    for (const node of sockets) {
      const ctr = (...args: string[]): string => {
        const command = [
          "ctr",
          "--address",
          `/run/${node}/containerd.sock`,
          "--namespace",
          "k8s.io",
          "images",
          ...args,
        ];
        const [file = "", ...rest] = entering(command);
        return execFileSync(file, rest, { encoding: "utf8" });
      };
      const first = /unpacking (\S+)/.exec(ctr("import", archive))?.[1] ?? "";
      for (const name of names.filter(Boolean)) ctr("tag", "--force", first, name);
      console.log(`${node}: ${[first, ...names].filter(Boolean).join(" ")}`);
    }
  }
}

function ask(line: string): Promise<string> {
  if (!INSIDE) firstInside();
  return new Promise((done, failed) => {
    let answer = "";
    const connection = connect({ path: join(FOLDER, "control.sock"), allowHalfOpen: true }, () => connection.end(line));
    connection.on("error", failed);
    connection.on("data", (chunk) => {
      answer += chunk.toString();
    });
    connection.on("end", () => {
      if (answer.startsWith("ok ")) done(answer.slice(3));
      else failed(new Refusal(answer.replace(/^error /, "")));
    });
  });
}

async function main([verb = "help", ...rest]: string[]): Promise<number> {
  if (!/^[a-z0-9-]{1,20}$/.test(NAME)) throw new Refusal(`HOLDFAST_LAB="${NAME}": lower case letters, digits, dashes`);
  switch (verb) {
    case "up": {
      if (INSIDE) throw new Refusal("this is inside of the lab already");
      const nodes = rest[0] === "--nodes" ? Number(rest[1]) : 1;
      if (!Number.isInteger(nodes) || nodes < 1 || nodes > 5) throw new Refusal("--nodes takes a number from 1 to 5");
      await up(nodes);
      return 0;
    }
    case "down":
      if (INSIDE) throw new Refusal("hack/lab down works from outside of the lab only");
      await down();
      return 0;
    case "exec":
      return exec(rest[0] === "--" ? rest.slice(1) : rest);
    case "kubectl":
      return exec(["kubectl", ...rest]);
    case "load-image":
      loadImages(rest);
      return 0;
    case "status":
    case "stop":
    case "kill":
    case "start":
    case "freeze":
    case "resume":
      console.log(await ask([verb, ...rest].join(" ")));
      return 0;
    default:
      console.log(HELP);
      return verb === "help" ? 0 : 2;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Refusal ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
