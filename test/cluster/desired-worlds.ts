// Groups as people write them, each field in a spelling that the API server rewrites.
import { AZURE, type Loose, type World } from "../domain/desired/world.ts";

const SPELLINGS: Loose = {
  metadata: { labels: { team: "edge" }, annotations: { "prometheus.io/scrape": "true", "example.org/empty": "" } },
  spec: {
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [
      { key: "edge", operator: "Exists" },
      { key: "spot", value: "yes", effect: "NoSchedule" },
    ],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 50,
            podAffinityTerm: {
              topologyKey: "kubernetes.io/hostname",
              labelSelector: { matchLabels: { team: "edge" } },
            },
          },
        ],
      },
    },
    hostAliases: [{ ip: "192.0.2.7", hostnames: ["cp.example.org"] }],
    dnsConfig: { options: [{ name: "ndots", value: "2" }], searches: [] },
    hostNetwork: false,
    hostPID: false,
    priority: null,
    topologySpreadConstraints: [
      {
        topologyKey: "kubernetes.io/hostname",
        maxSkew: 1,
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchExpressions: [{ key: "team", operator: "Exists" }] },
      },
    ],
    terminationGracePeriodSeconds: 400,
    securityContext: { supplementalGroups: [1000], sysctls: [] },
    initContainers: [
      {
        name: "plugins",
        image: "example.org/plugins:1",
        command: ["cp", "-r", "/plugins", "/out"],
        resources: { limits: { cpu: "0.25", memory: "0.5Gi", "ephemeral-storage": "1e9" } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"], add: [] } },
        volumeMounts: [{ name: "plugins", mountPath: "/out", readOnly: false }],
      },
    ],
    containers: [
      {
        name: "gateway",
        env: [
          { name: "EMPTY", value: "" },
          { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1000m" } } },
        ],
        volumeMounts: [{ name: "plugins", mountPath: "/usr/local/apisix/plugins", readOnly: true }],
        readinessProbe: {
          tcpSocket: null,
          httpGet: { path: "/healthz", port: "http", httpHeaders: [{ name: "Host", value: "probe" }] },
          initialDelaySeconds: 0,
          timeoutSeconds: 0,
        },
        stdin: false,
        args: [],
      },
      {
        name: "logs",
        image: "example.org/logs",
        env: [],
        ports: [{ containerPort: 9100 }, { containerPort: 9100, protocol: "UDP" }],
        resources: { requests: { cpu: 0.1, memory: 67108864 } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        livenessProbe: { httpGet: { path: "/", port: 9100 }, periodSeconds: 0 },
      },
    ],
    volumes: [
      { name: "plugins", emptyDir: { sizeLimit: "1024Mi" } },
      { name: "scratch", emptyDir: {} },
      { name: "trust", projected: { sources: [{ configMap: { name: "trust", items: [] } }] } },
      { name: "extra", configMap: { name: "extra" } },
    ],
  },
};

export const WORLDS: readonly (readonly [string, World])[] = [
  ["the shortest, on S3", {}],
  ["on Azure Blob, deleted with its group", { storage: AZURE, spec: { deletionPolicy: "Delete" } }],
  [
    "with resources in every spelling, pull Secrets and a server name",
    {
      spec: {
        gateway: {
          image: "api7/api7-ee-3-gateway:3.9.13",
          imagePullSecrets: [{ name: "registry" }],
          resources: {
            requests: { cpu: "1000m", memory: "1024Mi", "ephemeral-storage": "0.5Gi" },
            limits: { cpu: 2, memory: "1.5Gi", "ephemeral-storage": 1073741824 },
          },
        },
        controlPlane: {
          endpoint: "https://dp-manager.api7.svc:7943",
          clientCertificateRef: { name: "edge-dp-cert" },
          serverName: "dp.example.org",
        },
      },
    },
  ],
  [
    "with a load balancer of many ports and a budget of a number",
    {
      spec: {
        traffic: {
          disruptionBudget: { maxUnavailable: 1 },
          service: {
            type: "LoadBalancer",
            ports: [
              { name: "http", port: 80, targetPort: 9080, nodePort: 30080 },
              { name: "dns", port: 53, targetPort: 9053, protocol: "UDP" },
              { name: "dns-tcp", port: 53, targetPort: 9053 },
            ],
            annotations: { "lb.example.org/type": "nlb" },
            loadBalancerClass: "example.org/nlb",
            externalTrafficPolicy: "Local",
          },
        },
      },
    },
  ],
  [
    "with podTemplates in every spelling",
    {
      spec: {
        traffic: { podTemplate: SPELLINGS },
        backup: {
          podTemplate: {
            spec: {
              nodeSelector: { pool: "cheap" },
              containers: [{ name: "gateway", resources: { limits: { memory: "256M" } }, livenessProbe: null }],
            },
          },
        },
      },
    },
  ],
  [
    "without a storage, without a Service",
    {
      spec: { traffic: { service: { enabled: false } } },
      // biome-ignore lint/suspicious/noExplicitAny: absent on purpose
      rendered: { reader: undefined as any, exporter: undefined as any },
      facts: { storage: { seen: "absent", name: "eu" } },
    },
  ],
  ["with writable paths of its own", { rendered: { profile: undefined as Loose } }],
];
