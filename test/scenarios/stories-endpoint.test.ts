/** The spec names another control plane: pods that run were made for the one before, until the group rolls. */
import { expect, test } from "vitest";
import type { KubeObject, KubeTemplate } from "../../operator/domain/facts/cluster.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { World } from "./world.ts";
import { quickly } from "./world-spec.ts";

const SECOND = "https://b.api7.svc:7943";

/** Two control planes. A template that changes rolls: one pod more, and one of the former less as soon as all are ready. */
class TwoControlPlanes extends World {
  answers: Record<string, boolean> = { [SECOND]: false };
  #templates: { templateHash: string; template: KubeTemplate }[] = [];
  readonly #madeFrom = new Map<string, string>();
  #surge = 0;

  constructor() {
    super(quickly({}));
    this.answers[this.spec.controlPlane.endpoint] = true;
    this.until(() => this.status.fallbackReady === "Proven" && this.serving().length === 2, 120).run(5);
    Object.assign(this, { transcript: [], modes: [], watching: true });
  }

  say(endpoint: string, is: boolean): this {
    this.answers[endpoint] = is;
    return this;
  }
  name(endpoint: string): this {
    this.spec = { ...this.spec, controlPlane: { ...this.spec.controlPlane, endpoint } };
    this.generation += 1;
    return this;
  }
  /** Pods of the newest template. */
  get rolled(): number {
    return this.serving().filter((pod) => this.#madeFrom.get(pod.uid) === this.#newest()?.templateHash).length;
  }

  /** A pod that starts asks whom its template names. */
  override answersGateways(): boolean {
    return this.answers?.[endpointIn(this.#newest()?.template) ?? this.spec.controlPlane.endpoint] ?? true;
  }

  /** It may be made from a template that no pod runs on: the one that the spec wants. */
  override answersCanary(canary: KubeObject): boolean {
    const config = normalConfigIn(canary);
    const made = this.#templates.find(({ template }) => normalConfigIn(template) === config);
    return this.answers[made ? (endpointIn(made.template) ?? "") : this.spec.controlPlane.endpoint] ?? false;
  }

  override loop(): ReturnType<World["loop"]> {
    const newest = this.#newest()?.templateHash ?? "h1";
    for (const { uid } of this.pods) if (!this.#madeFrom.has(uid)) this.#madeFrom.set(uid, newest);
    const plan = super.loop();
    const template = (this.objects.get("Deployment/edge")?.["spec"] as { template: KubeTemplate } | undefined)
      ?.template;
    if (template && JSON.stringify(template) !== JSON.stringify(this.#newest()?.template))
      this.#templates.push({ templateHash: `h${this.#templates.length + 1}`, template });
    this.#roll();
    return plan;
  }

  override facts(): Facts {
    const facts = super.facts();
    const { traffic } = facts.children;
    const templateOf = (hash: string | undefined) =>
      this.#templates.find(({ templateHash }) => templateHash === hash)?.template;
    const pods = facts.pods.map((pod) => {
      const templateHash = this.#madeFrom.get(pod.uid) ?? pod.templateHash;
      const has = this.answers[endpointIn(templateOf(templateHash)) ?? ""] ?? true;
      const vote = pod.start?.choice === "fallback" ? "unknown" : has ? "connected" : "disconnected";
      return { ...pod, templateHash, vote } as const;
    });
    const [set] = traffic?.replicaSets ?? [];
    const replicaSets = this.#templates.map((one, index) => {
      const replicas = pods.filter((pod) => pod.templateHash === one.templateHash).length;
      return { ...set!, ...one, name: `edge-${index + 1}`, revision: index + 1, replicas };
    });
    const up = this.answers[this.spec.controlPlane.endpoint];
    return {
      ...facts,
      // As the gateway boundary would: its configuration names the control plane.
      rendered: { ...facts.rendered, normal: `${facts.rendered.normal} ${this.spec.controlPlane.endpoint}` },
      pods,
      children: traffic
        ? { ...facts.children, traffic: { ...traffic, replicas: traffic.replicas - this.#surge, replicaSets } }
        : facts.children,
      controlPlane: {
        ...facts.controlPlane,
        operator: up ? { view: "readsOk" } : { view: "down", detail: "refused" },
      },
    };
  }

  #newest() {
    return this.#templates?.at(-1);
  }

  #roll(): void {
    const former = () =>
      this.pods.filter((pod) => !pod.deleting && this.#madeFrom.get(pod.uid) !== this.#newest()?.templateHash);
    if (former().length > 0 && this.#surge === 0) this.#size(1);
    const alive = this.pods.filter((pod) => !pod.deleting);
    const [next] = former();
    if (next && alive.length === this.replicas && alive.every((pod) => pod.ready)) this.kill(next);
    if (former().length === 0 && this.#surge > 0) this.#size(-1);
  }
  #size(by: number): void {
    this.#surge += by;
    this.replicas = (this.replicas ?? 0) + by;
  }
}

function normalConfigIn(pod: KubeTemplate | KubeObject): string | undefined {
  type Volumes = { volumes: { name: string; configMap?: { name: string } }[] };
  return (pod["spec"] as Volumes).volumes.find(({ name }) => name === "normal")?.configMap?.name;
}

function endpointIn(template: KubeTemplate | undefined): string | undefined {
  type Choose = { initContainers: { env: { name: string; value: string }[] }[] };
  const [choose] = (template?.["spec"] as Choose | undefined)?.initContainers ?? [];
  return choose?.env.find(({ name }) => name === "HOLDFAST_CP_ENDPOINT")?.value;
}

test("the first is dead, the second lives: the group rolls to it and is never in fallback", () => {
  const world = new TwoControlPlanes();
  world.say(world.spec.controlPlane.endpoint, false).run(10);
  world.say(SECOND, true).name(SECOND).run(120);
  expect([world.modes, world.rolled, world.replicas]).toEqual([[], 2, 2]);
  expect([world.from("normal"), world.minServing, world.broken]).toEqual([2, 2, []]);
  expect(world.condition("ControlPlaneReachable")).toMatchObject({
    status: "True",
    message: "Holdfast sees readsOk; gateways: 2 connected, 0 disconnected, 0 silent",
  });
});

test("the first is dead, and the second, too: gateways say nothing of it, witness pods do, and the group goes to fallback", () => {
  const world = new TwoControlPlanes();
  world.say(world.spec.controlPlane.endpoint, false).run(10);
  world.name(SECOND).run(19);
  expect(world.modes).toEqual([]);
  expect(world.transcript.filter((line) => line.includes("witness pod is started"))).toHaveLength(4);
  world.until(() => world.mode === "Fallback", 60);
  expect([world.mode, world.minServing, world.broken]).toEqual(["Fallback", 2, []]);
});

test("the first lives, and the second is dead: what runs well is left alone, the change waits until the second answers", () => {
  const world = new TwoControlPlanes();
  world.name(SECOND).run(600);
  expect([world.modes, world.from("normal"), world.minServing]).toEqual([[], 2, 2]);
  expect([world.condition("ControlPlaneReachable")?.reason, world.condition("RestartPending")?.reason]).toEqual([
    "OperatorCutOff",
    "ChangeWaits",
  ]);
  world.say(SECOND, true).run(60);
  expect([world.modes, world.rolled, world.minServing, world.broken]).toEqual([[], 2, 2, []]);
});

test("in fallback already: gateways that live on memory roll once the group is back", () => {
  const world = new TwoControlPlanes();
  world.say(world.spec.controlPlane.endpoint, false).until(() => world.mode === "Fallback", 100);
  world.say(SECOND, true).name(SECOND).run(120);
  expect([world.mode, world.rolled, world.minServing, world.broken]).toEqual(["Normal", 2, 2, []]);
});

test("in fallback already, with a pod of the snapshot: the canary asks for the first; restart-at takes the group to the second", () => {
  const world = new TwoControlPlanes();
  world.say(world.spec.controlPlane.endpoint, false).until(() => world.mode === "Fallback", 100);
  world.kill(world.serving()[0]!);
  world.run(20);
  world.say(SECOND, true).name(SECOND).run(120);
  expect([world.mode, world.from("fallback"), world.rolled]).toEqual(["Fallback", 1, 2]);
  expect([world.condition("Reconciling")?.reason, world.condition("RestartPending")?.reason]).toEqual([
    "CanaryFailed",
    "ChangeWaits",
  ]);
  world.annotations["holdfast.dev/restart-at"] = new Date(world.nowMs).toISOString();
  world.until(() => world.mode === "Normal", 300).run(20);
  expect([world.mode, world.rolled, world.from("normal"), world.broken]).toEqual(["Normal", 2, 2, []]);
});
