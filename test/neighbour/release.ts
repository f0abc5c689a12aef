// A release as the vendor's chart renders it: names, labels and selectors as gateway contract, sections 7 and 9, have them.
export interface Release {
  /** Name of the release. */
  name: string;
  namespace: string;
  /** The one container that serves. */
  container: Record<string, unknown>;
  volumes?: readonly object[];
  replicas?: number;
  /** Ports of the Service. Default: 80 to 9080, 443 to 9443. */
  ports?: readonly object[];
}

const CHART = "gateway";

/** Charts add their own name to that of the release, unless it is in it already. */
export const fullNameOf = (release: string): string => (release.includes(CHART) ? release : `${release}-${CHART}`);

export const selectorOf = (release: string): Record<string, string> => ({
  "app.kubernetes.io/name": CHART,
  "app.kubernetes.io/instance": release,
});

const HTTP = [
  { name: "gateway", port: 80, targetPort: 9080, protocol: "TCP" },
  { name: "tls", port: 443, targetPort: 9443, protocol: "TCP" },
];

/** Deployment, Service, budget and autoscaler. */
export function release({ name, namespace, container, volumes = [], replicas = 2, ports = HTTP }: Release) {
  const full = fullNameOf(name);
  const labels = { ...selectorOf(name), "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "gateway-3.10.12" };
  const metadata = { name: full, namespace, labels };
  return {
    deployment: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: selectorOf(name) },
        template: {
          metadata: { labels: selectorOf(name), annotations: { "checksum/config": "0" } },
          spec: { terminationGracePeriodSeconds: 30, containers: [container], volumes },
        },
      },
    },
    service: {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { type: "NodePort", selector: selectorOf(name), ports },
    },
    budget: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(name) } },
    },
    autoscaler: {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: full },
        minReplicas: replicas,
        maxReplicas: replicas,
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
        ],
      },
    },
  };
}
