import { z } from "zod";
import { cel, hostEndpoint, immutable, intOrPercent, localRef, openObject, quantities, seconds } from "./common.ts";
import { GatewayGroupStatus } from "./gateway-group-status.ts";
import { Traffic } from "./gateway-group-traffic.ts";

const Gateway = z
  .strictObject({
    image: z
      .string()
      .min(1)
      .max(512)
      .describe("Image of the API7 gateway, with a version tag, for example api7/api7-ee-3-gateway:3.9.13."),
    version: z
      .string()
      .max(64)
      .regex(/^\d+\.\d+\.\d+([-.+].*)?$/)
      .optional()
      .describe("Version of the gateway, when the image is named by digest or by a tag that is no version."),
    imagePullSecrets: z
      .array(localRef("A pull Secret."))
      .max(16)
      .optional()
      .describe("Pull Secrets for the pods of this group. They must cover Holdfast's image, too.")
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }),
    resources: z
      .strictObject({
        requests: quantities("What is reserved.").optional(),
        limits: quantities(
          "What is allowed. The CPU limit, rounded up, is also the number of nginx workers.",
        ).optional(),
      })
      .prefault({})
      .describe("Resources of the gateway container."),
    workers: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe(
        "nginx workers per pod. Default: the CPU limit, else the CPU request rounded up, else 2. They are what the license counts.",
      ),
    config: openObject(
      "Additions to the gateway's config.yaml. Keys that Holdfast owns are refused by name in the condition Stalled: docs/reference.md.",
    ).prefault({}),
  })
  .describe("The gateway to run.");

const ControlPlane = z
  .strictObject({
    endpoint: hostEndpoint("One load-balanced URL of the DP manager, https, without a path."),
    clientCertificateRef: localRef("Secret with tls.crt, tls.key and ca.crt: the gateway's client certificate."),
    serverName: z
      .string()
      .max(253)
      .regex(/^[A-Za-z0-9._:-]+$/)
      .optional()
      .describe("Name that the DP manager's certificate must have, when it is not the endpoint's host."),
    probeIntervalSeconds: seconds(1, 300, "How often Holdfast asks the control plane.").default(5),
  })
  .describe("Where the gateways get their configuration in normal times.");

const Backup = z.strictObject({
  enabled: z.boolean().default(true).describe("Run the backup pod that exports the configuration."),
  exportIntervalSeconds: seconds(1, 86400, "How often the backup pod exports.").default(60),
  podTemplate: openObject("Merged over the backup pod's template, like traffic.podTemplate.").prefault({}),
});

const Fallback = z.strictObject({
  storageRef: localRef(
    "The FallbackStorage of this group, of the group's own namespace: one of another cannot be named.",
  ),
  outageAfterSeconds: seconds(
    5,
    86400,
    "How long the control plane must be lost before the group is recorded in fallback.",
  ).default(120),
  rollout: z
    .strictObject({
      type: z
        .enum(["OnRestart", "Rolling"])
        .default("OnRestart")
        .describe(
          "OnRestart: pods that serve stay, pods that start use the snapshot. Rolling: pods that serve are moved, too.",
        ),
      startAfterSeconds: seconds(
        0,
        604800,
        "Rolling: how long after the loss the move of serving pods begins.",
      ).default(3600),
      maxSurge: intOrPercent("How many pods more than replicas a move may run; at least one.")
        .meta(
          cel({
            rule: "type(self) == int ? self > 0 : self != '0%'",
            message: "maxSurge must not be 0: a move starts new pods before it ends old ones",
          }),
        )
        .default("25%"),
    })
    .prefault({})
    .describe("What becomes of pods that serve."),
  snapshot: z
    .strictObject({
      maxAgeSeconds: seconds(
        10,
        31536000,
        "How old the last export with the content of the verified snapshot may have been when the control plane was seen last. While a newer export waits for its rehearsal, rehearsal.minIntervalSeconds is added.",
      ).default(3600),
      maxShrinkPercent: z
        .int()
        .min(0)
        .max(100)
        .default(30)
        .describe(
          "How much of a kind may vanish, compared with the snapshots that were verified in the last 24 hours, before a person is asked.",
        ),
      tolerate: z
        .int()
        .min(0)
        .max(20)
        .default(0)
        .describe(
          "How many routes a gateway may drop when it loads a snapshot, and the snapshot is proven all the same, without them. With 0, and for services and upstreams, a person is asked.",
        ),
    })
    .prefault({})
    .describe("Which snapshots are trusted."),
  recovery: z
    .strictObject({
      afterSeconds: seconds(5, 86400, "How long the control plane must answer before the group returns.").default(300),
      approval: z
        .enum(["Automatic", "Manual"])
        .default("Automatic")
        .describe("Manual: a person approves each return by annotation."),
    })
    .prefault({})
    .describe("The way back."),
  rehearsal: z
    .strictObject({
      minIntervalSeconds: seconds(0, 86400, "Least time between two rehearsals of changed snapshots.").default(900),
    })
    .prefault({})
    .describe("Proofs that a snapshot loads."),
});

export const GatewayGroupSpec = z.strictObject({
  shortID: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$/)
    .describe("Short id of the gateway group in API7: its object key in the store.")
    .meta(
      cel(immutable("shortID"), {
        rule: "!self.endsWith('-raw') && !self.endsWith('-candidate') && !self.endsWith('-owner') && !self.matches('-gen-[0-9a-f]{12}$')",
        message:
          "shortID must not end in -raw, -candidate, -owner or -gen- and 12 hexadecimal digits: Holdfast keeps objects of its own under these keys",
      }),
    ),
  modePolicy: z
    .enum(["Auto", "Observe", "Normal", "Fallback"])
    .default("Auto")
    .describe(
      "Auto: Holdfast moves the group. Observe: it decides and says so, and moves nothing. Normal, Fallback: stay or go there.",
    ),
  gateway: Gateway,
  controlPlane: ControlPlane,
  traffic: Traffic.prefault({}).describe("The pods that serve."),
  backup: Backup.prefault({}).describe("The pod that exports. It has no port and is not counted by the license."),
  fallback: Fallback.describe("When and how to go without the control plane."),
  deletionPolicy: z
    .enum(["Retain", "Delete"])
    .default("Retain")
    .describe("Retain: deleting this object leaves the traffic pods serving. Delete: they go with it."),
  suspend: z.boolean().default(false).describe("true: only status and events are written."),
});
export type GatewayGroupSpec = z.infer<typeof GatewayGroupSpec>;

export const NAME_RULES = [
  {
    rule: "self.metadata.name.size() <= 40",
    message: "metadata.name must be at most 40 characters: child objects add to it",
  },
  {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message: "metadata.name must be a DNS-1035 label: lower case letters, digits and -, starting with a letter",
  },
];

export { GatewayGroupStatus };
