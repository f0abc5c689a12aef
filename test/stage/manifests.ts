/** What a user would write, with short timers. */

export interface GroupOptions {
  name?: string;
  endpoint?: string;
  replicas?: number;
  /** Merged over spec, one level deep per block. */
  spec?: Record<string, unknown>;
  annotations?: Record<string, string>;
}

export const secretManifest = (namespace: string, name: string, data: Record<string, string>): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace },
  stringData: data,
});

export const storageManifest = (namespace: string, endpoint: string): object => ({
  apiVersion: "holdfast.dev/v1alpha1",
  kind: "FallbackStorage",
  metadata: { name: "eu", namespace },
  spec: {
    type: "S3",
    s3: { region: "us-east-1", endpoint, resourceBucket: "resources", configBucket: "config" },
    writer: { credentials: { secretRef: { name: "s3-exporter" } } },
    reader: { credentials: { secretRef: { name: "s3-gateway" } } },
    operator: { credentials: { secretRef: { name: "s3-operator" } } },
    validationIntervalSeconds: 5,
  },
});

type Block = Record<string, unknown>;

export function groupManifest(namespace: string, options: GroupOptions): object {
  const base: Record<string, Block | string> = {
    shortID: "edge",
    gateway: {
      image: "docker.io/api7/api7-ee-3-gateway:3.9.13",
      workers: 1,
      resources: { requests: { cpu: "20m", memory: "64Mi" } },
    },
    controlPlane: {
      endpoint: options.endpoint ?? "",
      clientCertificateRef: { name: "edge-dp-cert" },
      probeIntervalSeconds: 1,
    },
    traffic: {
      replicas: options.replicas ?? 2,
      drainSeconds: 6, // longer than a starved machine takes to tell kube-proxy that a pod is leaving
      check: { path: "/r1" },
      podTemplate: { spec: { containers: [{ name: "gateway", env: [{ name: "SIM_EXPOSE_POD", value: "1" }] }] } },
    },
    backup: { exportIntervalSeconds: 3 },
    fallback: {
      storageRef: { name: "eu" },
      outageAfterSeconds: 10,
      recovery: { afterSeconds: 10 },
      rehearsal: { minIntervalSeconds: 0 },
    },
  };
  const spec: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(options.spec ?? {})) {
    const old = base[key];
    const isBlock = typeof old === "object" && typeof value === "object";
    spec[key] = isBlock ? { ...old, ...(value as Block) } : value;
  }
  return {
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "GatewayGroup",
    metadata: {
      name: options.name ?? "edge",
      namespace,
      ...(options.annotations ? { annotations: options.annotations } : {}),
    },
    spec,
  };
}
