// Small objects as the API server would send them: healthy unless a row says otherwise.
import { systemClock } from "../../operator/kube/clock.ts";
import type { KubeObject } from "../../operator/kube/resources.ts";
import { Store } from "../../operator/kube/store.ts";
import { CACHED, type Caches } from "../../operator/observe/cluster/caches.ts";

// biome-ignore lint/suspicious/noExplicitAny: hand-written JSON of many kinds
export type Loose = any;

export const NOW_MS = Date.parse("2026-05-01T12:00:00Z");

export function metadata(name: string, more: Loose = {}): Loose {
  return { name, namespace: "gw", uid: `uid-${name}`, resourceVersion: "7", generation: 1, ...more };
}

export function group(name = "edge", change: (spec: Loose) => void = () => undefined, meta: Loose = {}): Loose {
  const spec: Loose = {
    shortID: name,
    gateway: { image: "api7/api7-ee-3-gateway:3.9.13" },
    controlPlane: { endpoint: "https://cp:7943", clientCertificateRef: { name: "cert" } },
    fallback: { storageRef: { name: "store" } },
  };
  change(spec);
  return { metadata: metadata(name, { creationTimestamp: "2026-01-01T00:00:00Z", ...meta }), spec };
}

export function storage(name = "store", change: (spec: Loose) => void = () => undefined): Loose {
  const spec: Loose = {
    type: "S3",
    s3: { region: "eu-west-1", resourceBucket: "res", configBucket: "cfg" },
    credentials: { type: "SecretKeys", secretRef: { name: "keys" } },
  };
  change(spec);
  return { metadata: metadata(name), spec };
}

export function pod(name: string, change: (pod: Loose) => void = () => undefined): Loose {
  const made: Loose = {
    metadata: metadata(name, {
      creationTimestamp: "2026-05-01T11:00:00Z",
      labels: { "holdfast.dev/group": "edge", "holdfast.dev/role": "traffic", "pod-template-hash": "abc" },
      annotations: { "holdfast.dev/proof-key": "key-1" },
    }),
    spec: {
      nodeName: "node-1",
      containers: [{ name: "gateway", image: "gw:3.9.13", env: [{ name: "APISIX_WORKER_PROCESSES", value: "3" }] }],
    },
    status: {
      phase: "Running",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: "True" }],
      initContainerStatuses: [
        choice({ choice: "normal", reason: "ControlPlaneAnswered", template: "t", absent: [], ms: 9 }),
      ],
      containerStatuses: [{ name: "gateway", ready: true, restartCount: 0, state: { running: {} } }],
    },
  };
  change(made);
  return made;
}

export const choice = (message: unknown): Loose => ended("choose", message);
export const ended = (name: string, message: unknown, more: Loose = {}): Loose => ({
  name,
  ready: false,
  restartCount: 0,
  state: {
    terminated: {
      exitCode: 0,
      finishedAt: "2026-05-01T11:00:05Z",
      message: typeof message === "string" ? message : JSON.stringify(message),
      ...more,
    },
  },
});

/** Stores as the informers keep them, filled by hand. */
export function caches(objects: Partial<Record<keyof Caches, Loose[]>> = {}): Caches {
  const stores = Object.entries(CACHED).map(([name, spec]) => {
    const store = new Store<KubeObject>(spec.project, spec.indexers, systemClock);
    for (const object of objects[name as keyof Caches] ?? []) store.put(store.entryOf(structuredClone(object)));
    return [name, store];
  });
  return Object.fromEntries(stores);
}
