import type { Certificates } from "./certificates.ts";
import type { SeedOrder } from "./control-plane/data.ts";

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

export const CONTROL_PLANE_PORTS = { front: 7943, health: 7900, admin: 7901 } as const;
const UID = 636;
/** Names for the server certificate: `makeCertificates(folder, controlPlaneNames("api7"))`. */
export const controlPlaneNames = (namespace: string): string[] => [
  "dp-manager",
  `dp-manager.${namespace}`,
  `dp-manager.${namespace}.svc`,
  `dp-manager.${namespace}.svc.cluster.local`,
];

/** A namespace that enforces the restricted Pod Security level, as the demo and the tests want it everywhere. */
export function restrictedNamespace(name: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  };
}

/** The client certificate as the GatewayGroup's clientCertificateRef wants it: tls.crt, tls.key, ca.crt. */
export function clientCertificateSecret(namespace: string, name: string, certificates: Certificates): Manifest {
  return secret(namespace, name, {
    "tls.crt": certificates.client.cert,
    "tls.key": certificates.client.key,
    "ca.crt": certificates.ca,
  });
}

/**
 * The control plane: Deployment and Service `dp-manager` (7943 mTLS, 7900 health, 7901 admin) over Deployment and Service
 * `dp-manager-etcd`. The front keeps nothing: the control plane dies by `scale deployment/dp-manager --replicas=0` and
 * comes back with its data, as the real one over PostgreSQL; its database dies by scaling `dp-manager-etcd`, whose data is
 * then lost (emptyDir), which is the restored-empty database of the contract.
 * With `ownEtcd` there is one pod with etcd as its child: `POST /admin/fault {"mode":"wipe"}` works there, and a restart
 * begins from the seed.
 */
export function controlPlane(
  place: Place & { readonly certificates: Certificates; readonly seed?: SeedOrder; readonly ownEtcd?: boolean },
): Manifest[] {
  const { namespace, image, certificates, seed, ownEtcd = false } = place;
  const seedFile = "/etc/simulator/seed.json";
  const args = [
    "control-plane",
    "--tls-dir=/certificates",
    ...(ownEtcd
      ? ["--etcd-binary=/usr/local/bin/etcd", "--data-dir=/data"]
      : [`--etcd=http://dp-manager-etcd.${namespace}.svc:2379`]),
    ...(seed === undefined ? [] : [`--seed-file=${seedFile}`]),
  ];
  const front = deployment({
    name: "dp-manager",
    namespace,
    image,
    args,
    ports: CONTROL_PLANE_PORTS,
    readiness: { httpGet: { path: "/healthz", port: CONTROL_PLANE_PORTS.health }, periodSeconds: 1 },
    mounts: [
      { name: "certificates", mountPath: "/certificates", source: { secret: { secretName: "dp-manager-server" } } },
      { name: "data", mountPath: "/data", source: { emptyDir: {} } },
      ...(seed === undefined
        ? []
        : [{ name: "seed", mountPath: "/etc/simulator", source: { configMap: { name: "dp-manager-seed" } } }]),
    ],
  });
  return [
    secret(namespace, "dp-manager-server", {
      "tls.crt": certificates.server.cert,
      "tls.key": certificates.server.key,
      "ca.crt": certificates.ca,
    }),
    ...(seed === undefined ? [] : [configMap(namespace, "dp-manager-seed", { "seed.json": JSON.stringify(seed) })]),
    ...(ownEtcd ? [] : etcd(place)),
    front,
    service(namespace, "dp-manager", CONTROL_PLANE_PORTS),
  ];
}

function etcd({ namespace, image }: Place): Manifest[] {
  const name = "dp-manager-etcd";
  const url = "http://0.0.0.0:2379";
  const args = [
    "--name=default",
    "--data-dir=/data/etcd",
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=http://${name}.${namespace}.svc:2379`,
    "--max-txn-ops=1024",
    "--logger=zap",
    "--log-level=warn",
  ];
  return [
    deployment({
      name,
      namespace,
      image,
      args,
      command: ["/usr/local/bin/etcd"],
      ports: { client: 2379 },
      readiness: { httpGet: { path: "/health", port: 2379 }, periodSeconds: 1 },
      mounts: [{ name: "data", mountPath: "/data", source: { emptyDir: {} } }],
    }),
    service(namespace, name, { client: 2379 }),
  ];
}

/** An HTTP echo that answers with its name on port 8080: Deployment and Service `name`. Node: `<name>.<namespace>.svc:8080`. */
export function upstream(place: Place & { readonly name: string; readonly replicas?: number }): Manifest[] {
  const { namespace, image, name, replicas = 1 } = place;
  return [
    deployment({
      name,
      namespace,
      image,
      args: ["upstream"],
      replicas,
      ports: { http: 8080 },
      readiness: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
      mounts: [],
    }),
    service(namespace, name, { http: 8080 }),
  ];
}

/** access and secret key of each user, and of the root account, which owns the buckets. */
export interface S3Users {
  readonly root: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly users: readonly { readonly accessKeyId: string; readonly secretAccessKey: string }[];
}

/**
 * versitygw on port 7070: Deployment and Service `name`. `image` is one whose entry point is versitygw. Its data is an
 * emptyDir: buckets and their policies are made through the S3 API once it is up.
 */
export function s3Server(
  place: Place & { readonly name: string; readonly region: string; readonly accounts: S3Users },
): Manifest[] {
  const { namespace, image, name, region, accounts } = place;
  const accessAccounts = Object.fromEntries(
    accounts.users.map(({ accessKeyId, secretAccessKey }) => [
      accessKeyId,
      { access: accessKeyId, secret: secretAccessKey, role: "user", userID: 0, groupID: 0 },
    ]),
  );
  const fromSecret = (key: string) => ({ valueFrom: { secretKeyRef: { name: `${name}-accounts`, key } } });
  return [
    secret(namespace, `${name}-accounts`, {
      "users.json": JSON.stringify({ accessAccounts }),
      access: accounts.root.accessKeyId,
      secret: accounts.root.secretAccessKey,
    }),
    deployment({
      name,
      namespace,
      image,
      args: ["--port=:7070", `--region=${region}`, "--iam-dir=/iam", "--health=/health", "posix", "/data"],
      env: [
        { name: "ROOT_ACCESS_KEY_ID", ...fromSecret("access") },
        { name: "ROOT_SECRET_ACCESS_KEY", ...fromSecret("secret") },
      ],
      ports: { s3: 7070 },
      readiness: { httpGet: { path: "/health", port: 7070 }, periodSeconds: 1 },
      mounts: [
        {
          name: "iam",
          mountPath: "/iam",
          source: { secret: { secretName: `${name}-accounts`, items: [{ key: "users.json", path: "users.json" }] } },
        },
        { name: "data", mountPath: "/data", source: { emptyDir: {} } },
      ],
    }),
    service(namespace, name, { s3: 7070 }),
  ];
}

interface DeploymentOptions extends Place {
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
function deployment(o: DeploymentOptions): Manifest {
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

function service(namespace: string, name: string, ports: Readonly<Record<string, number>>): Manifest {
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

function secret(namespace: string, name: string, stringData: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, type: "Opaque", stringData };
}

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
}
