import { childName, LABEL, type Role } from "../../api/names.ts";
import type { KubeObject } from "../facts/cluster.ts";
import type { Facts } from "../facts/facts.ts";
import type { Step } from "../plan.ts";
import { isAnothersStore } from "../snapshot/ownership.ts";
import type { Desired } from "./index.ts";
import { configMapsOf, liveOf } from "./live.ts";

const HOUR_MS = 3_600_000;
const NO_BUDGET = "traffic.disruptionBudget.enabled is false";

/** What nobody needs any more. Only what carries this group's label and the role that we gave it. */
export function obsolete(facts: Facts, desired: Desired): Step[] {
  const { group } = facts;
  const { backup, traffic } = group.spec;
  const sharesKey = facts.peers.keyConflict !== undefined || isAnothersStore(facts);
  const noBackup = !backup.enabled ? "backup.enabled is false" : sharesKey ? "two exporters on one key" : undefined;
  return [
    ...(noBackup === undefined ? [] : unwanted(facts, "Deployment", childName.backup(group.name), "backup", noBackup)),
    ...(traffic.service.enabled
      ? []
      : unwanted(facts, "Service", childName.service(group.name), "traffic", "traffic.service.enabled is false")),
    ...(traffic.disruptionBudget.enabled
      ? []
      : unwanted(facts, "PodDisruptionBudget", childName.disruptionBudget(group.name), "traffic", NO_BUDGET)),
    ...oldConfigs(facts, desired),
  ];
}

function unwanted(facts: Facts, kind: string, name: string, role: Role, why: string): Step[] {
  const object = facts.children.byName.get(`${kind}/${name}`);
  return object !== undefined && isOurs(facts, object, role) ? deletion(object, why) : [];
}

/**
 * Rendered configurations that no pod, no ReplicaSet and no wish names. The hour covers what the reader of references
 * may not have seen yet: a ConfigMap is made before the first thing that names it.
 */
function oldConfigs(facts: Facts, desired: Desired): Step[] {
  const wanted = new Set([
    ...[...desired.others, desired.traffic].map(({ metadata }) => metadata.name),
    ...configMapsOf(desired.template),
    ...(["traffic", "backup"] as const).flatMap((role) => configMapsOf(liveOf(facts, role)?.template)),
    ...facts.children.configsInUse,
  ]);
  const rendered = new RegExp(`^${facts.group.name}-(normal|reader|exporter)-[0-9a-f]+$`);
  return [...facts.children.byName.values()]
    .filter(({ kind, metadata }) => kind === "ConfigMap" && rendered.test(metadata.name) && !wanted.has(metadata.name))
    .filter((object) => isOurs(facts, object, "traffic") || isOurs(facts, object, "backup"))
    .filter(({ metadata }) => facts.nowMs - Date.parse(metadata.creationTimestamp ?? "") > HOUR_MS)
    .flatMap((object) => deletion(object, "nothing refers to this configuration any more"));
}

function isOurs({ group }: Facts, { metadata }: KubeObject, role: Role): boolean {
  return metadata.labels?.[LABEL.group] === group.name && metadata.labels[LABEL.role] === role;
}

function deletion({ apiVersion, kind, metadata }: KubeObject, why: string): Step[] {
  const { name, uid } = metadata;
  return uid === undefined ? [] : [{ do: "delete", apiVersion, kind, name, uid, why }];
}
