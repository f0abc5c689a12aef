import { reason } from "./reasons-row.ts";

/** Words of what serves, and of what is in its way: the cluster, or the input. */
export const SERVING = {
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
  ClocksApart: reason(
    "The clock of Holdfast's node is more than 60 s ahead of the API server's, or behind it. Holdfast measures ages by the API server's clock, so nothing is decided otherwise.",
    "Synchronize the clocks of the nodes (NTP).",
  ),
  // --- other people's objects
  AutoscalerOnChild: reason(
    "A HorizontalPodAutoscaler scales a Deployment of this group, which Holdfast scales, too.",
    "Set its scaleTargetRef to the GatewayGroup.",
  ),
  ServiceSelectsPods: reason(
    "A Service that is not Holdfast's selects pods of this group.",
    "Change its selector, or the labels in the podTemplate.",
  ),
  BudgetSelectsPods: reason(
    "A PodDisruptionBudget that is not Holdfast's selects pods of this group. With two budgets no pod can be evicted.",
    "Change its selector, or leave one of the two budgets out.",
  ),
  WorkloadSelectsPods: reason(
    "The selector of a Deployment or StatefulSet that is not Holdfast's matches pods of this group.",
    "Change it, or the labels in spec.traffic.podTemplate.",
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
  ConfigRefusedByGateway: reason(
    "spec.gateway.config holds a value that the gateway refuses: every new pod would exit at its start.",
    "Write the value that the message asks for.",
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
  WrittenByAnother: reason(
    "What is stored under the verified snapshot's key is not what Holdfast wrote there; it is put back where a copy is kept.",
    "Look for another exporter or operator that writes this key, and give it another short id or store.",
  ),
  StoreOwnedByAnother: reason(
    "The mark in the store says that another cluster's group owns these keys: nothing is written, exported or published.",
    "Give one of them another store or short id. If the owner is gone: holdfast.dev/take-store as the message says.",
  ),
  StoreOwnerUnknown: reason(
    "Which cluster this is cannot be read, so nobody can say whose the keys in the store are: nothing new is written there.",
    "Grant `get` on the namespace of the group, as docs/rbac.md lists it.",
  ),
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
    "spec.traffic.replicas is less than half of what the Deployment has, and was not set through the scale subresource: it dropped, or something else scaled the Deployment.",
    "If it is meant: holdfast.dev/accept-replicas as the message says.",
  ),
  CheckUnanswered: reason(
    "Holdfast gets no answer to spec.traffic.check from a traffic pod for more than three minutes. A move of pods would wait for it without an end.",
    "Let Holdfast connect to the pods' HTTP port (NetworkPolicy, a mesh that enforces mutual TLS), or remove the check.",
  ),
  ReplicasContested: reason(
    "Another writer sets the replicas of the traffic Deployment again each time that Holdfast sets them. After three times Holdfast removes no pod any more, and adds missing ones at growing intervals of up to 30 minutes. No move of pods begins meanwhile.",
    "Let that writer scale the GatewayGroup instead, then set the Deployment's replicas as the message says, or set another spec.traffic.replicas.",
  ),
  FieldContested: reason(
    "Another writer changes an object of the group again each time that Holdfast writes it. After three times Holdfast writes it at growing intervals of up to 30 minutes.",
    "Make the change in the GatewayGroup, and let the writer that the message names leave the object out.",
  ),
} as const;
