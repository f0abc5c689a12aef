import type { Certificates } from "./certificates.ts";
import type { SeedOrder } from "./control-plane/data.ts";
import { configMap, deployment, type Manifest, type Place, secret, service } from "./workloads.ts";

export type { Manifest, Place } from "./workloads.ts";

const CONTROL_PLANE_PORTS = { front: 7943, health: 7900, admin: 7901 } as const;
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
