import { ANNOTATION } from "../api/names.ts";
import { gatewayGroups } from "../kinds.ts";
import type { KubeClient } from "../kube/client.ts";
import { isKubeError } from "../kube/errors.ts";
import { type ObjectMeta, podDisruptionBudgets } from "../kube/resources.ts";
import type { Log } from "../log.ts";

type Budget = { metadata: ObjectMeta };

export interface ThawDeps {
  client: Pick<KubeClient, "get" | "jsonPatch">;
  log: Log;
}

/**
 * A budget that was frozen in an outage outlives its group under Retain, and would stop every drain for ever. Nothing
 * keeps a group from going, so it is thawed afterwards: as soon as the group is gone, or by the next start of Holdfast.
 */
export async function thaw(
  key: string,
  budgets: readonly Budget[],
  deps: ThawDeps,
  signal: AbortSignal,
): Promise<void> {
  const frozen = budgets.filter(({ metadata }) => metadata.annotations?.[ANNOTATION.unfrozen] !== undefined);
  const [namespace = "", group = ""] = key.split("/");
  if (frozen.length === 0 || (await exists(namespace, group, deps, signal))) return;
  for (const budget of frozen) await thawOne(namespace, budget, deps, signal);
}

/** Looked at live: a group that is merely not seen yet may be in an outage. */
async function exists(namespace: string, name: string, { client }: ThawDeps, signal: AbortSignal): Promise<boolean> {
  const live = await client.get(gatewayGroups, namespace, name, { signal });
  return live !== undefined && live.metadata.deletionTimestamp === undefined;
}

async function thawOne(namespace: string, { metadata }: Budget, deps: ThawDeps, signal: AbortSignal): Promise<void> {
  const { name, uid = "", resourceVersion = "" } = metadata;
  const allowed = metadata.annotations?.[ANNOTATION.unfrozen] ?? "";
  const value = allowed.endsWith("%") ? allowed : Number(allowed);
  const annotation = `/metadata/annotations/${ANNOTATION.unfrozen.replace("/", "~1")}`;
  try {
    await deps.client.jsonPatch(
      podDisruptionBudgets,
      { namespace, name, uid, resourceVersion },
      [
        { op: "replace", path: "/spec/maxUnavailable", value },
        { op: "remove", path: annotation },
      ],
      { signal },
    );
  } catch (error) {
    if (isKubeError(error, "NotFound")) return; // it went with its group
    throw error;
  }
  deps.log.info("disruption budget of a group that is gone allows evictions again", {
    budget: name,
    maxUnavailable: value,
  });
}
