/** How the run's pods are doing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Json } from "./cluster.ts";
import type { Place } from "./group.ts";
import type { Question, Reply, TallyRow } from "./in-pod/asker.mts";
import type { Order } from "./in-pod/main.mts";
import { CannotAsk } from "./outcome.ts";
import { ORDERS_PORT } from "./pods.ts";
import type { Start } from "./seen.ts";
import { instrumentOf } from "./setup.ts";

const PAUSE_MS = 400;
/** Pulling images and scheduling, before a gateway's own start is measured. */
const POD_LIMIT_MS = 180_000;
const HOPELESS = [
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "CreateContainerConfigError",
  "ErrImageNeverPull",
];

export class Watcher {
  readonly cluster: Cluster;
  readonly place: Place;
  readonly signal: AbortSignal;

  constructor(cluster: Cluster, place: Place, signal: AbortSignal) {
    this.cluster = cluster;
    this.place = place;
    this.signal = signal;
  }

  order<T>(order: Order): Promise<T> {
    this.signal.throwIfAborted();
    return this.cluster.order<T>(instrumentOf(this.place), order);
  }

  /** From within the pod itself. */
  askWithin(pod: string, question: Question): Promise<Reply> {
    this.signal.throwIfAborted();
    return this.cluster.order<Reply>(
      { ...instrumentOf(this.place), name: pod, port: ORDERS_PORT },
      { do: "ask", question },
    );
  }

  ask(question: Question): Promise<Reply> {
    return this.order<Reply>({ do: "ask", question });
  }

  tally(name: string, stop = false): Promise<TallyRow[]> {
    return this.order<TallyRow[]>({ do: "tally", name, stop });
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal });
  }

  async create(made: { objects: Json[]; pod: Json }): Promise<void> {
    const { namespace } = this.place;
    await this.cluster.apply(namespace, ...made.objects, made.pod);
  }

  /** Looks until `done` gives something; undefined after the limit. */
  async until<T>(look: () => Promise<T | undefined>, limitMs: number): Promise<T | undefined> {
    const from = performance.now();
    while (performance.now() - from < limitMs) {
      const found = await look();
      if (found !== undefined) return found;
      await this.pause(PAUSE_MS);
    }
    return undefined;
  }

  /** The pod once the gateway's container runs, or ran. Rejects with what keeps it from that. */
  async running(name: string): Promise<{ ip: string; pod: Json }> {
    const found = await this.until(async () => {
      const pod = await this.cluster.pod(this.place.namespace, name);
      const statuses: Json[] = [
        ...(pod?.status?.initContainerStatuses ?? []),
        ...(pod?.status?.containerStatuses ?? []),
      ];
      const stuck = statuses.find(({ state }) => HOPELESS.includes(state?.waiting?.reason));
      if (stuck) throw new CannotAsk(`pod ${name}: ${stuck.name}: ${stuck.state.waiting.reason}`);
      const choose = statuses.find((one) => one.name === "choose" && one.state?.terminated?.exitCode > 0);
      if (choose) throw new CannotAsk(`pod ${name}: choose exits ${choose.state.terminated.exitCode}`);
      if (pod?.status?.phase === "Failed" && statuses.length === 0)
        throw new CannotAsk(`pod ${name}: ${pod.status.reason}`);
      const gateway = gatewayOf(pod);
      const ip = pod?.status?.podIP;
      const has = gateway?.state?.running ?? gateway?.state?.terminated ?? gateway?.lastState?.terminated;
      return ip && has ? { ip: String(ip), pod } : undefined;
    }, POD_LIMIT_MS);
    if (found === undefined) throw new CannotAsk(`pod ${name} did not start within ${POD_LIMIT_MS / 1_000} s`);
    return found;
  }

  /** How the gateway's start went: which came first, an open port or the end. */
  async start(name: string): Promise<{ start: Start; ip: string }> {
    const { ip } = await this.running(name);
    const from = performance.now();
    const seconds = (): number => (performance.now() - from) / 1_000;
    const start = await this.until<Start>(async () => {
      const end = endOf(await this.cluster.pod(this.place.namespace, name));
      if (end !== undefined) return end;
      const { status } = await this.ask({ url: `http://${ip}:9080/`, timeoutMs: 1_000 });
      return isClosed(status) ? undefined : { is: "listening", seconds: seconds() };
    }, this.place.options.startSeconds * 1_000);
    return { ip, start: start ?? { is: "silent", seconds: seconds() } };
  }

  delete(name: string): Promise<Json> {
    return this.cluster.deletePod(this.place.namespace, name);
  }
}

const NOBODY = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "timeout"];
const isClosed = (status: number | string): boolean => typeof status === "string" && NOBODY.includes(status);

export const gatewayOf = (pod: Json): Json =>
  [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])].find(
    ({ name }) => name === "gateway",
  );

/** The first end of the gateway's container; undefined while it runs. */
export function endOf(pod: Json): Start | undefined {
  const gateway = gatewayOf(pod);
  const ended = gateway?.state?.terminated ?? gateway?.lastState?.terminated;
  if (!ended) return undefined;
  return {
    is: "ended",
    code: ended.exitCode,
    seconds: Math.max(0, (Date.parse(ended.finishedAt) - Date.parse(ended.startedAt)) / 1_000),
  };
}

/** The termination message of one of Holdfast's own containers. */
export function messageOf(pod: Json, container: string): Json | undefined {
  const statuses: Json[] = [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])];
  const text = statuses.find(({ name }) => name === container)?.state?.terminated?.message;
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
