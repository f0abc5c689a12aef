// The simulated world as the operator's readers would tell it.
import type { Facts } from "../../operator/domain/facts/facts.ts";
import { GATEWAY_PROFILE } from "../../operator/gateway/api7/facts.ts";
import type { WorldCluster } from "./world-cluster.ts";
import type { WorldSight } from "./world-sight.ts";
import { storageSpec } from "./world-spec.ts";
import type { WorldState } from "./world-state.ts";
import type { WorldStore } from "./world-store.ts";

/** How the control plane looks from the operator's place. */
const VIEWS = {
  up: { view: "readsOk" },
  gatewaysCutOff: { view: "readsOk" },
  databaseDown: { view: "serverError", detail: "503" },
  slow: { view: "readTimeout", detail: "8 s" },
  down: { view: "down", detail: "refused" },
  operatorCutOff: { view: "down", detail: "timeout" },
} as const;

const counted = ({ controlPlane, wantsCounts, held }: WorldState) =>
  VIEWS[controlPlane].view === "readsOk" && wantsCounts ? { counts: held.counts } : {};

interface Parts {
  sight: WorldSight;
  cluster: WorldCluster;
  store: WorldStore;
}

export function factsOf(world: WorldState, { sight, cluster, store }: Parts): Facts {
  const { nowMs } = world;
  return {
    nowMs,
    serverNowMs: nowMs,
    monoMs: nowMs,
    watches: { oldest: "Pod in gateways", staleForMs: sight.staleForMs() },
    group: {
      namespace: "gateways",
      name: "edge",
      uid: "uid-group",
      resourceVersion: "1",
      generation: world.generation,
      annotations: world.annotations,
      spec: world.spec,
      status: world.status,
      deleting: false,
      replicasSetBy: world.replicasSetBy,
    },
    rendered: {
      normal: "normal: 1",
      reader: "reader: 1",
      exporter: "exporter: 1",
      workers: 2,
      workersAssumed: false,
      problems: [],
      warnings: [],
      profile: GATEWAY_PROFILE,
    },
    storage: { seen: "present", name: "eu", uid: "uid-storage", spec: storageSpec },
    secrets: {
      client: { seen: "present", name: "cert", resourceVersion: "1", keys: ["tls.crt", "tls.key", "ca.crt"] },
      writer: { seen: "present", name: "keys", resourceVersion: "1", keys: ["accessKeyId", "secretAccessKey"] },
      reader: { seen: "present", name: "keys", resourceVersion: "1", keys: ["accessKeyId", "secretAccessKey"] },
    },
    children: {
      ...(world.replicas === undefined ? {} : { traffic: cluster.workload() }),
      byName: world.objects,
      strangers: [],
      configsInUse: new Set(),
    },
    pods: sight.pods(),
    helpers: sight.helpers(),
    controlPlane: { operator: { ...VIEWS[world.controlPlane] }, ...counted(world) },
    snapshot: store.pairs(),
    peers: { controlPlanes: 1, controlPlanesLost: 0, moving: 0, sharing: 1, earlierWavesOpen: 0 },
    neighbours: { seen: [], unread: [] },
    operator: { chooseImage: "localhost/holdfast:dev", version: "0.1.0" },
    ...world.otherwise,
  };
}
