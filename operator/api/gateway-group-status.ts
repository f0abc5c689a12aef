import { z } from "zod";
import { conditions } from "./common.ts";

export const MODES = ["Normal", "ToFallback", "Fallback", "ToNormal"] as const;
export type Mode = (typeof MODES)[number];

const time = (what: string) => z.string().describe(what).meta({ format: "date-time" });
const counts = (what: string) => z.record(z.string(), z.int()).describe(what);

const missing = (what: string) =>
  z.array(z.string().max(96)).max(20).optional().describe(what).meta({ "x-kubernetes-list-type": "atomic" });

const Transition = z.strictObject({
  epoch: z.int().describe("Number of the step; it only grows."),
  from: z.enum(MODES).describe("Mode before."),
  to: z.enum(MODES).describe("Mode after."),
  at: time("When it was recorded."),
  reason: z.string().max(64).describe("Why, as one word."),
  evidence: z.string().max(1024).describe("Who saw what."),
});
export type Transition = z.infer<typeof Transition>;

const Content = z.strictObject({
  state: z
    .enum(["Uncounted", "Regressed", "Foreign"])
    .describe(
      "Uncounted: it was lost, and its objects were not counted since. Regressed: it holds clearly less than the verified pair. Foreign: what it exports is another gateway group's.",
    ),
  accepted: counts(
    "Objects per kind that it held when a person approved it all the same; empty where they could not be counted.",
  ).optional(),
});
export type Content = z.infer<typeof Content>;

const ControlPlaneStatus = z.strictObject({
  verdict: z.enum(["Reachable", "Unreachable", "Unknown"]).describe("What all witnesses together say."),
  operator: z.string().max(64).describe("What Holdfast itself sees."),
  connected: z.int().describe("Gateways that say that they are connected."),
  disconnected: z.int().describe("Gateways that say that they are not."),
  cause: z.string().max(64).optional().describe("Probable cause of a loss."),
  lostAt: time("When the control plane was lost; absent while it is there.").optional(),
  content: Content.optional().describe(
    "What is known of what it holds; absent while it holds what is expected. Regressed and Foreign stay, also while it is lost, until it is counted or exports again, or a person approves.",
  ),
});

const Proof = z.strictObject({
  key: z.string().max(64).describe("What was proven: hash of image, configuration and pod template."),
  digest: z.string().max(80).describe("Digest of the snapshot that loaded."),
  image: z.string().max(512).describe("Image that loaded it."),
  without: missing("Items of the snapshot that it did not load, which was accepted: KIND/ID."),
  readerSecretVersion: z
    .string()
    .max(64)
    .optional()
    .describe("Fingerprint of the keys in the reader's Secret at that time."),
  at: time("When it was shown."),
});
export type Proof = z.infer<typeof Proof>;

const SnapshotStatus = z.strictObject({
  digest: z.string().max(80).optional().describe("Digest of the verified pair, which pods start from."),
  counts: counts("Objects per kind in the verified pair.").optional(),
  baseline: z
    .array(
      z.strictObject({ until: time("When another pair took its place."), counts: counts("Objects per kind in it.") }),
    )
    .max(8)
    .optional()
    .describe(
      "Verified pairs of the last 24 hours that held more than the present one, newest first. A new export is measured on the most of them. A snapshot that a person accepted starts the list anew.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
  verifiedAt: time("When the verified pair was written.").optional(),
  proofs: z
    .array(Proof)
    .max(8)
    .optional()
    .describe("What was shown to load it, newest first.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  unconfirmedSince: time(
    "Since when no export has the content of the verified pair; absent while one has. Its age counts from then on.",
  ).optional(),
  replaced: z
    .strictObject({
      digest: z.string().max(80).describe("Digest of what stood there."),
      at: time("When it was seen."),
    })
    .optional()
    .describe("Another pair than the verified one stood under its key, within the last hours."),
  candidate: z.string().max(80).optional().describe("Digest of the candidate pair, being proven."),
  warnings: z
    .array(
      z.strictObject({
        reason: z.string().max(64).describe("What is odd, as one word."),
        kind: z.string().max(64).describe("Kind of the item, as routes."),
        id: z.string().max(128).optional().describe("Id of the item."),
        path: z.string().max(256).optional().describe("Where in the item."),
        message: z.string().max(512).describe("What is odd about it, and what comes of it."),
      }),
    )
    .max(20)
    .optional()
    .describe("Odd items of the verified snapshot and of the newest export, the worst first; at most 20.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  quarantined: z.string().max(80).optional().describe("Digest of a snapshot that was not trusted."),
  lastRehearsal: z
    .strictObject({
      digest: z.string().max(80).describe("Digest that was tried."),
      key: z.string().max(64).describe("What it was tried with."),
      result: z.enum(["Loaded", "Failed"]).describe("How it ended."),
      message: z.string().max(1024).optional().describe("What was seen."),
      missing: missing("Items that were not loaded, KIND/ID, where all of them can be named."),
      at: time("When it ended."),
    })
    .optional()
    .describe("The last rehearsal: a throw-away gateway that was to load a snapshot."),
});

const TrafficStatus = z.strictObject({
  replicas: z.int().default(0).describe("Traffic pods that exist."),
  ready: z.int().default(0).describe("Traffic pods that serve."),
  fromControlPlane: z.int().default(0).describe("Serving pods that follow the control plane."),
  fromMemory: z
    .int()
    .default(0)
    .describe("Serving pods that lost the control plane and serve what they hold in memory."),
  fromSnapshot: z.int().default(0).describe("Serving pods that started from the snapshot."),
  selector: z.string().max(1024).optional().describe("Label selector of the traffic pods, for the scale subresource."),
});

const LicenseStatus = z.strictObject({
  cores: z
    .int()
    .describe("Cores of all pods that proxy traffic, in either mode. Backup and rehearsal pods are not in it."),
  normal: z.int().describe("Cores of pods in normal mode, which the control plane counts."),
  fallback: z.int().describe("Cores of pods that serve from the snapshot, which send no heartbeat."),
});

export const GatewayGroupStatus = z.strictObject({
  observedGeneration: z.int().min(-1).default(-1).describe("The generation of the spec that this status speaks of."),
  summary: z.string().max(1024).optional().describe("What is going on, in one sentence."),
  mode: z.enum(MODES).optional().describe("The recorded mode. It is written before it is acted on."),
  modeReason: z.string().max(64).optional().describe("Why the group is in this mode."),
  modeSince: time("Since when the group is in this mode.").optional(),
  epoch: z.int().min(0).optional().describe("Number of mode changes so far."),
  history: z
    .array(Transition)
    .max(10)
    .optional()
    .describe("The last mode changes, newest first.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  wouldHave: z
    .array(
      z.strictObject({
        count: z.int().describe("How many times so far; it only grows."),
        to: z.enum(["ToFallback", "ToNormal"]).describe("The mode that would have been recorded."),
        at: time("When it came to the point."),
        evidence: z.string().max(1024).describe("Who saw what."),
      }),
    )
    .max(10)
    .optional()
    .describe("Under modePolicy Observe: the last moves that Holdfast would have made, newest first.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  penalty: z
    .strictObject({
      level: z.int().min(0).describe("How often the wait for a return is doubled."),
      at: time("When it was raised last."),
    })
    .optional()
    .describe("Damping of a control plane that comes and goes."),
  fallbackReady: z
    .string()
    .max(32)
    .optional()
    .describe(
      "Would a pod that starts now without the control plane serve? The reason of the condition FallbackReady, which decides, or Quarantined.",
    ),
  conditions: conditions(),
  controlPlane: ControlPlaneStatus.optional().describe("Witnesses of the control plane."),
  snapshot: SnapshotStatus.optional().describe("The snapshot that the group would serve from."),
  traffic: TrafficStatus.optional().describe("Traffic pods, measured pod by pod."),
  license: LicenseStatus.optional().describe("What the license counts."),
  assumed: z
    .array(z.string().max(256))
    .max(16)
    .optional()
    .describe("What Holdfast could not check and takes for granted.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  approvals: z
    .strictObject({
      approveReturn: z.string().max(64).optional().describe("The approve-return annotation that was used last."),
      acceptSnapshot: z.string().max(64).optional().describe("The accept-snapshot annotation that was used last."),
      acceptWithout: z.string().max(64).optional().describe("The accept-without annotation that was used last."),
      acceptReplicas: z.string().max(64).optional().describe("The accept-replicas annotation that was used last."),
    })
    .optional()
    .describe("Approvals of people that were used. Each counts once."),
  // Copies of what people wrote: with a bound here, an annotation that is too long would keep all of status from being
  // written, the mode included.
  restartedAt: z.string().optional().describe("The restart-at annotation that was carried out last."),
  rehearsedAt: z.string().optional().describe("The rehearse-at annotation that was carried out last."),
});
export type GatewayGroupStatus = z.infer<typeof GatewayGroupStatus>;
