import { expect, onTestFailed } from "vitest";
import type { LoadSummary } from "../simulator/load.ts";
import type { Json } from "./cluster.ts";
import type { GroupOptions } from "./manifests.ts";
import { lost } from "./says.ts";
import { Stage } from "./stage.ts";
import { saveReport, sourceOf } from "./watch.ts";

export const isReady = (pod: Json): boolean =>
  pod.status.conditions?.some((c: Json) => c.type === "Ready" && c.status === "True");

export const imageOf = (pod: Json): string => pod.spec.containers.find((c: Json) => c.name === "gateway").image;

/** One group of a stage, in the words that stories about its pods are told in. */
export class Story {
  readonly stage: Stage;
  readonly name: string;

  constructor(stage: Stage, name = "edge") {
    this.stage = stage;
    this.name = name;
  }

  /** A namespace of its own with the operator and one group that serves and is safe. */
  static async begin(namespace: string, options: GroupOptions = {}): Promise<Story> {
    const stage = await Stage.surroundings(namespace);
    const story = new Story(stage, options.name);
    try {
      await stage.installOperator();
      await stage.applyGroup(options);
      await stage.untilProven();
      return story;
    } catch (error) {
      await saveReport(stage, `${namespace}-setup`);
      await stage.end();
      throw error;
    }
  }

  /** First line of a test: a failure leaves what helps in results/. */
  reportFailure(): void {
    onTestFailed(() => saveReport(this.stage, this.stage.namespace));
  }

  /** Pods that are not on their way out. */
  async pods(): Promise<Json[]> {
    return (await this.stage.pods(this.name)).filter((pod: Json) => !pod.metadata.deletionTimestamp);
  }

  async ready(): Promise<Json[]> {
    return (await this.pods()).filter(isReady);
  }

  /** Of the ready pods, in alphabetical order: "fallback,normal,normal". */
  async sources(): Promise<string> {
    return (await this.ready()).map(sourceOf).sort().join();
  }

  /** A ready pod from this source. */
  async oneFrom(source: "normal" | "fallback"): Promise<Json> {
    const pod = (await this.ready()).find((one) => sourceOf(one) === source);
    if (!pod) throw new Error(`no ready pod serves from "${source}": ${await this.sources()}`);
    return pod;
  }

  /** Exactly these pods exist, all of them ready. */
  untilSources(sources: string, limitSeconds = 90): Promise<void> {
    return this.stage.cluster.wait(
      `pods of ${this.name} serve from ${sources}`,
      async () => (await this.sources()) === sources && (await this.pods()).length === sources.split(",").length,
      limitSeconds,
    );
  }

  /** Waits for the status of this group. */
  until(what: string, limitSeconds: number, ask: (status: Json) => boolean | Promise<boolean>): Promise<void> {
    return this.stage.until(what, limitSeconds, ask, this.name);
  }

  patch(spec: object): Promise<void> {
    return this.stage.cluster.patch(this.stage.namespace, "gatewaygroups", this.name, { spec });
  }

  annotate(key: string, value: string): Promise<void> {
    const metadata = { annotations: { [`holdfast.dev/${key}`]: value } };
    return this.stage.cluster.patch(this.stage.namespace, "gatewaygroups", this.name, { metadata });
  }

  /** As kubectl and a HorizontalPodAutoscaler do it. */
  async scale(replicas: number): Promise<void> {
    await this.stage.cluster.kubectl(
      ...["-n", this.stage.namespace, "scale", `gwg/${this.name}`, `--replicas=${replicas}`],
    );
  }

  /** As a person does it with the Deployment; resolves when it is through. */
  async rolloutRestart(): Promise<void> {
    const { cluster, namespace } = this.stage;
    await cluster.kubectl("-n", namespace, "rollout", "restart", `deployment/${this.name}`);
    await cluster.kubectl("-n", namespace, "rollout", "status", `deployment/${this.name}`, "--timeout=120s");
  }

  /** The eviction subresource, as a drain uses it. Returns the HTTP status: 201, or 429 where the budget refuses. */
  async evict(pod: Json): Promise<number> {
    const { name, namespace } = pod.metadata;
    const answer = await this.stage.cluster.api.call(
      "POST",
      `${this.stage.cluster.path(namespace, "pods", name)}/eviction`,
      { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } },
    );
    return answer.code;
  }

  /** Reasons of the events in this namespace on the group, newest last. */
  async events(): Promise<string[]> {
    const events = await this.stage.cluster.list(this.stage.namespace, "events");
    return events.filter((event) => event.regarding?.kind === "GatewayGroup").map((event) => event.reason);
  }

  /** What the license server counts, and what status says that it counts. */
  async license(): Promise<{ counted: number; backups: number; normal: number; fallback: number }> {
    const [server, status] = await Promise.all([
      this.stage.admin("GET", "/admin/license"),
      this.stage.status(this.name),
    ]);
    const { normal = -1, fallback = -1 } = status.license ?? {};
    return { counted: server.licensedCores, backups: server.backup, normal, fallback };
  }
}

/** Every request was answered with 200. The message tells when the others were sent, and how slow the machine was. */
export function expectNoneLost(load: LoadSummary): void {
  const { firstFailureAt, lastFailureAt, latencyMs } = load;
  expect(lost(load), JSON.stringify({ firstFailureAt, lastFailureAt, latencyMs })).toEqual([]);
}
