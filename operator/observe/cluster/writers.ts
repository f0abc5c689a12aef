import { FIELD_MANAGER } from "../../api/names.ts";
import { MARK } from "../../domain/desired/common.ts";
import type { WorkloadFact } from "../../domain/facts/cluster.ts";
import type { ObjectMeta } from "../../kube/resources.ts";

/** Who else writes an object of ours, by its managedFields. */

type Entries = NonNullable<ObjectMeta["managedFields"]>;
type Entry = Entries[number];
type Fields = Record<string, unknown>;

/** Of an entry's fields only the two that are read here. */
const REPLICAS = { "f:spec": { "f:replicas": {} } };
const OUR_MARK = { "f:metadata": { "f:annotations": { [`f:${MARK.appliedHash}`]: {} } } };

const has = (fields: object | undefined, ...path: readonly string[]): boolean => {
  let at: unknown = fields;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return false;
    at = (at as Fields)[name];
  }
  return true;
};
const setsReplicas = ({ fieldsV1 }: Entry): boolean => has(fieldsV1, "f:spec", "f:replicas");
const holdsOurMark = ({ fieldsV1 }: Entry): boolean =>
  has(fieldsV1, "f:metadata", "f:annotations", `f:${MARK.appliedHash}`);
const isOurs = ({ manager = "" }: Entry): boolean => manager.startsWith(FIELD_MANAGER);

/** What is cached of managedFields, which are half of an object. */
export function slimWriters(entries: Entries): Entries {
  return entries
    .filter((entry) => setsReplicas(entry) || (!isOurs(entry) && entry.subresource !== "status"))
    .map((entry) => {
      const { manager = "", time = "", subresource } = entry;
      const fieldsV1 = { ...(setsReplicas(entry) ? REPLICAS : {}), ...(holdsOurMark(entry) ? OUR_MARK : {}) };
      return { manager, time, ...(subresource === undefined ? {} : { subresource }), fieldsV1 };
    });
}

const newestOf = (entries: Entries): Entry | undefined =>
  [...entries].sort((a, b) => (a.time ?? "").localeCompare(b.time ?? "")).at(-1);

/**
 * Who set spec.replicas last; nobody, where Holdfast did. What comes through the scale subresource carries no time
 * (measured, Kubernetes 1.34); each change of the number is another generation of the Deployment.
 */
export function scalerOf({
  managedFields = [],
  generation = 0,
}: ObjectMeta): Pick<WorkloadFact, "scaledBy" | "scaledAt"> {
  const newest = newestOf(managedFields.filter(setsReplicas));
  return newest === undefined || isOurs(newest) ? {} : { scaledBy: newest.manager ?? "", scaledAt: `${generation}` };
}

/** Who else wrote the object last; its status and its scale are no part of what Holdfast means. */
export function writerOf({ managedFields = [] }: ObjectMeta): { manager: string; at: string } | undefined {
  const newest = newestOf(managedFields.filter((entry) => !isOurs(entry) && entry.subresource === undefined));
  return newest && { manager: newest.manager ?? "", at: newest.time ?? "" };
}

/** Somebody else owns the mark that Holdfast puts on what it writes: he made the object from a copy. */
export const isCopy = ({ managedFields = [] }: ObjectMeta): boolean =>
  managedFields.some((entry) => !isOurs(entry) && holdsOurMark(entry));
