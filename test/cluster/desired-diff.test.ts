/**
 * What is freshly applied is no difference, whatever the API server makes of its spelling; what a hand changed is one.
 * And the strictest Pod Security accepts every pod.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { FIELD_MANAGER } from "../../operator/api/names.ts";
import { type Desired, desired } from "../../operator/domain/desired/index.ts";
import { canaryPod, rehearsalPod, witnessPod } from "../../operator/domain/desired/throwaway-pods.ts";
import type { KubeObject } from "../../operator/domain/facts/cluster.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { describeDiff, needsApply } from "../../operator/domain/objects/diff.ts";
import { unionReplacements } from "../../operator/domain/objects/union.ts";
import { type Applied, KubeClient } from "../../operator/kube/client.ts";
import { pods, resourceOf, services } from "../../operator/kube/resources.ts";
import { openGate } from "../../operator/kube/write-gate.ts";
import { allOf, type Loose, NORMAL, PROFILE, type World, world } from "../domain/desired/world.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { installCrds } from "./crds.ts";
import { EDITS } from "./desired-edits.ts";
import { WORLDS } from "./desired-worlds.ts";

let api: ApiServer;
let client: KubeClient;
const owners = new Map<string, string>();
const NAMESPACE = "desired-diff";

beforeAll(async () => {
  const path = inject("kubeconfigPath");
  api = apiServer(path);
  client = KubeClient.create({ config: { from: "file", path }, gate: openGate });
  await installCrds(api);
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: NAMESPACE, labels } });
  const names = [...WORLDS.map((_, index) => nameOf(index)), "hand", "cold", "others", "less"];
  for (const name of names) owners.set(name, await gatewayGroup(name));
});
afterAll(async () => {
  await client.close();
  await api.close();
});

/** A real owner of that name: the garbage collector takes what belongs to nobody. */
async function gatewayGroup(name: string): Promise<string> {
  const path = `/apis/holdfast.dev/v1alpha1/namespaces/${NAMESPACE}/gatewaygroups`;
  const { spec } = world().group;
  const { shortID, gateway, controlPlane, fallback } = spec;
  const { body, code } = await api.call("POST", path, {
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "GatewayGroup",
    metadata: { name },
    spec: {
      shortID,
      gateway: { image: gateway.image },
      controlPlane: { endpoint: controlPlane.endpoint, clientCertificateRef: controlPlane.clientCertificateRef },
      fallback: { storageRef: fallback.storageRef },
    },
  });
  expect(code, JSON.stringify(body)).toBe(201);
  return body.metadata.uid;
}

function factsOf(changes: World, name: string): Facts {
  const { rendered } = changes;
  const own = { ...PROFILE, writablePaths: ["/tmp", "/usr/local/apisix/logs"] };
  const facts = world({
    ...changes,
    ...(rendered && { rendered: { ...rendered, profile: rendered.profile ?? PROFILE } }),
  });
  const profile = rendered && "profile" in rendered ? own : facts.rendered.profile;
  return {
    ...facts,
    rendered: { ...facts.rendered, profile },
    group: { ...facts.group, namespace: NAMESPACE, name, uid: owners.get(name)! },
  };
}

const apply = (object: KubeObject): Promise<KubeObject> =>
  client.apply(resourceOf(object), object as Applied, { fieldManager: FIELD_MANAGER, force: true }) as Promise<Loose>;
const read = async (object: KubeObject): Promise<KubeObject> =>
  (await client.get(resourceOf(object), NAMESPACE, object.metadata.name)) as unknown as KubeObject;

async function applied(found: Desired): Promise<void> {
  for (const object of [...found.others, ...allOf(found).filter(({ kind }) => kind === "Deployment")])
    await apply(object);
}

/** Controllers write their status meanwhile; the generation counts what was asked for. */
const BY_GENERATION = ["Deployment", "PodDisruptionBudget"];
const nameOf = (index: number) => `w${index}`;

describe.each(WORLDS.map(([sentence, changes], index) => ({ sentence, changes, index })))(
  "a group $sentence",
  ({ changes, index }) => {
    test("is as wanted once it is applied, and stays so when it is applied again", async () => {
      const found = desired(factsOf(changes, nameOf(index)), NORMAL);
      expect(found.problems).toEqual([]);
      for (const object of allOf(found)) expect(needsApply(object, undefined)).toBe(true);
      await applied(found);
      for (const object of allOf(found)) {
        const live = await read(object);
        expect(describeDiff(object, live), `${object.kind} ${object.metadata.name}`).toBeUndefined();
        expect(needsApply(object, live)).toBe(false);
        // An empty list of rules is a write each time (measured): what needs no apply is not applied.
        if (object.kind === "NetworkPolicy") continue;
        const again = await apply(object);
        if (!BY_GENERATION.includes(object.kind))
          expect(again.metadata.resourceVersion, object.kind).toBe(live.metadata.resourceVersion);
        else expect(again.metadata["generation"]).toBe(live.metadata["generation"]);
      }
    });

    test("has pods that the strictest Pod Security accepts", async () => {
      const facts = factsOf(changes, nameOf(index));
      const found = desired(facts, NORMAL);
      const template = (deployment: Loose) =>
        deployment && { ...deployment.spec.template, apiVersion: "v1", kind: "Pod" };
      const load = { digest: "sha256:ab", suffix: "t1", expectedCounts: { routes: 3 } };
      const all: Loose[] = [
        template(found.traffic),
        template(found.backup),
        rehearsalPod(facts, found, load),
        canaryPod(facts, found, load),
        witnessPod(facts, found, { suffix: "t1" }),
        rehearsalPod(facts, found, { ...load, template: ((await read(found.traffic)) as Loose).spec.template }),
      ].filter((pod) => pod !== undefined);
      expect(all.length).toBeGreaterThanOrEqual(3);
      for (const pod of all) {
        const metadata = { ...pod.metadata, namespace: NAMESPACE, name: pod.metadata.name ?? "from-template" };
        await api.call("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
          metadata: { name: "edge-traffic" },
        });
        await client.create(pods, { ...pod, metadata }, { dryRun: true });
      }
    });
  },
);

test.each(EDITS)("an edit by hand is seen, told by its path, and taken back: %s", async (_, id, operations, path) => {
  const [kind, name = ""] = id.split("/");
  const frozen = name === "cold";
  const gateway = { image: "api7/api7-ee-3-gateway:3.9.13", resources: { limits: { cpu: 2, memory: "1Gi" } } };
  const found = desired(factsOf({ spec: { gateway } }, frozen ? name : "hand"), { ...NORMAL, frozen });
  const object = allOf(found).find((each) => each.kind === kind && each.metadata.name === name)!;
  await apply(object);
  const before = await read(object);
  const seen = { namespace: NAMESPACE, name, resourceVersion: before.metadata.resourceVersion ?? "" };
  await retried(
    () => client.jsonPatch(resourceOf(object), seen, operations, { fieldManager: "kubectl-edit" }),
    seen,
    object,
  );
  const edited = await read(object);
  expect(describeDiff(object, edited)?.startsWith(path), describeDiff(object, edited)).toBe(true);
  expect(needsApply(object, edited)).toBe(true);
  const replacements = unionReplacements(object, edited);
  if (replacements.length > 0) {
    await expect(apply(object)).rejects.toThrow("HTTP 422"); // else the replacement would be for nothing
    await retried(
      () => client.jsonPatch(resourceOf(object), seen, replacements, { fieldManager: FIELD_MANAGER }),
      seen,
      object,
    );
  }
  await apply(object);
  expect(describeDiff(object, await read(object))).toBeUndefined();
});

/** The Deployment controller writes status meanwhile. */
async function retried(
  edit: () => Promise<unknown>,
  seen: { resourceVersion: string },
  object: KubeObject,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await edit();
      return;
    } catch (error) {
      if (attempt === 5) throw error;
      seen.resourceVersion = (await read(object)).metadata.resourceVersion ?? "";
    }
  }
}

test("what others add is theirs: restarts, labels, replicas, node ports", async () => {
  const found = desired(factsOf({ spec: { traffic: { service: { type: "NodePort" } } } }, "others"), NORMAL);
  await applied(found);
  await api.kubectl(["-n", NAMESPACE, "rollout", "restart", "deployment/others"]);
  await api.kubectl(["-n", NAMESPACE, "scale", "deployment/others", "--replicas=5"]);
  await api.kubectl(["-n", NAMESPACE, "label", "deployment/others", "team=edge"]);
  await api.kubectl(["-n", NAMESPACE, "annotate", "service/others", "example.org/x=y"]);
  for (const object of allOf(found)) {
    const live = await read(object);
    expect(needsApply(object, live), `${object.kind}: ${describeDiff(object, live)}`).toBe(false);
  }
  const live: Loose = await apply(found.traffic);
  expect(live.spec.replicas).toBe(5);
  expect(live.spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]).toBeTruthy();
});

test("what is no longer wanted is taken away by the next apply", async () => {
  const wantedWith = (annotations: Record<string, string>) =>
    desired(factsOf({ spec: { traffic: { service: { annotations } } } }, "less"), NORMAL);
  await applied(wantedWith({ "lb.example.org/a": "1", "lb.example.org/b": "2" }));
  const less = wantedWith({ "lb.example.org/a": "1" });
  const service = less.others.find(({ kind }) => kind === "Service")!;
  expect(needsApply(service, await read(service))).toBe(true);
  await apply(service);
  const { metadata } = (await client.get(services, NAMESPACE, "less"))!;
  expect(metadata.annotations).not.toHaveProperty(["lb.example.org/b"]);
});
