import { type MetricObject, Registry } from "prom-client";
import { systemClock } from "../operator/kube/clock.ts";
import { prometheusMetrics } from "../operator/kube/metrics.ts";
import { GroupMetrics } from "../operator/metrics.ts";
import { helpText } from "../operator/options.ts";
import { leaseRules, NAMESPACE_RULES, type RbacRule } from "../operator/rbac.ts";

/** What the process takes in, gives out, and may do. */
export function generatedSignals(note: string): Record<string, string> {
  return { "docs/options.md": optionsPage(note), "docs/metrics.md": metricsPage(note), "docs/rbac.md": rbacPage(note) };
}

/** All metrics of ours, from a registry that is filled as the operator fills it. */
export function ownMetrics(): MetricObject[] {
  const registry = new Registry();
  new GroupMetrics(registry);
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
Rules in words; thresholds are yours. Not tried against a Prometheus yet.

| alert | when |
| --- | --- |
| a pod that starts now without the control plane would not serve | \`holdfast_group_condition{type="FallbackReady",status="True"}\` is missing for a group |
| the export is late | \`time() - holdfast_snapshot_last_export_timestamp_seconds\` is above a few export intervals |
| the group is held | \`holdfast_group_condition{type="Held",status="True"} == 1\` |
| a person is needed | \`holdfast_group_condition{type="Stalled",status="True"} == 1\` |
| too few pods serve | sum of \`holdfast_traffic_pods\` is below \`holdfast_traffic_pods_wanted\` |
| the client certificate ends | \`holdfast_client_certificate_not_after_seconds - time()\` is below two weeks |
| nobody leads | the sum of \`holdfast_leader\` is not 1 |
| a namespace is left out | \`holdfast_watch_refused == 1\` |
| an operator is blind | \`time() - holdfast_watch_last_activity_seconds\` is above three minutes |
`;
}

function optionsPage(note: string): string {
  return `${note}# Flags and environment of the operator
The chart sets what is needed. Flags win over environment variables. A wrong value ends the process with a line that names the
flag, its variable and what is wrong.
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
  there a change of \`deletionPolicy\` also needs \`delete\` on \`serviceaccounts\` and \`poddisruptionbudgets\`.
* Traffic and backup pods have ServiceAccounts of their own, without any right and without a token.

With \`rbac.create: false\` make the Roles by hand from these tables, and bind them to the operator's ServiceAccount.
`;
}
