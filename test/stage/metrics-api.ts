/**
 * metrics.k8s.io as a metrics server gives it, over a load that the test decides: what a HorizontalPodAutoscaler reads. It
 * runs beside the cluster, behind a Service without pods; the API server passes requests on to it.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { authority } from "../lab/certificates.ts";
import { HOST } from "../lab/network.ts";
import { temporaryFolder } from "../lab/process.ts";
import type { Json } from "./cluster.ts";
import type { Stage } from "./stage.ts";
import { isReady } from "./story.ts";

const GROUP_VERSION = "metrics.k8s.io/v1beta1";
const API_SERVICE = "v1beta1.metrics.k8s.io";
const NAME = "metrics";

export interface MetricsApi {
  /** All traffic pods together use this much CPU from now on, in equal parts. */
  use(millicores: number): void;
  stop(): Promise<void>;
}

export async function startMetricsApi(stage: Stage): Promise<MetricsApi> {
  const folder = temporaryFolder("metrics");
  const { certPath, keyPath } = authority(folder.path).issue({ name: NAME, commonName: NAME, hosts: [HOST] });
  let millicores = 0;
  const server = createServer({ cert: readFileSync(certPath), key: readFileSync(keyPath) }, (request, response) => {
    answer(stage, request, millicores).then(
      ({ code, body }) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((done, failed) => server.once("error", failed).listen(0, HOST, done));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    // First: a registered API that nobody serves keeps every namespace of the cluster from being deleted.
    await stage.cluster.kubectl("delete", "apiservice", API_SERVICE, "--ignore-not-found");
    server.close();
    server.closeAllConnections();
    folder.remove();
  };
  try {
    await stage.cluster.apply(...manifests(stage.namespace, port));
    const available = ["--for=condition=Available", `apiservice/${API_SERVICE}`, "--timeout=60s"];
    await stage.cluster.kubectl("wait", ...available);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    use: (all) => {
      millicores = all;
    },
    stop,
  };
}

function manifests(namespace: string, port: number): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: NAME, namespace },
      spec: { ports: [{ name: "https", port: 443, targetPort: port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${NAME}-1`, namespace, labels: { "kubernetes.io/service-name": NAME } },
      addressType: "IPv4",
      ports: [{ name: "https", port, protocol: "TCP" }],
      endpoints: [{ addresses: [HOST] }],
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: API_SERVICE },
      spec: {
        ...{ group: "metrics.k8s.io", version: "v1beta1", groupPriorityMinimum: 100, versionPriority: 100 },
        ...{ service: { name: NAME, namespace, port: 443 }, insecureSkipTLSVerify: true },
      },
    },
  ];
}

/** What kinds there are, and the pods of a label selector; nothing else is asked for by an autoscaler. */
async function answer(
  stage: Stage,
  { url = "/" }: IncomingMessage,
  millicores: number,
): Promise<{ code: number; body: object }> {
  const { pathname, searchParams } = new URL(url, "https://metrics");
  const base = `/apis/${GROUP_VERSION}`;
  if (pathname === base) {
    const pods = { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] };
    return {
      code: 200,
      body: { kind: "APIResourceList", apiVersion: "v1", groupVersion: GROUP_VERSION, resources: [pods] },
    };
  }
  if (pathname !== `${base}/namespaces/${stage.namespace}/pods`)
    return { code: 404, body: { kind: "Status", code: 404 } };
  const found = await stage.cluster.list(stage.namespace, "pods", searchParams.get("labelSelector") ?? "");
  const serving = found.filter((pod: Json) => isReady(pod) && !pod.metadata.deletionTimestamp);
  const cpu = `${Math.round(millicores / Math.max(1, serving.length))}m`;
  const timestamp = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const items = serving.map(({ metadata: { name, namespace } }: Json) => ({
    metadata: { name, namespace },
    ...{ timestamp, window: "1s", containers: [{ name: "gateway", usage: { cpu, memory: "64Mi" } }] },
  }));
  return { code: 200, body: { kind: "PodMetricsList", apiVersion: GROUP_VERSION, metadata: {}, items } };
}
