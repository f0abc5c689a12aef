import type { CelRule } from "./common.ts";
import { FallbackStorageSpec, FallbackStorageStatus } from "./fallback-storage.ts";
import { GatewayGroupSpec, GatewayGroupStatus, NAME_RULES } from "./gateway-group.ts";
import { GROUP, VERSION } from "./names.ts";
import { type Structural, structural } from "./structural.ts";

/** The CustomResourceDefinitions, made from the zod schemas. `npm run generate` writes them to crds/. */
export interface Crd {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    group: string;
    scope: "Namespaced";
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames: string[];
      categories: string[];
    };
    versions: [
      {
        name: string;
        served: true;
        storage: true;
        schema: { openAPIV3Schema: Structural };
        subresources: { status: Record<string, never>; scale?: ScalePaths };
        additionalPrinterColumns: Column[];
      },
    ];
  };
}
interface ScalePaths {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath: string;
}
interface Column {
  name: string;
  type: "string" | "integer" | "date";
  jsonPath: string;
  description: string;
  /** 1 = shown with -o wide only. */
  priority?: 1;
}

const conditionPath = (type: string, field: "status" | "reason") => `.status.conditions[?(@.type=="${type}")].${field}`;
const column = (name: string, type: Column["type"], jsonPath: string, description: string): Column => ({
  name,
  type,
  jsonPath,
  description,
});
const wide = (...args: Parameters<typeof column>): Column => ({ ...column(...args), priority: 1 });

const AGE = column("Age", "date", ".metadata.creationTimestamp", "Age of this object.");

const GROUP_COLUMNS: Column[] = [
  column("Mode", "string", ".status.mode", "The recorded mode."),
  column("Ready", "string", conditionPath("Ready", "status"), "Does the group serve as wanted?"),
  column("Control-Plane", "string", ".status.controlPlane.verdict", "What all witnesses say of the control plane."),
  column(
    "Fallback",
    "string",
    ".status.fallbackReady",
    "Would a pod that starts now without the control plane serve? Proven means yes.",
  ),
  column("Pods", "integer", ".status.traffic.ready", "Traffic pods that serve."),
  column("Since", "date", ".status.modeSince", "Time in this mode."),
  AGE,
  wide("CP", "integer", ".status.traffic.fromControlPlane", "Serving pods that follow the control plane."),
  wide("Memory", "integer", ".status.traffic.fromMemory", "Serving pods that lost it and serve from memory."),
  wide("Snapshot", "integer", ".status.traffic.fromSnapshot", "Serving pods that started from the snapshot."),
  wide("Reason", "string", ".status.modeReason", "Why the group is in this mode."),
  wide("Digest", "string", ".status.snapshot.digest", "Digest of the verified snapshot."),
  wide("Proven", "date", ".status.snapshot.proofs[0].at", "Time since it was shown to load."),
];
const STORAGE_COLUMNS: Column[] = [
  column("Type", "string", ".spec.type", "Which store."),
  column("Ready", "string", conditionPath("Ready", "status"), "Does the store answer, and may it be listed?"),
  column("Reason", "string", conditionPath("Ready", "reason"), "Why, as one word."),
  AGE,
];

interface Kind {
  kind: string;
  plural: string;
  shortName: string;
  description: string;
  spec: Structural;
  status: Structural;
  columns: Column[];
  rules: CelRule[];
  scale?: ScalePaths;
}

const KINDS: readonly Kind[] = [
  {
    kind: "GatewayGroup",
    plural: "gatewaygroups",
    shortName: "gwg",
    description:
      "One group of API7 gateways: Holdfast runs its traffic pods and its backup pod, proves the exported snapshot, and keeps the group serving when the control plane is gone.",
    spec: structural(GatewayGroupSpec.describe("What is wanted.")),
    status: structural(GatewayGroupStatus.describe("What Holdfast saw and did.")),
    columns: GROUP_COLUMNS,
    rules: NAME_RULES,
    scale: {
      specReplicasPath: ".spec.traffic.replicas",
      statusReplicasPath: ".status.traffic.replicas",
      labelSelectorPath: ".status.traffic.selector",
    },
  },
  {
    kind: "FallbackStorage",
    plural: "fallbackstorages",
    shortName: "fbs",
    description: "A place for snapshots: two S3 buckets, or two containers in Azure Blob Storage.",
    spec: structural(FallbackStorageSpec.describe("What is wanted.")),
    status: structural(FallbackStorageStatus.describe("What Holdfast saw.")),
    columns: STORAGE_COLUMNS,
    rules: [],
  },
];

/** Both CRDs, in the order in which they are documented. */
export function crds(): Crd[] {
  return KINDS.map(crd);
}

function crd(kind: Kind): Crd {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${kind.plural}.${GROUP}`, labels: { "app.kubernetes.io/name": "holdfast" } },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [kind.shortName],
        categories: ["holdfast"],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: root(kind) },
          subresources: { status: {}, ...(kind.scale && { scale: kind.scale }) },
          additionalPrinterColumns: kind.columns,
        },
      ],
    },
  };
}

function root(kind: Kind): Structural {
  return {
    type: "object",
    description: kind.description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `Version of this schema: ${GROUP}/${VERSION}.` },
      kind: { type: "string", description: `${kind.kind}.` },
      // The API server allows no description here: metadata has the schema of every Kubernetes object.
      metadata: { type: "object" },
      spec: kind.spec,
      // -1 = "not seen yet", so that tools that follow kstatus do not take a new object for a ready one.
      status: { ...kind.status, default: { observedGeneration: -1 } },
    },
    ...(kind.rules.length > 0 && { "x-kubernetes-validations": kind.rules }),
  };
}
