import { childName, type Role } from "../../api/names.ts";
import type { Reason } from "../../api/reasons.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { NeighbourFact } from "../facts/neighbours.ts";
import type { Saying } from "../status/conditions.ts";

/** What somebody else's object does to pods of this group, and what therefore does not start. */
export interface NeighbourTrouble {
  reason: Extract<Reason, "AutoscalerOnChild" | "ServiceSelectsPods" | "BudgetSelectsPods" | "WorkloadSelectsPods">;
  message: string;
  stops?: "exporter" | "moves";
}

type Seen = Pick<Facts, "group" | "neighbours" | "children">;
type Written = { others: readonly KubeObject[] };

/** The worst first. What a selector takes on purpose, by Holdfast's own labels, and what harms nobody is not in it. */
export function neighbourTroubles(facts: Seen, desired: Written): NeighbourTrouble[] {
  const { seen } = facts.neighbours;
  const found = seen.flatMap((one): NeighbourTrouble[] => {
    switch (one.kind) {
      case "HorizontalPodAutoscaler":
        return autoscaler(facts, one);
      case "Service":
        return service(facts, one);
      case "PodDisruptionBudget":
        return budget(facts, one, desired);
      default:
        return [workload(one)];
    }
  });
  const rank = ({ reason, stops }: NeighbourTrouble) => (stops ? -1 : ORDER.indexOf(reason));
  return found.toSorted((a, b) => rank(a) - rank(b));
}

const ORDER: readonly NeighbourTrouble["reason"][] = [
  "AutoscalerOnChild",
  "ServiceSelectsPods",
  "BudgetSelectsPods",
  "WorkloadSelectsPods",
];

const TOLD = 5;

/** One condition, by the worst of them; its text is bounded, however many there are. */
export function neighbourSaying(troubles: readonly NeighbourTrouble[]): Saying[] {
  const [worst] = troubles;
  if (!worst) return [];
  const more = troubles.length > TOLD ? [`${troubles.length - TOLD} more objects do so`] : [];
  const message = [...troubles.slice(0, TOLD).map((one) => one.message), ...more].join(". ");
  return [{ type: "SelectedByOthers", status: "True", reason: worst.reason, message }];
}

/** Somebody's Service would send requests to the exporter: a readiness gate keeps it out. Unknown: as it is. */
export function selectsBackup({ neighbours }: Pick<Facts, "neighbours">): boolean | "unknown" {
  if (neighbours.seen.some((one) => one.kind === "Service" && one.wanted.includes("backup"))) return true;
  return neighbours.unread.includes("Service") ? "unknown" : false;
}

function autoscaler({ group, children }: Seen, { name, scales }: NeighbourFact): NeighbourTrouble[] {
  const reason = "AutoscalerOnChild";
  // Of a name that somebody else's Deployment has, NameTaken speaks.
  if (!children.byName.has(`Deployment/${scales}`)) return [];
  const who = `HorizontalPodAutoscaler "${name}" scales Deployment "${scales}", which Holdfast scales`;
  if (scales !== childName.traffic(group.name))
    return [{ reason, message: `${who}: remove the autoscaler. Two exporters would mix their exports` }];
  const effect = "each undoes what the other writes, and no move of pods begins";
  const way = `Set its scaleTargetRef to GatewayGroup "${group.name}"`;
  return [{ reason, message: `${who}: ${effect}. ${way}`, stops: "moves" }];
}

function service(facts: Seen, one: NeighbourFact): NeighbourTrouble[] {
  const roles = rolesOf(one);
  const who = `Service "${one.name}"`;
  const reason = "ServiceSelectsPods";
  if (roles.includes("backup") && one.unready && one.wanted.includes("backup"))
    return [
      {
        reason,
        stops: "exporter",
        message: `${who} selects the backup pod and publishes pods that are not ready: requests to that pod fail, as it listens on no port. No backup pod is started. ${cure(facts, one)}`,
      },
    ];
  if (roles.includes("backup"))
    return [
      {
        reason,
        message: `${who} selects the backup pod, which listens on no port. A readiness gate keeps requests away from it. ${cure(facts, one)}`,
      },
    ];
  if (roles.includes("traffic") && !one.meant)
    return [{ reason, message: `${who} selects the traffic pods: they receive its requests. ${cure(facts, one)}` }];
  const throwAway = roles.some((role) => role !== "traffic");
  if (!throwAway || !one.unready) return [];
  const what = "rehearsal, canary and witness pods and publishes pods that are not ready: requests to them fail";
  return [{ reason, message: `${who} selects ${what}. ${cure(facts, one)}` }];
}

function budget(facts: Seen, one: NeighbourFact, { others }: Written): NeighbourTrouble[] {
  const reason = "BudgetSelectsPods";
  const who = `PodDisruptionBudget "${one.name}"`;
  const roles = rolesOf(one);
  if (!roles.includes("traffic")) {
    const what = roles.includes("backup") ? "the backup pod" : "throw-away pods";
    return [{ reason, message: `${who} counts ${what} of this group. ${cure(facts, one)}` }];
  }
  const own = others.find(({ kind }) => kind === "PodDisruptionBudget")?.metadata.name;
  const strangers = facts.neighbours.seen.filter(
    ({ kind, name, ...rest }) =>
      kind === "PodDisruptionBudget" && name !== one.name && rolesOf(rest).includes("traffic"),
  );
  const second = own ?? strangers[0]?.name;
  // The only budget of these pods: that of a platform, and Holdfast's was left out for it.
  if (second === undefined) return [];
  const twice = `${who} selects the traffic pods, as PodDisruptionBudget "${second}" does`;
  return [
    {
      reason,
      message: `${twice}: Kubernetes refuses to evict a pod with two budgets, so a drain of its node fails. Leave one of the two out`,
    },
  ];
}

function workload(one: NeighbourFact): NeighbourTrouble {
  const { kind, name } = one;
  return {
    reason: "WorkloadSelectsPods",
    message: `The selector of ${kind} "${name}" matches pods of this group (${rolesOf(one).join(", ")}): an autoscaler of it counts their load. Change it, or the labels in spec.traffic.podTemplate`,
  };
}

const rolesOf = ({ wanted, live }: Pick<NeighbourFact, "wanted" | "live">): Role[] => [
  ...new Set([...wanted, ...live]),
];

/** Pods that run may still have labels that the present version gives no pod. */
function cure({ group }: Seen, { wanted }: NeighbourFact): string {
  return wanted.length > 0
    ? "Change its selector, or the labels in the podTemplate"
    : `Only pods with labels of a former version are selected; new ones are not. To replace them now: annotate GatewayGroup "${group.name}" with holdfast.dev/restart-at=<present time>`;
}
