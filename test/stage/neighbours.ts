/** What stands in a cluster before Holdfast comes: namespaces that enforce restricted pods, Secrets, the dp-manager's name. */
import { HOST } from "../lab/network.ts";
import type { Keys } from "../lab/s3.ts";
import type { Certificates } from "../simulator/certificates.ts";
import type { S3User } from "./buckets.ts";
import { secretManifest } from "./manifests.ts";

export const namespaceManifests = (...names: string[]): object[] =>
  names.map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  }));

export interface Neighbours {
  certificates: Certificates;
  keys: Record<S3User, Keys>;
  /** Port of the control plane on the host. */
  front: number;
}

export const neighbourManifests = (namespace: string, { certificates, keys, front }: Neighbours): object[] => [
  secretManifest(namespace, "edge-dp-cert", {
    "tls.crt": certificates.client.cert,
    "tls.key": certificates.client.key,
    "ca.crt": certificates.ca,
  }),
  ...(["exporter", "gateway", "operator"] as const).map((user) =>
    secretManifest(namespace, `s3-${user}`, { ...keys[user] }),
  ),
  // The control plane runs outside of the cluster: a Service without pods, as people use for such things.
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "dp-manager", namespace },
    spec: { ports: [{ name: "https", port: 7943, targetPort: front }] },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "dp-manager-1", namespace, labels: { "kubernetes.io/service-name": "dp-manager" } },
    addressType: "IPv4",
    ports: [{ name: "https", port: front, protocol: "TCP" }],
    endpoints: [{ addresses: [HOST] }],
  },
];
