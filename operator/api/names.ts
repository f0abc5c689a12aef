/** Names that others may rely on: group, version, labels, annotations, and the names of child objects. */

export const GROUP = "holdfast.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const FIELD_MANAGER = "holdfast";

export const LABEL = {
  managedBy: "app.kubernetes.io/managed-by",
  name: "app.kubernetes.io/name",
  instance: "app.kubernetes.io/instance",
  component: "app.kubernetes.io/component",
  /** The GatewayGroup an object belongs to. Every child carries it; an object without it is a stranger's. */
  group: "holdfast.dev/group",
  /** traffic | backup | rehearsal | canary | witness. With `group` the selector of Deployments and of the Service. */
  role: "holdfast.dev/role",
  /** excluded | counted: does the pod count towards the API7 license? */
  license: "holdfast.dev/license",
} as const;

/**
 * Values of the recommended labels, which other tools read as well. Both are words that nobody else's object can have: a
 * release of the vendor's chart selects `name: gateway` + `instance: <release>`, Argo CD takes what has no owner and
 * carries `instance: <Application>`; names of releases, Applications and namespaces have no capital letters.
 */
export const APP_NAME = "holdfast-gateway";
export const instanceOf = (group: string): string => `GatewayGroup.${group}`;

/** Argo CD's own words: what a deleted group leaves behind is neither pruned nor told as a difference. */
export const NEVER_PRUNED = {
  "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
  "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
} as const;

export const ROLES = ["traffic", "backup", "rehearsal", "canary", "witness"] as const;
export type Role = (typeof ROLES)[number];

export const ANNOTATION = {
  /** "Fallback until=<RFC3339>", "Normal until=...", "Hold until=...": beats spec.modePolicy until it expires. */
  override: "holdfast.dev/override",
  /** "EPOCH-UID", as the message that waits for it names it: one return that a person approves (domain/mode/approvals.ts). */
  approveReturn: "holdfast.dev/approve-return",
  /** "DIGEST-N-UID", as the condition names it: a quarantined snapshot that a person accepts, once. */
  acceptSnapshot: "holdfast.dev/accept-snapshot",
  /** "DIGEST-N-UID", as the message names it: a snapshot that is proven without the items that a gateway did not load. */
  acceptWithout: "holdfast.dev/accept-without",
  /** The owner of the keys in the store, as the condition names it, is gone: this group takes its place. */
  takeStore: "holdfast.dev/take-store",
  /** RFC3339: rehearse the snapshot again, once. */
  rehearseAt: "holdfast.dev/rehearse-at",
  /** RFC3339: apply a waiting template change now, once. */
  restartAt: "holdfast.dev/restart-at",
  /** "REPLICAS-N-UID", as the condition names it: one drop of spec.traffic.replicas, by more than half, is meant. */
  acceptReplicas: "holdfast.dev/accept-replicas",
  /** On a stranger's object: "<group name>" lets Holdfast take it over. */
  adopt: "holdfast.dev/adopt-by",
  /** Number: order in which groups on one control plane move. */
  wave: "holdfast.dev/wave",
  /** On every child: whose it is, what is going on, what not to do. */
  about: "holdfast.dev/about",
  /** On both Deployments: hash of what the user's wish was made of when the template was rendered. */
  inputsHash: "holdfast.dev/inputs-hash",
  /** On both Deployments: hash of the template as rendered. */
  templateHash: "holdfast.dev/template-hash",
  /** On pod templates: key under which proofs are published to the start choice. */
  proofKey: "holdfast.dev/proof-key",
  /** On rehearsal and canary pods: digest of what they load. */
  digest: "holdfast.dev/digest",
  /** On a frozen PodDisruptionBudget: what it allows again once its group is gone, or no longer frozen. */
  unfrozen: "holdfast.dev/unfrozen-max-unavailable",
  podDeletionCost: "controller.kubernetes.io/pod-deletion-cost",
} as const;

export const childName = {
  traffic: (group: string) => group,
  backup: (group: string) => `${group}-backup`,
  service: (group: string) => group,
  disruptionBudget: (group: string) => group,
  start: (group: string) => `${group}-start`,
  normalConfig: (group: string, hash: string) => `${group}-normal-${hash}`,
  readerConfig: (group: string, hash: string) => `${group}-reader-${hash}`,
  exporterConfig: (group: string, hash: string) => `${group}-exporter-${hash}`,
  trafficAccount: (group: string) => `${group}-traffic`,
  backupAccount: (group: string) => `${group}-backup`,
  networkPolicy: (group: string) => `${group}-backup`,
  rehearsal: (group: string, suffix: string) => `${group}-rehearsal-${suffix}`,
  canary: (group: string, suffix: string) => `${group}-canary-${suffix}`,
  witness: (group: string, suffix: string) => `${group}-witness-${suffix}`,
} as const;

/** Its first characters name a digest, for people and in keys of the store. */
export const DIGEST_SHOWN = 12;

/** Object keys in the store, all derived from the group's short id. Source: gateway contract section 4 [O]. */
export const storeKey = {
  raw: (shortID: string) => `${shortID}-raw`,
  candidate: (shortID: string) => `${shortID}-candidate`,
  verified: (shortID: string) => shortID,
  /** In the resource bucket alone: whose keys these are. */
  owner: (shortID: string) => `${shortID}-owner`,
  /** Copies of pairs that were verified: by the first characters of their digest. */
  generation: (shortID: string, digest: string) =>
    `${shortID}-gen-${digest.replace(/^sha256:/, "").slice(0, DIGEST_SHOWN)}`,
} as const;
