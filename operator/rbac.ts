/**
 * Every right that the operator uses, and the call that needs it. The cluster tests run the operator with exactly
 * these; chart and install manifest grant them, per namespace, and nothing cluster-wide.
 */
export interface RbacRule {
  apiGroup: string;
  resources: readonly string[];
  verbs: readonly string[];
  /** RBAC cannot limit `create`, `list` and `watch` to names. */
  resourceNames?: readonly string[];
  why: string;
}

const CACHE = ["list", "watch"] as const;
/** get: who sits on the name; create: POST; patch: server-side apply. */
const CHILD = ["get", ...CACHE, "create", "patch"] as const;
/** What a spec may want no more. What is always wanted goes with its group, by the garbage collector. */
const REMOVED = [...CHILD, "delete"] as const;

/** In each namespace whose groups are kept. */
export const NAMESPACE_RULES: readonly RbacRule[] = [
  {
    apiGroup: "holdfast.dev",
    resources: ["gatewaygroups"],
    verbs: ["get", ...CACHE],
    why: "the specs, which are never written; get: is a group still as it was decided on",
  },
  {
    apiGroup: "holdfast.dev",
    resources: ["fallbackstorages"],
    verbs: CACHE,
    why: "the specs, which are never written",
  },
  {
    apiGroup: "holdfast.dev",
    resources: ["gatewaygroups/status", "fallbackstorages/status"],
    verbs: ["update"],
    why: "status, guarded by resourceVersion",
  },
  {
    apiGroup: "apps",
    resources: ["deployments"],
    verbs: REMOVED,
    why: "traffic and backup pods; pause, restored template",
  },
  {
    apiGroup: "apps",
    resources: ["deployments/scale"],
    verbs: ["update"],
    why: "replicas, by PUT with resourceVersion",
  },
  {
    apiGroup: "apps",
    resources: ["replicasets"],
    verbs: CACHE,
    why: "which template runs, which ConfigMaps are in use",
  },
  {
    apiGroup: "",
    resources: ["pods"],
    verbs: REMOVED,
    why: "start choices; live floor; rehearsal, canary and witness pods; dry-run; deletion cost; pods that cannot start",
  },
  {
    apiGroup: "",
    resources: ["configmaps"],
    verbs: REMOVED,
    why: "configurations, the published mode; get also reads a storage's CA bundle",
  },
  { apiGroup: "", resources: ["services"], verbs: REMOVED, why: "one Service" },
  { apiGroup: "", resources: ["serviceaccounts"], verbs: CHILD, why: "one identity per role" },
  {
    apiGroup: "networking.k8s.io",
    resources: ["networkpolicies"],
    verbs: CHILD,
    why: "closes backup and rehearsal pods",
  },
  { apiGroup: "policy", resources: ["poddisruptionbudgets"], verbs: REMOVED, why: "the budget of the traffic pods" },
  {
    apiGroup: "apps",
    resources: ["statefulsets"],
    verbs: CACHE,
    why: "whose selector takes pods of a group; of Services, budgets and Deployments, too",
  },
  {
    apiGroup: "autoscaling",
    resources: ["horizontalpodautoscalers"],
    verbs: CACHE,
    why: "which one scales a Deployment of a group",
  },
  {
    apiGroup: "",
    resources: ["namespaces"],
    verbs: ["get"],
    why: "this namespace alone: its uid tells this cluster from another one that uses the same store",
  },
  { apiGroup: "", resources: ["secrets"], verbs: ["get"], why: "those that specs name, by name alone: never listed" },
  { apiGroup: "events.k8s.io", resources: ["events"], verbs: ["create"], why: "what was done and why" },
];

/** In the namespace of the Lease. */
export const leaseRules = (leaseName: string): readonly RbacRule[] => [
  { apiGroup: "coordination.k8s.io", resources: ["leases"], verbs: ["create"], why: "the first start" },
  {
    apiGroup: "coordination.k8s.io",
    resources: ["leases"],
    resourceNames: [leaseName],
    verbs: ["get", "patch"],
    why: "leadership: taken, renewed, released",
  },
];
