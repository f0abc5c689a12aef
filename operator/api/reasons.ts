/**
 * The closed list of condition types, and of reasons: one vocabulary for conditions, events, metric labels and logs.
 * docs/reasons.md is generated from here; a test fails when it is stale.
 */
export const CONDITION_TYPES = {
  Ready: "The group serves as wanted, in either mode.",
  Reconciling: "Something is still being done to reach what the spec wants.",
  Stalled: "Something in the input must be changed by a person before Holdfast can go on.",
  ControlPlaneReachable: "What all witnesses together say of the control plane.",
  FallbackReady: "A pod that starts now without the control plane would serve the verified snapshot.",
  FallbackActive: "The group is recorded in fallback. Present only while true.",
  SnapshotQuarantined: "The newest export was not trusted; the verified pair stays. Present only while true.",
  ControlPlaneRegressed: "The control plane holds clearly less than the verified snapshot. Present only while true.",
  RestartPending: "A change of the pod template waits. Present only while true.",
  Overridden: "Something in the cluster changes what Holdfast writes. Present only while true.",
  Held: "Holdfast refrains from acting and says why. Present only while true.",
} as const;
export type ConditionType = keyof typeof CONDITION_TYPES;
/** Conditions that are listed only while they are true. */
export const ONLY_WHILE_TRUE: readonly ConditionType[] = [
  "FallbackActive",
  "SnapshotQuarantined",
  "ControlPlaneRegressed",
  "RestartPending",
  "Overridden",
  "Held",
];

const reason = (meaning: string, todo = "Nothing.") => ({ meaning, todo });

export const REASONS = {
  // --- serving
  Serving: reason("All wanted traffic pods serve."),
  ScaledToZero: reason("No traffic pods are wanted."),
  PodsMissing: reason("Fewer traffic pods serve than are wanted.", "Look at the pods' events."),
  Progressing: reason("Objects are being brought to what the spec wants."),
  Settled: reason("Nothing is left to do."),
  Accepted: reason("Nothing in the input is wrong."),
  PodsRefused: reason(
    "The cluster refuses the pods of this group (Pod Security, quota, a webhook).",
    "Change what the message names: pod template, quota or policy.",
  ),
  ObjectRefused: reason(
    "The cluster refuses an object of this group, for example a node port that is taken.",
    "Change the part of the spec that the message names, or the cluster's policy.",
  ),
  StepRefused: reason(
    "The cluster refuses what Holdfast has to do to an object of this group: scale, delete, mark or pause it.",
    "Change the policy, the webhook or the rights that the message names.",
  ),
  FieldOverridden: reason(
    "A webhook or policy of the cluster changes a field of an object as Holdfast writes it; that field is left alone.",
    "Exempt the object that the message names from it, or leave it: the field is written again each hour.",
  ),
  // --- bad input
  InvalidImage: reason(
    "The gateway's image names no version.",
    "Use a tag like 3.9.13, or set spec.gateway.version beside a digest.",
  ),
  UnsupportedVersion: reason("This gateway version cannot do what Holdfast needs.", "Use 3.8.21 or later."),
  PathStyleUnsupported: reason(
    "This gateway version cannot speak path-style S3.",
    "Use 3.9.13 or later, or set forcePathStyle: false on a server with bucket host names.",
  ),
  OwnedConfigKey: reason(
    "spec.gateway.config sets a key that Holdfast owns.",
    "Remove the key that the message names.",
  ),
  PodTemplateRefused: reason(
    "A podTemplate sets what would endanger the group.",
    "Remove the field that the message names.",
  ),
  CertificateMissing: reason(
    "The client certificate's Secret, or a key in it, is missing.",
    "Create the Secret with tls.crt, tls.key and ca.crt.",
  ),
  CertificateInvalid: reason(
    "The client certificate cannot be used: it does not parse, does not match its key, or is expired.",
    "Renew it.",
  ),
  StorageNotFound: reason(
    "The FallbackStorage does not exist in this namespace.",
    "Create it, or correct spec.fallback.storageRef.",
  ),
  StorageSecretMissing: reason(
    "A Secret with storage keys, or a key in it, is missing.",
    "Create it with the keys that the message names.",
  ),
  StorageSecretInvalid: reason("A storage key cannot be used by the gateway.", "Make a new key as the message says."),
  StorageUnavailable: reason(
    "The store does not answer Holdfast.",
    "Look at the message; serving pods are not touched.",
  ),
  StorageDenied: reason(
    "The store refuses keys: Holdfast's own, or those that gateways get.",
    "Correct the keys or policies that the message names.",
  ),
  StorageMisconfigured: reason("Bucket, container, region or endpoint is wrong.", "Correct the FallbackStorage."),
  StorageReachable: reason("The store answers, and may be listed."),
  ObjectKeyShared: reason(
    "Another, older group uses the same object key in the same store.",
    "Give one of them another store or short id.",
  ),
  NameTaken: reason(
    "An object that is not Holdfast's has a name that this group needs.",
    "Rename or remove it, or, where the message offers it, annotate it to let Holdfast take it over.",
  ),
  AdoptionWaits: reason(
    "An object that was given to this group is not taken over yet: a Service while the group's own pods do not serve, or anything under modePolicy Observe.",
    "Nothing, or look at why the pods do not serve.",
  ),
  ReplicasDropHeld: reason(
    "spec.traffic.replicas dropped by more than half, and not through the scale subresource.",
    "Annotate the group with holdfast.dev/accept-replicas=<number> if it is meant.",
  ),
  // --- control plane
  ControlPlaneAnswers: reason("The control plane answers reads and no gateway disagrees."),
  PartlyCutOff: reason(
    "Some gateways lost the control plane, others have it.",
    "Look at the nodes or the zone of those that lost it.",
  ),
  ControlPlaneLost: reason("Neither Holdfast nor the gateways reach the control plane.", "Repair the control plane."),
  DatabaseDown: reason(
    "The control plane's front answers, its database does not.",
    "Repair the control plane's database.",
  ),
  GatewaysCutOff: reason(
    "Holdfast reaches the control plane, the gateways do not.",
    "Look at network policies and routes of the gateways.",
  ),
  NothingToLose: reason(
    "Holdfast does not reach the control plane and no normal pod serves.",
    "Repair the control plane.",
  ),
  OperatorCutOff: reason(
    "Holdfast does not reach the control plane, a gateway does.",
    "Look at Holdfast's own network.",
  ),
  WitnessesMissing: reason(
    "Pods serve, but too few can be asked about the control plane, and fewer than two places speak for them.",
    "Allow Holdfast to reach ports 7085 and 9091 of the pods (one that answers is enough), and witness pods to be scheduled.",
  ),
  ControlPlaneSlow: reason(
    "Reads of the control plane time out at Holdfast alone.",
    "If it lasts: look at the control plane's database and at Holdfast's network.",
  ),
  ControlPlaneMisconfigured: reason(
    "The control plane refuses the client certificate (401/403), or what answers there is no control plane.",
    "Correct the certificate, or the endpoint.",
  ),
  ControlPlaneUnknown: reason(
    "There is no fresh, clear sight of the control plane, for example: its name does not resolve, TLS fails here, there is no route.",
    "Read the message. Name or CA wrong: repair it. Truly gone: order Fallback; the group does not move by itself.",
  ),
  // --- snapshot
  Proven: reason("A gateway of the same image and configuration loaded the verified snapshot."),
  Unproven: reason(
    "The verified snapshot was not yet loaded with the present image, configuration and keys.",
    "Wait for the rehearsal. If it lasts: read the message, and make room for one more gateway pod.",
  ),
  Unpublished: reason(
    "The snapshot is proven, and no pod would find the proof: modePolicy Observe, suspend or Hold keeps it from being published.",
    "Set modePolicy to Auto once you trust what Holdfast says it would do; end suspend or Hold.",
  ),
  Stale: reason("The last export is older than spec.fallback.snapshot.maxAgeSeconds.", "Look at the backup pod's log."),
  Missing: reason("There is no verified snapshot.", "Look at the backup pod and at the store."),
  Unreadable: reason("The verified snapshot cannot be read.", "Look at the store."),
  Rehearsing: reason("A snapshot is being loaded by a throw-away gateway."),
  RehearsalFailed: reason(
    "A gateway did not load the candidate snapshot.",
    "Look at the message; the last verified pair stays.",
  ),
  NoExportYet: reason("The backup pod has not exported yet.", "If it lasts: look at the backup pod's events and log."),
  SnapshotShrunken: reason(
    "The newest export lost much of a kind.",
    "If it is meant: holdfast.dev/accept-snapshot with the digest that the message names.",
  ),
  SnapshotForeign: reason(
    "The newest export has nothing in common with the verified snapshot: another gateway group's, or all created anew.",
    "Look whether shortID and certificate are this group's. If it is meant: holdfast.dev/accept-snapshot as the message says.",
  ),
  SnapshotInvalid: reason(
    "The newest export cannot be used (not JSON, truncated, incomplete, empty).",
    "Find out why: the backup pod's log, what the control plane holds. A verified pair stays.",
  ),
  ExportLate: reason("The backup pod has not exported for three intervals.", "Look at the backup pod's log."),
  ExporterKeyIgnored: reason(
    "The exporter writes to the verified key instead of the raw one.",
    "Report it: this gateway version does not take the short id from its environment.",
  ),
  SnapshotVerified: reason("A proven snapshot was made the verified pair."),
  // --- mode
  ControlPlaneUnreachable: reason("The control plane was lost for outageAfterSeconds and a proof is at hand."),
  OrderedFallback: reason("A person ordered fallback."),
  OrderedNormal: reason("A person ordered normal mode."),
  OrderExpired: reason("An ordered fallback lasted a day beside a living control plane and was ended (license)."),
  FallbackReached: reason("The fallback mode is published; every pod that starts uses the snapshot."),
  ControlPlaneReturned: reason("The control plane answered for long enough and holds what is expected."),
  NormalReached: reason("No pod serves from the snapshot any more."),
  ModeAdopted: reason("A group without status took its mode from its pods."),
  InitialMode: reason("A new group starts in normal mode."),
  WaitingOutage: reason("The control plane is lost, not yet for outageAfterSeconds."),
  WaitingReturn: reason("The control plane is back, not yet for long enough."),
  WaitingApproval: reason(
    "The return waits for a person.",
    "Annotate holdfast.dev/approve-return with .status.epoch, which the message of Reconciling names.",
  ),
  WaitingCanary: reason("A throw-away gateway tries the control plane before the return."),
  CanaryFailed: reason(
    "A throw-away gateway did not load from the control plane; the group stays in fallback.",
    "Look at the message and at the canary pod. No word passes this.",
  ),
  Regressed: reason(
    "The control plane holds clearly less than the verified snapshot.",
    "Restore it, or accept: holdfast.dev/approve-return with .status.epoch, which the message of Reconciling names. Until then an override Fallback serves the last good pair.",
  ),
  MovingPods: reason("Pods are being replaced, one surge at a time."),
  WouldMove: reason("modePolicy is Observe: Holdfast would move now."),
  SurgeImpossible: reason(
    "The pods that a move needs cannot be had (quota, capacity, image).",
    "Make room; nothing was shrunk.",
  ),
  ServingOldSnapshot: reason("Nothing else serves, so an old snapshot is used."),
  // --- held
  Suspended: reason("spec.suspend is true.", "Set it to false when the work is done."),
  HoldOrdered: reason("The override annotation says Hold."),
  WatchesBlind: reason(
    "A watch has had no sign of the API server for 110 s: nothing is decided on what may be out of date.",
    "Look at Holdfast's log for `watch interrupted`: its rights (list, watch), API priority and fairness, the network.",
  ),
  NoProof: reason(
    "The control plane is lost and fallback is not ready: nothing that serves is touched.",
    "Restore the control plane, or what FALLBACK names. An override Fallback passes the age limit, never a missing proof.",
  ),
  SelfSuspicion: reason(
    "Many control planes look lost at once: Holdfast suspects itself.",
    "Look at Holdfast's own network.",
  ),
  OverrideInvalid: reason(
    "The override annotation cannot be read.",
    "Write: Fallback until=2026-01-31T12:00:00Z (or Normal, Hold).",
  ),
  OverrideRefused: reason(
    "Fallback was ordered, and no snapshot is proven, or a day of it beside a living control plane has just ended.",
    "Make fallback ready, or take the order back.",
  ),
  // --- waiting changes
  ChangeWaits: reason(
    "A template change waits until the group is in normal mode.",
    "To do it now: holdfast.dev/restart-at=<RFC3339>.",
  ),
  RendersDifferently: reason(
    "This Holdfast version renders another template from the same spec; what runs is kept.",
    "holdfast.dev/restart-at=<RFC3339> applies it now.",
  ),
  OutageDuringRoll: reason("The control plane was lost in the middle of a roll; the roll waits."),
  // --- done to objects (events)
  PodReplaced: reason("A pod that could not start without the control plane was deleted, so that it starts anew."),
  HandEditReverted: reason("An object of the group was edited by hand; the edit was taken back."),
  TemplateRestored: reason("The template that serves was put back."),
  ObjectApplied: reason("An object of the group was created or changed."),
  Scaled: reason("The number of traffic pods was changed."),
} as const satisfies Record<string, { meaning: string; todo: string }>;
export type Reason = keyof typeof REASONS;
