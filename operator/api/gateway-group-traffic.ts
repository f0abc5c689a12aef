import { z } from "zod";
import { cel, intOrPercent, label, openObject, seconds } from "./common.ts";

/** spec.traffic: the pods that serve, and what leads to them. */
const Service = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Make a Service for the traffic pods."),
    type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP").describe("Type of the Service."),
    ports: z
      .array(
        z.strictObject({
          name: label(
            "Name of the port. http or http-..., https or https-...: the gateway listens on a targetPort of its own, too (TCP).",
          ),
          port: z.int().min(1).max(65535).describe("Port of the Service."),
          targetPort: z
            .int()
            .min(1)
            .max(65535)
            .describe(
              "Port of the gateway: 9080 http, 9443 https, another one that the name opens, or a stream listener of yours.",
            ),
          nodePort: z
            .int()
            .min(1)
            .max(65535)
            .optional()
            .describe("Fixed port on the nodes; leave out to have one chosen."),
          protocol: z.enum(["TCP", "UDP"]).default("TCP").describe("Protocol of the port; UDP for a UDP listener."),
        }),
      )
      .min(1)
      .max(32)
      .default([
        { name: "http", port: 80, targetPort: 9080, protocol: "TCP" },
        { name: "https", port: 443, targetPort: 9443, protocol: "TCP" },
      ])
      .describe("Ports of the Service.")
      .meta({
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        ...cel({
          rule: "self.all(p, self.exists_one(q, q.port == p.port && q.protocol == p.protocol))",
          message: "each port may be listed once per protocol",
        }),
      }),
    annotations: z
      .record(z.string(), z.string())
      .optional()
      .describe("Annotations of the Service, for cloud load balancers."),
    loadBalancerClass: z.string().max(253).optional().describe("Class of the load balancer."),
    externalTrafficPolicy: z
      .enum(["Cluster", "Local"])
      .optional()
      .describe("Local keeps the client's address and stays on the node that was asked, as in a Service."),
  })
  .meta(
    cel(
      {
        rule: "!has(self.loadBalancerClass) || self.type == 'LoadBalancer'",
        message: "loadBalancerClass needs type LoadBalancer",
      },
      {
        rule: "!has(self.externalTrafficPolicy) || self.type != 'ClusterIP'",
        message: "externalTrafficPolicy needs type NodePort or LoadBalancer",
      },
      {
        // has(): the default {} of this object is checked before the defaults of its fields are filled in.
        rule: "!has(self.type) || self.type != 'ClusterIP' || !has(self.ports) || self.ports.all(p, !has(p.nodePort))",
        message: "nodePort needs type NodePort or LoadBalancer",
      },
    ),
  );

export const Traffic = z.strictObject({
  replicas: z
    .int()
    .min(0)
    .max(1000)
    .default(2)
    .describe(
      "Traffic pods. An HPA or KEDA targets this GatewayGroup's scale; then leave it out of Git (docs/operating.md).",
    ),
  service: Service.prefault({}).describe("The Service of the traffic pods."),
  check: z
    .strictObject({
      host: z
        .string()
        .max(253)
        .regex(/^[!-~]+$/)
        .optional()
        .describe("Host header of the request; leave out where the route has no host."),
      path: z
        .string()
        .max(2048)
        .regex(/^\/[!-~]*$/)
        .describe("Path of one real route."),
      expectStatus: z.int().min(100).max(599).default(200).describe("Status that a loaded gateway answers."),
    })
    .optional()
    .describe(
      "One real route that a loaded gateway answers. An open port alone does not show that anything was loaded.",
    ),
  disruptionBudget: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          "Make a PodDisruptionBudget. false: where the platform makes one for each workload, as two budgets on one pod let no eviction through. Evictions are not held up then while fallback is not ready.",
        ),
      maxUnavailable: intOrPercent("How many traffic pods an eviction may take at a time.").default("10%"),
    })
    .prefault({})
    .describe("The PodDisruptionBudget of the traffic pods."),
  drainSeconds: seconds(1, 3600, "How long a pod that ends keeps serving before it stops taking requests.").default(30),
  podTemplate: openObject(
    "Merged over the traffic pods' template: objects merge, lists with names merge by name, other lists replace, null removes. What would endanger the group is refused: docs/reference.md.",
  ).prefault({}),
});
