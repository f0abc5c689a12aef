/** The lab's cluster, as a test sees it: from inside of its namespaces (`hack/lab exec -- ...`). */
import { type ApiServer, apiServer } from "../cluster/api-server.ts";
import { until } from "../lab/process.ts";

// biome-ignore lint/suspicious/noExplicitAny: the API server's JSON, looked at field by field
export type Json = any;

const PATHS: Record<string, string> = {
  gatewaygroups: "/apis/holdfast.dev/v1alpha1",
  fallbackstorages: "/apis/holdfast.dev/v1alpha1",
  deployments: "/apis/apps/v1",
  replicasets: "/apis/apps/v1",
  poddisruptionbudgets: "/apis/policy/v1",
  events: "/apis/events.k8s.io/v1",
  leases: "/apis/coordination.k8s.io/v1",
  horizontalpodautoscalers: "/apis/autoscaling/v2",
};

/** Between two looks: the machine that serves the traffic also answers them. */
const PAUSE_MS = 250;

export class Cluster {
  readonly api: ApiServer;

  constructor(kubeconfig = process.env["KUBECONFIG"]) {
    if (!kubeconfig) throw new Error("KUBECONFIG is not set: run this inside of the lab (hack/lab exec -- ...)");
    this.api = apiServer(kubeconfig);
  }

  path(namespace: string, plural: string, name = ""): string {
    return `${PATHS[plural] ?? "/api/v1"}/namespaces/${namespace}/${plural}${name === "" ? "" : `/${name}`}`;
  }

  /** undefined when there is none. */
  async get(namespace: string, plural: string, name: string): Promise<Json | undefined> {
    const answer = await this.api.call("GET", this.path(namespace, plural, name));
    if (answer.code === 404) return undefined;
    if (answer.code !== 200) throw new Error(`get ${plural}/${name}: ${answer.code} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async list(namespace: string, plural: string, labels = ""): Promise<Json[]> {
    const query = labels === "" ? "" : `?labelSelector=${encodeURIComponent(labels)}`;
    const answer = await this.api.call("GET", `${this.path(namespace, plural)}${query}`);
    if (answer.code !== 200) throw new Error(`list ${plural}: ${answer.code} ${JSON.stringify(answer.body)}`);
    return answer.body.items;
  }

  async delete(namespace: string, plural: string, name: string, options: object = {}): Promise<void> {
    const answer = await this.api.call("DELETE", this.path(namespace, plural, name), options);
    if (answer.code >= 300 && answer.code !== 404)
      throw new Error(`delete ${plural}/${name}: ${answer.code} ${JSON.stringify(answer.body)}`);
  }

  async patch(namespace: string, plural: string, name: string, patch: object): Promise<void> {
    const headers = { "content-type": "application/merge-patch+json" };
    const answer = await this.api.call("PATCH", this.path(namespace, plural, name), patch, headers);
    if (answer.code !== 200) throw new Error(`patch ${plural}/${name}: ${answer.code} ${JSON.stringify(answer.body)}`);
  }

  async apply(...objects: object[]): Promise<void> {
    await this.api.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  }

  kubectl(...args: string[]): Promise<string> {
    return this.api.kubectl(args);
  }

  wait(what: string, ask: () => Promise<boolean>, limitSeconds: number): Promise<void> {
    return until(what, ask, limitSeconds * 1000, PAUSE_MS);
  }
}
