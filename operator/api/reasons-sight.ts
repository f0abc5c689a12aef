import { reason } from "./reasons-row.ts";

/** Words of what is seen: the control plane, the snapshot. */
export const SIGHT = {
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
  DatabaseDoubted: reason(
    "Holdfast's reads are answered with a server error, and nobody else has confirmed it: a witness pod is asked.",
    "If it lasts: look at the control plane's database, and why witness pods do not run or have their reads answered.",
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
    "Pods serve, but too few can be asked about the control plane, or all that say they lost it are on one node, and fewer than two places speak for them.",
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
  ProvenWithout: reason(
    "A gateway of the same image and configuration loaded the verified snapshot, but for the items that the message names: spec.fallback.snapshot.tolerate allows it, or a person accepted it.",
    "Correct or remove these items: a pod that starts from the snapshot does not serve them.",
  ),
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
    "If it is meant: holdfast.dev/accept-snapshot as the message says.",
  ),
  SnapshotForeign: reason(
    "The newest export has nothing in common with the verified snapshot: another gateway group's, or all created anew.",
    "Look whether shortID and certificate are this group's. If it is meant: holdfast.dev/accept-snapshot as the message says.",
  ),
  SnapshotInvalid: reason(
    "The newest export cannot be used (not JSON, truncated, incomplete, empty).",
    "Find out why: the backup pod's log, what the control plane holds. A verified pair stays.",
  ),
  VariableInSnapshot: reason(
    "An item names a variable in double braces after a dollar sign. A gateway that starts from the snapshot replaces it from its environment, and refuses the whole snapshot where it is not set; one with a control plane does neither.",
    "Change the item that the message names, or set the variable in spec.traffic.podTemplate.",
  ),
  PluginNotListed: reason(
    "An item configures a plugin that the snapshot's own list of plugins does not name: a gateway that starts from the snapshot drops the whole item.",
    "Enable the plugin in the gateway group, or take it out of the item.",
  ),
  HoldfastNameInSnapshot: reason(
    "An item names a variable that begins with HOLDFAST_. Gateways get none; somebody may be trying to read storage keys.",
    "Find out who wrote the item, and remove the name.",
  ),
  EnvironmentInSnapshot: reason(
    "An item reads a variable of the gateway's environment by `$env://NAME`.",
    "Keep the variable in spec.traffic.podTemplate, and no secret in it that whoever may write a route must not read.",
  ),
  DanglingReference: reason(
    "Items name others that the snapshot does not hold, so that requests to them fail with either configuration.",
    "Create what is missing, or remove the items.",
  ),
  UnknownKind: reason(
    "The snapshot holds a list that this version of Holdfast does not know.",
    "Nothing, or a newer Holdfast if the gateway is newer.",
  ),
  ExportLate: reason("The backup pod has not exported for three intervals.", "Look at the backup pod's log."),
  ExporterKeyIgnored: reason(
    "The exporter writes to the verified key instead of the raw one.",
    "Report it: this gateway version does not take the short id from its environment.",
  ),
  SnapshotVerified: reason("A proven snapshot was made the verified pair."),
} as const;
