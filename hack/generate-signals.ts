import { type MetricObject, Registry } from "prom-client";
import { systemClock } from "../operator/kube/clock.ts";
import { prometheusMetrics } from "../operator/kube/metrics.ts";
import { GroupMetrics } from "../operator/metrics.ts";
import { helpText } from "../operator/options.ts";
import { leaseRules, NAMESPACE_RULES, type RbacRule } from "../operator/rbac.ts";
import { Sessions } from "../operator/session.ts";

/** What the process takes in, gives out, and may do. */
export function generatedSignals(note: string): Record<string, string> {
  return { "docs/options.md": optionsPage(note), "docs/metrics.md": metricsPage(note), "docs/rbac.md": rbacPage(note) };
}

/** All metrics of ours, from a registry that is filled as the operator fills it. */
export function ownMetrics(): MetricObject[] {
  const registry = new Registry();
  new GroupMetrics(registry, new Sessions());
  prometheusMetrics(registry, systemClock);
  return registry.getMetricsAsArray().toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function metricsPage(note: string): string {
  const rows = ownMetrics().map((metric) => {
    const { name, help, type, labelNames } = metric as MetricObject & { labelNames?: string[] };
    const labels = (labelNames ?? []).map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${labels} | ${help} |\n`;
  });
  return `${note}# Metrics
On \`/metrics\`, port 8080, of each replica; those of groups only on the leader. The chart puts a Service in front. Reasons are
the words of [reasons.md](reasons.md). Besides these there are prom-client's metrics of the process and of Node
(\`process_*\`, \`nodejs_*\`).

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${rows.join("")}
## Worth an alert
Thresholds and times are yours. Not tried against a Prometheus yet. The label \`namespace\` is the group's: scrape with
\`honorLabels: true\`, or read \`exported_namespace\`. Scrape every replica, not the Service's address.

| alert | PromQL | for |
| --- | --- | --- |
${ALERTS.map(([what, expression, lasts]) => `| ${what} | \`${expression}\` | ${lasts} |\n`).join("")}
What to do then: [operating.md](operating.md#at-night).
`;
}

/** What, PromQL, and how long it must last. */
export const ALERTS: readonly (readonly [what: string, expression: string, lasts: string])[] = [
  ["too few pods serve", 'holdfast_group_condition{type="Ready",status!="True"} == 1', "2m"],
  ["a group is not in normal mode", 'holdfast_group_mode{mode!="Normal"} == 1', "0m"],
  ["the control plane is lost, or not seen", 'holdfast_control_plane_verdict{verdict="Reachable"} == 0', "5m"],
  [
    "a pod that starts now without the control plane would not serve",
    'holdfast_group_condition{type="FallbackReady",status!="True"} == 1',
    "15m",
  ],
  ["the export is late", "time() - holdfast_snapshot_last_export_timestamp_seconds > 600", "0m"],
  ["the newest export is not trusted", 'holdfast_group_condition{type="SnapshotQuarantined",status="True"} == 1', "5m"],
  [
    "the control plane lost much of what it held",
    'holdfast_group_condition{type="ControlPlaneRegressed",status="True"} == 1',
    "0m",
  ],
  ["the group is held", 'holdfast_group_condition{type="Held",status="True"} == 1', "5m"],
  ["a person is needed", 'holdfast_group_condition{type="Stalled",status="True"} == 1', "5m"],
  [
    "pods serve from the snapshot in normal mode",
    'holdfast_traffic_pods{source="snapshot"} > 0 and on (namespace, name) holdfast_group_mode{mode="Normal"} == 1',
    "30m",
  ],
  ["the client certificate ends", "holdfast_client_certificate_not_after_seconds - time() < 14 * 86400", "0m"],
  ["a plan would have broken a law: a defect, report it", "holdfast_plans_refused_total > 0", "0m"],
  ["nobody leads, or two do", "sum(holdfast_leader) != 1 or absent(holdfast_leader)", "2m"],
  ["a namespace is left out", "holdfast_watch_refused == 1", "5m"],
  ["an operator is blind", "time() - holdfast_watch_last_activity_seconds > 180", "5m"],
];

function optionsPage(note: string): string {
  return `${note}# Flags and environment of the operator
The chart sets what is needed; others go into its value \`extraEnv\`. Flags win over environment variables. A wrong value ends the
process with a line that names the flag, its variable and what is wrong.

The Role allows the Lease \`holdfast\` alone: another \`--lease-name\` needs a Role of yours. Two releases in one namespace share that
Lease, and the second never leads: give each a namespace of its own.
\`\`\`text
${helpText().trimEnd()}
\`\`\`
`;
}

function rbacPage(note: string): string {
  const rows = (rules: readonly RbacRule[]) =>
    rules
      .map(({ apiGroup, resources, verbs, resourceNames, why }) => {
        const named = resourceNames ? ` named \`${resourceNames.join("`, `")}\`` : "";
        const what = resources.map((resource) => `\`${resource}\``).join(", ");
        return `| ${apiGroup === "" ? "core" : `\`${apiGroup}\``} | ${what}${named} | ${verbs.join(", ")} | ${why} |\n`;
      })
      .join("");
  const head = "| group | resource | verbs | why |\n| --- | --- | --- | --- |\n";
  return `${note}# Rights of the operator
One Role per watched namespace and one for the Lease. Nothing is cluster-wide. The list is \`operator/rbac.ts\`; the chart and
\`install/install.yaml\` are generated from it, and the cluster tests run the operator with exactly these rights. Each is needed by a call that
is made: \`test/rbac.test.ts\`.

## In each watched namespace
${head}${rows(NAMESPACE_RULES)}
## In the namespace of the operator
${head}${rows(leaseRules("holdfast"))}
## What they amount to
* Secrets are read by name; they cannot be listed. But who may create pods in a namespace can mount any Secret of it: treat
  the operator's ServiceAccount as able to read the Secrets of the watched namespaces.
* No exec, no eviction, no tokens, no Roles: \`test/cluster/chart.test.ts\`.
* Where the admission plugin OwnerReferencesPermissionEnforcement is on, only who may delete an object may change its owner:
  there a change of \`deletionPolicy\` also needs \`delete\` on \`serviceaccounts\` and \`poddisruptionbudgets\`, and
  taking over a policy on \`networkpolicies\`.
* Traffic and backup pods have ServiceAccounts of their own, without any right and without a token.

With \`rbac.create: false\` make the Roles by hand from these tables, and bind them to the operator's ServiceAccount.

## Rights for people
The chart makes none. RBAC cannot tell an annotation from the spec: who may \`patch\` a GatewayGroup can say every word of
[operating.md](operating.md#peoples-words), and also change image, pod template and Secrets, which is as much as making pods there.

| who | group | resource | verbs |
| --- | --- | --- | --- |
| reads | \`holdfast.dev\` | \`gatewaygroups\`, \`fallbackstorages\` | get, list, watch |
| | core, \`apps\`, \`policy\`, \`events.k8s.io\` | \`pods\`, \`pods/log\`, \`services\`, \`configmaps\`, \`deployments\`, \`poddisruptionbudgets\`, \`events\` | get, list, watch |
| | core, \`coordination.k8s.io\`, in the operator's namespace | \`pods\`, \`pods/log\`, \`leases\` | get, list |
| is on call, besides | \`holdfast.dev\` | \`gatewaygroups\` | patch |
| | \`holdfast.dev\` | \`gatewaygroups/scale\` | get, patch, update |
| | core | \`pods\` | delete |
| writes the YAML, besides | \`holdfast.dev\` | \`gatewaygroups\`, \`fallbackstorages\` | create, patch, update, delete |

Nobody needs \`secrets\` for this, and nobody but the operator \`gatewaygroups/status\`. Who is to scale and no more reads, and gets
\`gatewaygroups/scale\`.
`;
}
