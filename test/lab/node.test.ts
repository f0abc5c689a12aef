/** The ground under the end-to-end stories, run inside the lab: what they take for granted is true there. */
import { execFile } from "node:child_process";
import { get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REPOSITORY, until } from "./process.ts";

const NAMESPACE = "lab-ground";
const run = promisify(execFile);
const kubectl = async (...args: string[]): Promise<string> =>
  (await run("kubectl", ["--namespace", NAMESPACE, ...args])).stdout.trim();
const lab = (...args: string[]) => run(join(REPOSITORY, "hack/lab"), args);

const SERVER = `
const { createServer } = require("node:http");
const text = require("node:fs").readFileSync("/conf/text", "utf8");
createServer((request, response) => {
  if (request.url === "/die") process.exit(1);
  response.end(require("node:os").hostname() + " " + text);
}).listen(8080, () => console.log("uid", process.getuid()));
process.on("SIGTERM", () => process.exit(0));`;

const pod = {
  metadata: { labels: { app: "web" } },
  spec: {
    terminationGracePeriodSeconds: 5,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { app: "web" } },
      },
    ],
    containers: [
      {
        name: "web",
        image: "localhost/holdfast:dev",
        imagePullPolicy: "IfNotPresent",
        command: ["node", "-e", SERVER],
        readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        resources: { limits: { memory: "128Mi", cpu: "500m" } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [{ name: "conf", mountPath: "/conf/text", subPath: "text" }],
      },
    ],
    volumes: [{ name: "conf", configMap: { name: "conf" } }],
  },
};

const objects = {
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "conf" }, data: { text: "first" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: pod },
    },
  ],
};

/** A connection per request: kube-proxy chooses a pod per connection. */
const ask = (host: string): Promise<string> =>
  new Promise((done, failed) => {
    const request = get(`http://${host}/`, { agent: false, timeout: 2_000 }, (response) => {
      text(response).then(done, failed);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 2 s")));
    request.on("error", failed);
  });

async function firstPod(): Promise<{ name: string; address: string; restarts: number }> {
  const list = JSON.parse(await kubectl("get", "pods", "-o", "json"));
  const first = list.items[0];
  return {
    name: first.metadata.name,
    address: first.status.podIP,
    restarts: first.status.containerStatuses[0].restartCount,
  };
}

beforeAll(async () => {
  const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels: restricted } };
  for (const object of [namespace, objects]) {
    const applied = promisify(execFile)("kubectl", ["-n", NAMESPACE, "apply", "-f", "-"]);
    applied.child.stdin?.end(JSON.stringify(object));
    await applied;
  }
  await kubectl("rollout", "status", "deployment/web", "--timeout=90s");
});

afterAll(async () => {
  await lab("start", "apiserver").catch(() => undefined); // if its test failed half way
  await kubectl("delete", "namespace", NAMESPACE, "--wait=false");
});

test("restricted pods run on every node", async () => {
  const nodes = await kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}");
  expect(nodes.split(" ").sort()).toEqual(["lab-1", "lab-2"]);
});

test("a Service answers by name, from here and from a pod, with every pod behind it", async () => {
  const seen = new Set<string>();
  await until("both pods behind the Service", async () => seen.add(await ask("web.lab-ground.svc")).size === 2, 30_000);
  const code = `fetch("http://web.${NAMESPACE}.svc/").then((r) => r.text()).then(console.log)`;
  expect(await kubectl("exec", "deploy/web", "--", "node", "-e", code)).toMatch(/^web-\S+ first$/);
});

test("logs and exec reach the containers, which do not run as root", async () => {
  const { name } = await firstPod();
  expect(await kubectl("logs", name)).toBe("uid 65532");
  expect(await kubectl("exec", name, "--", "node", "-p", "process.getuid()")).toBe("65532");
});

test("a name outside of the cluster is refused at once", async () => {
  const before = performance.now();
  await expect(ask("somewhere.example.com")).rejects.toThrow();
  expect(performance.now() - before).toBeLessThan(2_000);
});

test("a ConfigMap mounted by subPath is read again when the container restarts in place, not before", async () => {
  const { name, address, restarts } = await firstPod();
  await kubectl("patch", "configmap", "conf", "--patch", '{"data":{"text":"second"}}');
  const mounted = () => kubectl("exec", name, "--", "node", "-p", 'fs.readFileSync("/conf/text","utf8")');
  // The kubelet has the new content after its next sync (10 s here), a running container never.
  await new Promise((done) => setTimeout(done, 15_000));
  expect(await mounted()).toBe("first");
  await fetch(`http://${address}:8080/die`).catch(() => undefined);
  await until("restarted in place", async () => (await firstPod()).restarts > restarts, 60_000);
  await until("serves again", async () => (await ask(`${address}:8080`)) === `${name} second`, 60_000);
});

test("with the API server gone pods serve on, and it comes back", async () => {
  await lab("stop", "apiserver");
  await expect(kubectl("get", "pods")).rejects.toThrow();
  for (let request = 0; request < 20; request += 1)
    expect(await ask("web.lab-ground.svc.cluster.local")).toMatch(/^web-/);
  await lab("start", "apiserver");
  expect(await kubectl("get", "deployment/web", "-o", "name")).toBe("deployment.apps/web");
});
