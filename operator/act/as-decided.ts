import type { Facts } from "../domain/facts/facts.ts";
import { gatewayGroups } from "../kinds.ts";
import type { Log } from "../log.ts";
import { groupNow } from "./live-read.ts";
import type { StepDeps } from "./step-deps.ts";

/**
 * Is the group still the one that was decided on, by a live read? Else nothing of the plan is carried out: the mode or
 * epoch may be another leader's, and a person may have said Hold. Once per plan that does something, never at rest.
 */
export async function isAsDecidedOn(
  { group }: Facts,
  deps: StepDeps & { log: Log },
  signal: AbortSignal,
): Promise<boolean> {
  const now = await groupNow(deps.client, group, signal);
  if (now?.metadata.uid === group.uid && now.metadata.resourceVersion === group.resourceVersion) return true;
  // The cache must show it before the next decision, as if we had written it; a watch that does not tell lists anew.
  if (now) deps.wrote(gatewayGroups, now);
  else deps.deleted(gatewayGroups, group.name, group.uid);
  deps.log.info("plan set aside: the group is not as it was decided on", { seen: group.resourceVersion });
  return false;
}
