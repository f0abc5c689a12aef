// The reduced world as the operator's readers would tell it.
import { FallbackStorageSpec } from "../../operator/api/fallback-storage.ts";
import { GatewayGroupSpec } from "../../operator/api/gateway-group.ts";
import type { GatewayGroupStatus } from "../../operator/api/gateway-group-status.ts";
import { ANNOTATION } from "../../operator/api/names.ts";
import type {
  HelperPodFact,
  KubeObject,
  KubeTemplate,
  PodFact,
  WorkloadFact,
} from "../../operator/domain/facts/cluster.ts";
import type { Facts } from "../../operator/domain/facts/facts.ts";
import type { OperatorView, SnapshotFacts } from "../../operator/domain/facts/outside.ts";
import { short } from "../../operator/domain/values/digest.ts";
import { readRendered } from "../../operator/observe/gateways/render.ts";
import { nothingKnown } from "../../operator/observe/store/snapshot.ts";
import { countsOf, digestOf, pairOf } from "./contents.ts";
import { numberOf, objectsOf, proofKeyOf } from "./objects.ts";
import { answersOn, CONTROL_PLANES, type Content, type Helper, kept, type Pod, type State } from "./state.ts";
import { NOW_MS } from "./times.ts";

const STORAGE = FallbackStorageSpec.parse({
  type: "S3",
  s3: { region: "eu-west-1", resourceBucket: "res", configBucket: "conf" },
  credentials: { secretRef: { name: "keys" } },
});

export const UID = "group-uid";
export type Rollout = "OnRestart" | "Rolling";
const specs = new Map<string, GatewayGroupSpec>();

/** Short waits, of which each is a multiple of the 5 s between two looks. */
export function specOf({ spec }: State, rollout: Rollout): GatewayGroupSpec {
  const key = `${JSON.stringify(spec)}${rollout}`;
  const known = specs.get(key);
  if (known) return known;
  const made = GatewayGroupSpec.parse({
    shortID: "edge",
    modePolicy: spec.observes ? "Observe" : "Auto",
    gateway: { image: `gateway:${spec.image}`, version: "3.9.13" },
    controlPlane: { endpoint: "https://dp-manager.api7.svc:7943", clientCertificateRef: { name: "cert" } },
    traffic: { replicas: spec.replicas },
    backup: { exportIntervalSeconds: 5 },
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 20,
      recovery: { afterSeconds: 20 },
      rehearsal: { minIntervalSeconds: 20 },
      rollout: { type: rollout, startAfterSeconds: 0 },
    },
  });
  specs.set(key, made);
  return made;
}

/**
 * Facts of one spec and one set of objects share what is rendered from them: `desired` keeps it by the facts it was made
 * from, and so each of them is one object, filled anew for each look.
 */
const shared = new Map<string, Facts>();

export function factsOf(state: State, rollout: Rollout): Facts {
  const { deployment, spec, sets, storage, objects } = state;
  const backup = numberOf(objects, "Deployment/edge-backup");
  const sources = [spec, rollout, storage, deployment?.object, sets.map(({ t }) => t), backup];
  const key = JSON.stringify(sources);
  const known = shared.get(key);
  const seen = freshFacts(state, rollout);
  if (known === undefined) {
    shared.set(key, seen);
    return seen;
  }
  return Object.assign(known, seen);
}

export function freshFacts(state: State, rollout: Rollout): Facts {
  const spec = specOf(state, rollout);
  const view = CONTROL_PLANES[state.controlPlane].view;
  const operator: OperatorView = view === "readsOk" ? { view } : { view, detail: "" };
  const secret = (name: string, resourceVersion: string, keys: string[]) =>
    ({ seen: "present", name, resourceVersion, keys }) as const;
  const keys = secret("keys", "1", ["accessKeyId", "secretAccessKey"]);
  return {
    nowMs: NOW_MS + state.skewS * 1000,
    monoMs: NOW_MS,
    serverNowMs: NOW_MS,
    watches: { oldest: "Pod in gateways", staleForMs: 0 },
    group: {
      namespace: "gateways",
      name: "edge",
      uid: UID,
      resourceVersion: "1",
      generation: 1,
      annotations: annotationsOf(state),
      spec,
      status: kept<GatewayGroupStatus>(state.status),
      deleting: false,
      replicasSetBy: "scale",
    },
    rendered: readRendered(spec, state.storage ? STORAGE : undefined),
    storage: state.storage
      ? { seen: "present", name: "eu", uid: "uid-storage", spec: STORAGE }
      : { seen: "absent", name: "eu" },
    secrets: {
      client: secret("cert", String(state.spec.certificate), ["tls.crt", "tls.key", "ca.crt"]),
      writer: keys,
      reader: keys,
    },
    children: childrenOf(state),
    pods: state.pods.map((pod, index) => podFact(state, pod, index)),
    helpers: state.helpers.map((helper, index) => helperFact(state, helper, index)),
    controlPlane: view === "readsOk" ? { operator, ...contentOf(state) } : { operator },
    snapshot: pairsOf(state),
    neighbours: { seen: [], unread: [] },
    peers: { controlPlanes: 1, controlPlanesLost: 0, moving: 0, sharing: 1, earlierWavesOpen: 0 },
    operator: { chooseImage: "localhost/holdfast:dev", version: "0.1.0" },
  };
}

function contentOf({ held }: State): Pick<Facts["controlPlane"], "counts" | "contentSeen"> {
  return { counts: countsOf(held), contentSeen: held === "empty" ? "none" : "some" };
}

function annotationsOf({ words }: State): Record<string, string> {
  const until = "until=2030-01-01T00:00:00Z";
  return {
    ...(words.override === undefined ? {} : { [ANNOTATION.override]: `${words.override} ${until}` }),
    ...(words.approveReturn === undefined ? {} : { [ANNOTATION.approveReturn]: words.approveReturn }),
    ...(words.acceptSnapshot === undefined ? {} : { [ANNOTATION.acceptSnapshot]: words.acceptSnapshot }),
    ...(words.restartAt === undefined ? {} : { [ANNOTATION.restartAt]: words.restartAt }),
  };
}

function childrenOf(state: State): Facts["children"] {
  const byName = new Map(objectsOf(state));
  const traffic = workloadOf(state);
  if (state.deployment) byName.set("Deployment/edge", kept<KubeObject>(state.deployment.object));
  return { ...(traffic ? { traffic } : {}), byName, strangers: [], configsInUse: new Set(byName.keys()) };
}

function workloadOf({ deployment, sets, refusedS }: State): WorkloadFact | undefined {
  if (!deployment) return undefined;
  return {
    name: "edge",
    uid: "uid-deployment",
    resourceVersion: "1",
    replicas: deployment.replicas,
    observed: true,
    annotations: kept<KubeObject>(deployment.object).metadata.annotations ?? {},
    paused: deployment.paused,
    replicaSets: sets.map(({ t, replicas }, index) => ({
      name: `edge-${t}`,
      uid: `uid-set-${t}`,
      templateHash: `h${t}`,
      revision: index + 1,
      replicas,
      proofKey: proofKeyOf(t),
      template: kept<KubeTemplate>(t),
    })),
    ...(refusedS === undefined ? {} : { failure: "exceeded quota", failureSinceMs: NOW_MS - refusedS * 1000 }),
  };
}

const TROUBLE: Partial<Record<Pod["phase"], string>> = {
  crashing: "gateway: CrashLoopBackOff",
  imagePull: "gateway: ImagePullBackOff",
  over: "gateway: Error",
};

const LATE_S = 25;

export function voteOf(state: State, pod: Pod): PodFact["vote"] {
  if (pod.phase !== "ready" || pod.from !== "normal" || state.votes === "silent") return "unknown";
  const lost = pod.odd || !answersOn(state, pod.node);
  if (!lost || (state.votes === "late" && state.controlPlaneS < LATE_S)) return "connected";
  return state.votes === "late" ? "unknown" : "disconnected";
}

function podFact(state: State, pod: Pod, index: number): PodFact {
  const createdMs = NOW_MS - pod.ageS * 1000;
  const trouble = TROUBLE[pod.phase];
  return {
    name: `edge-${index}`,
    uid: `uid-${index}`,
    resourceVersion: "1",
    node: `n${pod.node}`,
    templateHash: `h${pod.t}`,
    proofKey: proofKeyOf(pod.t),
    createdMs,
    deleting: pod.leaving,
    ready: pod.phase === "ready",
    scheduled: true,
    restarts: pod.restarts,
    start: {
      choice: pod.from,
      reason: pod.why,
      ...(pod.asked === undefined ? {} : { controlPlaneAnswered: pod.asked, readFailed: !pod.asked }),
      finishedMs: createdMs,
      absent: [],
    },
    deletionCost: pod.cost,
    cores: 2,
    vote: voteOf(state, pod),
    emptyWorker: false,
    check: "unknown",
    ...(trouble === undefined ? {} : { trouble }),
    ...(pod.phase === "over" ? { over: true } : {}),
    ...(pod.phase === "imagePull" ? { neverRan: true } : {}),
  };
}

function helperFact(state: State, helper: Helper, index: number): HelperPodFact {
  const createdMs = NOW_MS - helper.ageS * 1000;
  return {
    role: helper.role,
    name: `helper-${index}`,
    uid: `uid-helper-${index}`,
    resourceVersion: "1",
    node: `n${helper.node}`,
    createdMs,
    deleting: false,
    ...(helper.content === undefined || helper.role !== "rehearsal" ? {} : { digest: digestOf(helper.content) }),
    proofKey: helper.key,
    readerSecretVersion: "1",
    image: `gateway:${state.spec.image}`,
    result: resultOf(helper, createdMs),
  };
}

function resultOf({ result, content }: Helper, createdMs: number): HelperPodFact["result"] {
  if (result === "running") return { state: "running" };
  if (result === "failed") return { state: "failed", message: "the gateway did not load it" };
  if (result === "loaded") return { state: "loaded", counts: content === undefined ? {} : countsOf(content) };
  const answered = result === "answered";
  return { state: "answered", answered, readFailed: !answered, finishedMs: createdMs + 5_000 };
}

function pairsOf(state: State): SnapshotFacts {
  if (!state.storage) return nothingKnown("StorageNotFound", "it does not exist");
  if (!state.storeUp) return nothingKnown("StorageUnavailable", "the store does not answer");
  const { raw, candidate, verified, exporter, loaded } = state;
  // A copy of all that was ever loaded is kept: where one is missing, the store's own tests look.
  const copies = new Set(loaded.map((one) => short(digestOf(one.split(" ")[0] as Content))));
  const absent = { seen: "absent" } as const;
  return {
    raw:
      exporter === "unreadable"
        ? { seen: "unknown", reason: "StorageMisconfigured", why: "TooLarge" }
        : raw
          ? pairOf(raw.content, raw.ageS)
          : absent,
    candidate: candidate ? pairOf(candidate, 0) : absent,
    verified: verified ? pairOf(verified.content, verified.ageS) : absent,
    generations: [...copies].map((digest) => ({ digest, lastModifiedMs: 0 })),
  };
}
