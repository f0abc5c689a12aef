/** A Kubernetes object as plain data, ready for an apply. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}
export interface Place {
  readonly namespace: string;
  /** The simulator's image. */
  readonly image: string;
}

/** The vendor's user and group, which the image runs as. */
const UID = 636;

export interface DeploymentOptions extends Place {
  readonly name: string;
  readonly args: readonly string[];
  readonly command?: readonly string[];
  readonly replicas?: number;
  readonly env?: readonly object[];
  readonly ports: Readonly<Record<string, number>>;
  readonly readiness: object;
  readonly mounts: readonly { readonly name: string; readonly mountPath: string; readonly source: object }[];
}

/** One container that passes the restricted Pod Security level. */
export function deployment(o: DeploymentOptions): Manifest {
  const labels = { "app.kubernetes.io/name": o.name };
  const container = {
    name: "main",
    image: o.image,
    imagePullPolicy: "IfNotPresent",
    args: o.args,
    ...(o.command === undefined ? {} : { command: o.command }),
    env: o.env ?? [],
    ports: Object.entries(o.ports).map(([name, containerPort]) => ({ name, containerPort })),
    readinessProbe: o.readiness,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: o.mounts.map(({ name, mountPath }) => ({ name, mountPath })),
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: o.name, namespace: o.namespace, labels },
    spec: {
      replicas: o.replicas ?? 1,
      selector: { matchLabels: labels },
      strategy: { type: "Recreate" },
      template: {
        metadata: { labels },
        spec: {
          // The control plane dies at once when it is told to: its graceful end is not what is tested.
          terminationGracePeriodSeconds: 1,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: UID,
            runAsGroup: UID,
            fsGroup: UID,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [container],
          volumes: o.mounts.map(({ name, source }) => ({ name, ...source })),
        },
      },
    },
  };
}

export function service(namespace: string, name: string, ports: Readonly<Record<string, number>>): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: {
      selector: { "app.kubernetes.io/name": name },
      ports: Object.entries(ports).map(([portName, port]) => ({ name: portName, port, targetPort: port })),
    },
  };
}

export function secret(namespace: string, name: string, stringData: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, type: "Opaque", stringData };
}

export function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
}
